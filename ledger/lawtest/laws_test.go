package lawtest_test

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/sqltest/server"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
)

// variant is a way to post that the laws are checked with.
type variant struct {
	name     string
	strategy ledger.Strategy
	others   []ledger.Strategy
	in       bool
	as       string // the variant whose code it shares on engines with many writers
	asOne    string // the same on an engine with one writer
}

func variants() []variant {
	return []variant{
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

// engine is a store that the laws are checked on.
type engine struct {
	name string
	on   func(*testing.T) func(*testing.T) lawtest.Database // what laws open their databases with
	one  bool                                               // it has one writer at a time
	same map[string]string                                  // variants that share the code of others on it
	only []string                                           // the variants to run; all of them if there are none
	lax  bool                                               // it has no SERIALIZABLE
}

// engines are the engines that every run can have, and the ones that the environment names. If it puts others in their
// place, these alone are meant.
func engines(t *testing.T) []engine {
	list := []engine{
		{name: "sqlite", on: onSQLite, one: true},
		{name: "sqlite-own", on: onOwnFile, one: true, only: []string{"none", "queue", "in", "mixed"}},
		{name: "postgres", on: onPostgres},
		{name: "mariadb", on: onMariaDB, same: map[string]string{"serializable": "none"}},
		{name: "postgres-sql", on: onPostgresSQL, only: []string{"none", "queue", "in"}},
		{name: "pgbouncer", on: onPgBouncer, only: []string{"none", "queue", "locks", "in"}},
	}
	if os.Getenv(server.Variable) != "" {
		return inTheirPlace(t, list)
	}
	if os.Getenv("BURSAR_TEST_GALERA") != "" {
		list = append(list, engine{name: "galera", on: onGalera, same: map[string]string{"serializable": "none"}})
	}
	if os.Getenv("BURSAR_TEST_COCKROACH") != "" {
		list = append(list, engine{name: "cockroach", on: onCockroach})
	}
	if os.Getenv("BURSAR_TEST_TIDB") != "" {
		list = append(list, engine{name: "tidb", on: onTiDB, lax: true})
	}
	return list
}

func inTheirPlace(t *testing.T, list []engine) (chosen []engine) {
	t.Helper()
	for _, e := range list {
		for _, of := range []server.Engine{server.Postgres, server.MariaDB} {
			other, err := server.InPlaceOf(of)
			if err != nil {
				t.Fatal(err)
			}
			if e.name == string(of) && other != of {
				e.name = string(other)
				chosen = append(chosen, e)
			}
		}
	}
	return chosen
}

// TestLaws checks every law with every strategy on every store. It prints the results as a matrix, and writes the
// matrix to the file that BURSAR_MATRIX names.
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
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			tested := e.columns(&m) // before the others' run, so that the columns have an order
			t.Parallel()            // with the other engines, which mostly wait for their disks
			results := map[string][]lawtest.Result{}
			for _, v := range tested {
				t.Run(v.name, func(t *testing.T) { results[v.name] = runLaws(t, &m, e, v) })
			}
			if len(results) == len(tested) && !t.Failed() && !slices.ContainsFunc(tested, func(v variant) bool {
				return len(results[v.name]) != len(lawtest.Laws())
			}) {
				e.document(t, results)
			}
		})
	}
}

// columns gives the engine's variants their places in the matrix. It returns the variants that have code of their own.
func (e *engine) columns(m *lawtest.Matrix) (tested []variant) {
	for _, v := range variants() {
		as := cmp.Or(v.as, e.same[v.name])
		if e.one {
			as = v.asOne
		}
		if e.lax {
			v.others = slices.DeleteFunc(v.others, isSerializable)
		}
		switch {
		case e.lax && isSerializable(v.strategy):
		case len(e.only) > 0 && !slices.Contains(e.only, v.name):
		case as != "":
			m.Same(e.name, v.name, as)
		default:
			m.Add(e.name, v.name, nil)
			tested = append(tested, v)
		}
	}
	return tested
}

func isSerializable(s ledger.Strategy) bool {
	_, ok := s.(ledger.Serializable)
	return ok
}

// document holds docs/engines.md against how many laws held for each variant.
func (e *engine) document(t *testing.T, results map[string][]lawtest.Result) {
	t.Helper()
	cells := []string{e.version(t)}
	for _, v := range variants() {
		as := cmp.Or(v.as, e.same[v.name])
		if e.one {
			as = v.asOne
		}
		held := 0
		for _, r := range results[v.name] {
			if r.Mark == lawtest.Passed {
				held++
			}
		}
		switch {
		case len(e.only) > 0 && !slices.Contains(e.only, v.name):
			cells = append(cells, "")
		case as != "":
			cells = append(cells, "as "+as)
		default:
			cells = append(cells, strconv.Itoa(held))
		}
	}
	sqltest.Document(t, "laws", 1, cells...)
}

// version is the engine with its version, as docs/engines.md names it.
func (e *engine) version(t *testing.T) string {
	t.Helper()
	switch e.name {
	case "sqlite":
		return "SQLite 3"
	case "sqlite-own":
		return "SQLite 3, a file of the ledger's own"
	case "pgbouncer":
		return "PgBouncer before " + sqltest.BouncedSchemas(t)(t).Version(t)
	case "postgres-sql":
		return sqltest.Postgres(t).Version(t) + ", database/sql"
	case "cockroach":
		return sqltest.Cockroach(t).Version(t)
	case "tidb":
		return sqltest.TiDB(t).Version(t)
	}
	if strings.HasPrefix(e.name, "postgres") {
		return sqltest.Postgres(t).Version(t)
	}
	return sqltest.MariaDB(t).Version(t)
}

// runLaws checks the laws and returns the results. Without a server none of them applies, and there are none.
func runLaws(t *testing.T, m *lawtest.Matrix, e engine, v variant) []lawtest.Result {
	defer func() {
		if !t.Skipped() {
			return
		}
		var results []lawtest.Result
		for _, law := range lawtest.Laws() {
			results = append(results, lawtest.Result{Law: law, Mark: lawtest.Inapplicable, Why: "there is no server"})
		}
		m.Add(e.name, v.name, results)
	}()
	open := e.on(t)
	_, queue := v.strategy.(ledger.Queue)
	results := lawtest.Run(t, lawtest.Harness{
		Open: open, Strategy: v.strategy, Others: v.others, In: v.in,
		WaitsUnlocked: queue && len(v.others) == 0 && !v.in,
	})
	m.Add(e.name, v.name, results)
	return results
}
