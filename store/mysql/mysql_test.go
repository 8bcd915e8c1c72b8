package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// startLedger makes a ledger with three funded accounts, sealed, which is closed with the test.
func startLedger(t testing.TB, store driver.Store, o *ledger.Options) *ledger.Ledger {
	t.Helper()
	if o == nil {
		o = &ledger.Options{}
	}
	o.Migrate = true
	l, err := ledger.New(t.Context(), store, o)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	usd, err := money.Lookup("USD")
	must(t, err)
	for _, opening := range []bursar.Opening{
		{Path: "world", NoMin: true}, {Path: "users:1"}, {Path: "users:2"}, {Path: "users:3"},
	} {
		opening.Currency = usd
		_, err := l.OpenAccount(t.Context(), opening)
		must(t, err)
		if opening.Path != "world" {
			_, err := l.Post(t.Context(), pay("world", opening.Path, "100.00 USD"))
			must(t, err)
		}
	}
	_, err = l.Seal(t.Context())
	must(t, err)
	return l
}

func pay(from, to, amount string) bursar.Transfer {
	return bursar.Transfer{Legs: []bursar.Leg{{From: from, To: to, Amount: money.MustParse(amount)}}}
}

// identified is a transfer with an id.
func identified(n byte, t bursar.Transfer) bursar.Transfer {
	t.ID[15] = n
	return t
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, want bursar.Code) {
	t.Helper()
	if got := bursar.CodeOf(err); got != want {
		t.Errorf("got code %q of %v, want %q", got, err, want)
	}
}

func wantUnsafe(t *testing.T, err error, remedy string) {
	t.Helper()
	if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), remedy) {
		t.Errorf("got %v, want unsafe_transaction with the remedy %q", err, remedy)
	}
}

func wantBalance(t testing.TB, l *ledger.Ledger, path, want string) {
	t.Helper()
	balance, err := l.Balance(t.Context(), path, bursar.AsOf{})
	must(t, err)
	if got := balance.Balance.String(); got != want {
		t.Errorf("%s has %s, want %s", path, got, want)
	}
}

// wantVerified seals and checks everything that is stored.
func wantVerified(t testing.TB, store driver.Store, l *ledger.Ledger) {
	t.Helper()
	_, err := l.Seal(t.Context())
	must(t, err)
	report, err := verify.Run(t.Context(), store, l.Book(), nil)
	must(t, err)
	must(t, report.Err())
}

// patience is how long something that must happen may take on a slow machine.
const patience = time.Minute

// isMySQL tells MySQL from MariaDB.
func isMySQL(t testing.TB, db *sql.DB) bool {
	t.Helper()
	var version string
	must(t, db.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version))
	return !strings.Contains(version, "MariaDB")
}

