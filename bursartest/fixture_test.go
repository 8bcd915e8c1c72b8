package bursartest_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/store"
)

type tx = atomic.Tx

// recorder is a test that may fail without failing this one.
type recorder struct {
	testing.TB
	failures []string
	stopped  bool
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

func (r *recorder) Cleanup(fn func()) { r.cleanups = append(r.cleanups, fn) }

// run runs a function that may end the test.
func (r *recorder) run(fn func()) {
	defer func() {
		if cause := recover(); cause == any(r) {
			r.stopped = true
		} else if cause != nil {
			panic(cause)
		}
	}()
	fn()
}

// cleanUp ends the test.
func (r *recorder) cleanUp() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		fn := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		fn()
	}
}

// example is the test of an example, which prints what fails.
type example struct {
	recorder
	dir string
}

func begin() *example {
	dir, err := os.MkdirTemp("", "bursartest-")
	if err != nil {
		panic(err)
	}
	return &example{dir: dir}
}

func (e *example) Helper()                  {}
func (e *example) Context() context.Context { return context.Background() }
func (e *example) TempDir() string          { return e.dir }

// end does what the testing package does at the end of a test.
func (e *example) end() {
	e.cleanUp()
	for _, failure := range e.failures {
		fmt.Println("FAIL:", failure)
	}
	if err := os.RemoveAll(e.dir); err != nil {
		fmt.Println(err)
	}
}

// storeOf is the store of a ledger with its handle.
func storeOf(t *testing.T, l *bursartest.Ledger) store.Store {
	t.Helper()
	s, ok := l.Store.(store.Store)
	if !ok {
		t.Fatalf("the store is a %T", l.Store)
	}
	return s
}

// spoil changes balances behind the ledger's back.
func spoil(t *testing.T, s store.Store) {
	t.Helper()
	err := atomic.Do(t.Context(), s.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx,
			`UPDATE bursar_balance SET balance = balance + 1, available = available + 1 WHERE balance > 0`)
		return err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}
