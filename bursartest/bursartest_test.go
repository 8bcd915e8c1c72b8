package bursartest_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

func TestNewHasFundsAndAClockThatTheTestMoves(t *testing.T) {
	t.Parallel()
	usd := money.MustParse("0 USD").Currency()
	l := bursartest.New(t,
		bursartest.Funded("users:1", "100.00 USD"), bursartest.Funded("users:2", "5 JPY"),
		bursartest.Opened(bursar.Opening{Path: "shop", Currency: usd}))
	pay := bursar.Transfer{Legs: []bursar.Leg{{From: "users:1", To: "shop", Amount: money.MustParse("25.00 USD")}}}
	first, err := l.Post(t.Context(), pay)
	if err != nil {
		t.Fatal(err)
	}
	l.Clock.Advance(time.Hour)
	second, err := l.Post(t.Context(), pay)
	if err != nil {
		t.Fatal(err)
	}
	if passed := second.At.Time().Sub(first.At.Time()); passed < 59*time.Minute || passed > time.Hour {
		t.Errorf("%v passed between the transfers", passed)
	}
	bursartest.Balance(t, l, "users:1", "50.00 USD")
	bursartest.Balance(t, l, "shop", "50.00 USD")
	bursartest.Balance(t, l, "users:2", "5 JPY")
	bursartest.Balance(t, l, bursartest.Mint+":JPY", "-5 JPY")
	_, err = l.Post(t.Context(),
		bursar.Transfer{Legs: []bursar.Leg{{From: "shop", To: "users:1", Amount: money.MustParse("50.01 USD")}}})
	if !errors.Is(err, bursar.ErrInsufficientFunds) {
		t.Errorf("more than the shop has: %v", err)
	}
	journal := bursartest.Journal(t, l)
	if last := journal[len(journal)-1]; last.Transfer != second.ID || last.Seq != int64(len(journal)) {
		t.Errorf("the last of %d entries has position %d and belongs to %v", len(journal), last.Seq, last.Transfer)
	}
}

func TestBalanceFailsOnAnotherBalanceAndOnNoAccount(t *testing.T) {
	t.Parallel()
	l := bursartest.New(t, bursartest.Funded("users:1", "1.00 USD"))
	r := &recorder{TB: t}
	bursartest.Balance(r, l, "users:1", "1.00 USD")
	if len(r.failures) != 0 {
		t.Errorf("the right balance fails: %v", r.failures)
	}
	bursartest.Balance(r, l, "users:1", "2.00 USD")
	bursartest.Balance(r, l, "users:2", "0.00 USD")
	if len(r.failures) != 2 {
		t.Errorf("failures are %q", r.failures)
	}
}

func TestWithVerifiesTheApplicationsDatabaseAtTheEnd(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", sqlite.DSN(filepath.Join(t.TempDir(), "app.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := &recorder{TB: t}
	bursartest.With(r, sqlite.New(db), bursartest.Funded("users:1", "1.00 USD"))
	_, err = db.ExecContext(t.Context(),
		`UPDATE bursar_balance SET balance = balance + 1, available = available + 1 WHERE balance > 0`)
	if err != nil {
		t.Fatal(err)
	}
	r.cleanUp()
	if len(r.failures) != 1 {
		t.Errorf("a balance that was changed by hand gives the failures %q", r.failures)
	}
}
