package bursartest

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
)

// Verify fails the test if anything stored in the book contradicts its journal. [New], [With] and [Build] do it at the
// end of the test. It reads one snapshot while others may post. Entries that are not sealed yet are checked too, and
// are no fault: nobody has to call Seal before.
func Verify(t testing.TB, store driver.Store, book bursar.Book) {
	t.Helper()
	report, err := verify.Run(context.Background(), store, book, nil)
	switch {
	case err != nil:
		t.Errorf("bursartest: verify: %v (the store must be open until the ledger is verified: close it in a t.Cleanup "+
			"that is registered before the ledger is made)", err)
	case report.Err() != nil:
		t.Errorf("bursartest: verify: %v", report.Err())
	}
}

// Journal is all that is sealed, in order. On PostgreSQL and MariaDB call Seal first for what was posted just now.
func Journal(t testing.TB, l interface {
	Journal(ctx context.Context, after int64, limit int) ([]bursar.Entry, error)
}) (entries []bursar.Entry) {
	t.Helper()
	for {
		page, err := l.Journal(context.Background(), int64(len(entries)), bursar.PageMax)
		if err != nil {
			t.Fatalf("bursartest: journal: %v", err)
		}
		if len(page) == 0 {
			return entries
		}
		entries = append(entries, page...)
	}
}

// Balances is what answers for balances: a ledger.Ledger, a Ledger of this package, or what ledger.In returns.
type Balances interface {
	// Balance is the account's money at a point.
	Balance(ctx context.Context, path string, asOf bursar.AsOf) (bursar.Balance, error)
}

// Balance fails the test unless the account's balance is want, such as "75.00 USD". Every committed transfer counts,
// sealed or not. The test goes on.
func Balance(t testing.TB, l Balances, account, want string) {
	t.Helper()
	b, err := l.Balance(context.Background(), account, bursar.AsOf{})
	switch {
	case err != nil:
		t.Errorf("balance of %s: %v", account, err)
	case b.Balance.String() != want:
		t.Errorf("balance of %s is %v, want %s", account, b.Balance, want)
	}
}
