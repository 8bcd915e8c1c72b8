package tidy_test

import (
	"go/ast"
	"go/doc/comment"
	"path"
	"regexp"
	"slices"
	"strings"
)

// names is what comments may name.
type names struct {
	code  map[string]map[string]bool // by directory: each identifier outside tests, declared there or only used
	tests map[string]map[string]bool // by directory: each identifier of the tests
	rooms map[string]declared        // by import path: what stands at package level
	// imports maps a directory to the packages that its files import.
	imports map[string][]string
	// called maps the last element of import paths to the paths that end in it.
	called map[string][]string
}

// declared maps each name of package level to its members: fields and methods. An
// embedded type is the member "+" and its name besides.
type declared map[string]map[string]bool

func (t *tree) namesOfHouse() *names {
	n := &names{
		code: map[string]map[string]bool{}, tests: map[string]map[string]bool{}, rooms: map[string]declared{},
		imports: map[string][]string{}, called: map[string][]string{},
	}
	for _, r := range t.rooms {
		code, tests, own := map[string]bool{}, map[string]bool{}, declared{}
		n.code[r.dir], n.tests[r.dir], n.rooms[r.importPath()] = code, tests, own
		for _, f := range r.files {
			ids := code
			if f.test {
				ids = tests
			}
			ast.Inspect(f.ast, func(at ast.Node) bool {
				if id, ok := at.(*ast.Ident); ok {
					ids[id.Name] = true
				}
				return true
			})
			for _, d := range f.ast.Decls {
				own.add(d)
			}
			n.addImports(r.dir, f)
		}
	}
	return n
}

func (n *names) addImports(dir string, f *source) {
	for _, spec := range f.ast.Imports {
		p := strings.Trim(spec.Path.Value, `"`)
		n.imports[dir] = append(n.imports[dir], p)
		if name := standIn(p).Name(); !slices.Contains(n.called[name], p) {
			n.called[name] = append(n.called[name], p)
		}
	}
}

// visible reports whether a comment of f may use a word as a name.
func (n *names) visible(f *source, word string) bool {
	dir := path.Dir(f.path)
	if n.code[dir][word] || f.test && n.tests[dir][word] {
		return true
	}
	return slices.ContainsFunc(n.imports[dir], func(p string) bool {
		for name, members := range n.rooms[p] {
			if name == word || members[word] {
				return true
			}
		}
		return false
	})
}

func (d declared) add(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil || len(decl.Recv.List) == 0 {
			d.members(decl.Name.Name)
		} else {
			d.members(baseName(decl.Recv.List[0].Type))[decl.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, s := range decl.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					d.members(name.Name)
				}
			case *ast.TypeSpec:
				d.addType(s)
			}
		}
	}
}

func (d declared) addType(s *ast.TypeSpec) {
	members := d.members(s.Name.Name)
	var fields *ast.FieldList
	switch def := s.Type.(type) {
	case *ast.StructType:
		fields = def.Fields
	case *ast.InterfaceType:
		fields = def.Methods
	default:
		members["+"+baseName(def)] = true
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			members[name.Name] = true
		}
		if len(field.Names) == 0 {
			name := baseName(field.Type)
			members[name], members["+"+name] = true, true
		}
	}
}

// members returns the members of a name, which is declared from now on.
func (d declared) members(name string) map[string]bool {
	if d[name] == nil {
		d[name] = map[string]bool{}
	}
	return d[name]
}

// has reports whether a name has a member. What it gets from a type of another
// package is taken on trust.
func (d declared) has(name, member string) bool {
	members, ok := d[name]
	if !ok || members[member] {
		return ok
	}
	for m := range members {
		embedded, isEmbedded := strings.CutPrefix(m, "+")
		if isEmbedded && embedded != name && (d[embedded] == nil && !isBasic(embedded) || d.has(embedded, member)) {
			return true
		}
	}
	return false
}

// isBasic reports whether a type has no members: it is built in, or has no name.
func isBasic(name string) bool { return strings.ToLower(name) == name }

// baseName is the name of the type at the bottom of an expression: T for *T, T[P]
// and p.T.
func baseName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return baseName(x.X)
	case *ast.ParenExpr:
		return baseName(x.X)
	case *ast.IndexExpr:
		return baseName(x.X)
	case *ast.IndexListExpr:
		return baseName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// bracketed matches what looks like a link into a package.
var bracketed = regexp.MustCompile(`(?:^|[\s(,;:"'])\[\*?([a-z]\w*(?:\.[A-Z]\w*){1,2})\](?:$|[\s).,;:"'!?-])`)

// deadLinks returns the links of a comment that lead nowhere. The parser of the
// standard library decides what a link is.
func (n *names) deadLinks(f *source, group *ast.CommentGroup) []string {
	own := n.rooms[path.Join(module, path.Dir(f.path))]
	var dead []string
	parser := comment.Parser{
		LookupPackage: func(name string) (string, bool) { return n.packageCalled(name, f) },
		LookupSym: func(recv, name string) bool {
			ok := own.leads(recv, name)
			if !ok && name != "" {
				dead = append(dead, qualified(recv, name))
			}
			return ok
		},
	}
	for _, text := range texts(parser.Parse(group.Text()).Content) {
		switch text := text.(type) {
		case *comment.DocLink:
			room, ours := n.rooms[text.ImportPath]
			if ours && text.Name != "" && !room.leads(text.Recv, text.Name) {
				dead = append(dead, qualified(path.Base(text.ImportPath), qualified(text.Recv, text.Name)))
			}
		case comment.Plain:
			// The parser knows no package of that name, so it has left the text as it is.
			for _, m := range bracketed.FindAllStringSubmatch(string(text), -1) {
				dead = append(dead, m[1])
			}
		}
	}
	return dead
}

// leads reports whether a name of package level, or a member of one, is declared.
func (d declared) leads(recv, name string) bool {
	if recv == "" {
		return d[name] != nil
	}
	return d.has(recv, name)
}

func qualified(outer, name string) string {
	if outer == "" {
		return name
	}
	return outer + "." + name
}

// texts returns the text of all paragraphs, those of lists too.
func texts(blocks []comment.Block) []comment.Text {
	var all []comment.Text
	for _, block := range blocks {
		switch block := block.(type) {
		case *comment.Paragraph:
			all = append(all, block.Text...)
		case *comment.Heading:
			all = append(all, block.Text...)
		case *comment.List:
			for _, item := range block.Items {
				all = append(all, texts(item.Content)...)
			}
		}
	}
	return all
}

// packageCalled finds the package that a comment means by a name: one that the file
// imports, its own, or the only one of that name that the house imports.
func (n *names) packageCalled(name string, f *source) (importPath string, ok bool) {
	for _, spec := range f.ast.Imports {
		p := strings.Trim(spec.Path.Value, `"`)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && standIn(p).Name() == name {
			return p, true
		}
	}
	if strings.TrimSuffix(f.ast.Name.Name, "_test") == name {
		return path.Join(module, path.Dir(f.path)), true
	}
	if paths := n.called[name]; len(paths) == 1 {
		return paths[0], true
	}
	return comment.DefaultLookupPackage(name)
}
