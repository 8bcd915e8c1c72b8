package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// weakening is a change of the schema after which an object does nothing, or another thing, and what undoes it.
type weakening struct {
	kind, object string
	change, undo []string
}

// table is the rows of a query, each with all of its columns.
func table(t *testing.T, db *sql.DB, query string) (all [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		row := make([]string, len(names))
		targets := make([]any, len(names))
		for i := range row {
			targets[i] = &row[i]
		}
		must(t, rows.Scan(targets...))
		all = append(all, row)
	}
	must(t, rows.Err())
	return all
}

// weakenings ask the catalogue what there is.
func weakenings(t *testing.T, db *sql.DB) (all []weakening) {
	t.Helper()
	one := func(s string) []string { return []string{s} }
	for _, r := range table(t, db, `SELECT trigger_name, action_timing, event_manipulation, event_object_table,
			action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE()`) {
		head := fmt.Sprintf("CREATE TRIGGER %s %s %s ON %s FOR EACH ROW ", r[0], r[1], r[2], r[3])
		drop := "DROP TRIGGER IF EXISTS " + r[0]
		undo := []string{drop, head + r[4]}
		other := strings.Replace(head, " BEFORE ", " AFTER ", 1)
		all = append(all,
			weakening{"trigger dropped", r[0], one(drop), undo},
			weakening{"trigger that does nothing", r[0], []string{drop, head + "SET @nothing = 1"}, undo},
			weakening{"trigger that runs later", r[0], []string{drop, other + r[4]}, undo})
	}
	for _, r := range table(t, db, `SELECT table_name, constraint_name, check_clause
			FROM information_schema.check_constraints
			/*!80016 JOIN information_schema.table_constraints USING (constraint_schema, constraint_name) */
			WHERE constraint_schema = DATABASE()`) {
		drop := fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", r[0], r[1])
		undo := fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s)", r[0], r[1], r[2])
		all = append(all,
			weakening{"check dropped", r[1], one(drop), one(undo)},
			weakening{"check of nothing", r[1],
				one(drop + fmt.Sprintf(", ADD CONSTRAINT %s CHECK (TRUE)", r[1])), []string{drop, undo}})
	}
	for _, r := range table(t, db, `SELECT table_name, index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index)
			FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY'
			GROUP BY table_name, index_name`) {
		// The key of bursar_account serves the foreign key too.
		change := fmt.Sprintf("ALTER TABLE %s DROP INDEX %s, ADD INDEX %[2]s (%s)", r[0], r[1], r[2])
		undo := fmt.Sprintf("ALTER TABLE %s DROP INDEX %s, ADD UNIQUE INDEX %[2]s (%s)", r[0], r[1], r[2])
		all = append(all,
			weakening{"index not unique", r[1], one(change), one(undo)},
			weakening{"index ignored", r[1],
				one(fmt.Sprintf("ALTER TABLE %s ALTER INDEX %s /*M! IGNORED */ /*!80000 INVISIBLE */",
					r[0], r[1])),
				one(fmt.Sprintf("ALTER TABLE %s ALTER INDEX %s /*M! NOT IGNORED */ /*!80000 VISIBLE */",
					r[0], r[1]))})
		if r[0] != "bursar_account" {
			all = append(all, weakening{"index dropped", r[1], one(fmt.Sprintf("DROP INDEX %s ON %s", r[1], r[0])),
				one(fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s (%s)", r[1], r[0], r[2]))})
		}
	}
	for _, r := range table(t, db, `SELECT v.table_name, view_definition, GROUP_CONCAT(column_name
				ORDER BY ordinal_position SEPARATOR ', NULL AS ')
			FROM information_schema.views v JOIN information_schema.columns c USING (table_schema, table_name)
			WHERE v.table_schema = DATABASE() GROUP BY v.table_name, view_definition`) {
		make := "CREATE OR REPLACE SQL SECURITY INVOKER VIEW " + r[0] + " AS "
		all = append(all,
			weakening{"view dropped", r[0], one("DROP VIEW " + r[0]), one(make + r[1])},
			weakening{"view of nothing", r[0],
				one(make + "SELECT NULL AS " + r[2] + " FROM DUAL WHERE FALSE"), one(make + r[1])},
			weakening{"view with its maker's rights", r[0],
				one(strings.Replace(make, "INVOKER", "DEFINER", 1) + r[1]), one(make + r[1])})
	}
	return append(all, columnWeakenings(t, db)...)
}

// columnWeakenings are those of columns and tables.
func columnWeakenings(t *testing.T, db *sql.DB) (all []weakening) {
	t.Helper()
	for _, r := range table(t, db, `SELECT table_name, column_name, column_type, COALESCE(collation_name, ''), is_nullable,
			COALESCE(column_default, ''), extra, column_key
			FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
			WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`) {
		alter := fmt.Sprintf("ALTER TABLE %s MODIFY %s %s", r[0], r[1], r[2])
		if r[3] != "" {
			alter += " COLLATE " + r[3]
		}
		was := ""
		if r[4] == "NO" {
			was = " NOT NULL"
		}
		if r[5] == "0" {
			was += " DEFAULT 0"
		}
		undo := []string{alter + was}
		if r[5] == "0" {
			all = append(all, weakening{"column with another default", r[1],
				[]string{alter + strings.Replace(was, "0", "7", 1)}, undo})
		}
		if r[4] == "NO" && r[6] == "" && r[7] == "" {
			all = append(all, weakening{"column that may be NULL", r[1],
				[]string{alter + strings.Replace(was, " NOT NULL", "", 1)}, undo})
		}
		if r[3] != "" {
			all = append(all, weakening{"column that ignores case", r[1],
				[]string{strings.Replace(alter, r[3], "utf8mb4_general_ci", 1) + was}, undo})
		}
	}
	for _, r := range table(t, db, `SELECT table_name FROM information_schema.tables
			WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`) {
		all = append(all,
			weakening{"table with a column", r[0], []string{"ALTER TABLE " + r[0] + " ADD mine INT"},
				[]string{"ALTER TABLE " + r[0] + " DROP mine"}},
			weakening{"table with a trigger", r[0],
				[]string{"CREATE TRIGGER mine BEFORE INSERT ON " + r[0] + " FOR EACH ROW SET @nothing = 1"},
				[]string{"DROP TRIGGER mine"}},
			weakening{"table with a check", r[0], []string{"ALTER TABLE " + r[0] + " ADD CONSTRAINT mine CHECK (TRUE)"},
				[]string{"ALTER TABLE " + r[0] + " DROP CONSTRAINT mine"}})
	}
	return append(all,
		weakening{"foreign key dropped", "bursar_account_book",
			[]string{"ALTER TABLE bursar_account DROP FOREIGN KEY bursar_account_book"},
			[]string{"ALTER TABLE bursar_account ADD CONSTRAINT bursar_account_book FOREIGN KEY (book) " +
				"REFERENCES bursar_book (book)"}},
		weakening{"migration of another name", "1", []string{"UPDATE bursar_migration SET name = 'first'"},
			[]string{"UPDATE bursar_migration SET name = 'init'"}})
}

// audited is what verify says of the schema.
func audited(t *testing.T, store driver.Store) (schema driver.AuditedSchema) {
	t.Helper()
	must(t, store.Read(t.Context(), func(ctx context.Context, r driver.Reader) (err error) {
		schema, err = r.(driver.Auditor).AuditSchema(ctx)
		return err
	}))
	return schema
}

// TestWhatDoesNothingIsFound replaces each object of the schema by one that does nothing, and puts it back as the
// server describes it. It asks the catalogue what there is.
func TestWhatDoesNothingIsFound(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	must(t, store.Migrate(t.Context()))
	exec := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	all := weakenings(t, db)
	exec("CREATE INDEX mine ON bursar_entry (effective)", "CREATE TABLE bursar_report (day DATE)",
		"CREATE TRIGGER mine_too BEFORE INSERT ON bursar_report FOR EACH ROW SET @nothing = 1",
		"CREATE VIEW bursar_mine AS SELECT * FROM bursar_accounts")
	counts := map[string]int{}
	for _, w := range all {
		exec(w.change...)
		schema := audited(t, store)
		named := slices.ContainsFunc(schema.Faults, func(f string) bool { return strings.Contains(f, w.object) })
		if !named || len(schema.Notes) > 0 {
			t.Errorf("%s: %+v", w.change, schema)
		}
		exec(w.undo...)
		counts[w.kind]++
	}
	if schema := audited(t, store); len(schema.Faults) > 0 || len(schema.Notes) > 0 {
		t.Errorf("everything was undone, and the user's own objects concern nobody: %+v", schema)
	}
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%s: %d", kind, counts[kind]))
	}
	t.Logf("%d objects replaced, taken away or added in turn, each found: %s",
		len(all), strings.Join(lines, ", "))
	if len(all) < 180 {
		t.Errorf("only %d objects were replaced", len(all))
	}
}
