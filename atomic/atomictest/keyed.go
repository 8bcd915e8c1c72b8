package atomictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var keyedBehaviours = []behaviour{
	{192, "a key runs its function once, and later calls get the stored result", func(f *fixture) {
		f.setup()
		f.wantKeyed("pay 1", "word 1", false)
		f.wantKeyed("pay 1", "word 1", true)
		f.wantKeyed("pay 2", "word 2", false)
		f.wantWords("word 1", "word 2")
	}},
	{193, "a function that fails leaves its key free", func(f *fixture) {
		f.setup()
		_, _, err := f.keyed("pay", "gone", "", errRefused)
		f.is(err, errRefused)
		f.wantWords()
		f.wantKeyed("pay", "word", false)
		f.wantWords("word")
	}},
	{194, "a key used for another request is refused, and nothing is done", func(f *fixture) {
		f.setup()
		_, _, err := f.keyed("pay", "word", "10 USD", nil)
		f.must(err)
		_, replayed, err := f.keyed("pay", "other", "20 USD", nil)
		f.is(err, atomic.ErrKeyReused)
		f.same("replayed", replayed, false)
		result, replayed, err := f.keyed("pay", "word", "10 USD", nil)
		f.must(err)
		f.same("the first request again", fmt.Sprint(string(result), " ", replayed), "word true")
		f.wantWords("word")
	}},
	{195, "a commit whose answer was lost is resolved to the effect that it had", func(f *fixture) {
		f.setup()
		f.inject(&faultyDialect{commit: f.lostOnce(true)})
		f.wantKeyed("pay", "word", true)
		f.wantWords("word")
	}},
	{196, "a commit that was lost on its way is resolved by doing it again", func(f *fixture) {
		f.setup()
		f.inject(&faultyDialect{commit: f.lostOnce(false)})
		f.wantKeyed("pay", "word", false)
		f.wantWords("word")
	}},
	{197, "a commit that stays unknown for the whole budget is reported as unknown", func(f *fixture) {
		f.setup()
		f.inject(&faultyDialect{commit: afterCommitting(f.Dialect, errStorage)})
		_, _, err := atomic.DoKeyed(f.ctx, f.db, "pay", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
			return []byte("word"), f.add(ctx, tx, "word")
		}, &atomic.KeyedOptions{Options: atomic.Options{Retry: atomic.Budget{Attempts: 3}}})
		f.is(err, atomic.ErrOutcomeUnknown)
		f.db = f.open(f.Dialect)
		f.wantWords("word")
		f.wantKeyed("pay", "word", true)
	}},
	{198, "a second client that claims the key waits for the first, and the next call gets its result", func(f *fixture) {
		f.setup()
		var c *client
		db := atomic.Open(f.other, f.Dialect, nil)
		var got []byte
		var replayed bool
		_, _, err := atomic.DoKeyed(f.ctx, f.db, "pay", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
			c = f.client(func(ctx context.Context, tx *atomic.Tx) error {
				_, err := f.on(tx).ExecContext(ctx, f.Dialect.Statements().KeyInsert, "pay", []byte{})
				return err
			}, nil)
			c.untilBlocked()
			return []byte("first"), f.add(ctx, tx, "word")
		}, nil)
		f.must(err)
		f.must(c.end())
		got, replayed, err = atomic.DoKeyed(f.ctx, db, "pay", func(context.Context, *atomic.Tx) ([]byte, error) {
			f.Error("fn ran")
			return nil, nil
		}, nil)
		f.must(err)
		f.same("the next call got", fmt.Sprint(string(got), " ", replayed), "first true")
	}},
	{199, "a key cannot be used inside a block, nor in one that is read-only", func(f *fixture) {
		f.setup()
		f.must(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			_, _, err := atomic.DoKeyed(ctx, f.db, "pay", f.never, nil)
			f.is(err, atomic.ErrNested)
			return nil
		}, nil))
		readOnly := &atomic.KeyedOptions{Options: atomic.Options{ReadOnly: true}}
		_, _, err := atomic.DoKeyed(f.ctx, f.db, "pay", f.never, readOnly)
		f.is(err, atomic.ErrMode)
	}},
	{200, "a conflict runs the keyed function again, and its effect happens once", func(f *fixture) {
		f.setup()
		f.inject(&faultyDialect{})
		runs := 0
		_, replayed, err := atomic.DoKeyed(f.ctx, f.db, "pay", func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
			runs++
			if err := f.add(ctx, tx, "word"); err != nil || runs > 1 {
				return nil, err
			}
			return nil, errConflict
		}, nil)
		f.must(err)
		f.same("runs, replayed", []any{runs, replayed}, []any{2, false})
		f.wantWords("word")
	}},
	{201, "any bytes are stored as what they are, and an empty result is none", func(f *fixture) {
		f.setup()
		for _, result := range [][]byte{nil, {}, {0}, {0, 255, 0}, []byte("it's")} {
			for _, again := range []bool{false, true} {
				got, replayed, err := atomic.DoKeyed(f.ctx, f.db, fmt.Sprintf("%#v", result),
					func(context.Context, *atomic.Tx) ([]byte, error) { return result, nil }, nil)
				f.must(err)
				f.same("replayed", replayed, again)
				want := result
				if len(want) == 0 {
					want = nil
				}
				f.same("result", fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want))
			}
		}
	}},
}

func (f *fixture) never(context.Context, *atomic.Tx) ([]byte, error) {
	f.Error("fn ran")
	return nil, errors.New("never")
}

// keyed adds a word under a key, with the word as result.
func (f *fixture) keyed(key, word, digest string, end error) (result []byte, replayed bool, err error) {
	return atomic.DoKeyed(f.ctx, f.db, key, func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
		return []byte(word), f.addingThen(word, end)(ctx, tx)
	}, &atomic.KeyedOptions{Digest: []byte(digest)})
}

func (f *fixture) wantKeyed(key, word string, replayed bool) {
	f.Helper()
	result, again, err := f.keyed(key, word, "", nil)
	f.must(err)
	f.same("result and whether it was replayed", fmt.Sprint(string(result), " ", again), fmt.Sprint(word, " ", replayed))
}

// lostOnce loses the answer of the first commit, which takes effect or does not.
func (f *fixture) lostOnce(takesEffect bool) func(context.Context, *sql.Conn) error {
	lost := false
	return func(ctx context.Context, conn *sql.Conn) error {
		if lost {
			return f.Dialect.Commit(ctx, conn)
		}
		lost = true
		if takesEffect {
			if err := f.Dialect.Commit(ctx, conn); err != nil {
				return err
			}
		}
		return errStorage
	}
}
