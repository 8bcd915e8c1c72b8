package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Form is how some versions of an engine describe what the migrations make. It is a file of [Dialect.Forms].
type Form struct {
	Engine     string   `json:"engine"`
	Versions   []string `json:"versions"`   // major versions, as [Major] says them
	Migrations string   `json:"migrations"` // checksum of the migrations that it describes, by [Dialect.Checksum]
	Objects    []Object `json:"objects"`
}

// ReadForms reads the files of a folder that are JSON, each a [Form].
func ReadForms(folder fs.FS) (all []Form, err error) {
	files, err := fs.Glob(folder, "*.json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		var form Form
		if err := json.Unmarshal(text, &form); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, form)
	}
	return all, nil
}

// Checksum is that of all migrations.
func (d *Dialect) Checksum() (string, error) {
	list, err := readMigrations(d.Migrations)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, m := range list {
		sum.Write([]byte(m.checksum))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Major is the part of an engine's version that its way of printing depends on: 17 of PostgreSQL's 170004, 10.11 of
// 10.11.6-MariaDB.
func Major(engine, version string) string {
	if engine == "postgres" {
		return version[:max(0, len(version)-4)]
	}
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	return first + "." + second
}

// covers reports whether a version is one of the form's, or between two of them.
func (f *Form) covers(major string) bool {
	number := func(version string) (n [2]int) {
		for i, part := range strings.SplitN(version, ".", 2) {
			n[i], _ = strconv.Atoi(part)
		}
		return n
	}
	least, most := false, false
	for _, version := range f.Versions {
		known, asked := number(version), number(major)
		order := cmp.Or(cmp.Compare(known[0], asked[0]), cmp.Compare(known[1], asked[1]))
		least, most = least || order <= 0, most || order >= 0
	}
	return least && most
}

// EngineOf is the engine among objects, and its version.
func EngineOf(objects []Object) (engine, version string) {
	i := slices.IndexFunc(objects, func(o Object) bool { return o.Kind == ObjectEngine })
	if i < 0 {
		return "", ""
	}
	return objects[i].Name, objects[i].Text
}

// forms are the descriptions that a schema is compared with.
type forms struct {
	engine, version string
	guessed         bool // no form covers the engine's version
	namesOnly       bool // the engine is in no form

	objects map[objectKey][]Object // which differ in Text
	tables  map[string]bool        // and views
}

// formsFor finds what a schema must be on the engine that described it. A version that no form covers may have any of
// the forms of its engine.
func (d *Dialect) formsFor(ctx context.Context, have []Object) (forms, error) {
	f := forms{objects: map[objectKey][]Object{}, tables: map[string]bool{}}
	f.engine, f.version = EngineOf(have)
	list, err := readMigrations(d.Migrations)
	if err != nil {
		return f, err
	}
	f.add(migrationObjects(list))
	if d.Describe != nil {
		objects, err := d.Describe(ctx)
		f.add(objects)
		return f, err
	}
	all, err := ReadForms(d.Forms)
	if err != nil {
		return f, err
	}
	all = slices.DeleteFunc(all, func(form Form) bool { return form.Engine != f.engine })
	f.namesOnly = len(all) == 0
	major := Major(f.engine, f.version)
	known := slices.IndexFunc(all, func(form Form) bool { return form.covers(major) })
	if known >= 0 {
		all = all[known : known+1]
	}
	f.guessed = known < 0
	for i := range all {
		f.add(all[i].Objects)
	}
	return f, nil
}

func (f *forms) add(objects []Object) {
	for _, o := range objects {
		switch o.Kind {
		case ObjectEngine:
			continue
		case ObjectTable, ObjectView:
			f.tables[strings.ToLower(o.Name)] = true
		}
		if known := f.objects[o.key()]; !slices.Contains(known, o) {
			f.objects[o.key()] = append(known, o)
		}
	}
}

// of are the forms that an object may have.
func (f *forms) of(key objectKey) []Object { return f.objects[key] }

// concern reports whether an object concerns the ledger's tables: one that somebody else made may begin with the same
// word.
func (f *forms) concern(o *Object) bool { return o.Table == "" || f.tables[strings.ToLower(o.Table)] }

// all are one form of each object, in order.
func (f *forms) all() (all []Object) {
	for _, same := range f.objects {
		all = append(all, same[0])
	}
	slices.SortFunc(all, compareObjects)
	return all
}
