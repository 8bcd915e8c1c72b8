package atomic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/atomic"
)

// observed is a handle whose events are written down.
func (f *fixture) observed(events *[]string, o atomic.OpenOptions) *atomic.DB {
	note := func(format string, args ...any) { *events = append(*events, fmt.Sprintf(format, args...)) }
	o.Clock, o.Rand = f.clock, func(int64) int64 { return 0 }
	o.Observer = atomic.Observer{
		Began:      func(_ context.Context, name string) { note("began %s", name) },
		Retried:    func(_ context.Context, name, code string, attempt int) { note("retried %s %s %d", name, code, attempt) },
		Committed:  func(_ context.Context, name string, took time.Duration) { note("committed %s %v", name, took) },
		RolledBack: func(_ context.Context, name, code string, took time.Duration) { note("rolled back %s %q", name, code) },
		Unknown:    func(_ context.Context, name string, took time.Duration) { note("unknown %s", name) },
	}
	return atomic.Open(f.pool, f.dialect(), &o)
}

func TestEachDatabaseTransactionIsObservedToItsEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	var events []string
	var output bytes.Buffer
	db := f.observed(&events, atomic.OpenOptions{
		Logger: slog.New(slog.NewTextHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	do := func(name string, fn func(context.Context, *atomic.Tx) error) {
		_ = atomic.Do(t.Context(), db, fn, &atomic.Options{Name: name})
	}
	do("good", func(ctx context.Context, tx *atomic.Tx) error {
		f.clock.Fake.Advance(time.Second)
		return atomic.Do(ctx, db, nothing, &atomic.Options{Name: "inner"})
	})
	do("refused", func(context.Context, *atomic.Tx) error { return errRefused })
	runs := 0
	do("busy", func(context.Context, *atomic.Tx) error {
		if runs++; runs == 1 {
			return sqliteError(5)
		}
		return nil
	})
	f.lossy(true, 1)
	do("lost", nothing)
	f.faults.set(nil, nil)
	do("hooked", func(_ context.Context, tx *atomic.Tx) error {
		tx.OnCommit(func(context.Context) error { return errRefused })
		return nil
	})
	want := []string{
		"began good", "committed good 1s",
		"began refused", `rolled back refused ""`,
		"began busy", `rolled back busy "SQLITE_BUSY"`, "retried busy SQLITE_BUSY 1", "began busy", "committed busy 0s",
		"began lost", "unknown lost",
		"began hooked", "committed hooked 0s",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, text := range []string{
		`level=DEBUG msg="atomic: committed" block=good took=1s`,
		`level=DEBUG msg="atomic: rolled back" block=refused`,
		`level=INFO msg="atomic: trying again" block=busy code=SQLITE_BUSY attempt=1`,
		`level=ERROR msg="atomic: outcome unknown" block=lost`,
		`level=WARN msg="atomic: closed a connection in doubt" block=lost`,
		`level=ERROR msg="atomic: committed, but a hook failed" block=hooked hook="atomic_test.Test`,
	} {
		if !strings.Contains(output.String(), text) {
			t.Errorf("nothing was written like %s in:\n%s", text, &output)
		}
	}
}

// spans writes down spans by their depth.
type spans struct{ events []string }

type spanKey struct{}

func (s *spans) Start(ctx context.Context, name string) (context.Context, func(error)) {
	depth, _ := ctx.Value(spanKey{}).(int)
	s.events = append(s.events, fmt.Sprintf("%d start %s", depth, name))
	return context.WithValue(ctx, spanKey{}, depth+1), func(err error) {
		s.events = append(s.events, fmt.Sprintf("%d end %s: %v", depth, name, err != nil))
	}
}

func TestBlocksHaveSpans(t *testing.T) {
	t.Parallel()
	f := newFixture(t, pragmasUsual)
	s := &spans{}
	db := atomic.Open(f.pool, f.dialect(), &atomic.OpenOptions{Tracer: s})
	err := atomic.Do(t.Context(), db, func(ctx context.Context, _ *atomic.Tx) error {
		_ = atomic.Do(ctx, db, func(context.Context, *atomic.Tx) error { return errRefused }, &atomic.Options{Name: "inner"})
		return nil
	}, &atomic.Options{Name: "outer"})
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not travel on")
			}
		}()
		_ = atomic.Do(t.Context(), db, func(context.Context, *atomic.Tx) error {
			panic(errors.New("unwound"))
		}, &atomic.Options{Name: "panic"})
	}()
	want := []string{
		"0 start outer", "1 start inner", "1 end inner: true", "0 end outer: false",
		"0 start panic", "0 end panic: true",
	}
	if diff := cmp.Diff(want, s.events); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
