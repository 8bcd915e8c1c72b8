package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar/driver"
)

// Object is one part of a schema as an engine describes it.
type Object struct {
	Kind  ObjectKind `json:"kind"`
	Table string     `json:"table,omitempty"` // that it belongs to
	Name  string     `json:"name"`
	Text  string     `json:"text,omitempty"`
	// State says what keeps the object from doing its work, such as being disabled. It is empty for what works.
	State string `json:"state,omitempty"`
}

// ObjectKind says what an object is, in the word that findings use.
type ObjectKind string

// The kinds of object that an engine's AuditSchema may describe.
const (
	ObjectEngine     ObjectKind = "engine" // Name and Text are the engine and its version
	ObjectTable      ObjectKind = "table"
	ObjectColumn     ObjectKind = "column"
	ObjectCheck      ObjectKind = "check"
	ObjectKey        ObjectKind = "key" // PRIMARY KEY or UNIQUE
	ObjectForeignKey ObjectKind = "foreign key"
	ObjectIndex      ObjectKind = "index"
	ObjectTrigger    ObjectKind = "trigger"
	ObjectFunction   ObjectKind = "function"
	ObjectSequence   ObjectKind = "sequence"
	ObjectView       ObjectKind = "view"
	ObjectMigration  ObjectKind = "migration" // Name is its number and Text its name
	ObjectRight      ObjectKind = "right"     // of this user, on Table or on all

	// The migrations make none of these.
	ObjectRule     ObjectKind = "rule"
	ObjectPolicy   ObjectKind = "policy"
	ObjectRelative ObjectKind = "relative" // a table that inherits, or that is inherited from
	ObjectSetting  ObjectKind = "setting"
)

// Unseen is the state of an object whose text the user may not read.
const Unseen = "unseen"

// String is "trigger bursar_entry_update of bursar_entry".
func (o Object) String() string {
	if o.Table == "" {
		return string(o.Kind) + " " + o.Name
	}
	return string(o.Kind) + " " + o.Name + " of " + o.Table
}

// objectKey is what an object is found by.
type objectKey struct {
	kind        ObjectKind
	table, name string
}

func (o Object) key() objectKey { return objectKey{o.Kind, o.Table, o.Name} }

// mayBeAdded reports whether an object that the migrations do not make is the user's own affair. What would act on the
// ledger's rows is not.
func (o Object) mayBeAdded() bool {
	switch o.Kind {
	case ObjectTable, ObjectView, ObjectSequence, ObjectFunction, ObjectIndex, ObjectKey, ObjectEngine, ObjectRight:
		return true
	default:
		return false
	}
}

// AuditSchema compares the schema with what the migrations make.
func (a auditor) AuditSchema(ctx context.Context) (driver.AuditedSchema, error) {
	have, err := a.objects(ctx)
	if err != nil {
		return driver.AuditedSchema{}, a.fault("read the schema", err)
	}
	forms, err := a.dialect.formsFor(ctx, have)
	if err != nil {
		return driver.AuditedSchema{}, a.fault("find what the schema must be", err)
	}
	c := &comparison{forms: forms}
	c.compare(have)
	for _, missing := range c.missing {
		if a.dialect.Hidden != nil && a.dialect.Hidden(have, missing) {
			c.unseen = append(c.unseen, missing.String())
		} else {
			c.faultf("%v is missing: make it with its statement in the migrations", missing)
		}
	}
	return c.result(), nil
}

// objects are the objects of the ledger's schema, or on its tables.
func (a auditor) objects(ctx context.Context) ([]Object, error) {
	return objects(ctx, a.db, a.sql.AuditSchema)
}

// ObjectsIn reads what a statement such as Statements.AuditSchema finds, in order.
func ObjectsIn(ctx context.Context, db DBTX, statement string) ([]Object, error) {
	return objects(ctx, std{db}, statement)
}

func objects(ctx context.Context, db Executor, statement string) (all []Object, err error) {
	err = query(ctx, db, statement, nil, func(scan scanner) error {
		var o Object
		err := scan(&o.Kind, &o.Table, &o.Name, &o.Text, &o.State)
		all = append(all, o)
		return err
	})
	slices.SortFunc(all, compareObjects)
	return all, err
}

