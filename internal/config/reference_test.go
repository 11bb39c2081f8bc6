package config

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/secret"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

const referenceFile = "../../docs/configuration.md"

// The reference is made from the comments and tags of config.go.
func TestReference(t *testing.T) {
	want := reference(t)
	if *update {
		if err := os.WriteFile(referenceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/configuration.md is not what the comments say (%v); run: go test ./internal/config -run TestReference -update", err)
	}
}

const referenceHead = `<!-- Written by go test ./internal/config -run TestReference -update. Change the comments in internal/config/config.go instead. -->

# Configuration

Everything has a default that works: no file is needed. What is set wins in this order: a flag, a variable, the file
(` + "`tollgate serve --config FILE`" + `, YAML), the default. ` + "`tollgate serve --check`" + ` tells everything that is wrong, and starts nothing.

- A name in the file that is not listed here is an error. A ` + "`TOLLGATE_…`" + ` variable that is not listed here is a warning. An empty variable counts as not set.
- Times are written like ` + "`50ms`, `30s`, `5m`, `1h`" + `; sizes like ` + "`64KiB`, `32MiB`" + ` or as a number of bytes; prices as US dollars with at most six decimals.
- A list in a variable is separated by commas (` + "`TOLLGATE_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7`" + `), a table of texts likewise (` + "`TOLLGATE_ALIASES=fast=openai/gpt-4o-mini`" + `); any list or table may also be given in YAML's flow style, which JSON is (` + "`TOLLGATE_PRICES=[{provider: custom, model: m, input: 1, output: 2}]`" + `). A list replaces that of the file; a table is laid over it.
- ` + "`TOLLGATE_CONFIG`" + ` names the file where no flag does. ` + "`TOLLGATE_URL` and `TOLLGATE_TOKEN`" + ` are read by the command line's client side, not by the server; ` + "`TOLLGATE_KEY`" + ` is for your own programs, and nothing here reads it.

` + "```yaml" + `
listen: 0.0.0.0:8080
trusted_proxies: [10.0.0.0/8]
timezone: Europe/Berlin
limits:
  max_body_bytes: 16MiB
providers:
  openai:
    api_key_env: TEAM_OPENAI_KEY
  local:
    base_url: http://10.0.0.5:8000/v1
prices:
  - {provider: local, model: "llama-*", context: 131072, max_output: 4096, input: 0.10, output: 0.20}
aliases:
  fast: openai/gpt-4o-mini
  good: [anthropic/claude-sonnet-4-5, openai/gpt-4.1]
` + "```" + `
`

func reference(t *testing.T) []byte {
	r := referenceWriter{docs: comments(t)}
	r.b.WriteString(referenceHead)
	c := Default()
	r.section("Top level", "", reflect.ValueOf(c).Elem())
	for _, f := range fieldsOf(reflect.ValueOf(c).Elem()) {
		if f.value.Kind() == reflect.Struct && !isLeaf(f.value.Type()) {
			r.section("`"+f.name+"`", f.name, f.value)
		}
	}
	r.section("`providers.<name>`", "providers.<name>", reflect.ValueOf(Provider{}))
	r.providers()
	r.section("A rule of `passthrough`", "-", reflect.ValueOf(Passthrough{}))
	r.section("A row of `prices`", "-", reflect.ValueOf(PriceRow{}))
	r.section("A tier of a row", "-", reflect.ValueOf(PriceTier{}))
	return r.b.Bytes()
}

// The example of the reference is one that works.
func TestReferenceExample(t *testing.T) {
	_, rest, _ := strings.Cut(referenceHead, "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	path := t.TempDir() + "/tollgate.yaml"
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := Load(path, []string{"TEAM_OPENAI_KEY=sk-x"})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if got := c.Configured(); len(got) != 2 || got[0].Slug != "local" || got[1].Slug != "openai" {
		t.Errorf("configured: %+v", got)
	}
}

type referenceWriter struct {
	b    bytes.Buffer
	docs map[string]string // "Type" and "Type.Field" → comment
}

// section is a table of one struct. A path of - has no variables.
func (r *referenceWriter) section(title, path string, v reflect.Value) {
	fmt.Fprintf(&r.b, "\n## %s\n\n", title)
	if path != "" {
		fmt.Fprintf(&r.b, "%s\n\n", r.docs[v.Type().Name()])
	}
	if path == "-" {
		r.b.WriteString("| name | value | meaning |\n|---|---|---|\n")
	} else {
		r.b.WriteString("| name | value | default | variable | meaning |\n|---|---|---|---|---|\n")
	}
	r.rows(path, v)
}

func (r *referenceWriter) rows(path string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			r.rows(path, v.Field(i))
			continue
		}
		name, doc := f.Tag.Get("yaml"), r.docs[v.Type().Name()+"."+f.Name]
		value, kind := v.Field(i), v.Field(i).Kind()
		if kind == reflect.Struct && !isLeaf(f.Type) {
			continue // has a section of its own
		}
		if path == "-" {
			fmt.Fprintf(&r.b, "| `%s` | %s | %s |\n", name, form(f), doc)
			continue
		}
		variable := envName(join(path, name))
		fmt.Fprintf(&r.b, "| `%s` | %s | %s | `%s` | %s |\n", name, form(f), byDefault(value), variable, doc)
	}
}

