package tidy_test

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// checkBanned looks for names that only some rooms may use, called or passed on.
func checkBanned(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		for _, f := range r.code() {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				var why string
				switch n := n.(type) {
				case *ast.SelectorExpr:
					why = t.bannedIn(r.dir, n)
				case *ast.CallExpr:
					why = t.builtinPrint(n)
				}
				if why != "" {
					found = append(found, t.at(n.Pos())+": "+why)
				}
				return true
			})
		}
	}
	return found
}

func (t *tree) bannedIn(dir string, sel *ast.SelectorExpr) string {
	pkg, name := t.fromPackage(sel)
	for _, b := range bans {
		if b.pkg == pkg && b.has(name) && !matchesAny(b.except, dir) {
			return fmt.Sprintf("%s.%s: %s", pkg, name, b.why)
		}
	}
	return ""
}

func (b ban) has(name string) bool {
	return slices.ContainsFunc(b.names, func(want string) bool {
		prefix, open := strings.CutSuffix(want, "*")
		return name == want || open && strings.HasPrefix(name, prefix)
	})
}

func (t *tree) builtinPrint(call *ast.CallExpr) string {
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return ""
	}
	if b, ok := t.info.Uses[id].(*types.Builtin); ok && (b.Name() == "print" || b.Name() == "println") {
		return b.Name() + ": left over from debugging"
	}
	return ""
}

var bannedExamples = []example{
	{name: "where they belong", files: map[string]string{
		"internal/clock/c.go":         "package clock\nimport \"time\"\nvar now = time.Now",
		"cmd/bursar/a.go":             "package main\nimport (\"fmt\"; \"os\")\nfunc f() { fmt.Println(); os.Exit(1) }",
		"examples/pay/a.go":           "package main\nimport (\"fmt\"; \"time\")\nfunc f() { fmt.Println(time.Now()) }",
		"internal/tools/testenv/a.go": "package main\nimport \"os\"\nfunc f() { os.Exit(1) }",
		"money/a_test.go":             "package money\nimport (\"fmt\"; \"time\")\nfunc f() { fmt.Println(time.Now()) }",
		"money/a.go":                  "package money\nimport \"fmt\"\nfunc f() string { return fmt.Sprint() }",
		"money/b.go": "package money\nimport \"time\"\n" +
			"func g() { time := struct{ Now func() }{}; time.Now() }\nvar d time.Duration",
	}},
	{
		name: "elsewhere",
		files: map[string]string{
			"ledger/a.go": `package ledger
import ("context"; "fmt"; "log"; "os"; clock "time")
var now = clock.Now
func f() {
	_ = clock.Since(now())
	fmt.Printf("")
	os.Exit(1)
	log.Fatalf("")
	println()
	_ = context.TODO()
	fmt.Fprintln(os.Stderr)
}`,
			"internal/tools/testenv/a.go": "package main\nimport \"time\"\nvar now = time.Now()",
		},
		want: []string{
			"internal/tools/testenv/a.go:3: time.Now: take the time from internal/clock",
			"ledger/a.go:10: context.TODO: take the context from the caller",
			"ledger/a.go:11: os.Stderr: only commands own the process; return an error or take an io.Writer",
			"ledger/a.go:3: time.Now: take the time from internal/clock",
			"ledger/a.go:5: time.Since: take the time from internal/clock",
			"ledger/a.go:6: fmt.Printf: only commands talk to the terminal; return a value or take an io.Writer",
			"ledger/a.go:7: os.Exit: only commands own the process; return an error or take an io.Writer",
			"ledger/a.go:8: log.Fatalf: return an error, or take a *slog.Logger",
			"ledger/a.go:9: println: left over from debugging",
		},
	},
}

// checkTestManners wants tests and suites to wait on signals instead of sleeping,
// and to say why they skip.
func checkTestManners(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		for _, f := range r.files {
			if !f.test && !isSuite(r.dir) {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if pkg, name := t.fromPackage(n); pkg == "time" && name == "Sleep" {
						found = append(found, t.at(n.Pos())+": time.Sleep in a test; wait on a signal, or move a fake clock")
					}
				case *ast.CallExpr:
					if silentSkip(n) {
						found = append(found, t.at(n.Pos())+": a skip without a reason")
					}
				}
				return true
			})
		}
	}
	return found
}

// silentSkip recognises a skip by the usual names of a test's receiver, because
// other types may skip too.
func silentSkip(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if id, ok := sel.X.(*ast.Ident); !ok || !slices.Contains([]string{"t", "b", "f", "tb"}, id.Name) {
		return false
	}
	switch sel.Sel.Name {
	case "SkipNow":
		return true
	case "Skip", "Skipf":
		return len(call.Args) == 0 || blank(call.Args[0])
	}
	return false
}

func blank(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return false
	}
	s, err := strconv.Unquote(lit.Value)
	return err == nil && strings.TrimSpace(s) == ""
}

var testMannerExamples = []example{
	{name: "mannerly", files: map[string]string{
		"money/a_test.go": `package money
import "testing"
func TestX(t *testing.T) { t.Skip("no hledger here"); t.Skipf("needs %s", "sqlite3") }
func g(d interface{ Skip() }) { d.Skip() }`,
		"atomic/a.go": "package atomic\nimport \"time\"\nfunc f() { time.Sleep(1) }",
	}},
	{
		name: "sleeping and skipping",
		files: map[string]string{
			"money/a_test.go": `package money
import ("testing"; "time")
func TestX(t *testing.T) {
	time.Sleep(1)
	t.Skip()
	t.SkipNow()
	t.Skipf(" ")
}`,
			"store/storetest/a.go": "package storetest\nimport \"time\"\nfunc f() { time.Sleep(1) }",
		},
		want: []string{
			"money/a_test.go:4: time.Sleep in a test; wait on a signal, or move a fake clock",
			"money/a_test.go:5: a skip without a reason",
			"money/a_test.go:6: a skip without a reason",
			"money/a_test.go:7: a skip without a reason",
			"store/storetest/a.go:3: time.Sleep in a test; wait on a signal, or move a fake clock",
		},
	},
}
