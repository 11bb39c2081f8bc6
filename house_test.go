package tollgate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// module is the path of this module, as imports spell it.
const module = "tollgate"

// The floors. A package imports only lower ones, nothing beside it.
const (
	words   = iota // what everybody says
	rules          // pure: no clock, goroutine, database or network
	keepers        // hold state, and the interfaces to what keeps it
	doors          // where requests come in; and gear, which drives the outside
	server         // builds all
	command        // the program
)

// floors is where each package stands. A new package needs a line here, and one
// in docs/ARCHITECTURE.md.
var floors = map[string]int{
	"internal/money": words, "internal/llm": words, "internal/fault": words, "internal/secret": words,

	"internal/key": rules, "internal/apidocs": rules, "internal/policy": rules, "internal/limit": rules,
	"internal/catalog": rules, "internal/dialect": rules, "internal/config": rules, "internal/tokens": rules,
	"internal/credential": rules, "internal/reach": rules,

	"internal/authority": keepers, "internal/vault": keepers, "internal/ledger": keepers, "internal/pricing": keepers,

	"internal/proxy": doors, "internal/decide": doors, "internal/admin": doors, "internal/console": doors,
	"internal/store/sqlite": doors, "internal/store/postgres": doors, "internal/store/storetest": doors,
	"internal/counter/memory": doors, "internal/counter/redis": doors, "internal/counter/postgres": doors,
	"internal/counter/countertest": doors,
	"internal/upstream":            doors, "internal/simulate": doors, "internal/keyset": doors,
	"internal/pricelist": doors, // likewise
	"internal/foreign":   doors, // beside the doors: it says files in the words of api

	"internal/server": server,

	// Public: wire types for doors and up; the client is on nobody's way but the
	// command's.
	"api": keepers, "client": server,

	"cmd/tollgate": command,
}

// gear is what of the doors' floor drives the outside: stores, counters, the
// way to providers.
var gear = map[string]bool{
	"internal/store/sqlite": true, "internal/store/postgres": true, "internal/counter/memory": true,
	"internal/counter/redis": true, "internal/counter/postgres": true, "internal/upstream": true, "internal/simulate": true,
	"internal/keyset": true,
}

// pure are packages above the rules that hold as little as they do.
var pure = map[string]bool{"internal/foreign": true, "internal/pricelist": true}

// outside are packages that stand on no floor: they may import any, and no other
// package imports them.
var outside = []string{".", "test"}

// only lists all that some packages may import of this module, where the floors
// would let them do more.
var only = map[string][]string{
	"api":    {}, // may be copied into other programs
	"client": {"api"},
	// The command line is a caller of the management API like any other. What it
	// has beyond that are the two servers it starts, what they are told, and the
	// files of other gateways.
	"cmd/tollgate": {"api", "client", "internal/config", "internal/foreign", "internal/pricelist", "internal/key", "internal/secret", "internal/server", "internal/simulate"},
}

// drivers are libraries that one kind of gear or door drives; nobody else knows
// that they are there.
var drivers = map[string][]string{
	"modernc.org/":                      {"internal/store/sqlite"},
	"github.com/pressly/goose":          {"internal/store/sqlite", "internal/store/postgres"},
	"github.com/jackc/pgx":              {"internal/store/postgres", "internal/counter/postgres"},
	"github.com/redis/rueidis":          {"internal/counter/redis"},
	"github.com/danielgtaylor/huma":     {"internal/admin"},
	"github.com/envoyproxy/":            {"internal/decide"},
	"google.golang.org/grpc":            {"internal/decide", "internal/server"},
	"github.com/coder/websocket":        {"test/chaos", "internal/proxy", "internal/upstream", "internal/simulate", "internal/server"},
	"github.com/tink-crypto/":           {"internal/secret"},
	"github.com/coreos/go-oidc":         {"internal/console"},
	"github.com/alecthomas/kong":        {"cmd/tollgate"},
	"go.yaml.in/":                       {"internal/config"},
	"github.com/tiktoken-go/":           {"internal/tokens"},
	"github.com/gaissmai/bart":          {"internal/policy"},
	"github.com/prometheus/client_":     {"internal/server", "internal/admin"},
	"go.opentelemetry.io/otel/exporter": {"internal/server"},
}

// long are files of more than maxLines lines, each with the reason.
var long = map[string]string{}

