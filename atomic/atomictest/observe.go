package atomictest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

var observeBehaviours = []behaviour{
	{219, "an observer is told of every beginning and of exactly one end for each", func(f *fixture) {
		var log eventLog
		b := &faultyDialect{Dialect: f.Dialect}
		f.db = atomic.Open(f.pool, b, &atomic.OpenOptions{Clock: f.clock, Observer: log.observer()})
		f.must(f.do(f.failing(1, func(ctx context.Context, tx *atomic.Tx, _ int) error {
			return f.inner(ctx, f.adding("kept"), atomic.Nested)
		}), &atomic.Options{Name: "pay"}))
		f.is(f.do(f.addingThen("gone", errRefused), nil), errRefused)
		b.commit = afterCommitting(f.Dialect, errStorage)
		f.is(f.do(f.adding("perhaps"), nil), atomic.ErrOutcomeUnknown)
		log.want(f, "pay began", "pay rolled back conflict", "pay retried conflict 1", "pay began", "pay committed",
			" began", " rolled back ", " began", " unknown")
		f.db = f.open(f.Dialect)
	}},
	{220, "a tracer gets one span a Do, and its end with the error that Do returns", func(f *fixture) {
		var log eventLog
		f.db = atomic.Open(f.pool, f.Dialect, &atomic.OpenOptions{Clock: f.clock, Tracer: tracer{&log}})
		f.is(f.do(func(ctx context.Context, _ *atomic.Tx) error {
			f.same("span in the block's context", ctx.Value(spanKey{}), "outer")
			f.must(atomic.Do(ctx, f.db, f.adding("inner"), &atomic.Options{Name: "inner"}))
			return errRefused
		}, &atomic.Options{Name: "outer"}), errRefused)
		log.want(f, "outer begins", "inner begins", "inner ends <nil>", "outer ends refused")
		f.db = f.open(f.Dialect)
	}},
	{221, "a logger is told of retries and of unknown outcomes, and not of parameters", func(f *fixture) {
		var out bytes.Buffer
		b := &faultyDialect{Dialect: f.Dialect}
		f.db = atomic.Open(f.pool, b, &atomic.OpenOptions{Clock: f.clock, Logger: slog.New(slog.NewTextHandler(&out, nil))})
		f.must(f.do(f.failing(1, func(ctx context.Context, tx *atomic.Tx, _ int) error {
			return f.add(ctx, tx, "secret")
		}), &atomic.Options{Name: "pay"}))
		b.commit = afterCommitting(f.Dialect, errStorage)
		f.is(f.do(f.adding("secret too"), nil), atomic.ErrOutcomeUnknown)
		for _, want := range []string{"block=pay code=conflict attempt=1", "level=ERROR"} {
			f.same("the log has "+want, strings.Contains(out.String(), want), true)
		}
		f.same("the log has the parameter", strings.Contains(out.String(), "secret"), false)
		f.db = f.open(f.Dialect)
	}},
}

// observer notes what it is told.
func (log *eventLog) observer() atomic.Observer {
	return atomic.Observer{
		Began: func(_ context.Context, name string) { log.note(name + " began") },
		Retried: func(_ context.Context, name, code string, attempt int) {
			log.note(fmt.Sprint(name, " retried ", code, " ", attempt))
		},
		Committed: func(_ context.Context, name string, _ time.Duration) { log.note(name + " committed") },
		RolledBack: func(_ context.Context, name, code string, _ time.Duration) {
			log.note(name + " rolled back " + code)
		},
		Unknown: func(_ context.Context, name string, _ time.Duration) { log.note(name + " unknown") },
	}
}

type spanKey struct{}

// tracer notes spans, and puts their names into contexts.
type tracer struct{ log *eventLog }

// Start begins a span.
func (t tracer) Start(ctx context.Context, name string) (context.Context, func(error)) {
	t.log.note(name + " begins")
	return context.WithValue(ctx, spanKey{}, name), func(err error) { t.log.note(fmt.Sprint(name, " ends ", err)) }
}
