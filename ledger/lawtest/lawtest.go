// Package lawtest has the laws of the ledger under concurrency: what must be true with every strategy on every store,
// while others write too.
//
// [Run] checks every law with one store and one strategy, and a [Matrix] shows the results of many runs side by side.
// Laws that need time run for a quarter of a second each, for as long as BURSAR_LAW says, or for ten seconds when
// BURSAR_TORTURE is set. Random choices come from a seed, which is printed. BURSAR_SEED repeats the choices, but not
// the interleaving of goroutines.
//
// The words are the same in every law. Clients send requests and get answers: posted, refused or unknown. Requests with
// their answers are a history. The journal and the database have the outcome. Where the outcome contradicts the history
// there is a violation. The functions that find violations know no database, and the package's own tests show each of
// them a history in which its law is broken.
//
// The package is for _test.go files only. It fakes no database.
package lawtest

import (
	"context"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
)

// Harness is one store and one strategy to check.
type Harness struct {
	// Open makes an empty, migrated database of the test's own, closed at its end.
	Open func(t *testing.T) Database
	// Strategy is nil for a ledger without one.
	Strategy ledger.Strategy
	// Others are the strategies of other processes on the same book, one for each. None means another with Strategy.
	Others []ledger.Strategy
	// WaitsUnlocked says that a transfer which waits for a blocked account has locked none of its other accounts.
	WaitsUnlocked bool
	// In has every transfer posted by ledger.In, in a database transaction of the test's that does nothing else.
	In bool
}

// Database is a store with the ways in that an application has.
type Database struct {
	Store driver.Store
	// Again makes another store over the same database, as another process has one. It is closed with the test.
	Again func(t *testing.T) driver.Store
	// Exec runs a statement of the application's outside any database transaction.
	Exec func(ctx context.Context, query string, args ...any) error
	// Begin begins a database transaction as an application does.
	Begin func(ctx context.Context) (Tx, error)
	// Do is atomic.Do on the application's handle. It is nil where package atomic cannot be used.
	Do func(ctx context.Context, fn func(context.Context, driver.CallerTx) error) error
	// Strings runs a query that returns one text column.
	Strings func(ctx context.Context, query string) ([]string, error)
	// Stall is how long a single post may take while other clients want the same accounts. Zero means a second.
	Stall time.Duration
}

// Tx is a database transaction of the application's.
type Tx interface {
	driver.CallerTx
	// Exec runs a statement inside it.
	Exec(ctx context.Context, query string, args ...any) error
	// Commit ends it for good.
	Commit() error
	// Rollback ends it without a trace. After Commit it does nothing.
	Rollback() error
}
