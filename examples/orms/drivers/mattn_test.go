//go:build cgo

package drivers_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"

	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
	"github.com/bursar-ledger/bursar/examples/orms/sqlxshop"
)

// mattnSettings are those of sqlite.DSN in the words of mattn/go-sqlite3.
const mattnSettings = "?_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on"

func TestPurchaseOverMattn(t *testing.T) {
	t.Parallel()
	mattn := shoptest.Driver{Name: "sqlite3", DSN: func(path string) (string, error) {
		return "file:" + path + mattnSettings, nil
	}}
	shoptest.RunOver(t, shoptest.SQLite, mattn, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		return (&sqlxshop.Shop{Ledger: d.Ledger, On: sqlxshop.OnSQLite(sqlx.NewDb(d.DB, "sqlite3"))}).Buy
	})
}

// TestAtomicOverMattn is the numbered suite of package atomic.
func TestAtomicOverMattn(t *testing.T) {
	t.Parallel()
	atomictest.Run(t, atomictest.SQLite(atomicsqlite.Dialect{}, func(t *testing.T) (pool, other *sql.DB) {
		dsn := "file:" + filepath.Join(t.TempDir(), "suite.db") +
			"?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=0&_foreign_keys=on"
		return handle(t, "sqlite3", dsn), handle(t, "sqlite3", dsn)
	}))
}

// TestMattnConflictsAreConflicts posts under In at once, without any patience: what does not succeed may be retried.
func TestMattnConflictsAreConflicts(t *testing.T) {
	t.Parallel()
	settings := strings.Replace(mattnSettings, "5000", "0", 1)
	db := handle(t, "sqlite3", "file:"+filepath.Join(t.TempDir(), "busy.db")+settings)
	shop := bursar.Opening{Path: "shop", Currency: money.MustParse("0 USD").Currency()}
	l := bursartest.With(t, sqlite.New(db), bursartest.Funded("users:ann", "1.00 USD"), bursartest.Opened(shop))
	holder, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.BeginTx(t.Context(), nil); bursar.CodeOf(err) != bursar.CodeConflict || !bursar.Retryable(err) {
		t.Errorf("a second writer: %v", err)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if _, err := l.Post(t.Context(), payment(n)); err != nil && !bursar.Retryable(err) {
				t.Errorf("a post beside others: %v", err)
			}
		})
	}
	all.Wait()
}

func TestUnsafeMattnIsRefused(t *testing.T) {
	t.Parallel()
	for name, remedy := range map[string]string{
		"?_synchronous=NORMAL":                 "_synchronous=FULL",
		"?_synchronous=FULL&_journal_mode=OFF": "_journal_mode=WAL",
	} {
		db := handle(t, "sqlite3", "file:"+filepath.Join(t.TempDir(), "unsafe.db")+name)
		_, err := ledger.New(t.Context(), sqlite.New(db), &ledger.Options{Migrate: true})
		if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%s: %v, want the remedy %s", name, err, remedy)
		}
	}
}
