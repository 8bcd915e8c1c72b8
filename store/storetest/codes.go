package storetest

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// testedElsewhere names the codes that a store's contract cannot provoke, each with the place that can.
var testedElsewhere = map[bursar.Code]string{
	bursar.CodeAmountOutOfRange:   "an amount that exists is in range: texts are refused by the server and the commands",
	bursar.CodeUnauthorized:       "only the server has tokens",
	bursar.CodeNotADatabase:       "only a file can be none: the tests of the SQLite store",
	bursar.CodeReadOnly:           "only a file may be read alone: the tests of the SQLite store",
	bursar.CodeBusy:               "only the queue is bounded",
	bursar.CodeClockJumped:        "a clock that jumps cannot be had here: the tests of the ledger",
	bursar.CodeConflict:           "conflicts differ by engine: the engines' own tests",
	bursar.CodeUnavailable:        "how a database is lost differs by engine: the engines' own tests",
	bursar.CodeOutcomeUnknown:     "it needs a connection that breaks: the tests of package atomic and of the queue",
	bursar.CodeVerificationFailed: "only verify reports it",
}

// runCodes provokes every code of the catalogue that can arise here. It fails for a code that is in neither list, or in
// both.
func runCodes(t *testing.T, open func(*testing.T) Harness) {
	provocations := provocations()
	for _, row := range bursar.Catalogue() {
		provoke, here := provocations[row.Code]
		if reason := testedElsewhere[row.Code]; here == (reason != "") {
			t.Errorf("%s is provoked here: %v, and elsewhere: %q", row.Code, here, reason)
		}
		if !here {
			continue
		}
		t.Run(string(row.Code), func(t *testing.T) {
			t.Parallel()
			f := &fixture{T: t, Harness: open(t), open: open, clock: clock.NewFake(clockStart)}
			f.ledger = f.start(&ledger.Options{Migrate: true})
			f.funded("users:1", "users:2")
			err := provoke(f)
			if got := bursar.CodeOf(err); got != row.Code {
				t.Errorf("got %q of %v", got, err)
			}
			want := row.Retryable && row.Code != bursar.CodeCanceled // the caller's own context is done
			if got := bursar.Retryable(err); got != want {
				t.Errorf("retryable is %v, the table says %v", got, row.Retryable)
			}
		})
	}
}