const (
	maxLines     = 500
	maxMainLines = 60
	maxMethods   = 5
)

// house is the Go source of the module, parsed.
type house struct {
	fset  *token.FileSet
	files []*file
}

// file is one source file. Its dir is relative to the module, "." for the root.
type file struct {
	path, dir string
	test      bool
	syntax    *ast.File
	lines     int
}

// laws are what holds for every package. Each gives what breaks it, in words.
// They read the source themselves: go test sees then that a file has changed,
// which it would not if a tool were asked.
var laws = []struct {
	name  string
	check func(*house) []string
}{
	{"floors", floorLaw},
	{"rules are pure", pureLaw},
	{"drivers stay in their gear", driverLaw},
	{"names say something", nameLaw},
	{"no init", initLaw},
	{"no mutable state in packages", stateLaw},
	{"interfaces are small", interfaceLaw},
	{"every package says what it is", packageDocLaw},
	{"every exported name is documented", nameDocLaw},
	{"files are short", sizeLaw},
	{"nothing is left for later", laterLaw},
	{"tests do not sleep", sleepLaw},
}

func TestHouse(t *testing.T) {
	h := readHouse(t, os.DirFS("."))
	if len(h.files) < 100 {
		t.Fatalf("only %d files found: the laws hold of nothing", len(h.files))
	}
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			for _, broken := range law.check(h) {
				t.Error(broken)
			}
		})
	}
}

// TestExceptionsAreNeeded: an exception goes with its cause.
func TestExceptionsAreNeeded(t *testing.T) {
	h := readHouse(t, os.DirFS("."))
	for name, reason := range long {
		i := slices.IndexFunc(h.files, func(f *file) bool { return f.path == name })
		if i < 0 || h.files[i].lines <= maxLines {
			t.Errorf("%s is not too long (%s)", name, reason)
		}
	}
}

// readHouse parses every Go file of the module in tree. Directories with a
// go.mod of their own are other modules.
func readHouse(t *testing.T, tree fs.FS) *house {
	t.Helper()
	h := &house{fset: token.NewFileSet()}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped(tree, name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return h.add(tree, name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func skipped(tree fs.FS, dir string) bool {
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

func (h *house) add(tree fs.FS, name string) error {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(h.fset, name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	h.files = append(h.files, &file{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		syntax: syntax, lines: strings.Count(string(text), "\n"),
	})
	return nil
}

// code yields the files that are no tests.
func (h *house) code(yield func(*file) bool) {
	for _, f := range h.files {
		if !f.test && !yield(f) {
			return
		}
	}
}

// packages are the directories with code, in order.
func (h *house) packages() []string {
	var dirs []string
	for f := range h.code {
		dirs = append(dirs, f.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// at is a finding with its place in front.
func (h *house) at(pos token.Pos, format string, args ...any) string {
	p := h.fset.Position(pos)
	return fmt.Sprintf("%s:%d: ", p.Filename, p.Line) + fmt.Sprintf(format, args...)
}

// floor is the number of dir's floor, and whether it has one.
func floor(dir string) (n int, ok bool) {
	n, ok = floors[dir]
	return n, ok
}

// free reports whether dir stands on no floor and needs none.
func free(dir string) bool {
	return slices.ContainsFunc(outside, func(o string) bool { return dir == o || strings.HasPrefix(dir, o+"/") })
}

// imports yields the path of each import, with its declaration.
func (f *file) imports(yield func(string, *ast.ImportSpec) bool) {
	for _, spec := range f.syntax.Imports {
		if !yield(strings.Trim(spec.Path.Value, "`\""), spec) {
			return
		}
	}
}

// uses yields each name that is taken from the package with the import path pkg,
// such as time.Now for pkg "time", and where.
func (f *file) uses(pkg string) func(func(string, ast.Node) bool) {
	return func(yield func(string, ast.Node) bool) {
		local := ""
		for p, spec := range f.imports {
			if p == pkg {
				local = path.Base(p)
				if spec.Name != nil {
					local = spec.Name.Name
				}
			}
		}
		if local == "" {
			return
		}
		for n := range ast.Preorder(f.syntax) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			// An object found means that a variable hides the package here.
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil && !yield(sel.Sel.Name, sel) {
				return
			}
		}
	}
}
