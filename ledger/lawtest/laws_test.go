package lawtest_test

import (
	"cmp"
	"os"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
)

// contender is a way to post that the laws are held against.
type contender struct {
	name     string
	strategy ledger.Strategy
	others   []ledger.Strategy
	in       bool
	as       string // the contender whose code it shares on engines with many writers
	asOne    string // the same on an engine with one writer
}

func contenders() []contender {
	return []contender{
		{name: "none"},
		{name: "queue", strategy: ledger.Queue{}},
		{name: "locks", strategy: ledger.Locks{}, as: "none", asOne: "none"},
		{name: "swap", strategy: ledger.Swap{}, asOne: "none"},
		{name: "hybrid", strategy: ledger.Hybrid{}, asOne: "none"},
		{name: "serializable", strategy: ledger.Serializable{}, asOne: "none"},
		{name: "in", in: true},
		{name: "mixed", strategy: ledger.Queue{}, asOne: "queue",
			others: []ledger.Strategy{ledger.Queue{}, ledger.Locks{}, ledger.Swap{}, ledger.Hybrid{}, ledger.Serializable{}}},
	}
}

// engine is a store that the laws are held against.
type engine struct {
	name string
	on   func(*testing.T) func(*testing.T) lawtest.Database // what laws open their databases with
	one  bool                                               // one writer at a time
	same map[string]string                                  // contenders that share the code of others on it
	only []string                                           // the contenders to run; all of them if there are none
}

// engines are those that every run can have, and those that are named.
func engines() []engine {
	list := []engine{
		{name: "sqlite", on: onSQLite, one: true},
		{name: "postgres", on: onPostgres},
		{name: "mariadb", on: onMariaDB, same: map[string]string{"serializable": "none"}},
		{name: "postgres-sql", on: onPostgresSQL, only: []string{"none", "queue", "in"}},
	}
	if os.Getenv("BURSAR_TEST_COCKROACH") != "" {
		list = append(list, engine{name: "cockroach", on: onCockroach})
	}
	if os.Getenv("BURSAR_TEST_TIDB") != "" {
		list = append(list, engine{name: "tidb", on: onTiDB})
	}
	return list
}

// TestLaws holds every strategy on every store to every law. It prints the results as a matrix, which the file that
// BURSAR_MATRIX names gets as well.
func TestLaws(t *testing.T) {
	var m lawtest.Matrix
	t.Cleanup(func() {
		t.Logf("the laws:\n%s", m.String())
		if name := os.Getenv("BURSAR_MATRIX"); name != "" {
			if err := os.WriteFile(name, []byte(m.String()), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	for _, e := range engines() {
		tested := e.columns(&m)
		t.Run(e.name, func(t *testing.T) {
			t.Parallel() // with the other engines, which mostly wait for their disks
			for _, c := range tested {
				t.Run(c.name, func(t *testing.T) { hold(t, &m, e, c) })
			}
		})
	}
}

// columns gives the engine's contenders their places in the matrix and returns those that have code of their own to test.
func (e *engine) columns(m *lawtest.Matrix) (tested []contender) {
	for _, c := range contenders() {
		as := cmp.Or(c.as, e.same[c.name])
		if e.one {
			as = c.asOne
		}
		switch {
		case len(e.only) > 0 && !slices.Contains(e.only, c.name):
		case as != "":
			m.Same(e.name, c.name, as)
		default:
			m.Add(e.name, c.name, nil)
			tested = append(tested, c)
		}
	}
	return tested
}

// hold runs the laws. Without a server none of them applies.
func hold(t *testing.T, m *lawtest.Matrix, e engine, c contender) {
	defer func() {
		if !t.Skipped() {
			return
		}
		var results []lawtest.Result
		for _, law := range lawtest.Laws() {
			results = append(results, lawtest.Result{Law: law, Mark: lawtest.Inapplicable, Why: "there is no server"})
		}
		m.Add(e.name, c.name, results)
	}()
	open := e.on(t)
	_, queue := c.strategy.(ledger.Queue)
	m.Add(e.name, c.name, lawtest.Run(t, lawtest.Harness{Open: open, Strategy: c.strategy, Others: c.others, In: c.in,
		HoldsNoOther: queue && len(c.others) == 0 && !c.in}))
}
