package verify_test

import (
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// serverChanges are changes of what is looked up only where something may point at an entry. They add up.
var serverChanges = []struct {
	statement string
	at        string // the position, 0 for any place
	want      verify.Check
}{
	{
		"INSERT INTO bursar_checkpoint (account, version, seq, entry) " +
			"SELECT to_account, to_version, seq, entry FROM bursar_entry WHERE book = 1 AND seq = 30",
		"SELECT 30", verify.Checkpoints,
	},
	{
		"UPDATE bursar_checkpoint SET version = version + 1 WHERE account = " + serverBob + " AND version = 64",
		"SELECT seq FROM bursar_entry WHERE to_version = 64 AND to_account = " + serverBob, verify.Checkpoints,
	},
	{
		"DELETE FROM bursar_backdated WHERE account = " + serverBob,
		"SELECT min(seq) FROM bursar_entry WHERE effective IS NOT NULL", verify.Backdated,
	},
	{
		"INSERT INTO bursar_backdated (account, effective, entry) " +
			"SELECT to_account, decided, entry FROM bursar_entry WHERE book = 1 AND seq = 30",
		"SELECT 0", verify.Strays,
	},
	{
		"DELETE FROM bursar_request WHERE reference = 'three legs'",
		"SELECT min(seq) FROM bursar_entry WHERE request_id = (SELECT request_id FROM bursar_entry WHERE leg = 2)",
		verify.Chain,
	},
	{
		"UPDATE bursar_entry SET from_held = 0 WHERE book = 1 AND seq = 50",
		"SELECT 50", verify.Readable,
	},
}

const serverBob = "(SELECT account FROM bursar_account WHERE book = 1 AND path = 'users:bob')"

// TestServers tampers with a ledger on a server.
func TestServers(t *testing.T) {
	t.Parallel()
	const zeros = "ALTER TABLE bursar_entry DROP CONSTRAINT bursar_entry_zeros"
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		db := sqltest.Postgres(t).Open(t)
		changeOnServer(t, db, postgres.NewSQL(db), "ALTER TABLE bursar_entry DISABLE TRIGGER ALL",
			"ALTER TABLE bursar_request DISABLE TRIGGER ALL",
			zeros)
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		dsn, err := mysql.DSN(sqltest.MariaDB(t).URL())
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		changeOnServer(t, db, mysql.New(db), "DROP TRIGGER bursar_entry_update", "DROP TRIGGER bursar_request_delete",
			zeros)
	})
}

func changeOnServer(t *testing.T, db *sql.DB, store driver.Store, allow ...string) {
	book := build(t, store)
	if report, err := verify.Run(t.Context(), store, book, nil); err != nil || !report.OK() || report.Unsealed > 0 {
		t.Fatalf("untouched: %d unsealed, %v%s", report.Unsealed, err, summary(&report))
	}
	for _, statement := range allow {
		exec(t, db, statement)
	}
	for _, c := range serverChanges {
		at := number(t, db, c.at)
		if n := exec(t, db, c.statement); n == 0 {
			t.Errorf("%s: nothing was changed", c.statement)
		}
		report, err := verify.Run(t.Context(), store, book, &verify.Options{Findings: 1_000})
		if err != nil {
			t.Fatalf("%s: %v", c.statement, err)
		}
		found := false
		for _, f := range report.Findings {
			found = found || f.Check == c.want && f.Seq == at
		}
		if !found {
			t.Errorf("%s: want %v at %d, got%s", c.statement, c.want, at, summary(&report))
		}
	}
}