// provocations bring each code about, in a ledger with two funded accounts.
func provocations() map[bursar.Code]func(*fixture) error {
	all := map[bursar.Code]func(*fixture) error{
		bursar.CodeIDInvalid:       func(*fixture) error { _, err := bursar.ParseID("7"); return err },
		bursar.CodeCurrencyInvalid: func(f *fixture) error { return f.tryOpen(bursar.Opening{Path: "a"}) },
		bursar.CodeLimitsInvalid: func(f *fixture) error {
			return f.tryOpen(bursar.Opening{Path: "a", Min: limit("1.00 USD")})
		},
		bursar.CodeAccountExists: func(f *fixture) error {
			return f.tryOpen(bursar.Opening{Path: "users:1", Max: limit("1.00 USD")})
		},
		bursar.CodeTransferNotFound:  func(f *fixture) error { _, err := f.ledger.Transfer(f.Context(), id(1)); return err },
		bursar.CodeTooLarge:          tooLarge,
		bursar.CodeUnsupported:       func(f *fixture) error { return f.tryIn(notTx{7}) },
		bursar.CodeUnsafeTransaction: func(f *fixture) error { return f.tryIn(notTx{f.DB}) },
		bursar.CodeInTransaction:     inTransaction,
		bursar.CodeSchemaBehind: func(f *fixture) error {
			_, err := ledger.New(context.Background(), f.open(f.T).Store, nil)
			return err
		},
		bursar.CodeSchemaAhead: func(f *fixture) error {
			return f.restart("INSERT INTO bursar_migration (version, name) VALUES (9999, 'later')")
		},
		bursar.CodeSchemaChanged: func(f *fixture) error {
			return f.restart("UPDATE bursar_migration SET checksum = '00' WHERE version = 1")
		},
		bursar.CodeBookNotFound: func(f *fixture) error {
			_, err := ledger.New(context.Background(), f.Store, &ledger.Options{Book: "mian"})
			return err
		},
		bursar.CodeAsOfAhead: asOfNeverReached,
		bursar.CodeCanceled:  cancelled,
		bursar.CodeClosed:    closed,
		bursar.CodeCorrupt:   corrupt,
		bursar.CodeInternal:  internal,
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
		bursar.CodeMalformed: func(_ *fixture, t *bursar.Transfer) {
			t.Conditions = []bursar.Condition{{Path: "users:1"}}
		},
		bursar.CodeAccountInvalid:    to("users 2"),
		bursar.CodeAmountInvalid:     func(_ *fixture, t *bursar.Transfer) { t.Legs[0].Amount = money.Amount{} },
		bursar.CodeAmountNotPositive: amount("0.00 USD"),
		bursar.CodeLegsInvalid:       func(_ *fixture, t *bursar.Transfer) { t.Legs = nil },
		bursar.CodeMetadataInvalid:   func(_ *fixture, t *bursar.Transfer) { t.Metadata = bursar.Metadata{"": ""} },
		bursar.CodeReferenceInvalid:  func(_ *fixture, t *bursar.Transfer) { t.Reference = "\x00" },
		bursar.CodeSameAccount:       to("users:1"),
		bursar.CodeTimeInvalid:       func(_ *fixture, t *bursar.Transfer) { t.Effective = clockStart.AddDate(1000, 0, 0) },
		bursar.CodeIDReused:          func(_ *fixture, t *bursar.Transfer) { t.ID = bursar.IDOf("account.open", "users:1") },
		bursar.CodeReferenceTaken:    func(f *fixture, t *bursar.Transfer) { t.Reference = "r"; f.post(*t) },
		bursar.CodeAccountNotFound:   to("nobody"),
		bursar.CodeAccountFrozen:     func(f *fixture, _ *bursar.Transfer) { f.setState("users:2", bursar.AccountFrozen) },
		bursar.CodeAccountClosed:     func(f *fixture, _ *bursar.Transfer) { f.setState("users:2", bursar.AccountClosed) },
		bursar.CodeCurrencyMismatch:  amount("1.00 EUR"),
		bursar.CodeEffectiveInFuture: func(_ *fixture, t *bursar.Transfer) { t.Effective = clockStart.AddDate(1, 0, 0) },
		bursar.CodeTooLate:           func(_ *fixture, t *bursar.Transfer) { t.NotAfter = clockStart.AddDate(-1, 0, 0) },
		bursar.CodeVersionChanged: func(_ *fixture, t *bursar.Transfer) {
			t.Conditions = []bursar.Condition{{Path: "users:1", Version: &version}}
		},
		bursar.CodeConditionFailed: func(_ *fixture, t *bursar.Transfer) {
			t.Conditions = []bursar.Condition{{Path: "users:1", AtLeast: limit("100.01 USD")}}
		},
		bursar.CodeInsufficientFunds: amount("100.01 USD"),
		bursar.CodeLimitExceeded: func(f *fixture, t *bursar.Transfer) {
			f.opening(bursar.Opening{Path: "full", Currency: currency("USD"), Max: limit("0.00 USD")})
			t.Legs[0].To = "full"
		},
		bursar.CodeBalanceOutOfRange: func(f *fixture, t *bursar.Transfer) {
			f.account("vault")
			t.Legs = []bursar.Leg{leg("world", "vault", "9999999999999999999999999999999999.99 USD")}
		},
	}
}

func (f *fixture) tryOpen(o bursar.Opening) error {
	if o.Min != nil || o.Max != nil {
		o.Currency = currency("USD")
	}
	_, err := f.ledger.OpenAccount(f.Context(), o)
	return err
}

func (f *fixture) tryIn(tx driver.CallerTx) error {
	_, err := f.ledger.In(tx).Post(f.Context(), move("users:1", "users:2", "1.00 USD"))
	return err
}

// restart runs a raw statement and then opens the ledger again.
func (f *fixture) restart(statement string) error {
	f.exec(statement)
	_, err := ledger.New(context.Background(), f.Store, nil)
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

// internal takes a table away. No code foresees that.
func internal(f *fixture) error {
	f.exec("DROP TABLE bursar_checkpoint")
	_, err := f.ledger.Balance(f.Context(), "users:1", bursar.AsOf{Seq: 1})
	return err
}
