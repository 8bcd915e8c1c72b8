package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// The suite works on the first node, where programs that migrate at once keep each other away.
func TestStoreOnGalera(t *testing.T) {
	t.Parallel()
	sqltest.Galera(t) // or there is no cluster
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		nodes := sqltest.Galera(t)
		db := openDB(t, nodes[0].URL())
		return harness(db, nodes[0].URL(), mysql.NewGalera(db))
	})
}

// onNode is a ledger on a node of a cluster, with the application's own handle.
type onNode struct {
	*ledger.Ledger
	db    *sql.DB
	store *mysql.Store
}

// startOnNodes starts a ledger on each node. There are accounts that share nothing: users:1 to 3 with money, and
// shops:1 to 3 without.
func startOnNodes(t *testing.T, servers []*sqltest.Server) (nodes []*onNode) {
	t.Helper()
	for n, server := range servers {
		db := openDB(t, server.URL())
		node := &onNode{db: db, store: mysql.NewGalera(db)}
		if n == 0 {
			node.Ledger = startLedger(t, node.store, nil)
			usd := money.MustParse("0.00 USD").Currency()
			for _, path := range []string{"shops:1", "shops:2", "shops:3"} {
				_, err := node.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd})
				must(t, err)
			}
		} else {
			var err error
			node.Ledger, err = ledger.New(t.Context(), node.store, nil)
			must(t, err)
			t.Cleanup(func() { must(t, node.Close(context.Background())) })
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func (n *onNode) begin(t *testing.T) *sql.Tx {
	t.Helper()
	tx, err := n.db.BeginTx(t.Context(), nil)
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// Among nodes somebody may be too late dozens of times. Who runs the database transactions makes no difference.
func TestDoOnANodeIsAsPatientAsALedger(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL()) // for how often it begins again, any server will do
	l := startLedger(t, mysql.New(db), nil)
	const late = 30
	begins := func(on ledger.Transactor[*sql.Tx]) (attempts int, err error) {
		err = ledger.Do(t.Context(), l, on, func(*sql.Tx, *ledger.Joined) error {
			if attempts++; attempts <= late {
				return &bursar.Error{Code: bursar.CodeConflict, Message: "too late"}
			}
			return nil
		})
		return attempts, err
	}
	for name, on := range map[string]ledger.Transactor[*sql.Tx]{
		"OnGalera": mysql.OnGalera(db),
		"OnGaleraFunc": mysql.OnGaleraFunc(func(ctx context.Context, fn func(*sql.Tx) error) error {
			tx, err := db.BeginTx(ctx, nil)
			must(t, err)
			defer func() { _ = tx.Rollback() }()
			if err := fn(tx); err != nil {
				return err
			}
			return tx.Commit()
		}, func(tx *sql.Tx) mysql.DBTX { return tx }),
	} {
		if attempts, err := begins(on); err != nil || attempts != late+1 {
			t.Errorf("%s: %d attempts and %v, want success after %d", name, attempts, err, late+1)
		}
	}
	if attempts, err := begins(mysql.On(db)); bursar.CodeOf(err) != bursar.CodeConflict || attempts != 20 {
		t.Errorf("On: %d attempts and %v, want a conflict after 20", attempts, err)
	}
}

// The application's commit on one node comes too late, because another node was faster. Both kinds of Do begin again.
func TestDoBeginsAgainAfterALateCommit(t *testing.T) {
	t.Parallel()
	nodes := startOnNodes(t, sqltest.Galera(t))
	attempts := 0
	post := func(in *ledger.Joined, n byte) error {
		_, err := in.Post(t.Context(), identified(n, pay("users:1", "users:2", "1.00 USD")))
		if err != nil {
			return err
		}
		if attempts++; attempts == 1 {
			_, err = nodes[1].Post(t.Context(), pay("users:3", "users:1", "1.00 USD"))
		}
		return err
	}
	must(t, ledger.Do(t.Context(), nodes[0].Ledger, mysql.OnGalera(nodes[0].db), func(_ *sql.Tx, in *ledger.Joined) error {
		return post(in, 1)
	}))
	if attempts < 2 {
		t.Errorf("database/sql: %d attempts, want 2 or more", attempts)
	}
	attempts = 0
	must(t, ledger.Do(t.Context(), nodes[0].Ledger, nodes[0].store.On(), func(_ *atomic.Tx, in *ledger.Joined) error {
		return post(in, 2)
	}))
	if attempts < 2 {
		t.Errorf("atomic: %d attempts, want 2 or more", attempts)
	}
	for _, n := range nodes {
		wantBalance(t, n.Ledger, "users:1", "100.00 USD")
		wantBalance(t, n.Ledger, "users:2", "102.00 USD")
	}
}

// What one node has answered, another knows: the balance, the id, and money that came in a moment ago.
func TestANodeKnowsWhatAnotherHasAnswered(t *testing.T) {
	t.Parallel()
	nodes := startOnNodes(t, sqltest.Galera(t))
	for round := range 100 {
		from, to := nodes[round%3], nodes[(round+1)%3]
		transfer := identified(byte(round+1), pay("users:1", "shops:1", "100.00 USD"))
		_, err := from.Post(t.Context(), transfer)
		must(t, err)
		wantBalance(t, to.Ledger, "shops:1", "100.00 USD")
		again, err := to.Post(t.Context(), transfer)
		must(t, err)
		if !again.Replayed {
			t.Fatal("the id was not known")
		}
		_, err = to.Post(t.Context(), pay("shops:1", "users:1", "100.00 USD"))
		must(t, err)
		tx := nodes[(round+2)%3].begin(t)
		_, err = nodes[(round+2)%3].In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "100.00 USD"))
		if err != nil {
			t.Fatalf("round %d: a refusal from the past: %v", round, err)
		}
		must(t, tx.Rollback())
	}
}