// providers lists the built-in ones.
func (r *referenceWriter) providers() {
	r.b.WriteString("\n`TOLLGATE_<NAME>_BASE_URL` and `TOLLGATE_<NAME>_API_KEY` do for short. The built-in providers:\n\n| name | base URL | usual variable of the credential |\n|---|---|---|\n")
	for _, p := range builtins() {
		base, keys := "must be set", "–"
		if p.baseURL != "" {
			base = "`" + p.baseURL + "`"
		}
		if len(p.keys) > 0 {
			keys = "`" + strings.Join(p.keys, "`, else `") + "`"
		}
		fmt.Fprintf(&r.b, "| `%s` | %s | %s |\n", p.slug, base, keys)
	}
}

// form is what a value looks like, from its type and tags.
func form(f reflect.StructField) string {
	if one := f.Tag.Get("oneof"); one != "" {
		return "`" + strings.ReplaceAll(one, " ", "`, `") + "`"
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	words := map[reflect.Type]string{
		reflect.TypeFor[string](): "text", reflect.TypeFor[secret.Text](): "secret", reflect.TypeFor[bool](): "`true`, `false`",
		reflect.TypeFor[int64](): "number", reflect.TypeFor[Bytes](): "size", reflect.TypeFor[time.Duration](): "time",
		reflect.TypeFor[money.Price](): "price",
	}
	word := words[t]
	switch t.Kind() {
	case reflect.Slice:
		word = "list"
	case reflect.Map:
		word = "table"
	}
	if from, to, ok := strings.Cut(f.Tag.Get("range"), ".."); ok {
		word += fmt.Sprintf(", %s to %s", from, to)
	}
	return word
}

func byDefault(v reflect.Value) string {
	if v.IsZero() && v.Kind() != reflect.Bool && v.Kind() != reflect.Int64 {
		return "–"
	}
	return "`" + show(v.Interface()) + "`"
}

// comments reads the doc comments of the types of config.go and their fields,
// each as one line.
func comments(t *testing.T) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	line := func(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }
	ast.Inspect(file, func(n ast.Node) bool {
		d, ok := n.(*ast.GenDecl)
		if !ok || d.Tok != token.TYPE {
			return true
		}
		spec := d.Specs[0].(*ast.TypeSpec)
		docs[spec.Name.Name] = sentence(line(d.Doc))
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if len(f.Names) == 0 {
				continue
			}
			if f.Doc == nil {
				t.Errorf("%s.%s has no comment, so the reference has no entry for it", spec.Name.Name, f.Names[0].Name)
				continue
			}
			docs[spec.Name.Name+"."+f.Names[0].Name] = line(f.Doc)
		}
		return false
	})
	return docs
}

// sentence drops the "Name is" that a type's comment begins with.
func sentence(doc string) string {
	_, rest, ok := strings.Cut(doc, " ")
	verb, rest2, _ := strings.Cut(rest, " ")
	if ok && verb == "is" {
		rest = rest2
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}
