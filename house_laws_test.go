package tollgate_test

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// floorLaw: a package imports only lower floors; nothing sideways, and public
// packages less than that.
func floorLaw(h *house) (broken []string) {
	for _, dir := range h.packages() {
		if _, ok := floor(dir); !ok && !free(dir) {
			broken = append(broken, dir+": stands on no floor; give it one in the table of house_test.go and a line in docs/ARCHITECTURE.md")
		}
	}
	for f := range h.code {
		for p, spec := range f.imports {
			to, ours := strings.CutPrefix(p, module+"/")
			if !ours || free(f.dir) {
				continue
			}
			from, _ := floor(f.dir)
			below, ok := floor(to)
			allowed, restricted := only[f.dir]
			switch {
			case restricted && !slices.Contains(allowed, to):
				broken = append(broken, h.at(spec.Pos(), "%s may import %v of this module, not %s", f.dir, allowed, to))
			case !ok || below >= from:
				broken = append(broken, h.at(spec.Pos(), "%s (floor %d) imports %s (floor %d): only lower floors may be imported", f.dir, from, to, below))
			}
		}
	}
	return broken
}

// impure are packages that words and rules have no need of, and which of their
// names do no harm all the same: types, constants and arithmetic; nil = none.
var impure = map[string]func(name string) bool{
	"time":     not(`^(Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTimer|NewTicker)$`),
	"net":      regexp.MustCompile(`^(SplitHostPort|JoinHostPort)$`).MatchString,
	"net/http": regexp.MustCompile(`^(ResponseWriter|Header|Status\w+|Method\w+)$`).MatchString,
	"log/slog": regexp.MustCompile(`^(Value|LogValuer|\w+Value)$`).MatchString,
	"log":      nil, "database/sql": nil, "database/sql/driver": nil, "os/exec": nil, "net/rpc": nil, "net/smtp": nil,
	"math/rand": nil, "math/rand/v2": nil, "net/http/httputil": nil,
}

func not(pattern string) func(string) bool {
	re := regexp.MustCompile(pattern)
	return func(name string) bool { return !re.MatchString(name) }
}

// pureLaw: words and rules hold no clock, no goroutine, no database and no
// network.
func pureLaw(h *house) (broken []string) {
	for f := range h.code {
		if n, ok := floor(f.dir); (!ok || n > rules) && !pure[f.dir] {
			continue
		}
		for n := range ast.Preorder(f.syntax) {
			if _, ok := n.(*ast.GoStmt); ok {
				broken = append(broken, h.at(n.Pos(), "%s starts a goroutine", f.dir))
			}
		}
		for p, spec := range f.imports {
			harmless, found := impure[p]
			if found && harmless == nil {
				broken = append(broken, h.at(spec.Pos(), "%s imports %s", f.dir, p))
			}
			if !found || harmless == nil {
				continue
			}
			for name, at := range f.uses(p) {
				if !harmless(name) {
					broken = append(broken, h.at(at.Pos(), "%s uses %s.%s; what it needs of the world must be an argument", f.dir, p, name))
				}
			}
		}
	}
	return broken
}

// driverLaw: a driver is imported only by the gear that it drives.
func driverLaw(h *house) (broken []string) {
	for f := range h.code {
		for p, spec := range f.imports {
			for driver, gear := range drivers {
				if strings.HasPrefix(p, driver) && !slices.Contains(gear, f.dir) && !free(f.dir) {
					broken = append(broken, h.at(spec.Pos(), "%s imports %s, which is for %v only", f.dir, p, gear))
				}
			}
		}
	}
	return broken
}

// empty are names that do not say what is inside.
var empty = regexp.MustCompile(`^(utils?|commons?|helpers?|managers?|impl|misc|base|shared|lib)$`)

// nameLaw: no package, directory or file has an empty name, and a package has
// the name of its directory.
func nameLaw(h *house) (broken []string) {
	for _, f := range h.files {
		parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(f.path, ".go"), "_test"), "/")
		for _, part := range parts {
			if empty.MatchString(part) {
				broken = append(broken, f.path+": "+part+" says nothing about what is inside")
			}
		}
		name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
		if name != "main" && f.dir != "." && name != path.Base(f.dir) {
			broken = append(broken, h.at(f.syntax.Name.Pos(), "package %s stands in the directory %s", name, f.dir))
		}
	}
	return broken
}

// initLaw: nothing runs before main.
func initLaw(h *house) (broken []string) {
	for _, f := range h.files {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				broken = append(broken, h.at(fn.Pos(), "func init runs behind everybody's back"))
			}
		}
	}
	return broken
}

