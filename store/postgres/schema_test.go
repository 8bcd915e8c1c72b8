package postgres_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// replacements change or remove rows in other ways than a plain UPDATE or DELETE.
var replacements = []string{
	`TRUNCATE bursar_entry`,
	`TRUNCATE bursar_request CASCADE`,
	`TRUNCATE bursar_account`,
	`TRUNCATE bursar_balance`,
	`TRUNCATE bursar_book CASCADE`,
	`TRUNCATE bursar_head`,
	`INSERT INTO bursar_entry SELECT * FROM bursar_entry ON CONFLICT (entry) DO UPDATE SET amount = 7`,
	`INSERT INTO bursar_request SELECT * FROM bursar_request ON CONFLICT (request) DO UPDATE SET reference = 'x'`,
	`INSERT INTO bursar_account SELECT * FROM bursar_account ON CONFLICT (account) DO UPDATE SET scale = 0`,
	`MERGE INTO bursar_entry e USING bursar_entry o ON e.entry = o.entry WHEN MATCHED THEN DELETE`,
	`MERGE INTO bursar_entry e USING bursar_entry o ON e.entry = o.entry WHEN MATCHED THEN UPDATE SET amount = 7`,
	`WITH gone AS (DELETE FROM bursar_entry RETURNING *) SELECT * FROM gone`,
	`UPDATE bursar_book SET name = 'other'`,
	`UPDATE bursar_account SET opened = 0`,
}

func TestRowsAreNeverReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	_, err := d.ledger.Seal(t.Context())
	d.must(err)
	before, err := d.ledger.Journal(t.Context(), 0, 0)
	d.must(err)
	for _, statement := range replacements {
		if _, err := d.pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "bursar: ") {
			t.Errorf("%s: %v, want a refusal by the schema", statement, err)
		}
	}
	after, err := d.ledger.Journal(t.Context(), 0, 0)
	d.must(err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the journal was changed (-before +after):\n%s", diff)
	}
	d.exec("UPDATE bursar_account SET metadata = '{}'") // which is no part of what an account is
}

// TestAnEntryIsSealedOnce changes each column of an unsealed entry while sealing it: sealing alone is allowed.
func TestAnEntryIsSealedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	_, err := d.ledger.Seal(t.Context())
	d.must(err)
	_, err = d.ledger.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
	d.must(err)
	exec := func(statement string) error {
		_, err := d.pool.Exec(t.Context(), statement)
		return err
	}
	const seal = "UPDATE bursar_entry SET seq = 10, at = 1, hash = sha256('x')"
	const here = " WHERE entry = (SELECT max(entry) FROM bursar_entry)"
	columns := strings.Fields(
		d.text(
			"SELECT string_agg(column_name, ' ') FROM information_schema.columns " +
				"WHERE table_name = 'bursar_entry' AND table_schema = current_schema()",
		),
	)
	if len(columns) != 26 {
		t.Fatalf("the journal has the columns %q", columns)
	}
	for _, column := range columns {
		value := "coalesce(" + column + ", 0) + 1"
		switch column {
		case "seq", "at", "hash":
			continue
		case "request_id":
			value = "gen_random_uuid()"
		}
		for _, what := range []string{
			seal + ", " + column + " = " + value, "UPDATE bursar_entry SET " + column + " = " + value,
		} {
			if err := exec(what + here); err == nil || !strings.Contains(err.Error(), "bursar: ") {
				t.Errorf("%s: %v, want a refusal by the schema", what, err)
			}
		}
	}
	d.must(exec(seal + here))
	if err := exec(seal + here); err == nil {
		t.Error("an entry was sealed twice")
	}
}