// waits returns when another session on the database waits for a row that is locked. InnoDB's own tables of locks are
// no use, because they are renewed only when nobody has read them for a while.
func waits(t testing.TB, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session := "SELECT count(*) FROM information_schema.processlist WHERE id = ? AND db = DATABASE()"
	if isMySQL(t, db) { // where that fails while another session's statement has bytes in it that are no text
		session = "SELECT count(*) FROM performance_schema.threads WHERE processlist_id = ? AND processlist_db = DATABASE()"
	}
	for waiting := false; !waiting; {
		var kind, name, status string
		must(t, db.QueryRowContext(ctx, "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &status))
		for _, tx := range strings.Split(status, "---TRANSACTION")[1:] {
			_, thread, _ := strings.Cut(tx, "thread id ")
			var id, n int
			if _, err := fmt.Sscanf(thread, "%d", &id); err != nil || !strings.Contains(tx, "\nLOCK WAIT ") {
				continue
			}
			must(t, db.QueryRowContext(ctx, session, id).Scan(&n))
			waiting = waiting || n > 0
		}
	}
}

func TestDSN(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]*gomysql.Config{
		"mysql://bob:secret@db.example/bank": {User: "bob", Passwd: "secret", Addr: "db.example:3306",
			DBName: "bank"},
		"mariadb://bob@[::1]:3307/bank": {User: "bob", Addr: "[::1]:3307", DBName: "bank"},
		"tidb://root@127.0.0.1/bank":    {User: "root", Addr: "127.0.0.1:4000", DBName: "bank"},
		"mysql://bob:p%40ss%2Fw%3Aord@db/bank": {User: "bob", Passwd: "p@ss/w:ord", Addr: "db:3306",
			DBName: "bank"},
		"mysql://bob:x@db/a%2Fb%3Fc?clientFoundRows=true": {User: "bob", Passwd: "x", Addr: "db:3306", DBName: "a/b?c",
			ClientFoundRows: true},
		"mysql://bob:x@db/bank?interpolateParams=false": {User: "bob", Passwd: "x", Addr: "db:3306", DBName: "bank"},
		"mysql://bob:x@db/bank?parseTime=true&timeout=10s": {User: "bob", Passwd: "x", Addr: "db:3306", DBName: "bank",
			ParseTime: true, Timeout: 10 * time.Second},
	} {
		dsn, err := mysql.DSN(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got, err := gomysql.ParseDSN(dsn)
		must(t, err)
		type chosen struct {
			User, Passwd, Addr, DBName, Collation         string
			ClientFoundRows, ParseTime, InterpolateParams bool
			Timeout                                       time.Duration
		}
		pick := func(c *gomysql.Config) chosen {
			return chosen{
				c.User, c.Passwd, c.Addr, c.DBName, c.Collation, c.ClientFoundRows, c.ParseTime, c.InterpolateParams, c.Timeout,
			}
		}
		want.Collation, want.InterpolateParams = "utf8mb4_bin", !strings.Contains(url, "interpolateParams=false")
		if diff := cmp.Diff(pick(want), pick(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

func TestAURLThatIsNone(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bursar.Code{
		"":                                 bursar.CodeUnsupported,
		"mysql://secret:secret@%zz/x":      bursar.CodeMalformed,
		"mysql://secret:secret@db":         bursar.CodeMalformed,
		"mysql://db/bank":                  bursar.CodeMalformed,
		"mysql://:3306/bank":               bursar.CodeMalformed,
		"postgres://bob:secret@db/bank":    bursar.CodeUnsupported,
		"mysql://a%3Ab:secret@db/bank":     bursar.CodeUnsupported,
		"mysql://bob:secret@db/b?tls=none": bursar.CodeMalformed,
	} {
		_, err := mysql.Open(url)
		wantCode(t, err, want)
		if strings.Contains(fmt.Sprint(err), "secret@") {
			t.Errorf("%s: the error tells the password: %v", url, err)
		}
	}
}

// variables are settings of a session that matter to a ledger or that a library might be tempted to change.
func variables(t testing.TB, db *sql.DB) map[string]string {
	t.Helper()
	names := []string{"sql_mode", "innodb_lock_wait_timeout", "character_set_client", "character_set_results",
		"collation_connection", "autocommit", "unique_checks", "foreign_key_checks", "time_zone"}
	if isMySQL(t, db) {
		names = append(names, "transaction_isolation", "transaction_read_only")
	} else {
		names = append(names, "tx_isolation", "tx_read_only", "check_constraint_checks")
	}
	got := map[string]string{}
	for _, name := range names {
		var value string
		must(t, db.QueryRowContext(t.Context(), "SELECT @@SESSION."+name).Scan(&value))
		got[name] = value
	}
	return got
}

func TestDSNKeepsMoneySafe(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	got, isolation := variables(t, db), "tx_isolation"
	if isMySQL(t, db) {
		isolation = "transaction_isolation"
	}
	for name, want := range map[string]string{"sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
		isolation:                  "READ-COMMITTED",
		"innodb_lock_wait_timeout": "10", "character_set_client": "utf8mb4"} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
}

func TestTheApplicationsHandleIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	db := server.Open(t, "charset=utf8mb4", "innodb_lock_wait_timeout=7", "time_zone='-05:00'")
	db.SetMaxOpenConns(1)
	before := variables(t, db)
	l := startLedger(t, mysql.New(db), nil)
	_, _, err := l.TrialBalance(t.Context(), nil)
	must(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	must(t, tx.Commit())
	if diff := cmp.Diff(before, variables(t, db)); diff != "" {
		t.Errorf("settings (-before +after):\n%s", diff)
	}
	if got := db.Stats().MaxOpenConnections; got != 1 {
		t.Errorf("the pool takes %d connections", got)
	}
	wantBalance(t, l, "users:1", "99.00 USD")
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := ledger.New(t.Context(), openStore(t, "mysql://nobody:x@127.0.0.1:1/bank"), nil)
	if bursar.CodeOf(err) != bursar.CodeUnavailable || !bursar.Retryable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestCloseOwnsWhatOpenOpened(t *testing.T) {
	t.Parallel()
	store, err := mysql.Open(sqltest.MariaDB(t).URL())
	must(t, err)
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	must(t, err)
	must(t, l.Close(t.Context()))
	must(t, store.Close())
	if _, err := l.Head(t.Context()); err == nil {
		t.Error("a closed store reads")
	}
}

// everyWay posts in every mode, and reads and writes with every statement that takes part in posting.
func everyWay(t *testing.T, db *sql.DB) {
	t.Helper()
	strategies := map[string]ledger.Strategy{"none": nil, "queue": ledger.Queue{}, "locks": ledger.Locks{},
		"swap":   ledger.Swap{},
		"hybrid": ledger.Hybrid{}, "serializable": ledger.Serializable{}}
	store := mysql.New(db)
	first := startLedger(t, store, nil)
	for name, strategy := range strategies {
		l, err := ledger.New(t.Context(), store, &ledger.Options{Strategy: strategy})
		must(t, err)
		transfers := make([]bursar.Transfer, 130)
		for i := range transfers {
			transfers[i] = pay("users:1", "users:2", "0.01 USD")
			transfers[i].Reference = fmt.Sprintf("%s 🂡\\'\" %d", name, i)
			transfers[i].Metadata = bursar.Metadata{"quotes": `'"\` + "\x01"}
			transfers[i].Effective = time.Date(2026, 1, 1, 0, 0, 0, i, time.UTC)
		}
		for _, replayed := range []bool{false, true} {
			results, err := l.PostBatch(t.Context(), transfers)
			must(t, err)
			for i, result := range results {
				if transfers[i].ID = result.Posted.ID; result.Err != nil || result.Posted.Replayed != replayed {
					t.Fatalf("%s: transfer %d: %+v", name, i, result)
				}
			}
		}
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		must(t, err)
		_, err = l.In(mysql.Tx(tx)).PostAll(t.Context(), []bursar.Transfer{
			pay("users:2", "users:1", "1.30 USD"), pay("users:2", "users:3", "0.01 USD"),
		})
		must(t, err)
		must(t, tx.Commit())
		must(t, l.Close(t.Context()))
	}
	wantBalance(t, first, "users:1", "100.00 USD")
	wantBalance(t, first, "users:3", fmt.Sprintf("100.0%d USD", len(strategies)))
	wantVerified(t, store, first)
}

// TestSettingsOfTheDriver opens the application's handle in every way that changes what the driver sends or answers.
func TestSettingsOfTheDriver(t *testing.T) {
	t.Parallel()
	for _, params := range [][]string{
		{"clientFoundRows=true"},
		{"clientFoundRows=false"},
		{"interpolateParams=false"},
		{"interpolateParams=false", "clientFoundRows=true", "parseTime=true", "loc=Local", "columnsWithAlias=true"},
		{"multiStatements=true", "compress=true"},
	} {
		t.Run(strings.Join(params, " "), func(t *testing.T) {
			t.Parallel()
			everyWay(t, openDB(t, sqltest.MariaDB(t).URL(), params...))
		})
	}
}
