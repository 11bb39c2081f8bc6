package tollgate_test

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// stateful are types whose values change by being used.
var stateful = regexp.MustCompile(`^(sync\.(Mutex|RWMutex|Map|Once|Pool|Cond|WaitGroup)|atomic\.\w+|rand\.Rand|http\.Client|bytes\.Buffer|strings\.Builder|chan)$`)

// stateLaw: a package keeps nothing between two calls. Its variables are errors,
// tables and embedded files: nobody assigns to them, takes their address to
// change them, or gives them a type that lives by changing.
func stateLaw(h *house) (broken []string) {
	vars := map[string]map[string]bool{} // directory → names of its package's variables
	for f := range h.code {
		if vars[f.dir] == nil {
			vars[f.dir] = map[string]bool{}
		}
		for _, s := range f.variables() {
			for i, n := range s.Names {
				vars[f.dir][n.Name] = n.Name != "_"
				var value ast.Expr
				if i < len(s.Values) {
					value = s.Values[i]
				}
				if kind := mutable(s.Type, value); kind != "" {
					broken = append(broken, h.at(n.Pos(), "the package's variable %s is a %s: state belongs to a value that somebody makes and owns", n.Name, kind))
				}
			}
		}
	}
	for f := range h.code {
		imported := map[string]bool{}
		for p, spec := range f.imports {
			imported[path.Base(p)] = true
			if spec.Name != nil {
				imported[spec.Name.Name] = true
			}
		}
		top := f.variables()
		for target := range f.changed {
			id := root(target)
			_, qualified := target.(*ast.SelectorExpr)
			switch {
			case vars[f.dir][id.Name] && packageLevel(id, top):
				broken = append(broken, h.at(target.Pos(), "the package's variable %s is changed", id.Name))
			case qualified && id.Obj == nil && imported[id.Name] && !vars[f.dir][id.Name]:
				broken = append(broken, h.at(target.Pos(), "a variable of another package is changed: %s", name(target)))
			}
		}
	}
	return broken
}

// variables are the declarations of variables at package level.
func (f *file) variables() (specs []*ast.ValueSpec) {
	for _, d := range f.syntax.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				specs = append(specs, s.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// mutable says what makes a variable of this type and value one that is meant to
// change; "" when nothing does.
func mutable(declared, value ast.Expr) string {
	for _, e := range []ast.Expr{declared, value} {
		switch x := e.(type) {
		case *ast.UnaryExpr:
			if x.Op == token.AND {
				return "pointer"
			}
		case *ast.StarExpr:
			return "pointer"
		case *ast.ChanType:
			return "channel"
		case *ast.CompositeLit:
			e = x.Type
		case *ast.CallExpr:
			if n := name(x.Fun); n == "make" || n == "new" {
				return "result of " + n
			}
		}
		if ix, ok := e.(*ast.IndexExpr); ok {
			e = ix.X
		}
		if n := name(e); stateful.MatchString(n) {
			return n
		}
	}
	return ""
}

// changed yields what the file assigns to, counts up, deletes from or copies
// into.
func (f *file) changed(yield func(ast.Expr) bool) {
	for n := range ast.Preorder(f.syntax) {
		var targets []ast.Expr
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				targets = n.Lhs
			}
		case *ast.IncDecStmt:
			targets = []ast.Expr{n.X}
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				targets = []ast.Expr{n.Key, n.Value}
			}
		case *ast.UnaryExpr:
			if id, ok := n.X.(*ast.Ident); ok && n.Op == token.AND {
				targets = []ast.Expr{id}
			}
		case *ast.CallExpr:
			if builtin := name(n.Fun); len(n.Args) > 0 && strings.Contains(" delete clear copy ", " "+builtin+" ") {
				targets = n.Args[:1]
			}
		}
		for _, t := range targets {
			if t != nil && !yield(t) {
				return
			}
		}
	}
}

// packageLevel reports whether id is a variable of the package, and not hidden
// by something in a function. The parser resolves names within a file: what it
// did not find is another file's.
func packageLevel(id *ast.Ident, top []*ast.ValueSpec) bool {
	if id.Obj == nil {
		return true
	}
	spec, ok := id.Obj.Decl.(*ast.ValueSpec)
	return ok && slices.Contains(top, spec)
}
