package tollgate_test

import (
	"go/ast"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/fault"
)

// documents are what people read, relative to the module.
func documents(t *testing.T) map[string]string {
	t.Helper()
	files := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	texts := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

var link = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for name, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}

// TestArchitectureNamesEveryPackage: the map shows every room.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text := documents(t)["docs/ARCHITECTURE.md"]
	for _, dir := range readHouse(t, os.DirFS(".")).packages() {
		if dir != "." && !strings.Contains(text, strings.TrimPrefix(dir, "internal/")+"/") {
			t.Errorf("docs/ARCHITECTURE.md does not show %s", dir)
		}
	}
}

// TestReadmeKnowsTheCodes: the README's tables give each error code with its
// status, and no code that there is not.
func TestReadmeKnowsTheCodes(t *testing.T) {
	text := documents(t)["README.md"]
	row := regexp.MustCompile("(?m)^\\|.*\\|\\s*([1-5][0-9]{2}) ((?:`[a-z_]+`(?:, )?)+)")
	code := regexp.MustCompile("`([a-z_]+)`")
	told := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		status, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range code.FindAllStringSubmatch(m[2], -1) {
			told[c[1]] = true
			if api.Status(c[1]) != status || (status == http.StatusInternalServerError && c[1] != string(fault.Internal)) {
				t.Errorf("README.md says %d for %s, which is answered with %d", status, c[1], api.Status(c[1]))
			}
		}
	}
	for code, where := range refusals(t) {
		if !told[code] {
			t.Errorf("README.md does not tell of %s, which %s refuses with", code, where)
		}
	}
}

// refusals are the codes that requests to the data plane can be refused with,
// and a package that does so.
func refusals(t *testing.T) map[string]string {
	h := readHouse(t, os.DirFS("."))
	values := map[string]string{} // name of the constant → code
	for f := range h.code {
		for n := range ast.Preorder(f.syntax) {
			spec, ok := n.(*ast.ValueSpec)
			if f.dir == "internal/fault" && ok && name(spec.Type) == "Kind" {
				values[spec.Names[0].Name] = strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`)
			}
		}
	}
	codes := map[string]string{}
	for f := range h.code {
		if !slices.Contains([]string{"proxy", "policy", "dialect", "catalog", "limit", "ledger"}, path.Base(f.dir)) {
			continue
		}
		for kind := range f.uses(module + "/internal/fault") {
			if code := values[kind]; code != "" {
				codes[code] = f.dir
			}
		}
	}
	if len(codes) < 25 {
		t.Fatalf("only %d codes found", len(codes))
	}
	return codes
}

// TestPinnedLibc: modernc.org/sqlite is generated C and works with one version of
// modernc.org/libc, the one that its own go.mod names. Another dependency may
// pull in a newer one (goose from v3.29.0 on does), and Go would take it.
func TestPinnedLibc(t *testing.T) {
	own, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	driver := required(string(own), "modernc.org/sqlite")
	theirs, err := os.ReadFile(filepath.Join(moduleCache(), "cache", "download", "modernc.org", "sqlite", "@v", driver+".mod"))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the module cache has no go.mod of modernc.org/sqlite %s: %v", driver, err)
		}
		t.Skipf("NOT CHECKED: the module cache has no go.mod of modernc.org/sqlite %s: %v", driver, err)
	}
	if got, want := required(string(own), "modernc.org/libc"), required(string(theirs), "modernc.org/libc"); got != want || want == "" {
		t.Errorf("go.mod takes modernc.org/libc %s, and modernc.org/sqlite %s wants %s; was goose raised above v3.28.0?", got, driver, want)
	}
}

// required is the version of a module that the text of a go.mod requires.
func required(text, module string) string {
	for line := range strings.Lines(text) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if i := slices.Index(fields, module); i == 0 && len(fields) > 1 {
			return fields[1]
		}
	}
	return ""
}

// moduleCache is where the go command keeps modules.
func moduleCache() string {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	root := os.Getenv("GOPATH")
	if root == "" {
		home, _ := os.UserHomeDir()
		root = filepath.Join(home, "go")
	}
	return filepath.Join(filepath.SplitList(root)[0], "pkg", "mod")
}
