package storetest

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/money"
)

// elsewhere names the codes that a store's contract cannot provoke, each with the place that can.
var elsewhere = map[bursar.Code]string{
	bursar.AmountOutOfRange:   "an amount that exists is in range: texts are refused where they are read, by the server and the commands",
	bursar.Unauthorized:       "the server alone has tokens",
	bursar.Busy:               "the queue alone is bounded",
	bursar.Conflict:           "what a conflict is differs by engine: their own tests",
	bursar.Unavailable:        "how a database is lost differs by engine: their own tests",
	bursar.OutcomeUnknown:     "a lost answer to a commit needs a connection that breaks: the tests of package atomic and of the queue",
	bursar.VerificationFailed: "verify alone reports it",
}

// runCodes provokes every code of the catalogue that can arise here. A code that is in neither list, or in both,
// fails.
func runCodes(t *testing.T, open func(*testing.T) Harness) {
	provocations := provocations()
	for _, row := range bursar.Catalogue() {
		provoke, here := provocations[row.Code]
		if reason := elsewhere[row.Code]; here == (reason != "") {
			t.Errorf("%s is provoked here: %v, and elsewhere: %q", row.Code, here, reason)
		}
		if !here {
			continue
		}
		t.Run(string(row.Code), func(t *testing.T) {
			t.Parallel()
			f := &fixture{T: t, Harness: open(t), open: open, clock: clock.NewFake(dawn)}
			f.ledger = f.start(&bursar.Options{Migrate: true})
			f.funded("users:1", "users:2")
			err := provoke(f)
			if got := bursar.CodeOf(err); got != row.Code {
				t.Errorf("got %q of %v", got, err)
			}
			if bursar.Retryable(err) != row.Retryable {
				t.Errorf("retryable is %v, the table says %v", bursar.Retryable(err), row.Retryable)
			}
		})
	}
}

// provocations are what brings each code about, in a ledger with two funded accounts.
func provocations() map[bursar.Code]func(*fixture) error {
	all := map[bursar.Code]func(*fixture) error{
		bursar.IDInvalid:         func(*fixture) error { _, err := bursar.ParseID("7"); return err },
		bursar.CurrencyInvalid:   func(f *fixture) error { return f.tryOpen(bursar.Opening{Account: "a"}) },
		bursar.LimitsInvalid:     func(f *fixture) error { return f.tryOpen(bursar.Opening{Account: "a", Min: limit("1.00 USD")}) },
		bursar.AccountExists:     func(f *fixture) error { return f.tryOpen(bursar.Opening{Account: "users:1", Max: limit("1.00 USD")}) },
		bursar.TransferNotFound:  func(f *fixture) error { _, err := f.ledger.Transfer(f.Context(), id(1)); return err },
		bursar.TooLarge:          tooLarge,
		bursar.Unsupported:       func(f *fixture) error { return f.tryIn(notTx{7}) },
		bursar.UnsafeTransaction: func(f *fixture) error { return f.tryIn(notTx{f.DB}) },
		bursar.InTransaction:     inTransaction,
		bursar.SchemaBehind:      func(f *fixture) error { _, err := bursar.New(f.open(f.T).Store, nil); return err },
		bursar.SchemaAhead: func(f *fixture) error {
			return f.restart("INSERT INTO bursar_migration (version, name) VALUES (9999, 'later')")
		},
		bursar.SchemaChanged: func(f *fixture) error {
			return f.restart("UPDATE bursar_migration SET checksum = '00' WHERE version = 1")
		},
		bursar.AsOfAhead: asOfNeverReached,
		bursar.Canceled:  cancelled,
		bursar.Closed:    closed,
		bursar.Corrupt:   corrupt,
		bursar.Internal:  internal,
	}
	for code, change := range refusals() {
		all[code] = func(f *fixture) error {
			t := move("users:1", "users:2", "1.00 USD")
			change(f, &t)
			_, err := f.ledger.Post(f.Context(), t)
			return err
		}
	}
	return all
}

