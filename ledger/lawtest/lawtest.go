// Package lawtest is the laws of the ledger under concurrency: what must hold whatever the strategy, whatever the
// store, whoever else is writing.
//
// [Run] holds one store and one strategy to every law, and a [Matrix] shows the results of many runs beside each other.
// Laws that need time run for a quarter of a second each, for as long as BURSAR_LAW says, or for ten seconds when BURSAR_TORTURE is
// set. Random choices come from a seed that is printed and that BURSAR_SEED repeats; the interleaving of goroutines is the machine's.
//
// What a law looks for is found by functions over entries and answers, which know no database. The package's own tests
// show each of them a history in which its law is broken.
//
// The package is for _test.go files only. It fakes no database.
package lawtest

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
)

// Harness is one store and one strategy to hold to the laws.
type Harness struct {
	// Open makes an empty, migrated database of the test's own, closed at its end.
	Open func(t *testing.T) Database
	// Strategy is nil for a ledger without one.
	Strategy ledger.Strategy
	// Others are the strategies of other processes on the same book, one for each. None means another with Strategy.
	Others []ledger.Strategy
	// HoldsNoOther says that a transfer that waits for an account holds no other one meanwhile, wherever in the order that is.
	HoldsNoOther bool
	// In has every transfer posted by ledger.In, in a database transaction of the test's that holds nothing else.
	In bool
}

// Database is a store with the ways in that an application has.
type Database struct {
	Store driver.Store
	// Again makes another store over the same database, as another process has one. It is closed with the test.
	Again func(t *testing.T) driver.Store
	// Exec runs a statement of the application's outside any database transaction of the test.
	Exec func(ctx context.Context, query string, args ...any) error
	// Begin begins a database transaction as an application does.
	Begin func(ctx context.Context) (Tx, error)
	// Do is atomic.Do on the application's handle; nil where package atomic does not reach it.
	Do func(ctx context.Context, fn func(context.Context, driver.CallerTx) error) error
	// Strings runs a query that returns one text column.
	Strings func(ctx context.Context, query string) ([]string, error)
}

// Tx is a database transaction of the application's.
type Tx interface {
	driver.CallerTx
	// Exec runs a statement inside it.
	Exec(ctx context.Context, query string, args ...any) error
	// Commit ends it for good.
	Commit() error
	// Rollback ends it without a trace; after Commit it does nothing.
	Rollback() error
}

// workload is a way to use a ledger, and the laws that it puts to the test.
type workload struct {
	name string
	laws []string // in the order in which they are checked; none when the name is the law
	run  func(*fixture)
}

// workloads are all of them, in the order of the matrix.
func workloads() []workload {
	return []workload{
		{name: "transfers from all sides", laws: []string{lawAnswered, lawConserved, lawLimits, lawVersions, lawOrders, lawChain}, run: allSides},
		{name: "fifty posts of one id: one posting, fifty equal answers", run: oneID},
		{name: "one id with two contents: one is posted, the other id_reused", run: twoContents},
		{name: "a cancelled post that is sent again happens once", run: cancelledOnce},
		{name: "a bad transfer fails alone", run: failsAlone},
		{name: "ledger time rises while clocks disagree and step back", run: timeRises},
		{name: "readers that poll get each entry once, in order", run: feeds},
		{name: "small histories are linearizable, lost answers included", run: linearizes},
		{name: "posts in opposite directions neither fail nor stall", run: opposite},
		{name: "an open database transaction delays its accounts only", run: heldOpen},
		{name: "postings in opposite orders: atomic.Do begins again", run: crossing},
		{name: "postings in opposite orders: otherwise conflict is told", run: crossingForeign},
		{name: "close answers every post that was taken", run: closeDrains},
	}
}

// Laws are the names of all laws, in the order of the matrix.
func Laws() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.names()...)
	}
	return names
}

func (w *workload) names() []string {
	if len(w.laws) == 0 {
		return []string{w.name}
	}
	return w.laws
}

// Run holds one store and one strategy to every law and says how it went: one result for each of [Laws] that ran.
func Run(t *testing.T, h Harness) []Result {
	var results []Result
	for _, w := range workloads() {
		r := &recorder{results: make(map[string]Result)}
		t.Run(w.name, func(t *testing.T) { r.run(t, h, &w) })
		results = append(results, r.inOrder(&w)...)
	}
	return results
}

// recorder collects the results of one workload.
type recorder struct {
	results map[string]Result
	ran     bool
	whole   Result // of what belongs to no law of its own
}

func (r *recorder) run(t *testing.T, h Harness, w *workload) {
	r.ran, r.whole = true, Result{Mark: Failed} // until it has got to its end
	f := &fixture{t: t, h: h, recorder: r}
	defer func() {
		switch {
		case t.Failed():
		case t.Skipped():
			r.whole = Result{Mark: Inapplicable, Why: f.reason}
		default:
			r.whole.Mark = Passed
		}
	}()
	f.set()
	w.run(f)
	if len(w.laws) == 0 { // else one of them is just this
		f.verify()
	}
}

// inOrder gives each law its result. A law that was not reached has that of the whole.
func (r *recorder) inOrder(w *workload) []Result {
	if !r.ran {
		return nil
	}
	var results []Result
	for _, law := range w.names() {
		result, ok := r.results[law]
		if !ok {
			result = r.whole
		}
		result.Law = law
		results = append(results, result)
	}
	return results
}
