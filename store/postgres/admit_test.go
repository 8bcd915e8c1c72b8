package postgres_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// entrances are database transactions that are not as they should be: how each is begun and made so, and a word of the
// remedy; none where it is welcome.
var entrances = []struct {
	name, begin, set string
	remedy           string
}{
	{name: "usual", begin: "BEGIN"},
	{name: "read committed", begin: "BEGIN ISOLATION LEVEL READ COMMITTED"},
	{name: "read uncommitted", begin: "BEGIN ISOLATION LEVEL READ UNCOMMITTED"}, // which is READ COMMITTED here
	{name: "serializable", begin: "BEGIN ISOLATION LEVEL SERIALIZABLE"},
	{name: "local commits", begin: "BEGIN", set: "SET LOCAL synchronous_commit = local"},
	{name: "repeatable read", begin: "BEGIN ISOLATION LEVEL REPEATABLE READ", remedy: "READ COMMITTED"},
	{name: "read only", begin: "BEGIN READ ONLY", remedy: "begin one that may write"},
	{name: "asynchronous", begin: "BEGIN", set: "SET LOCAL synchronous_commit = off", remedy: "synchronous_commit"},
	{
		name: "no triggers", begin: "BEGIN", set: "SET LOCAL session_replication_role = replica",
		remedy: "session_replication_role",
	},
	{name: "other text", begin: "BEGIN", set: "SET LOCAL client_encoding = LATIN1", remedy: "client_encoding"},
	{name: "another schema", begin: "BEGIN", set: "SET LOCAL search_path = pg_catalog", remedy: "search_path"},
}

// wrapped is a database transaction inside another type, as libraries over database/sql have it.
type wrapped struct{ *sql.Tx }

func TestUnsafeTransactionsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	db := d.open(t)
	for _, e := range entrances {
		t.Run(e.name, func(t *testing.T) {
			check := func(in driver.CallerTx, exec func(string) error) {
				t.Helper()
				d.must(exec("SELECT 1"))
				for range 2 { // the first refusal leaves it usable
					_, err := d.ledger.In(in).Post(t.Context(), move("users:1", "users:2", "0.01 USD"))
					d.must(exec("SELECT 1"))
					switch {
					case e.remedy == "" && err != nil:
						t.Errorf("refused: %v", err)
					case e.remedy == "":
					case bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), e.remedy):
						t.Errorf("got %v, want a refusal that says %q", err, e.remedy)
					}
				}
				if err := exec("ROLLBACK"); err != nil { // which lets the next one have the accounts
					t.Errorf("after it: %v", err)
				}
			}
			begin := func() *sql.Tx {
				tx, err := db.BeginTx(t.Context(), nil)
				d.must(err)
				t.Cleanup(func() { _ = tx.Rollback() })
				_, err = tx.ExecContext(t.Context(), "ROLLBACK; "+e.begin+"; "+e.set)
				d.must(err)
				return tx
			}
			tx := begin()
			check(postgres.Tx(tx), func(q string) error { _, err := tx.ExecContext(t.Context(), q); return err })
			other := begin()
			check(postgres.Tx(wrapped{other}), func(q string) error { _, err := other.ExecContext(t.Context(), q); return err })
			mine, err := d.pool.BeginTx(t.Context(), pgx.TxOptions{BeginQuery: strings.ToLower(e.begin)})
			d.must(err)
			t.Cleanup(func() { _ = mine.Rollback(context.Background()) })
			_, err = mine.Exec(t.Context(), e.set)
			d.must(err)
			check(postgres.PgxTx(mine), func(q string) error { _, err := mine.Exec(t.Context(), q); return err })
		})
	}
}

func TestAtomicTransactionsAreChecked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for _, test := range []struct {
		options atomic.Options
		code    bursar.Code
	}{
		{atomic.Options{}, ""},
		{atomic.Options{Isolation: sql.LevelSerializable}, ""},
		{atomic.Options{Isolation: sql.LevelRepeatableRead}, bursar.CodeUnsafeTransaction},
		{atomic.Options{ReadOnly: true}, bursar.CodeUnsafeTransaction},
	} {
		err := atomic.Do(t.Context(), d.store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			_, err := d.ledger.In(tx).Post(ctx, move("users:1", "users:2", "0.01 USD"))
			return err
		}, &test.options)
		if got := bursar.CodeOf(err); got != test.code {
			t.Errorf("%+v: %v, want code %q", test.options, err, test.code)
		}
	}
}

func TestWhatIsNotOpenIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	db := d.open(t)
	conn, err := db.Conn(t.Context())
	d.must(err)
	defer conn.Close()
	ended, err := db.BeginTx(t.Context(), nil) // whose end database/sql does not know of
	d.must(err)
	defer ended.Rollback()
	_, err = ended.ExecContext(t.Context(), "COMMIT")
	d.must(err)
	failed, err := db.BeginTx(t.Context(), nil)
	d.must(err)
	defer failed.Rollback()
	if _, err := failed.ExecContext(t.Context(), "SELECT 1/0"); err == nil {
		t.Fatal("a division by zero has a result")
	}
	mine := d.begin()
	_, err = mine.Exec(t.Context(), "COMMIT")
	d.must(err)
	for name, test := range map[string]struct {
		tx     driver.CallerTx
		remedy string
	}{
		"a connection":             {postgres.Tx(conn), "begin one first"},
		"a pool":                   {postgres.Tx(db), "begin one"},
		"a hidden pool":            {postgres.Tx(struct{ *sql.DB }{db}), "begin one first"},
		"committed in SQL":         {postgres.Tx(ended), "begin one first"},
		"pgx, committed in SQL":    {postgres.PgxTx(mine), "begin one first"},
		"failed":                   {postgres.Tx(failed), "roll it back"},
		"failed, inside something": {postgres.Tx(wrapped{failed}), "roll it back"},
		"no pgx":                   {postgres.PgxTx(nil), "no database transaction"},
	} {
		_, err := d.ledger.In(test.tx).Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), test.remedy) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, test.remedy)
		}
	}
	d.wantBalance("users:1", "100.00 USD")
}

// TestUnsafeConnectionsAreRefused opens a ledger over connections of its own that are not as they should be.
func TestUnsafeConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for setting, remedy := range map[string]string{
		"synchronous_commit=off":                     "synchronous_commit",
		"session_replication_role=replica":           "session_replication_role",
		"default_transaction_read_only=on":           "default_transaction_read_only",
		"client_encoding=LATIN1":                     "client_encoding",
		"synchronous_commit=remote_write":            "",
		"default_transaction_isolation=serializable": "", // the store asks for what it needs
	} {
		_, err := ledger.New(t.Context(), postgres.NewSQL(d.open(t, setting)), &ledger.Options{SealEvery: -1})
		switch {
		case remedy == "" && err != nil:
			t.Errorf("%s: %v", setting, err)
		case remedy != "" && (bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), remedy)):
			t.Errorf("%s: %v, want a refusal that says %q", setting, err, remedy)
		}
	}
}

// TestUnsafeServersAreRefused puts answers of its own before the server's, for what a test cannot turn off.
func TestUnsafeServersAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	schema := d.text("SELECT current_schema()")
	d.exec("CREATE TABLE said (name text, answer text)")
	d.exec(`CREATE FUNCTION current_setting(setting text) RETURNS text STABLE LANGUAGE sql AS $$
		SELECT coalesce((SELECT answer FROM said WHERE name = setting), pg_catalog.current_setting(setting)) $$`)
	d.exec(`CREATE FUNCTION pg_is_in_recovery() RETURNS boolean STABLE LANGUAGE sql AS $$
		SELECT EXISTS (SELECT 1 FROM said WHERE name = 'standby') $$`)
	db := d.server.Open(t, "search_path="+schema+",pg_catalog")
	for _, test := range []struct {
		name, answer, remedy string
		own, joined          bursar.Code
	}{
		{"nothing", "", "", "", ""},
		{"fsync", "off", "turn it on", bursar.CodeUnsafeTransaction, bursar.CodeUnsafeTransaction},
		{"full_page_writes", "off", "turn it on", bursar.CodeUnsafeTransaction, bursar.CodeUnsafeTransaction},
		{"standby", "", "connect to the primary", "", bursar.CodeUnavailable}, // it may be read
		{"server_version_num", "140011", "PostgreSQL 15", bursar.CodeUnsupported, ""},
		{"server_encoding", "SQL_ASCII", "ENCODING UTF8", bursar.CodeUnsupported, ""},
	} {
		d.exec("DELETE FROM said")
		if test.name != "nothing" {
			d.exec("INSERT INTO said VALUES ('" + test.name + "', '" + test.answer + "')")
		}
		want := func(what string, err error, code bursar.Code) {
			t.Helper()
			if bursar.CodeOf(err) != code || code != "" && !strings.Contains(err.Error(), test.remedy) {
				t.Errorf("%s is %q: %s: %v, want %s that says %q", test.name, test.answer, what, err, code, test.remedy)
			}
		}
		_, err := ledger.New(t.Context(), postgres.NewSQL(db), &ledger.Options{SealEvery: -1})
		want("opening", err, test.own)
		tx, err := db.BeginTx(t.Context(), nil)
		d.must(err)
		_, err = d.ledger.In(postgres.Tx(tx)).Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		want("posting", err, test.joined)
		d.must(tx.Rollback())
	}
}
