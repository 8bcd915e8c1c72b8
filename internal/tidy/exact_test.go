package tidy_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"strings"
)

// checkExact keeps floats and random numbers out of the rooms that compute with
// money. Random numbers are kept out of atomic too, but for its backoff.
func checkExact(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		exact := matchesAny(exactRooms, r.dir)
		for _, f := range r.code() {
			if (exact || matches("atomic/...", r.dir)) && !isSuite(r.dir) {
				found = append(found, t.random(f)...)
			}
			if exact {
				found = append(found, t.floats(f)...)
			}
		}
	}
	return found
}

func (t *tree) random(f *source) []string {
	var found []string
	for _, spec := range f.ast.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if (path == "math/rand" || path == "math/rand/v2") && randomAllowed[f.path] == "" {
			found = append(found, fmt.Sprintf("%s: %s: nothing about money is left to chance", t.at(spec.Pos()), path))
		}
	}
	return found
}

func (t *tree) floats(f *source) []string {
	var found []string
	// A type switch may name a float in order to refuse it.
	refusing := map[ast.Node]bool{}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		var what string
		switch n := n.(type) {
		case *ast.TypeSwitchStmt:
			t.markRefusals(n, refusing)
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				what = n.Value
			}
		case *ast.Ident:
			if t.floatType(n) && !refusing[n] {
				what = n.Name
			}
		case *ast.SelectorExpr:
			what = t.floatName(n)
		}
		if what != "" {
			found = append(found, fmt.Sprintf("%s: %s: money is exact, no float may come near it", t.at(n.Pos()), what))
		}
		return true
	})
	return found
}

// floatType reports whether an identifier is one of the built-in inexact types.
func (t *tree) floatType(id *ast.Ident) bool {
	name, ok := t.info.Uses[id].(*types.TypeName)
	if !ok || name.Parent() != types.Universe {
		return false
	}
	basic, ok := name.Type().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0
}

// integerLimit matches what package math knows of integers.
var integerLimit = regexp.MustCompile(`^(?:MaxInt|MinInt|MaxUint)`)

// floatName names what a package offers to make or take floats.
func (t *tree) floatName(sel *ast.SelectorExpr) string {
	pkg, name := t.fromPackage(sel)
	switch {
	case pkg == "math" && !integerLimit.MatchString(name),
		pkg == "strconv" && strings.HasSuffix(name, "Float"),
		pkg == "math/big" && strings.HasSuffix(name, "Float"),
		pkg == "database/sql" && name == "NullFloat64":
		return pkg + "." + name
	}
	return ""
}

// markRefusals collects the float types in the cases whose bodies never touch the
// value: such a case can only refuse it.
func (t *tree) markRefusals(s *ast.TypeSwitchStmt, refusing map[ast.Node]bool) {
	bound := ""
	if a, ok := s.Assign.(*ast.AssignStmt); ok {
		bound = a.Lhs[0].(*ast.Ident).Name
	}
	for _, stmt := range s.Body.List {
		clause := stmt.(*ast.CaseClause)
		if bound != "" && mentions(clause.Body, bound) {
			continue
		}
		for _, e := range clause.List {
			refusing[e] = true
		}
	}
}

func mentions(body []ast.Stmt, name string) bool {
	var found bool
	for _, s := range body {
		ast.Inspect(s, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && id.Name == name
			return !found
		})
	}
	return found
}

var exactExamples = []example{
	{name: "exact", files: map[string]string{
		"money/a.go": `package money
import ("errors"; "math"; "strconv")
const max = math.MaxInt64
func scan(src any) (int64, error) {
	switch v := src.(type) {
	case int64:
		return v, nil
	case string:
		return strconv.ParseInt(v, 10, 64)
	case float32, float64:
		return 0, errors.New("a float")
	}
	return 0, nil
}
func f(float64 int) int { return float64 }`,
		"money/a_test.go":          "package money\nimport \"math/rand/v2\"\nvar x = 1.5 + rand.Float64()",
		"atomic/atomic.go":         "package atomic\nimport \"math/rand/v2\"\nvar x = rand.Float64()",
		"ledger/lawtest/random.go": "package lawtest\nimport \"math/rand/v2\"\nvar x = rand.Int()",
		"internal/bench/a.go":      "package bench\nvar rate = 1.5",
	}},
	{
		name: "inexact",
		files: map[string]string{
			"ledger.go": "package bursar\ntype rate float64",
			"money/a.go": `package money
import ("math"; "math/big"; "strconv")
var half = 0.5
var root = math.Sqrt(2)
var big1 = big.NewFloat(half)
func scan(src any) int64 {
	_, _ = strconv.ParseFloat("", 64)
	switch v := src.(type) {
	case float64:
		return int64(v)
	}
	return 0
}`,
			"store/sqlite/a.go":    "package sqlite\nimport _ \"math/rand\"",
			"atomic/tx.go":         "package atomic\nimport _ \"math/rand/v2\"",
			"store/storetest/a.go": "package storetest\nvar x float32",
		},
		want: []string{
			"atomic/tx.go:2: math/rand/v2: nothing about money is left to chance",
			"ledger.go:2: float64: money is exact, no float may come near it",
			"money/a.go:3: 0.5: money is exact, no float may come near it",
			"money/a.go:4: math.Sqrt: money is exact, no float may come near it",
			"money/a.go:5: math/big.NewFloat: money is exact, no float may come near it",
			"money/a.go:7: strconv.ParseFloat: money is exact, no float may come near it",
			"money/a.go:9: float64: money is exact, no float may come near it",
			"store/sqlite/a.go:2: math/rand: nothing about money is left to chance",
			"store/storetest/a.go:2: float32: money is exact, no float may come near it",
		},
	},
}
