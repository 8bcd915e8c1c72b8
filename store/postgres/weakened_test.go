package postgres_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// weakening is a change of the schema after which an object does nothing, or another thing.
type weakening struct{ kind, object, change string }

// weaken asks the catalogue for a weakening of each object. Each query gives names and statements.
var weaken = map[string]string{
	"trigger disabled": `SELECT tgname, format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname)` + triggers,
	"trigger on replicas only": `SELECT tgname, format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', tgrelid::regclass,
			tgname)` + triggers,
	"trigger dropped": `SELECT tgname, format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)` + triggers,
	"trigger that does nothing": `SELECT tgname, format('DROP TRIGGER %I ON %s; %s', tgname, tgrelid::regclass,
			regexp_replace(pg_get_triggerdef(t.oid), 'EXECUTE FUNCTION .*', 'EXECUTE FUNCTION nothing()'))` + triggers,
	"trigger that never runs": `SELECT tgname, format('DROP TRIGGER %I ON %s; %s', tgname, tgrelid::regclass,
			regexp_replace(pg_get_triggerdef(t.oid), '(WHEN .*)?EXECUTE', 'WHEN (false) EXECUTE'))` + triggers,
	"check dropped": `SELECT conname, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)` + checks,
	"check of nothing": `SELECT conname, format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I CHECK (true)',
			conrelid::regclass, conname)` + checks,
	"check not validated": `SELECT conname, format('ALTER TABLE %1$s DROP CONSTRAINT %2$I;
			ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s NOT VALID', conrelid::regclass, conname,
			pg_get_constraintdef(c.oid))` + checks,
	"foreign key dropped": `SELECT conname, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
		FROM pg_constraint c` + here("c.connamespace") + ` AND contype = 'f'`,
	"foreign key disabled": `SELECT conname, format('ALTER TABLE %s DISABLE TRIGGER ALL', conrelid::regclass)
		FROM pg_constraint c` + here("c.connamespace") + ` AND contype = 'f'`,
	"key dropped": `SELECT conname, format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass,
			conname)` + keys,
	"key deferrable": `SELECT conname, format('ALTER TABLE %1$s DROP CONSTRAINT %2$I CASCADE;
			ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s DEFERRABLE', conrelid::regclass, conname,
			pg_get_constraintdef(c.oid))` + keys,
	"index dropped": `SELECT c.relname, format('DROP INDEX %I', c.relname)` + indexes,
	"index of nothing": `SELECT c.relname, format('DROP INDEX %I; %s WHERE false', c.relname,
			regexp_replace(pg_get_indexdef(c.oid), ' WHERE .*', ''))` + indexes,
	"index not unique": `SELECT c.relname, format('DROP INDEX %I; %s', c.relname,
			replace(pg_get_indexdef(c.oid), ' UNIQUE', ''))` + indexes + ` AND i.indisunique`,
	"index not valid": `SELECT c.relname, format('UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s',
			c.oid::oid)
		` + indexes,
	"view of nothing": `SELECT relname, format('CREATE OR REPLACE VIEW %I AS SELECT * FROM (%s) AS q WHERE false', relname,
			rtrim(pg_get_viewdef(c.oid), ';'))` + relations("v"),
	"view dropped": `SELECT relname, format('DROP VIEW %I', relname)` + relations("v"),
	"function that does nothing": `SELECT proname, format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql
			AS $$BEGIN IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; RETURN NEW; END$$', proname)
		FROM pg_proc p` + here("p.pronamespace") + ` AND proname LIKE 'bursar%'`,
	// Without a column of bursar_migration, verify does not begin.
	"column dropped": `SELECT attname, format('ALTER TABLE %s DROP COLUMN %I CASCADE', c.relname, attname)
		` + columns + ` AND c.relname <> 'bursar_migration'`,
	"column with another default": `SELECT attname, format('ALTER TABLE %s ALTER %I SET DEFAULT 7', c.relname, attname)
		` + columns + ` AND a.atthasdef`,
	"column that may be NULL": `SELECT attname, format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.relname, attname)
		` + columns + ` AND a.attnotnull AND a.attidentity = '' AND NOT EXISTS (SELECT 1 FROM pg_index i
			WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))`,
	"table with row level security": `SELECT relname, format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relname)
		` + relations("r"),
	"table with a rule": `SELECT relname, format('CREATE RULE mine AS ON INSERT TO %I DO INSTEAD NOTHING', relname)
		` + relations("r"),
	"table with a policy": `SELECT relname, format('CREATE POLICY mine ON %I USING (false)', relname)` + relations("r"),
	"table with a trigger": `SELECT relname, format('CREATE TRIGGER mine BEFORE INSERT ON %I FOR EACH ROW
			EXECUTE FUNCTION nothing()', relname)` + relations("r"),
	"table that is inherited": `SELECT relname, format('CREATE TABLE mine () INHERITS (%I)', relname)` + relations("r"),
	"table with a check": `SELECT relname, format('ALTER TABLE %I ADD CONSTRAINT mine CHECK (true)', relname)
		` + relations("r"),
	"table with a column": `SELECT relname, format('ALTER TABLE %I ADD mine integer', relname)` + relations("r"),
	"view with a trigger": `SELECT relname, format('CREATE TRIGGER mine INSTEAD OF INSERT ON %I FOR EACH ROW
			EXECUTE FUNCTION nothing()', relname)` + relations("v"),
	"sequence that begins again": `SELECT relname, format('ALTER SEQUENCE %I CYCLE', relname)` + relations("S"),
	"setting":                    `SELECT 'session_replication_role', 'SET LOCAL session_replication_role = replica'`,
	"setting of the database": `SELECT 'session_replication_role',
			format('ALTER DATABASE %I SET session_replication_role = replica', current_database())`,
	"migration of another name": `SELECT '1', 'UPDATE bursar_migration SET name = ''first'''`,
}

