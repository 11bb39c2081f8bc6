package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write docs/cli.md")

const referenceFile = "../../docs/cli.md"

// The reference of the command line is made from its own help.
func TestReference(t *testing.T) {
	want := cliReference()
	if *update {
		if err := os.WriteFile(referenceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/cli.md is not what the help says (%v); run: go test ./cmd/tollgate -run TestReference -update", err)
	}
}

// Every command shows examples, and they are commands that there are.
func TestEveryCommandHasExamples(t *testing.T) {
	root := newParser(&terminal{}).Model.Node
	for _, node := range leaves(root) {
		_, examples, found := strings.Cut(node.Detail, "Examples:")
		if !found {
			t.Errorf("%s has no examples in its Help", node.FullPath())
			continue
		}
		own := false
		for line := range strings.Lines(examples) {
			_, call, called := strings.Cut(line, "tollgate ")
			if !called {
				continue
			}
			at := root
			for word := range strings.FieldsSeq(call) {
				next := child(at, word)
				if next == nil {
					break
				}
				at = next
			}
			if !at.Leaf() {
				t.Errorf("%s: the example %q is no command", node.FullPath(), strings.TrimSpace(line))
			}
			own = own || at == node
		}
		if !own {
			t.Errorf("%s: no example of its own", node.FullPath())
		}
	}
}

func child(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// leaves are the commands that do something, in the order of the help.
func leaves(node *kong.Node) []*kong.Node {
	if node.Leaf() {
		return []*kong.Node{node}
	}
	var all []*kong.Node
	for _, c := range node.Children {
		all = append(all, leaves(c)...)
	}
	return all
}

const cliHead = `<!-- Written by go test ./cmd/tollgate -run TestReference -update. Change the help in cmd/tollgate instead. -->

# The command line

` + "`tollgate serve` and `tollgate demo`" + ` start the server; every other command is a caller of the management API, and can do
nothing that curl could not. What was asked for goes to the standard output, everything else to the standard error.

- ` + "`TOLLGATE_URL`" + ` says where the server is, ` + "`TOLLGATE_TOKEN`" + ` is a management key (` + "`tgm_…`" + `).
- ` + "`--json`" + ` prints what the API answered, for programs.
- ` + "`none`" + ` as the value of a limit, a list or an instant is null: no limit, no restriction, never. A flag that is left out
  leaves its field as it is.
- Exit codes: 0 done, 1 refused or failed, 2 wrong usage, in which case nothing was tried.

`

func cliReference() []byte {
	var b bytes.Buffer
	b.WriteString(cliHead)
	root := newParser(&terminal{}).Model.Node
	b.WriteString("| command | what it does |\n|---|---|\n")
	for _, node := range leaves(root) {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", node.FullPath(), anchor(node.FullPath()), cell(node.Help))
	}
	noun := ""
	for _, node := range leaves(root) {
		if top := strings.Fields(node.FullPath())[1]; top != noun {
			noun = top
			fmt.Fprintf(&b, "\n## %s\n", noun)
		}
		writeCommand(&b, node)
	}
	return b.Bytes()
}

func anchor(path string) string { return strings.ReplaceAll(strings.ToLower(path), " ", "-") }

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func writeCommand(b *bytes.Buffer, node *kong.Node) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", node.FullPath(), node.Help)
	if about, _, _ := strings.Cut(node.Detail, "Examples:"); strings.TrimSpace(about) != "" {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(about))
	}
	if _, examples, found := strings.Cut(node.Detail, "Examples:"); found {
		b.WriteString("\n```sh\n")
		for line := range strings.Lines(strings.TrimSpace(examples)) {
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
		b.WriteString("```\n")
	}
	b.WriteString("\n| argument or flag | meaning |\n|---|---|\n")
	for _, p := range node.Positional {
		fmt.Fprintf(b, "| `<%s>` | %s |\n", p.Name, cell(p.Help))
	}
	// The nearest first: what is the command's own is what readers look for.
	for at := node; at.Parent != nil; at = at.Parent {
		for _, f := range at.Flags {
			if !f.Hidden {
				writeFlag(b, f)
			}
		}
	}
}

func writeFlag(b *bytes.Buffer, f *kong.Flag) {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if !f.IsBool() {
		name += "=" + f.FormatPlaceHolder()
	}
	help := f.Help
	if f.Required {
		help += " Required."
	}
	fmt.Fprintf(b, "| `%s` | %s |\n", name, cell(help))
}