// interfaceLaw: an interface has five methods at most. One that is made of
// others is as wide as its widest part: who needs less takes a part. What gear
// keeps to itself is its own affair.
func interfaceLaw(h *house) (broken []string) {
	for f := range h.code {
		for n := range ast.Preorder(f.syntax) {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || (gear[f.dir] && !spec.Name.IsExported()) {
				continue
			}
			i, ok := spec.Type.(*ast.InterfaceType)
			if ok && methods(i) > maxMethods {
				broken = append(broken, h.at(spec.Pos(), "the interface %s has %d methods; %d are enough", spec.Name.Name, methods(i), maxMethods))
			}
		}
	}
	return broken
}

func methods(i *ast.InterfaceType) (n int) {
	for _, field := range i.Methods.List {
		if _, ok := field.Type.(*ast.FuncType); ok {
			n += len(field.Names)
		}
	}
	return n
}

// packageDocLaw: every package has a doc.go with its package comment.
func packageDocLaw(h *house) (broken []string) {
	for _, dir := range h.packages() {
		i := slices.IndexFunc(h.files, func(f *file) bool { return f.path == path.Join(dir, "doc.go") })
		if i < 0 {
			broken = append(broken, dir+": has no doc.go: purpose, what it does not do, the invariant, who calls it")
			continue
		}
		f := h.files[i]
		begin := "Package " + f.syntax.Name.Name + " "
		if f.syntax.Name.Name == "main" {
			begin = "Command " + path.Base(dir) + " "
		}
		if !strings.HasPrefix(f.syntax.Doc.Text(), begin) {
			broken = append(broken, f.path+": its comment must begin with "+begin)
		}
	}
	return broken
}

// nameDocLaw: every exported name has a doc comment: functions, types, methods of
// exported types, constants and variables (those of a group may share the
// group's).
func nameDocLaw(h *house) (broken []string) {
	missing := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		documented := slices.ContainsFunc(docs, func(g *ast.CommentGroup) bool { return strings.TrimSpace(g.Text()) != "" })
		if name.IsExported() && !documented {
			broken = append(broken, h.at(name.Pos(), "%s has no doc comment", name.Name))
		}
	}
	for f := range h.code {
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if receiver := receiverName(d); receiver == "" || ast.IsExported(receiver) {
					missing(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						missing(s.Name, d.Doc, s.Doc, s.Comment)
					case *ast.ValueSpec:
						for _, name := range s.Names {
							missing(name, d.Doc, s.Doc, s.Comment)
						}
					}
				}
			}
		}
	}
	return broken
}

// receiverName is the type that a method is declared on; "" for a function.
func receiverName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	return root(fn.Recv.List[0].Type).Name
}

// root is the name that an expression such as (*p[i].f) begins with; an ident
// without a name where it begins otherwise.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return &ast.Ident{}
		}
	}
}

// sizeLaw: a file is read in one sitting, and main in a minute.
func sizeLaw(h *house) (broken []string) {
	for _, f := range h.files {
		most := maxLines
		if f.syntax.Name.Name == "main" && path.Base(f.path) == "main.go" && !free(f.dir) {
			most = maxMainLines
		}
		if f.lines > most && long[f.path] == "" {
			broken = append(broken, h.at(f.syntax.FileStart, "%d lines, more than %d", f.lines, most))
		}
	}
	return broken
}

// later are marks of work that was put off.
var later = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// laterLaw: what is to be done stands in the tracker, or is done.
func laterLaw(h *house) (broken []string) {
	for _, f := range h.files {
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				if mark := later.FindString(c.Text); mark != "" {
					broken = append(broken, h.at(c.Pos(), "a %s", mark))
				}
			}
		}
	}
	return broken
}

// sleepLaw: a test waits for what it waits for. In a synctest bubble sleeping is
// that: the clock is the bubble's own.
func sleepLaw(h *house) (broken []string) {
	for _, f := range h.files {
		if !f.test && free(f.dir) {
			continue
		}
		var bubbles []ast.Node
		for n := range ast.Preorder(f.syntax) {
			if call, ok := n.(*ast.CallExpr); ok && name(call.Fun) == "synctest.Test" {
				bubbles = append(bubbles, call)
			}
		}
		for used, at := range f.uses("time") {
			inside := slices.ContainsFunc(bubbles, func(b ast.Node) bool { return b.Pos() < at.Pos() && at.End() < b.End() })
			if used == "Sleep" && !inside {
				broken = append(broken, h.at(at.Pos(), "time.Sleep: wait for the event, or use testing/synctest"))
			}
		}
	}
	return broken
}

// name is an expression such as pkg.Name in words; "" where it is no name.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name + "." + e.Sel.Name
		}
	}
	return ""
}