func here(namespace string) string {
	return " WHERE " + namespace + " = current_schema()::regnamespace"
}

func relations(kind string) string {
	return ` FROM pg_class c` + here("c.relnamespace") + ` AND relkind = '` + kind + `'`
}

var (
	triggers = ` FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid` + here("c.relnamespace") + ` AND NOT tgisinternal`
	checks   = ` FROM pg_constraint c` + here("c.connamespace") + ` AND contype = 'c'`
	keys     = ` FROM pg_constraint c` + here("c.connamespace") + ` AND contype IN ('p', 'u')`
	indexes  = ` FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid` + here("c.relnamespace") +
		` AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)`
	columns = ` FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid` + here("c.relnamespace") +
		` AND c.relkind = 'r' AND a.attnum > 0`
)

// audited is what verify says of the schema inside a database transaction.
func (d *desk) audited(tx pgx.Tx) driver.AuditedSchema {
	d.Helper()
	reader, err := d.store.JoinReader(d.Context(), postgres.PgxTx(tx))
	d.must(err)
	schema, err := reader.(driver.Auditor).AuditSchema(d.Context())
	d.must(err)
	return schema
}

// TestWhatDoesNothingIsFound replaces each object of the schema by one that does nothing, in a database transaction
// that is rolled back. It asks the catalogue what there is.
func TestWhatDoesNothingIsFound(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	d.exec(`CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$`)
	d.exec(`CREATE INDEX mine ON bursar_entry (effective)`)
	d.exec(`ALTER INDEX bursar_entry_seq SET (fillfactor = 70)`)
	d.exec(`ALTER TABLE bursar_balance SET (fillfactor = 90)`)
	d.exec(`ALTER TABLE bursar_entry ENABLE ALWAYS TRIGGER bursar_entry_delete`) // stricter is fine
	d.exec(`CREATE TABLE orders (account bigint REFERENCES bursar_account)`)
	d.exec(`CREATE TRIGGER mine BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION nothing()`)
	d.exec(`CREATE VIEW bursar_report AS SELECT * FROM bursar_accounts`)
	tx := d.begin()
	if schema := d.audited(tx); len(schema.Faults) > 0 || len(schema.Notes) > 0 {
		t.Fatalf("of a sound schema: %+v", schema)
	}
	d.must(tx.Rollback(t.Context()))
	d.exec(`DROP VIEW bursar_report; DROP TABLE orders; DROP INDEX mine`)
	var counts []string
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(weaken)) {
		all := d.weakenings(kind)
		for _, w := range all {
			tx = d.begin()
			if _, err := tx.Exec(t.Context(), w.change); err != nil {
				t.Fatalf("%s: %v", w.change, err)
			}
			schema := d.audited(tx)
			named := slices.ContainsFunc(schema.Faults, func(f string) bool { return strings.Contains(f, w.object) })
			if !named || len(schema.Notes) > 0 {
				t.Errorf("%s: %+v", w.change, schema)
			}
			d.must(tx.Rollback(t.Context()))
		}
		counts = append(counts, fmt.Sprintf("%s: %d", kind, len(all)))
		total += len(all)
	}
	t.Logf("PostgreSQL: %d objects replaced, taken away or added in turn, each found: %s",
		total, strings.Join(counts, ", "))
	if total < 300 {
		t.Errorf("only %d objects were replaced", total)
	}
}

