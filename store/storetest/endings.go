package storetest

import (
	"context"
	"errors"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

var endingCases = []testCase{
	{"a cancelled call writes nothing", cancelledCall},
	{"a cancelled call inside writes nothing", cancelledInside},
	{"closing the ledger", closeLedger},
	{"closing the store leaves the application's handle", closeStore},
}

func cancelledCall(f *fixture) {
	f.funded("users:1")
	head, before := f.head(), f.everything()
	cancelled, cancel := context.WithCancel(f.Context())
	cancel()
	expired, stop := context.WithDeadline(f.Context(), clockStart.AddDate(-50, 0, 0))
	defer stop()
	for _, ctx := range []context.Context{cancelled, expired} {
		t := move("users:1", "world", "1.00 USD")
		t.ID = id(1)
		_, err := f.ledger.Post(ctx, t)
		f.wantError(err, bursar.CodeCanceled, "")
		if !errors.Is(err, ctx.Err()) || bursar.Retryable(err) {
			f.Errorf("%v is not %v, or retryable in a context that is done", err, ctx.Err())
		}
		results, err := f.ledger.PostBatch(ctx, []bursar.Transfer{t})
		f.wantError(err, bursar.CodeCanceled, "")
		if results != nil {
			f.Errorf("a batch that was not written has results: %v", results)
		}
		_, err = f.ledger.OpenAccount(ctx, bursar.Opening{Path: "users:2", Currency: currency("USD")})
		f.wantError(err, bursar.CodeCanceled, "")
		_, err = f.ledger.Account(ctx, "users:1")
		f.wantError(err, bursar.CodeCanceled, "")
	}
	f.wantSame("the head", head, f.head())
	f.wantSame("the accounts", before, f.everything())
	_, err := f.ledger.Transfer(f.Context(), id(1))
	f.wantError(err, bursar.CodeTransferNotFound, "")
}

func cancelledInside(f *fixture) {
	f.funded("users:1")
	head := f.head()
	tx := f.begin()
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	_, err := f.ledger.In(f.Tx(tx)).Post(ctx, move("users:1", "world", "1.00 USD"))
	f.wantError(err, bursar.CodeCanceled, "")
	f.must(tx.Rollback())
	f.wantSame("the head", head, f.head())
}

func closeLedger(f *fixture) {
	f.funded("users:1")
	f.must(f.ledger.Close(f.Context()))
	f.must(f.ledger.Close(f.Context()))
	t := move("users:1", "world", "1.00 USD")
	_, err := f.ledger.Post(f.Context(), t)
	f.wantError(err, bursar.CodeClosed, "")
	_, err = f.ledger.OpenAccount(f.Context(), bursar.Opening{Path: "users:2", Currency: currency("USD")})
	f.wantError(err, bursar.CodeClosed, "")
	f.wantBalance("users:1", "100.00 USD") // reading goes on
	f.ledger = f.start(&ledger.Options{})
	f.post(t) // the store is not closed with the ledger
}

func closeStore(f *fixture) {
	f.funded("users:1")
	f.must(f.Store.Close())
	f.must(f.DB.PingContext(f.Context()))
	f.Store = f.Reopen(f.T)
	f.ledger = f.start(&ledger.Options{})
}