// brokenRows are statements by the constraint that they break.
var brokenRows = map[string][]string{
	"bursar_balance_range": {
		"UPDATE bursar_balance SET balance = 1000000000000000000, available = 1000000000000000000",
	},
	"bursar_balance_signs": {
		"UPDATE bursar_balance SET balance_hi = 1, balance = -1, available_hi = 1",
	},
	"bursar_balance_held": {
		"UPDATE bursar_balance SET held = -1",
		"UPDATE bursar_balance SET held_hi = -1",
	},
	"bursar_balance_min": {
		"UPDATE bursar_balance SET available = -1 WHERE available_min IS NOT NULL",
		"UPDATE bursar_balance SET available_hi = -1 WHERE available_min IS NOT NULL",
	},
	"bursar_balance_max": {
		"UPDATE bursar_balance SET balance_max = balance - 1",
		"UPDATE bursar_balance SET balance_max = 0, balance_max_hi = -1",
	},
	"bursar_balance_state": {
		"UPDATE bursar_balance SET state = 4",
	},
	"bursar_balance_version": {
		"UPDATE bursar_balance SET version = 0",
	},
	"bursar_head_seq": {
		"UPDATE bursar_head SET seq = -1",
	},
	"bursar_head_hash": {
		"UPDATE bursar_head SET hash = ''",
	},
	"bursar_book_genesis": {
		"INSERT INTO bursar_book (name, uuid, genesis) VALUES ('x', gen_random_uuid(), '')",
	},
	"bursar_book_name": {
		"INSERT INTO bursar_book (name, uuid, genesis) SELECT name, gen_random_uuid(), genesis FROM bursar_book",
	},
	"bursar_book_uuid": {
		"INSERT INTO bursar_book (name, uuid, genesis) SELECT 'x', uuid, genesis FROM bursar_book",
	},
	"bursar_account_scale": {
		"INSERT INTO bursar_account VALUES (-7, 1, 'x', 'USD', 37, 0, NULL)",
	},
	"bursar_account_book": {
		"INSERT INTO bursar_account VALUES (-7, 99, 'x', 'USD', 2, 0, NULL)",
	},
	"bursar_account_path": {
		"INSERT INTO bursar_account VALUES (-7, 1, 'world', 'USD', 2, 0, NULL)",
	},
	"bursar_request_outcome": {
		"INSERT INTO bursar_request (book, id, content, decided) VALUES (1, gen_random_uuid(), '', 0)",
	},
	"bursar_request_id": {
		"INSERT INTO bursar_request (book, id, content, decided, last_entry) SELECT book, id, content, 0, 1 " +
			"FROM bursar_request",
	},
	"bursar_request_reference": {
		"INSERT INTO bursar_request (book, id, content, decided, last_entry, reference) " +
			"VALUES (1, gen_random_uuid(), '', 0, 1, 'r'), (1, gen_random_uuid(), '', 0, 1, 'r')",
	},
}

// brokenEntries change one column of a copy of an entry.
var brokenEntries = map[string]string{
	"seq = 0":           "bursar_entry_place",
	"at = NULL":         "bursar_entry_place",
	"hash = NULL":       "bursar_entry_place",
	"seq = NULL":        "bursar_entry_place",
	"kind = 0":          "bursar_entry_place",
	"hash = 'short'":    "bursar_entry_hash",
	"leg = -1":          "bursar_entry_leg",
	"from_held = 0":     "bursar_entry_zeros",
	"to_balance_hi = 0": "bursar_entry_zeros",
	"request_id = (SELECT request_id FROM bursar_entry WHERE seq = 3)": "bursar_entry_id",
	"kind = 0, seq = -entry, at = NULL, hash = NULL, to_account = 7":   "bursar_entry_place",
	"amount = -1":               "bursar_entry_amount",
	"amount_hi = -1":            "bursar_entry_amount",
	"from_account = to_account": "bursar_entry_sides",
	"seq = 1":                   "bursar_entry_seq",
	"entry = (SELECT min(entry) FROM bursar_entry)": "bursar_entry_pkey",
}

func TestRowsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{SealEvery: -1})
	_, err := d.ledger.Seal(t.Context())
	d.must(err)
	refuse := func(statement, constraint string) {
		t.Helper()
		_, err := d.pool.Exec(t.Context(), statement)
		if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.ConstraintName != constraint {
			t.Errorf("%s: %v, want a refusal by %s", statement, err, constraint)
		}
	}
	for constraint, statements := range brokenRows {
		for _, statement := range statements {
			refuse(statement, constraint)
		}
	}
	for change, constraint := range brokenEntries {
		d.exec("DROP TABLE IF EXISTS copied")
		d.exec("CREATE TABLE copied AS SELECT * FROM bursar_entry WHERE seq = 3")
		d.exec("UPDATE copied SET entry = -7, seq = 1000, request_id = gen_random_uuid()")
		d.exec("UPDATE copied SET " + change)
		refuse("INSERT INTO bursar_entry SELECT * FROM copied", constraint)
	}
}

// statementsOf splits a migration as goose does.
func statementsOf(text string) (statements []string) {
	var part strings.Builder
	whole := false
	for line := range strings.Lines(text) {
		switch mark := strings.TrimSpace(line); {
		case mark == "-- +goose StatementBegin":
			whole = true
			continue
		case mark == "-- +goose StatementEnd":
			whole = false
		case strings.HasPrefix(mark, "-- +goose"), strings.HasPrefix(mark, "--") && part.Len() == 0:
			continue
		default:
			part.WriteString(line)
			if whole || !strings.HasSuffix(mark, ";") {
				continue
			}
		}
		if s := strings.TrimSpace(part.String()); s != "" {
			statements = append(statements, s)
		}
		part.Reset()
	}
	return statements
}

