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

// Two nodes each decide on what the other is about to change. Both together may not commit: the second must be too
// late, whether the ledger looks or the application does, under the ledger's lock.
//
// Two posts into one book meet anyway, because the server also compares keys of unique indexes that are NULL in part:
// no reference, and no place yet. That is not promised anywhere, so where both post the indexes are made such that
// nothing but what was relied on can meet.
func TestNodesDoNotSkewADecision(t *testing.T) {
	t.Parallel()
	hundred := money.MustParse("100.00 USD")
	looks := func(t *testing.T, in *ledger.Joined, path string) {
		must(t, in.Lock(t.Context(), path))
		balance, err := in.Balance(t.Context(), path, bursar.AsOf{})
		must(t, err)
		if balance.Balance != hundred {
			t.Fatalf("%s has %v", path, balance.Balance)
		}
	}
	for _, test := range []skew{
		{name: "both under a condition", alone: true, decide: func(t *testing.T, _ *sql.Tx, in *ledger.Joined, me party) {
			transfer := pay(me.own, me.shop, "100.00 USD")
			transfer.Conditions = []bursar.Condition{{Path: me.other, AtLeast: &hundred}}
			_, err := in.Post(t.Context(), transfer)
			must(t, err)
		}},
		{name: "both under a lock", alone: true, decide: func(t *testing.T, _ *sql.Tx, in *ledger.Joined, me party) {
			looks(t, in, me.other)
			_, err := in.Post(t.Context(), pay(me.own, me.shop, "100.00 USD"))
			must(t, err)
		}},
		{name: "one writes a row of its own under a lock", decide: func(
			t *testing.T, tx *sql.Tx, in *ledger.Joined, me party,
		) {
			if me.first {
				looks(t, in, me.other)
				_, err := tx.ExecContext(t.Context(), "INSERT INTO credit VALUES (1, 'because of "+me.other+"')")
				must(t, err)
				return
			}
			_, err := in.Post(t.Context(), pay(me.own, me.shop, "100.00 USD"))
			must(t, err)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// party is who decides: what it spends, where, and what it relies on.
type party struct {
	own, shop, other string
	first            bool
}

// skew is two decisions, of which each relies on what the other changes.
type skew struct {
	name   string
	alone  bool // nothing but what was relied on may make the second too late
	decide func(t *testing.T, tx *sql.Tx, in *ledger.Joined, me party)
}

func (s *skew) run(t *testing.T) {
	nodes := startOnNodes(t, sqltest.Galera(t))
	first := func(statement string) {
		t.Helper()
		_, err := nodes[0].db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	index := func(kind string) {
		t.Helper()
		first("ALTER TABLE bursar_entry DROP INDEX bursar_entry_seq, ADD " + kind + " bursar_entry_seq (book, seq)")
		first("ALTER TABLE bursar_request DROP INDEX bursar_request_reference, ADD " + kind +
			" bursar_request_reference (book, reference)")
	}
	first("CREATE TABLE credit (n bigint PRIMARY KEY, why varchar(100))")
	first("CREATE TABLE busy (n bigint PRIMARY KEY)")
	if s.alone {
		index("INDEX")
	}
	one, two := nodes[0].begin(t), nodes[1].begin(t)
	s.decide(t, one, nodes[0].In(mysql.Tx(one)), party{"users:1", "shops:1", "users:2", true})
	s.decide(t, two, nodes[1].In(mysql.Tx(two)), party{"users:2", "shops:2", "users:1", false})
	// The second node has this to apply before it comes to the first one's commit.
	first("INSERT INTO busy SELECT seq FROM seq_1_to_200000")
	must(t, one.Commit())
	if err := two.Commit(); err == nil || !strings.Contains(err.Error(), "1213") {
		t.Errorf("the second commit: %v, want error 1213", err)
	}
	if s.alone {
		index("UNIQUE INDEX")
	}
	for _, n := range nodes {
		wantBalance(t, n.Ledger, "users:2", "100.00 USD")
	}
	wantVerified(t, nodes[2].store, nodes[2].Ledger)
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
	must(t, ledger.Do(t.Context(), nodes[0].Ledger, mysql.On(nodes[0].db), func(_ *sql.Tx, in *ledger.Joined) error {
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
	wantUnsafe(t, err, "mysql://")
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
	late := ledger.Do(t.Context(), alone.Ledger, mysql.On(alone.db), func(_ *sql.Tx, in *ledger.Joined) error {
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
		"Do":      in(mysql.On(n.db)),
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