// The first node alone makes tables. The others say so, and go on when that is done.
func TestTheFirstNodeMigrates(t *testing.T) {
	t.Parallel()
	servers := sqltest.Galera(t)
	var all sync.WaitGroup
	for n, server := range servers {
		store := openStore(t, server.URL())
		all.Go(func() {
			err := store.Migrate(t.Context())
			if n == 0 && err != nil {
				t.Errorf("the first node: %v", err)
			}
			if n > 0 && err != nil {
				first := fmt.Sprintf("%s:%d", servers[0].Host(), servers[0].Port())
				if bursar.CodeOf(err) != bursar.CodeSchemaBehind || !strings.Contains(err.Error(), first) {
					t.Errorf("node %d: %v, want schema_behind and the address of the first", n+1, err)
				}
			}
		})
	}
	all.Wait()
	for _, server := range servers {
		l, err := ledger.New(t.Context(), openStore(t, server.URL()), &ledger.Options{Migrate: true})
		must(t, err)
		must(t, l.Close(t.Context()))
	}
}

func TestSettingsOfANodeAreChecked(t *testing.T) {
	t.Parallel()
	servers := sqltest.Galera(t)
	l := startOnNodes(t, servers)[0]
	for _, test := range []struct{ set, remedy string }{
		{"wsrep_sync_wait = 0", "as mysql.DSN does for galera://"},
		{"wsrep_sync_wait = 6", "as mysql.DSN does for galera://"},
		{"wsrep_on = OFF", "or turn it on"},
		{"wsrep_dirty_reads = ON", "turn it off"},
	} {
		db := openDB(t, servers[0].URL())
		db.SetMaxOpenConns(1)
		_, err := db.ExecContext(t.Context(), "SET "+test.set)
		must(t, err)
		_, err = ledger.New(t.Context(), mysql.NewGalera(db), nil)
		wantUnsafe(t, err, test.remedy)
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		wantUnsafe(t, err, test.remedy)
		must(t, tx.Rollback())
	}
	_, err := ledger.New(t.Context(), mysql.New(openDB(t, servers[0].URL())), nil)
	wantUnsafe(t, err, "galera://")
	alone := openDB(t, "galera"+strings.TrimPrefix(sqltest.MariaDB(t).URL(), "mysql"))
	_, err = ledger.New(t.Context(), mysql.NewGalera(alone), &ledger.Options{Migrate: true})
	if bursar.CodeOf(err) != bursar.CodeUnsupported || !strings.Contains(err.Error(), "use mysql://") {
		t.Errorf("a single server: %v, want unsupported and the URL to use", err)
	}
}

