package tidy_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// checkPackageComments wants one package comment in each room, in the form that
// go doc prints well.
func checkPackageComments(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		var docs int
		for _, f := range r.files {
			if f.ast.Doc == nil {
				continue
			}
			docs++
			text, name := f.ast.Doc.Text(), f.ast.Name.Name
			if name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
				found = append(found, fmt.Sprintf("%s: the package comment does not begin with %q",
					t.at(f.ast.Doc.Pos()), "Package "+name))
			}
		}
		if docs != 1 {
			found = append(found, fmt.Sprintf("%s: %d package comments, want 1", r.dir, docs))
		}
	}
	return found
}

var packageCommentExamples = []example{
	{name: "documented", files: map[string]string{
		"money/doc.go":       "// Package money counts.\npackage money",
		"money/a.go":         "package money",
		"cmd/bursar/main.go": "// The bursar command serves a ledger.\npackage main",
	}},
	{
		name: "without, twice and malformed",
		files: map[string]string{
			"money/a.go":  "// a stray comment\n\npackage money",
			"atomic/a.go": "// Package atomic commits.\npackage atomic",
			"atomic/b.go": "// Package atomic retries.\npackage atomic",
			"ledger/a.go": "// This package posts.\npackage ledger",
		},
		want: []string{
			"atomic: 2 package comments, want 1",
			`ledger/a.go:1: the package comment does not begin with "Package ledger"`,
			"money: 0 package comments, want 1",
		},
	},
}

// checkDocumented wants a comment on every exported function, type, method,
// constant, variable and interface method that applications can reach. A group
// of constants or variables may share one. Fields are left to the comment of
// their struct.
func checkDocumented(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		if !isPublic(r.dir) {
			continue
		}
		for _, f := range r.code() {
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
						found = append(found, t.undocumented(d.Name))
					}
				case *ast.GenDecl:
					found = append(found, t.undocumentedSpecs(d)...)
				}
			}
		}
	}
	return found
}

func (t *tree) undocumented(name *ast.Ident) string {
	return fmt.Sprintf("%s: exported %s has no comment", t.at(name.Pos()), name.Name)
}

func (t *tree) undocumentedSpecs(d *ast.GenDecl) []string {
	var found []string
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			// A lone declaration carries its comment before the keyword; in a group
			// that comment belongs to the group.
			alone := !d.Lparen.IsValid() && d.Doc != nil
			if s.Name.IsExported() && s.Doc == nil && !alone {
				found = append(found, t.undocumented(s.Name))
			}
			if iface, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
				found = append(found, t.undocumentedMethods(iface)...)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					found = append(found, t.undocumented(name))
				}
			}
		}
	}
	return found
}

func (t *tree) undocumentedMethods(iface *ast.InterfaceType) []string {
	var found []string
	for _, m := range iface.Methods.List {
		for _, name := range m.Names {
			if name.IsExported() && m.Doc == nil && m.Comment == nil {
				found = append(found, t.undocumented(name))
			}
		}
	}
	return found
}

// exportedReceiver reports whether a declaration is a function, or a method of an
// exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	at := d.Recv.List[0].Type
	for {
		switch x := at.(type) {
		case *ast.StarExpr:
			at = x.X
		case *ast.ParenExpr:
			at = x.X
		case *ast.IndexExpr:
			at = x.X
		case *ast.IndexListExpr:
			at = x.X
		case *ast.Ident:
			return token.IsExported(x.Name)
		default:
			return true
		}
	}
}

var documentedExamples = []example{
	{name: "documented or private", files: map[string]string{
		"money/a.go": `package money

// Amount is exact.
type Amount struct{ Units int64 }

// Neg changes the sign.
func (a Amount) Neg() Amount { return a }

// Limits of an amount.
const (
	Low  = 0
	High = 1
)

var (
	Zero Amount // the amount of nothing
	one  Amount
)

// Reader reads.
type Reader interface {
	// Read reads one.
	Read() Amount
	Close() // Close ends it.
	sealed()
}

type hidden struct{}

func (h *hidden) String() string { return "" }
`,
		"money/a_test.go":      "package money\nfunc TestX() {}",
		"internal/clock/c.go":  "package clock\nfunc System() {}",
		"cmd/bursar/serve.go":  "package main\nfunc Serve() {}",
		"examples/pay/main.go": "package main\nfunc Pay() {}",
	}},
	{
		name: "bare names",
		files: map[string]string{
			"ledger/a.go": `package ledger

type Queue[T any] struct{}
func (q *Queue[T]) Post() {}
func New() {}
const Max = 1
// A group of types.
type (
	One struct{}
)
// Poster posts.
type Poster interface {
	Post()
}
`,
		},
		want: []string{
			"ledger/a.go:13: exported Post has no comment",
			"ledger/a.go:3: exported Queue has no comment",
			"ledger/a.go:4: exported Post has no comment",
			"ledger/a.go:5: exported New has no comment",
			"ledger/a.go:6: exported Max has no comment",
			"ledger/a.go:9: exported One has no comment",
		},
	},
}