// refusals turn a transfer that would be posted into one that is refused.
func refusals() map[bursar.Code]func(*fixture, *bursar.Transfer) {
	version := int64(99)
	amount := func(s string) func(*fixture, *bursar.Transfer) {
		return func(_ *fixture, t *bursar.Transfer) { t.Legs[0].Amount = money.MustParse(s) }
	}
	to := func(path string) func(*fixture, *bursar.Transfer) {
		return func(_ *fixture, t *bursar.Transfer) { t.Legs[0].To = path }
	}
	return map[bursar.Code]func(*fixture, *bursar.Transfer){
		bursar.Malformed:         func(_ *fixture, t *bursar.Transfer) { t.Conditions = []bursar.Condition{{Account: "users:1"}} },
		bursar.AccountInvalid:    to("users 2"),
		bursar.AmountInvalid:     func(_ *fixture, t *bursar.Transfer) { t.Legs[0].Amount = money.Amount{} },
		bursar.AmountNotPositive: amount("0.00 USD"),
		bursar.LegsInvalid:       func(_ *fixture, t *bursar.Transfer) { t.Legs = nil },
		bursar.MetadataInvalid:   func(_ *fixture, t *bursar.Transfer) { t.Metadata = bursar.Metadata{"": ""} },
		bursar.ReferenceInvalid:  func(_ *fixture, t *bursar.Transfer) { t.Reference = "\x00" },
		bursar.SameAccount:       to("users:1"),
		bursar.TimeInvalid:       func(_ *fixture, t *bursar.Transfer) { t.Effective = dawn.AddDate(1000, 0, 0) },
		bursar.IDReused:          func(_ *fixture, t *bursar.Transfer) { t.ID = bursar.IDOf("account.open", "users:1") },
		bursar.ReferenceTaken:    func(f *fixture, t *bursar.Transfer) { t.Reference = "r"; f.post(*t) },
		bursar.AccountNotFound:   to("nobody"),
		bursar.AccountFrozen:     func(f *fixture, _ *bursar.Transfer) { f.setState("users:2", bursar.AccountIsFrozen) },
		bursar.AccountClosed:     func(f *fixture, _ *bursar.Transfer) { f.setState("users:2", bursar.AccountIsClosed) },
		bursar.CurrencyMismatch:  amount("1.00 EUR"),
		bursar.EffectiveInFuture: func(_ *fixture, t *bursar.Transfer) { t.Effective = dawn.AddDate(1, 0, 0) },
		bursar.TooLate:           func(_ *fixture, t *bursar.Transfer) { t.NotAfter = dawn.AddDate(-1, 0, 0) },
		bursar.VersionChanged: func(_ *fixture, t *bursar.Transfer) {
			t.Conditions = []bursar.Condition{{Account: "users:1", Version: &version}}
		},
		bursar.ConditionFailed: func(_ *fixture, t *bursar.Transfer) {
			t.Conditions = []bursar.Condition{{Account: "users:1", AtLeast: limit("100.01 USD")}}
		},
		bursar.InsufficientFunds: amount("100.01 USD"),
		bursar.LimitExceeded: func(f *fixture, t *bursar.Transfer) {
			f.opening(bursar.Opening{Account: "full", Currency: currency("USD"), Max: limit("0.00 USD")})
			t.Legs[0].To = "full"
		},
		bursar.BalanceOutOfRange: func(f *fixture, t *bursar.Transfer) {
			f.account("vault")
			t.Legs = []bursar.Leg{{From: "world", To: "vault", Amount: money.MustParse("9999999999999999999999999999999999.99 USD")}}
		},
	}
}

func (f *fixture) tryOpen(o bursar.Opening) error {
	if o.Min != nil || o.Max != nil {
		o.Currency = currency("USD")
	}
	_, err := f.ledger.Open(f.Context(), o)
	return err
}

func (f *fixture) tryIn(tx bursar.CallerTx) error {
	_, err := f.ledger.In(tx).Post(f.Context(), move("users:1", "users:2", "1.00 USD"))
	return err
}

// restart runs a raw statement and then opens the ledger again.
func (f *fixture) restart(statement string) error {
	f.exec(statement)
	_, err := bursar.New(f.Store, nil)
	return err
}

func tooLarge(f *fixture) error {
	_, err := f.ledger.PostBatch(f.Context(), make([]bursar.Transfer, bursar.BatchMax+1))
	return err
}

func inTransaction(f *fixture) error {
	return atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, _ *atomic.Tx) error {
		_, err := f.ledger.Post(ctx, move("users:1", "users:2", "1.00 USD"))
		return err
	}, nil)
}

func asOfNeverReached(f *fixture) error {
	_, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Seq: 1 << 40})
	return err
}

func cancelled(f *fixture) error {
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	_, err := f.ledger.Post(ctx, move("users:1", "users:2", "1.00 USD"))
	return err
}

func closed(f *fixture) error {
	f.must(f.ledger.Close(f.Context()))
	_, err := f.ledger.Post(f.Context(), move("users:1", "users:2", "1.00 USD"))
	return err
}

// corrupt makes what is stored as available contradict the balance.
func corrupt(f *fixture) error {
	f.exec("UPDATE bursar_balance SET available = available + 1")
	_, err := f.ledger.Account(f.Context(), "users:1")
	return err
}

// internal takes a table away, which no code foresees.
func internal(f *fixture) error {
	f.exec("DROP TABLE bursar_checkpoint")
	_, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Seq: 1})
	return err
}
