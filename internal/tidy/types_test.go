package tidy_test

import (
	"go/ast"
	"go/types"
	"path"
	"regexp"
	"strings"
)

// typecheck resolves the identifiers of a room into t.info. Other rooms are
// resolved too; packages from outside the house are empty stand-ins, because
// loading them would take longer than all rules together. Type errors are
// expected and dropped: what a rule needs (which package a name comes from, which
// variable it is) is recorded in spite of them.
func (t *tree) typecheck(r *room) *types.Package {
	if pkg, ok := t.checked[r.dir]; ok {
		return pkg
	}
	// An import cycle through tests finds the stand-in instead of recursing.
	t.checked[r.dir] = standIn(r.importPath())
	var inside, beside []*ast.File
	for _, f := range r.files {
		if strings.HasSuffix(f.ast.Name.Name, "_test") {
			beside = append(beside, f.ast)
		} else {
			inside = append(inside, f.ast)
		}
	}
	conf := types.Config{Importer: stub{t}, Error: func(error) {}, FakeImportC: true}
	// The errors are those that conf.Error drops.
	if len(inside) > 0 {
		t.checked[r.dir], _ = conf.Check(r.importPath(), t.fset, inside, &t.info)
	}
	if len(beside) > 0 {
		_, _ = conf.Check(r.importPath()+"_test", t.fset, beside, &t.info)
	}
	return t.checked[r.dir]
}

// stub imports rooms of the house and stands in for everything else.
type stub struct{ t *tree }

func (s stub) Import(name string) (*types.Package, error) {
	if name == "unsafe" {
		return types.Unsafe, nil
	}
	for _, r := range s.t.rooms {
		if r.importPath() == name {
			return s.t.typecheck(r), nil
		}
	}
	return standIn(name), nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

func standIn(name string) *types.Package {
	base := path.Base(name)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(name))
	}
	pkg := types.NewPackage(name, base)
	pkg.MarkComplete()
	return pkg
}

// fromPackage splits a qualified name: time.Now gives "time" and "Now", whatever
// the import is called in this file. A selector on a value gives "".
func (t *tree) fromPackage(sel *ast.SelectorExpr) (pkg, name string) {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	imported, ok := t.info.Uses[id].(*types.PkgName)
	if !ok {
		return "", ""
	}
	return imported.Imported().Path(), sel.Sel.Name
}

// packageVar reports whether an identifier names a variable of package level.
func (t *tree) packageVar(id *ast.Ident) bool {
	v, ok := t.info.Uses[id].(*types.Var)
	return ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}