func compareObjects(x, y Object) int {
	return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Table, y.Table), cmp.Compare(x.Name, y.Name),
		cmp.Compare(x.Text, y.Text), cmp.Compare(x.State, y.State))
}

// comparison is one comparison of a schema with its forms.
type comparison struct {
	forms forms

	faults, notes   []string
	missing         []Object // of what the migrations make
	unseen, unknown []string // objects
}

func (c *comparison) faultf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *comparison) compare(have []Object) {
	found := make(map[objectKey]bool, len(have))
	for i := range have {
		o := &have[i]
		wanted := c.forms.of(o.key())
		found[o.key()] = true
		switch {
		case len(wanted) > 0:
			c.compareOne(o, wanted)
		case o.State != "":
			c.faultf("%v %s: %s", *o, o.State, remedy(o))
		case !o.mayBeAdded() && c.forms.concern(o):
			c.faultf("%v is not of the migrations and acts on the ledger's rows: find out who made it, and drop it", *o)
		}
	}
	for _, o := range c.forms.all() {
		if !found[o.key()] {
			c.missing = append(c.missing, o)
		}
	}
}

// compareOne compares an object with the forms that it may have.
func (c *comparison) compareOne(o *Object, wanted []Object) {
	same := func(text func(string) string) bool {
		return slices.ContainsFunc(wanted, func(w Object) bool { return text(w.Text) == text(o.Text) })
	}
	switch {
	case o.State == Unseen:
		c.unseen = append(c.unseen, o.String())
	case o.State != "":
		c.faultf("%v %s: %s", *o, o.State, remedy(o))
	case same(func(text string) string { return text }):
	case same(words):
		c.notes = append(c.notes, fmt.Sprintf(
			"%v has other spaces or comments than in the migrations, and says the same", *o))
	case c.forms.guessed && c.forms.printed(o.Kind):
		c.unknown = append(c.unknown, o.String())
	default:
		have, want := differ(o.Text, wanted[0].Text)
		c.faultf("%v is not what the migrations make: it has %q where they have %q; "+
			"find out who changed it, and put back its statement in the migrations", *o, have, want)
	}
}

func (c *comparison) result() driver.AuditedSchema {
	if len(c.unseen) > 0 {
		c.notes = append(c.notes, fmt.Sprintf(
			"not compared, because this user may not see them: %s; verify as a user with the rights TRIGGER and SHOW VIEW",
			strings.Join(c.unseen, ", ")))
	}
	if len(c.unknown) > 0 {
		c.notes = append(c.notes, fmt.Sprintf(
			"not compared, because it is not known how %s %s prints them: %s; compare them with the migrations",
			c.forms.engine, c.forms.version, strings.Join(c.unknown, ", ")))
	}
	if c.forms.namesOnly {
		c.notes = append(c.notes, fmt.Sprintf(
			"of %s only the names of constraints and indexes were compared with the migrations", c.forms.engine))
	}
	return driver.AuditedSchema{Faults: c.faults, Notes: c.notes}
}

// printed reports whether the engine prints objects of a kind in words of its own, which its versions may change.
func (f *forms) printed(kind ObjectKind) bool {
	switch kind {
	case ObjectCheck, ObjectView:
		return true
	case ObjectKey, ObjectForeignKey, ObjectIndex, ObjectTrigger:
		return f.engine == "postgres"
	default:
		return false
	}
}

// remedy is what to do about an object that does not do its work.
func remedy(o *Object) string {
	switch o.Kind {
	case ObjectTrigger:
		return "find out who did that, and enable it"
	case ObjectIndex, ObjectKey:
		return "drop it, and make it with its statement in the migrations"
	case ObjectCheck, ObjectForeignKey:
		return "have the engine validate and enforce it"
	case ObjectSetting:
		return "reset it"
	default:
		return "undo that"
	}
}

// migrationObjects are the rows of bursar_migration.
func migrationObjects(list []migration) (all []Object) {
	for _, m := range list {
		all = append(all, Object{Kind: ObjectMigration, Name: strconv.Itoa(m.version), Text: m.name})
	}
	return all
}
