package atomic_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestEveryEntryPointHasAnExample wants an example with checked output for every exported function and method.
// String and Error need none, because printing calls them.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code, tests []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			tests = append(tests, file)
		} else {
			code = append(code, file)
		}
	}
	shown := map[string]bool{}
	for _, example := range doc.Examples(tests...) {
		if example.Output == "" {
			t.Errorf("Example%s has no output, so nobody checks what it does", example.Name)
		}
		shown[subject(example.Name)] = true
	}
	points := entryPoints(code)
	if len(points) == 0 {
		t.Fatal("no entry points were found")
	}
	for _, name := range points {
		if !shown[name] {
			t.Errorf("%s has no Example%s", strings.ReplaceAll(name, "_", "."), name)
		}
	}
}

// subject is an example's name without the suffix that tells examples of one subject apart.
func subject(name string) string {
	if i := strings.LastIndexByte(name, '_'); i >= 0 {
		if first, _ := utf8.DecodeRuneInString(name[i+1:]); unicode.IsLower(first) {
			return name[:i]
		}
	}
	return name
}

// entryPoints names the exported functions and methods as examples do.
func entryPoints(files []*ast.File) (names []string) {
	for _, file := range files {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				receiver := receiverName(fn.Recv.List[0].Type)
				if !ast.IsExported(receiver) || name == "String" || name == "Error" {
					continue
				}
				name = receiver + "_" + name
			}
			names = append(names, name)
		}
	}
	return names
}

func receiverName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.IndexExpr:
		return receiverName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
