package sqlstore_test

import (
	"context"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// engines are stores that were never connected, by engine.
func engines() map[string]driver.Store {
	return map[string]driver.Store{
		"sqlite":    sqlite.New(nil).Store,
		"postgres":  postgres.NewSQL(nil).Store,
		"cockroach": postgres.NewCockroachSQL(nil).Store,
		"mysql":     mysql.New(nil).Store,
		"galera":    mysql.NewGalera(nil).Store,
		"tidb":      mysql.NewTiDB(nil).Store,
	}
}

// TestStatementsFitCapabilities makes sure that an engine has the statements which its capabilities need, and no other.
func TestStatementsFitCapabilities(t *testing.T) {
	t.Parallel()
	for engine, store := range engines() {
		d := sqlstore.DialectOf(store)
		missing := map[string]bool{}
		for _, need := range []struct {
			has        bool
			statements []string
		}{
			{d.Atomic.Traits().DDLCommits, []string{"LockSchema", "UnlockSchema"}},
			{d.Can.ManyWriters, []string{
				"Turn", "TryAccounts", "ReadAccounts", "Paths", "LockVersions", "SealEntries",
				"LockHead", "TryHead", "UnsealedKeys", "TryEntries", "EntriesOf", "AuditUnsealed",
			}},
			{!d.Can.ManyWriters, []string{"FileVersion", "IDsAround"}},
			{d.Can.HiddenLevel, []string{"SeenVersions"}},
			{d.Can.LocalLocks, []string{"Touch", "Untouch"}},
			{d.Can.TakesKeys, []string{"TakeKeys"}},
			{d.Can.Remembers, []string{"FileVersion", "IDsAround"}},
			{d.Can.ChecksStorage, []string{"AuditStorage"}},
		} {
			for _, name := range need.statements {
				missing[name] = !need.has
			}
		}
		texts(d.Statements, func(name, head, _ string, _ *sqlstore.Many) {
			if has := head != ""; has == missing[name] {
				t.Errorf("%s: has %s: %v, and can %+v", engine, name, has, d.Can)
			}
		})
	}
}

// TestEveryColumnIsWritten holds the lists of columns against each other: what is read was written.
func TestEveryColumnIsWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what          string
		read, written sqlstore.Columns
	}{
		{"account", sqlstore.RecordColumns, slices.Concat(sqlstore.NewAccount, sqlstore.NewBalance)},
		{"entry", sqlstore.EntryColumns.From("e"), sqlstore.NewEntry},
		{"request", sqlstore.RequestColumns.From("r"), sqlstore.NewRequest},
	} {
		for _, column := range c.read {
			if !slices.Contains(c.written, column) {
				t.Errorf("%s: %s is read and never written", c.what, column.Name)
			}
		}
		for _, column := range c.written {
			if column.Name != "book" && !slices.Contains(c.read, column) {
				t.Errorf("%s: %s is written and never read", c.what, column.Name)
			}
		}
	}
}

// TestAllLegsAreRead posts the longest transfer that there is, and reads its entries.
func TestAllLegsAreRead(t *testing.T) {
	t.Parallel()
	for engine, on := range map[string]func(*testing.T) place{
		"sqlite":   onSQLite,
		"postgres": func(t *testing.T) place { return onPostgres(t, false) },
		"mariadb":  onMariaDB,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, on(t), ledger.Locks{})
			for _, o := range []bursar.Opening{{Path: from(0), NoMin: true}, {Path: to(0)}} {
				o.Currency = money.USD{}.Currency()
				if _, err := b.ledger.OpenAccount(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			transfer := b.good()
			transfer.Legs = slices.Repeat(transfer.Legs, bursar.LegsMax)
			if _, err := b.ledger.Post(t.Context(), transfer); err != nil {
				t.Fatal(err)
			}
			b.seal()
			if got := len(b.entriesOf(transfer.ID)); got != bursar.LegsMax {
				t.Errorf("%d of %d legs are read", got, bursar.LegsMax)
			}
		})
	}
}

// entriesOf reads what was posted under an id.
func (b *bench) entriesOf(id bursar.ID) (entries []driver.EntryRow) {
	b.t.Helper()
	err := b.handle.store.Read(b.t.Context(), func(ctx context.Context, r driver.Reader) error {
		books, err := r.(driver.Auditor).AuditBooks(ctx)
		if err != nil {
			return err
		}
		_, entries, err = r.Request(ctx, books[0].Number, id)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return entries
}
