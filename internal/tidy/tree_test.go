package tidy_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// tree is the source of the house, read once and shared by all rules.
type tree struct {
	fsys  fs.FS
	fset  *token.FileSet
	info  types.Info
	rooms []*room
	// files holds every Go file, those outside the build too.
	files []*source
	// texts maps the path of each text file to its content.
	texts map[string]string
	// broken lists the files that do not parse.
	broken []string

	checked map[string]*types.Package
}

// room is one directory with Go files that take part in a build.
type room struct {
	dir   string // slash-separated, "." for the root
	files []*source
}

// source is one Go file.
type source struct {
	path      string
	text      string
	ast       *ast.File
	lines     int
	test      bool // named _test.go
	ignored   bool // kept out of every build: a generator run by hand
	generated bool
}

// code returns the files that end up in a program.
func (r *room) code() []*source {
	return slices.DeleteFunc(slices.Clone(r.files), func(f *source) bool { return f.test })
}

// importPath returns the path under which the room is imported.
func (r *room) importPath() string { return path.Join(module, r.dir) }

// at renders a position as path:line.
func (t *tree) at(pos token.Pos) string {
	p := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// loadTree reads every Go file and text file below the root of fsys. A file that
// vanishes while the tree is read is left out.
func loadTree(fsys fs.FS) (*tree, error) {
	t := &tree{
		fsys:    fsys,
		fset:    token.NewFileSet(),
		info:    types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}},
		texts:   map[string]string{},
		checked: map[string]*types.Package{},
	}
	if err := fs.WalkDir(fsys, ".", t.visit); err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	t.furnish()
	for _, r := range t.rooms {
		t.typecheck(r)
	}
	return t, nil
}

func (t *tree) visit(name string, d fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.IsDir() {
		if t.outside(name) {
			return fs.SkipDir
		}
		return nil
	}
	isGo := path.Ext(name) == ".go" && !hidden(name) && !within(name, "testdata")
	if !isGo && !isText(name) {
		return nil
	}
	content, err := fs.ReadFile(t.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if isGo {
		t.parse(name, content)
	} else {
		t.texts[name] = string(content)
	}
	return nil
}

// outside reports whether a directory is no part of the house: built files, other
// people's code, dot directories but for the two that hold the build, and modules
// of their own.
func (t *tree) outside(dir string) bool {
	if dir == "." || dir == ".ci" || dir == ".github" {
		return false
	}
	if hidden(dir) || dir == "bin" || dir == "vendor" {
		return true
	}
	_, err := fs.Stat(t.fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func hidden(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

func within(name, dir string) bool {
	return slices.Contains(strings.Split(path.Dir(name), "/"), dir)
}

func isText(name string) bool {
	switch path.Ext(name) {
	case ".md", ".sql", ".js", ".css", ".html", ".yml", ".yaml", ".sh", ".txt", ".txtar", ".mod":
		return true
	}
	return path.Base(name) == "Makefile" || path.Dir(name) == ".ci"
}

func (t *tree) parse(name string, content []byte) {
	// Object resolution by the parser stops at the file; go/types does it for the
	// whole package, so the parser need not.
	file, err := parser.ParseFile(t.fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.broken = append(t.broken, err.Error())
		return
	}
	t.files = append(t.files, &source{
		path:      name,
		text:      string(content),
		ast:       file,
		lines:     strings.Count(strings.TrimSuffix(string(content), "\n"), "\n") + 1,
		test:      strings.HasSuffix(name, "_test.go"),
		ignored:   isIgnored(file),
		generated: ast.IsGenerated(file),
	})
}

func isIgnored(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if c.Pos() < file.Package && c.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

// furnish puts the files that take part in a build into their rooms.
func (t *tree) furnish() {
	byDir := map[string]*room{}
	for _, f := range t.files {
		if f.ignored {
			continue
		}
		dir := path.Dir(f.path)
		if byDir[dir] == nil {
			byDir[dir] = &room{dir: dir}
			t.rooms = append(t.rooms, byDir[dir])
		}
		byDir[dir].files = append(byDir[dir].files, f)
	}
	slices.SortFunc(t.rooms, func(a, b *room) int { return cmp.Compare(a.dir, b.dir) })
}
