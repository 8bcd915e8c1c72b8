package atomictest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

var recordBehaviours = []behaviour{
	{238, "what must be outermost runs in a recorded block that counts as outside, and is undone with it",
		func(f *fixture) {
			f.setup()
			f.recorded(func(ctx context.Context, tx *atomic.Tx, _ *atomic.Recorder) {
				f.must(f.inner(ctx, f.adding("durable"), atomic.Outermost))
				keyed := func(ctx context.Context, tx *atomic.Tx) ([]byte, error) { return []byte("r"), f.add(ctx, tx, "keyed") }
				for _, again := range []bool{false, true} {
					result, replayed, err := atomic.DoKeyed(ctx, f.db, "key", keyed, nil)
					f.must(err)
					f.same("result", []any{string(result), replayed}, []any{"r", again})
				}
				f.must(atomic.Hybrid(ctx, f.db, func(context.Context) (string, error) { return "hybrid", nil },
					func(ctx context.Context, tx *atomic.Tx, was string) error { return f.add(ctx, tx, was) }, nil))
				_, err := atomic.Acquire(ctx, f.db, "lease", "me", time.Minute)
				f.must(err)
				f.same("words inside", f.count(ctx, tx), 3)
			})
			f.wantWords()
			f.same("keys", f.rows(`SELECT count(*) FROM atomic_key`), 0)
		}},
	{239, "a recorded block that counts as outside is no open transaction, but the blocks inside are", func(f *fixture) {
		f.recorded(func(ctx context.Context, _ *atomic.Tx, _ *atomic.Recorder) {
			f.same("a transaction is open", atomic.InTransaction(ctx), false)
			f.is(f.inner(ctx, f.adding("never"), atomic.Required), atomic.ErrRequired)
			f.must(f.innerDo(ctx, func(inside context.Context, _ *atomic.Tx) error {
				f.same("inside, a transaction is open", atomic.InTransaction(inside), true)
				f.same("seen from the test", atomic.InTransaction(ctx), false)
				f.is(f.inner(inside, f.adding("never"), atomic.Outermost), atomic.ErrNested)
				return f.inner(inside, f.adding("part"), atomic.Required)
			}, atomic.Nested))
		})
	}},
	{240, "a deferred constraint is checked at the end of a block inside, and of the recorded block", func(f *fixture) {
		f.recordedViolation()
	}},
	{241, "functions before the commit run at the end of a block inside, and undo it when they fail", func(f *fixture) {
		var log eventLog
		f.recorded(func(ctx context.Context, tx *atomic.Tx, _ *atomic.Recorder) {
			before := func(end error) block {
				return func(_ context.Context, tx *atomic.Tx) error {
					tx.BeforeCommit(func(ctx context.Context) error {
						log.note(fmt.Sprint("before ", end))
						return errors.Join(f.add(ctx, tx, fmt.Sprint(end)), end)
					})
					return nil
				}
			}
			f.must(f.inner(ctx, before(nil), atomic.Outermost))
			f.is(f.innerDo(ctx, before(errRefused), atomic.Nested), errRefused)
			f.same("words", f.count(ctx, tx), 1)
		})
		log.want(f, "before <nil>", "before refused")
	}},
	{242, "a conflict that a recorded block survives makes the block inside run again, without its hooks",
		func(f *fixture) {
			f.inject(&faultyDialect{})
			var log eventLog
			f.recorded(func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
				f.must(f.inner(ctx, f.failing(2, func(ctx context.Context, tx *atomic.Tx, run int) error {
					tx.OnCommit(log.commits(fmt.Sprint("run ", run)))
					return f.add(ctx, tx, fmt.Sprint(run))
				}), atomic.Outermost))
				f.same("words", f.count(ctx, tx), 1)
				f.must(rec.Run(ctx))
			})
			log.want(f, "run 3")
			f.wantRetried(" conflict 1", " conflict 2")
		}},
	{243, "hooks that nobody has run are reported by name, and those that ran or were dropped are not", func(f *fixture) {
		hooked := func(_ context.Context, tx *atomic.Tx) error {
			tx.OnCommit(noHook)
			return nil
		}
		found := f.recorded(func(ctx context.Context, _ *atomic.Tx, _ *atomic.Recorder) {
			f.must(f.inner(ctx, hooked, atomic.Nested))
		})
		f.is(found, atomic.ErrHooksUnrun)
		f.same("it is named", strings.Contains(found.Error(), "noHook (registered at atomictest/recorded.go:"), true)
		f.must(f.recorded(func(ctx context.Context, _ *atomic.Tx, rec *atomic.Recorder) {
			f.must(f.inner(ctx, hooked, atomic.Nested))
			f.must(rec.Run(ctx))
			f.must(f.inner(ctx, hooked, atomic.Nested))
			f.same("dropped", len(rec.Drop()), 1)
		}))
	}},
	{244, "a recorded block that a conflict ends reports nothing, because it runs again", func(f *fixture) {
		f.inject(&faultyDialect{})
		var reports []error
		f.must(f.do(f.failing(1, func(ctx context.Context, tx *atomic.Tx, run int) error {
			rec := atomic.Record(tx, &atomic.RecordOptions{Report: reporting(&reports)})
			tx.OnCommit(noHook)
			if run > 1 {
				return rec.Run(ctx)
			}
			return nil
		}), nil))
		f.must(errors.Join(reports...))
	}},
	{245, "what breaks a recorded block is reported at its end", func(f *fixture) {
		f.is(f.recorded(func(ctx context.Context, tx *atomic.Tx, _ *atomic.Recorder) {
			f.must(f.add(ctx, tx, "once"))
			_ = f.collide(ctx, tx, "once")
		}), atomic.ErrBroken)
	}},
	{246, "in the block of another database a recorded block still counts as inside of that", func(f *fixture) {
		second := newFixture(f.T, f.Harness)
		f.must(second.do(func(ctx context.Context, _ *atomic.Tx) error {
			return f.do(func(_ context.Context, tx *atomic.Tx) error {
				_ = atomic.Record(tx, &atomic.RecordOptions{Outside: true})
				f.same("a transaction is open", atomic.InTransaction(ctx), true)
				return nil
			}, nil)
		}, nil))
	}},
}