func (d *desk) weakenings(kind string) (all []weakening) {
	d.Helper()
	rows, err := d.pool.Query(d.Context(), weaken[kind])
	d.must(err)
	for rows.Next() {
		w := weakening{kind: kind}
		d.must(rows.Scan(&w.object, &w.change))
		all = append(all, w)
	}
	d.must(rows.Err())
	if len(all) == 0 {
		d.Errorf("nothing to weaken: %s", kind)
	}
	return all
}

// TestAWeakenedSchemaIsAFinding has the whole of verify see it, and name the object and the remedy.
func TestAWeakenedSchemaIsAFinding(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	d.exec("ALTER TABLE bursar_entry DISABLE TRIGGER bursar_entry_update")
	report, err := verify.Run(t.Context(), d.store, d.ledger.Book(), nil)
	d.must(err)
	want := verify.Finding{Check: verify.Schema, Detail: "trigger bursar_entry_update of bursar_entry is disabled: " +
		"find out who did that, and enable it"}
	if len(report.Findings) != 1 || report.Findings[0] != want {
		t.Errorf("findings %v, want %v", report.Findings, want)
	}
}

// TestUnknownVersion wants nothing but a note where it is not known how the engine prints what is there.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	name := d.text("SELECT quote_ident(current_schema())")
	tx := d.begin()
	for _, statement := range []string{
		"CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT CASE $1 WHEN 'server_version_num' " +
			"THEN '990004' ELSE pg_catalog.current_setting($1, true) END$$",
		"SET LOCAL search_path = " + name + ", pg_catalog",
	} {
		_, err := tx.Exec(t.Context(), statement)
		d.must(err)
	}
	if schema := d.audited(tx); len(schema.Faults) > 0 || len(schema.Notes) > 0 {
		t.Errorf("printed as a known version does: %+v", schema)
	}
	_, err := tx.Exec(t.Context(), "ALTER TABLE bursar_entry DROP CONSTRAINT bursar_entry_leg, "+
		"ADD CONSTRAINT bursar_entry_leg CHECK (true)")
	d.must(err)
	if schema := d.audited(tx); len(schema.Faults) > 0 || len(schema.Notes) != 1 ||
		!strings.Contains(schema.Notes[0], "check bursar_entry_leg") || !strings.Contains(schema.Notes[0], "990004") {
		t.Errorf("printed otherwise: %+v", schema)
	}
	_, err = tx.Exec(t.Context(), "DROP TRIGGER bursar_head_delete ON bursar_head")
	d.must(err)
	if schema := d.audited(tx); len(schema.Faults) != 1 || !strings.Contains(schema.Faults[0], "bursar_head_delete") {
		t.Errorf("without a trigger: %+v", schema)
	}
}
