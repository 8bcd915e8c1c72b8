package mysql_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

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
