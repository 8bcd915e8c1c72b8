package tidy_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// checkState looks for global mutable state in non-test code: variables of
// package level that are written after their declaration, that are made to be
// written (a mutex, an atomic counter), and init functions. A change made through
// a copy of a pointer goes unseen.
func checkState(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		for _, f := range r.code() {
			for _, d := range f.ast.Decls {
				found = append(found, t.stateful(d)...)
			}
			found = append(found, t.writes(f)...)
		}
	}
	return found
}

// stateful reports a declaration whose only use is mutable state.
func (t *tree) stateful(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.Name == "init" {
			return []string{t.at(d.Pos()) + ": init function; pass values instead"}
		}
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return nil
		}
		var found []string
		for _, s := range d.Specs {
			spec := s.(*ast.ValueSpec)
			if what := t.shared(spec); what != "" {
				found = append(found, fmt.Sprintf("%s: %s of package level; put it into a value that is passed",
					t.at(spec.Pos()), what))
			}
		}
		return found
	}
	return nil
}

// shared names the type of a variable that exists to be changed by many, or "".
func (t *tree) shared(spec *ast.ValueSpec) string {
	for _, e := range slices.Concat([]ast.Expr{spec.Type}, spec.Values) {
		if u, ok := e.(*ast.UnaryExpr); ok {
			e = u.X
		}
		if lit, ok := e.(*ast.CompositeLit); ok {
			e = lit.Type
		}
		if x, ok := e.(*ast.IndexExpr); ok { // atomic.Pointer[T]
			e = x.X
		}
		sel, ok := e.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		pkg, name := t.fromPackage(sel)
		// sync.Pool and sync.OnceValue hold nothing that a caller can see change.
		ofSync := []string{"Mutex", "RWMutex", "Map", "Once", "WaitGroup", "Cond"}
		if pkg == "sync/atomic" || pkg == "sync" && slices.Contains(ofSync, name) {
			return pkg + "." + name
		}
	}
	return ""
}

// writes reports every statement that changes a variable of package level, of
// this package or another.
func (t *tree) writes(f *source) []string {
	var found []string
	report := func(targets ...ast.Expr) {
		for _, e := range targets {
			if name := t.globalTarget(e); name != "" {
				found = append(found, fmt.Sprintf("%s: %s is of package level and is changed here", t.at(e.Pos()), name))
			}
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			report(n.Lhs...)
		case *ast.IncDecStmt:
			report(n.X)
		case *ast.RangeStmt:
			report(n.Key, n.Value)
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 {
				if b, ok := t.info.Uses[id].(*types.Builtin); ok && slices.Contains([]string{"delete", "clear", "copy"}, b.Name()) {
					report(n.Args[0])
				}
			}
		}
		return true
	})
	return found
}

// globalTarget unwraps an assigned expression down to the variable that holds it,
// and names it if it is of package level.
func (t *tree) globalTarget(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if pkg, name := t.fromPackage(x); pkg != "" {
				return pkg + "." + name
			}
			e = x.X
		case *ast.Ident:
			if t.packageVar(x) {
				return x.Name
			}
			return ""
		default:
			return ""
		}
	}
}

var stateExamples = []example{
	{name: "constant after declaration", files: map[string]string{
		"money/a.go": `package money
import ("errors"; "sync")
var ErrSyntax = errors.New("syntax")
var table = map[string]int{"USD": 2}
var once = sync.OnceValue(func() int { return 1 })
var buffers = sync.Pool{}
type box struct{ table map[string]int }
func (b *box) init() { b.table["x"] = 1 }
func f() map[string]int {
	table := map[string]int{}
	table["x"] = table["y"]
	for k := range table { delete(table, k) }
	return table
}`,
		"money/a_test.go": "package money\nfunc g() { table[\"x\"] = 1 }",
	}},
	{
		name: "changed later",
		files: map[string]string{
			"ledger/a.go": `package ledger
import ("sync"; "sync/atomic")
var names = map[string]int{}
var list []string
var count int
var current = &struct{ n int }{}
var mu sync.Mutex
var hits = &atomic.Int64{}
func init() {}
`,
			"ledger/b.go": `package ledger
import "net/http"
func f() {
	names["x"] = 1
	list = append(list, "x")
	count++
	current.n = 2
	delete(names, "x")
	http.DefaultClient = nil
	for count = range 3 {
	}
}`,
		},
		want: []string{
			"ledger/a.go:7: sync.Mutex of package level; put it into a value that is passed",
			"ledger/a.go:8: sync/atomic.Int64 of package level; put it into a value that is passed",
			"ledger/a.go:9: init function; pass values instead",
			"ledger/b.go:10: count is of package level and is changed here",
			"ledger/b.go:4: names is of package level and is changed here",
			"ledger/b.go:5: list is of package level and is changed here",
			"ledger/b.go:6: count is of package level and is changed here",
			"ledger/b.go:7: current is of package level and is changed here",
			"ledger/b.go:8: names is of package level and is changed here",
			"ledger/b.go:9: net/http.DefaultClient is of package level and is changed here",
		},
	},
}