// A node that is cut off has no majority after a while. Whatever asks it then is told so within seconds, and posts
// again when it is back. What has begun on it cannot be committed.
func TestANodeWithoutAMajorityRefuses(t *testing.T) {
	t.Parallel()
	servers := sqltest.PrivateGalera(t)
	nodes := startOnNodes(t, servers)
	alone := nodes[2]
	begun := alone.begin(t)
	_, err := alone.In(mysql.Tx(begun)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	impatient, giveUp := context.WithCancel(t.Context())
	watched, err := ledger.New(t.Context(), mysql.NewGalera(openDB(t, servers[2].URL())), &ledger.Options{
		SealEvery: -1, Observer: &ledger.Observer{Retried: func(context.Context, string) { giveUp() }},
	})
	must(t, err)
	t.Cleanup(func() { must(t, watched.Close(context.Background())) })
	late := ledger.Do(t.Context(), alone.Ledger, mysql.OnGalera(alone.db), func(_ *sql.Tx, in *ledger.Joined) error {
		if _, err := in.Post(t.Context(), pay("users:3", "shops:1", "1.00 USD")); err != nil {
			return err
		}
		must(t, servers[2].Cut(t.Context()))
		must(t, servers[2].AwaitAlone(t.Context()))
		return nil
	})
	t.Logf("the end of a Do that has begun before: %v", late)
	if code := bursar.CodeOf(late); code != bursar.CodeOutcomeUnknown {
		t.Errorf("the end of a Do that has begun before has code %s, want %s", code, bursar.CodeOutcomeUnknown)
	}
	alone.wantRemedy(t, servers[2])
	_, err = watched.Post(impatient, pay("users:1", "users:2", "1.00 USD"))
	t.Logf("Post, whose caller gives up after the first attempt: %v", err)
	if bursar.CodeOf(err) != bursar.CodeCanceled || !strings.Contains(fmt.Sprint(err), "use another node") {
		t.Errorf("Post, whose caller gives up: %v, want canceled and the remedy", err)
	}
	if err := begun.Commit(); err == nil {
		t.Error("a commit without a majority succeeds")
	} else {
		t.Logf("COMMIT: %v", err)
	}
	must(t, servers[2].Heal(t.Context()))
	must(t, servers[2].AwaitMember(t.Context()))
	_, err = alone.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	for _, n := range nodes {
		wantBalance(t, n.Ledger, "users:2", "101.00 USD")
		wantVerified(t, n.store, n.Ledger)
	}
}

// wantRemedy asks a node that has no majority for everything, and wants to be told what to do.
func (n *onNode) wantRemedy(t *testing.T, server *sqltest.Server) {
	t.Helper()
	db := openDB(t, server.URL())
	store := mysql.NewGalera(db)
	in := func(on ledger.Transactor[*sql.Tx]) func(context.Context) error {
		return func(ctx context.Context) error {
			return ledger.Do(ctx, n.Ledger, on, func(*sql.Tx, *ledger.Joined) error { return nil })
		}
	}
	for name, ask := range map[string]func(context.Context) error{
		"New": func(ctx context.Context) error {
			_, err := ledger.New(ctx, store, nil)
			return err
		},
		"Post": func(ctx context.Context) error {
			_, err := n.Post(ctx, pay("users:1", "users:2", "1.00 USD"))
			return err
		},
		"Balance": func(ctx context.Context) error {
			_, err := n.Balance(ctx, "users:1", bursar.AsOf{})
			return err
		},
		"Migrate": store.Migrate,
		"Do":      in(mysql.OnGalera(n.db)),
		"Do of atomic": func(ctx context.Context) error {
			return ledger.Do(ctx, n.Ledger, n.store.On(), func(*atomic.Tx, *ledger.Joined) error { return nil })
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := ask(ctx)
		cancel()
		t.Logf("%s: %v", name, err)
		if bursar.CodeOf(err) != bursar.CodeUnavailable || !strings.Contains(fmt.Sprint(err), "use another node") {
			t.Errorf("%s: %v, want unavailable and the remedy", name, err)
		}
	}
}

// The clock of one node is a day ahead. The journal's time goes there with the first entry that this node decides or
// seals, and stays ahead, in order, on the others.
func TestAClockThatIsADayAheadTakesAllAlong(t *testing.T) {
	t.Parallel()
	servers := sqltest.Galera(t)
	nodes := startOnNodes(t, servers)
	ahead := clock.System().Now().Add(24 * time.Hour)
	db := openDB(t, servers[1].URL(), fmt.Sprintf("timestamp=%d", ahead.Unix()))
	fast, err := ledger.New(t.Context(), mysql.NewGalera(db), nil)
	must(t, err)
	before, err := nodes[0].Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	in, err := fast.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	must(t, fast.Close(t.Context()))
	after, err := nodes[2].Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	head, err := nodes[0].Seal(t.Context())
	must(t, err)
	other, err := nodes[0].Post(t.Context(), pay("users:3", "shops:1", "1.00 USD"))
	must(t, err)
	t.Logf("decided: before %v, by the fast node %v, by another after it %v; head %v; on other accounts %v",
		before.Decided, in.Decided, after.Decided, head.At, other.Decided)
	tomorrow := bursar.Instant(ahead.Add(-time.Minute).UnixNano())
	if before.Decided >= tomorrow || in.Decided < tomorrow || after.Decided < in.Decided || other.Decided < in.Decided {
		t.Error("the ledger's time is not what the clocks and the journal say")
	}
	for _, n := range nodes {
		wantVerified(t, n.store, n.Ledger)
	}
}