// describe is the schema as the catalogue has it.
const describe = `SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
	SELECT table_name || '.' || ordinal_position || ' ' || column_name || ' ' || data_type || ' '
			|| coalesce(collation_name, '') || ' ' || is_nullable AS line
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name LIKE 'bursar%'
	UNION ALL SELECT conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c
			WHERE connamespace = current_schema()::regnamespace
	UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
	UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
	UNION ALL SELECT proname || prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
	UNION ALL SELECT sequencename || ' ' || increment_by FROM pg_sequences WHERE schemaname = current_schema()
	UNION ALL SELECT relname || ' ' || array_to_string(reloptions, ' ') FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND reloptions IS NOT NULL
	UNION ALL SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = current_schema()) AS lines`

// TestMigrationsWithAnotherTool applies the files statement by statement, as goose does, and as a whole, as
// golang-migrate does, and compares with what Migrate makes.
func TestMigrationsWithAnotherTool(t *testing.T) {
	t.Parallel()
	where := schemas(t, sqltest.Postgres(t))
	schema := func(db *sql.DB) (text string) {
		var name string
		if err := db.QueryRowContext(t.Context(), "SELECT current_schema(), ("+describe+")").Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(text, name+".", "")
	}
	migrated := where(t).open(t)
	if err := postgres.NewSQL(migrated).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := schema(migrated)
	if !strings.Contains(want, "bursar_entry_truncate") || !strings.Contains(want, "fillfactor=50") {
		t.Fatalf("the schema is\n%s", want)
	}
	for name, split := range map[string]func(string) []string{
		"goose": statementsOf, "golang-migrate": func(text string) []string { return []string{text} },
	} {
		db := where(t).open(t)
		files, err := fs.Glob(postgres.Migrations(), "*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("migrations: %v, %v", files, err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(postgres.Migrations(), file)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range split(string(text)) {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %s: %v", file, statement, err)
				}
			}
		}
		if diff := cmp.Diff(want, schema(db)); diff != "" {
			t.Errorf("schemas (-Migrate +%s):\n%s", name, diff)
		}
		store := postgres.NewSQL(db)
		if have, want, err := store.Schema(t.Context()); err != nil || have != want || have != len(files) {
			t.Errorf("%s: schema %d of %d, %v; want %d", name, have, want, err, len(files))
		}
		if err := store.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestTheColumnsAreThoseOfSQLite compares names: what an application joins is the same on every engine. On SQLite the
// key of an entry is its place, which changes two columns that are the ledger's own.
func TestTheColumnsAreThoseOfSQLite(t *testing.T) {
	t.Parallel()
	columns := func(db *sql.DB, query string) string {
		t.Helper()
		var text string
		if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	mine := schemas(t, sqltest.Postgres(t))(t).open(t)
	if err := postgres.NewSQL(mine).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := sqlite.New(other).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := columns(other, `SELECT group_concat(line, char(10))
			FROM (SELECT m.name || '.' || iif(m.type = 'view', c.cid, '') || ' ' || c.name AS line
		FROM sqlite_schema m, pragma_table_xinfo(m.name) c
				WHERE m.type IN ('table', 'view') AND m.name LIKE 'bursar%'
					AND NOT (m.name = 'bursar_entry' AND c.name = 'lag') ORDER BY line)`)
	got := columns(mine, `SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
		SELECT c.table_name || '.' || CASE table_type WHEN 'VIEW' THEN (ordinal_position - 1)::text ELSE '' END || ' '
			|| column_name AS line
		FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE table_schema = current_schema() AND table_name LIKE 'bursar%'
			AND NOT (table_name = 'bursar_checkpoint' AND column_name = 'seq')) AS lines`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-sqlite +postgres):\n%s", diff)
	}
}

// TestViews reads what people see.
func TestViews(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	order := move("users:1", "users:2", "12.34 USD")
	order.ID, order.Reference = bursar.IDOf("order.pay", 7), "order 7"
	_, err := d.ledger.Post(t.Context(), order)
	d.must(err)
	for query, want := range map[string]string{
		"SELECT balance::text FROM bursar_accounts WHERE path = 'world'":              "-400.00",
		"SELECT (available - held)::text FROM bursar_accounts WHERE path = 'users:1'": "87.66",
		"SELECT sum(balance)::text FROM bursar_accounts":                              "0.00",
		"SELECT state FROM bursar_accounts WHERE path = 'world'":                      "open",
		"SELECT id::text FROM bursar_transfers WHERE reference = 'order 7'":           order.ID.String(),
		"SELECT from_path || ' ' || to_path || ' ' || amount FROM bursar_entries " +
			"WHERE request_id = '" + order.ID.String() + "'": "users:1 users:2 12.34",
	} {
		if got := d.text(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
