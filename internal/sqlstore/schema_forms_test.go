package sqlstore_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

const rewriteForms = "BURSAR_WRITE=1 go test ./internal/sqlstore -run SchemaForms"

// TestSchemaForms applies the migrations to a server and compares how it describes them with the files that verify
// knows. With BURSAR_WRITE=1 it writes the files instead: those of other versions that describe the same migrations
// stay.
func TestSchemaForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, folder string
		server       func(testing.TB) *sqltest.Server
	}{
		{"postgres", "../../store/postgres/schema", sqltest.Postgres},
		{"mysql", "../../store/mysql/schema", sqltest.MariaDB},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := c.server(t).Open(t)
			var store driver.Store = postgres.NewSQL(db).Store
			if c.name == "mysql" {
				store = mysql.New(db).Store
			}
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			d := sqlstore.DialectOf(store)
			objects, err := sqlstore.ObjectsIn(t.Context(), db, d.Statements.AuditSchema)
			if err != nil {
				t.Fatal(err)
			}
			checksum, err := d.Checksum()
			if err != nil {
				t.Fatal(err)
			}
			engine, version := sqlstore.EngineOf(objects)
			form := sqlstore.Form{Engine: engine, Versions: []string{sqlstore.Major(engine, version)}, Migrations: checksum}
			for _, o := range objects {
				switch o.Kind {
				case sqlstore.ObjectEngine, sqlstore.ObjectMigration, sqlstore.ObjectRight: // not of the schema
				default:
					form.Objects = append(form.Objects, o)
				}
			}
			if os.Getenv("BURSAR_WRITE") != "" {
				writeForms(t, c.folder, form)
				return
			}
			compareForms(t, d.Forms, form)
		})
	}
}

// compareForms compares with the form of the server's version, or with any where there is none.
func compareForms(t *testing.T, files fs.FS, form sqlstore.Form) {
	t.Helper()
	all, err := sqlstore.ReadForms(files)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.IndexFunc(all, func(f sqlstore.Form) bool {
		return f.Engine == form.Engine && slices.Contains(f.Versions, form.Versions[0])
	})
	if known < 0 {
		t.Fatalf("how %s %s describes the schema is not known, run: %s", form.Engine, form.Versions[0], rewriteForms)
	}
	for _, f := range all {
		if f.Migrations != form.Migrations {
			t.Errorf("what is known of %s %v is of other migrations, run with each: %s", f.Engine, f.Versions, rewriteForms)
		}
	}
	if diff := cmp.Diff(all[known].Objects, form.Objects); diff != "" {
		t.Errorf("%s %s, run: %s (-file +server):\n%s", form.Engine, form.Versions[0], rewriteForms, diff)
	}
}

// writeForms puts a form in place of what was known of its version.
func writeForms(t *testing.T, folder string, form sqlstore.Form) {
	t.Helper()
	all, err := sqlstore.ReadForms(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(f sqlstore.Form) bool { return f.Migrations != form.Migrations })
	for i := range all {
		if all[i].Engine == form.Engine {
			all[i].Versions = slices.DeleteFunc(all[i].Versions, func(v string) bool { return v == form.Versions[0] })
		}
	}
	same := func(f sqlstore.Form) bool { return f.Engine == form.Engine && cmp.Equal(f.Objects, form.Objects) }
	if i := slices.IndexFunc(all, same); i >= 0 {
		all[i].Versions = append(all[i].Versions, form.Versions[0])
		slices.Sort(all[i].Versions)
	} else {
		all = append(all, form)
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range all {
		if len(f.Versions) == 0 {
			continue
		}
		file, err := os.Create(filepath.Join(folder, f.Engine+"-"+strings.Join(f.Versions, "-")+".json"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		encoder := json.NewEncoder(file)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", " ")
		if err := encoder.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
}