func noHook(context.Context) error { return nil }

// reporting notes what is reported.
func reporting(reports *[]error) func(args ...any) {
	return func(args ...any) {
		for _, arg := range args {
			*reports = append(*reports, arg.(error))
		}
	}
}

// recorded runs a test of an application in a block that counts as outside and is rolled back, and returns what was
// reported.
func (f *fixture) recorded(test func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder)) error {
	f.Helper()
	var reports []error
	f.is(f.do(func(ctx context.Context, tx *atomic.Tx) error {
		test(ctx, tx, atomic.Record(tx, &atomic.RecordOptions{Outside: true, Report: reporting(&reports)}))
		return errRefused
	}, nil), errRefused)
	return errors.Join(reports...)
}

// recordedViolation breaks a deferred foreign key in a block inside, and in the recorded block itself.
func (f *fixture) recordedViolation() {
	if !f.Can.Deferred {
		f.lacks()
		f.must(f.recorded(func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) { f.must(rec.Check(ctx)) }))
		return
	}
	f.exec(`CREATE TABLE uses (word VARCHAR(100) NOT NULL REFERENCES words (word) DEFERRABLE INITIALLY DEFERRED)`)
	violate := func(ctx context.Context, tx *atomic.Tx) error {
		return f.run(ctx, tx, `INSERT INTO uses VALUES ('missing')`)
	}
	kept := func(ctx context.Context, tx *atomic.Tx) error {
		return errors.Join(violate(ctx, tx), f.add(ctx, tx, "missing"))
	}
	isConstraint := func(what string, err error) {
		f.Helper()
		if kind := f.db.Classify(err).Kind; kind != atomic.KindConstraint {
			f.Errorf("%s = %v of kind %d, want a violated constraint", what, err, kind)
		}
	}
	f.must(f.recorded(func(ctx context.Context, tx *atomic.Tx, rec *atomic.Recorder) {
		isConstraint("the block inside", f.inner(ctx, violate, atomic.Outermost))
		f.must(rec.Check(ctx))
		f.must(f.inner(ctx, kept, atomic.Nested)) // Still deferred: the order of the two does not matter.
	}))
	isConstraint("the report", f.recorded(func(ctx context.Context, tx *atomic.Tx, _ *atomic.Recorder) {
		f.must(violate(ctx, tx))
	}))
	f.same("uses", f.rows(`SELECT count(*) FROM uses`), 0)
}

// rows reads one number outside any block.
func (f *fixture) rows(query string) int64 {
	f.Helper()
	n, err := f.number(f.ctx, f.other, query)
	f.must(err)
	return n
}
