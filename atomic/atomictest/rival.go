package atomictest

import (
	"context"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// A rival is a block that another session runs at the same time.
type rival struct {
	f     *fixture
	ids   chan int64
	again chan string
	done  chan struct{}
	runs  int
	err   error // once done is closed
}

// rival starts a block on the other pool, with a clock that really waits.
func (f *fixture) rival(fn block, o *atomic.Options) *rival {
	r := &rival{f: f, ids: make(chan int64, 100), again: make(chan string, 100), done: make(chan struct{})}
	db := atomic.Open(f.other, f.Dialect, &atomic.OpenOptions{
		Retried: func(_ context.Context, _, code string, _ int) { r.again <- code },
	})
	go func() {
		defer close(r.done)
		r.err = atomic.Do(f.ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			r.runs++
			if f.Speech.SessionID != "" {
				id, err := f.number(ctx, tx, f.Speech.SessionID)
				if err != nil {
					return err
				}
				r.ids <- id
			}
			return fn(ctx, tx)
		}, o)
	}()
	return r
}

// untilBlocked returns when the rival waits for a lock, as the engine's own catalogue says it; where the engine does
// not let anybody wait, when it has been turned away as busy.
func (r *rival) untilBlocked() {
	r.f.Helper()
	if r.f.Can.OneWriter {
		select {
		case <-r.again:
		case <-r.done:
			r.f.Fatalf("the rival ended with %v instead of waiting", r.err)
		case <-r.f.ctx.Done():
			r.f.Fatal("the rival neither waited nor ended")
		}
		return
	}
	var id int64
	select {
	case id = <-r.ids:
	case <-r.f.ctx.Done():
		r.f.Fatal("the rival did not begin")
	}
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		blocked, err := r.f.blocked(id)
		r.f.must(err)
		if blocked {
			return
		}
		select {
		case <-tick.C:
		case <-r.done:
			r.f.Fatalf("the rival ended with %v instead of waiting", r.err)
		case <-r.f.ctx.Done():
			r.f.Fatal("the rival did not wait")
		}
	}
}

func (f *fixture) blocked(id int64) (bool, error) {
	if f.Speech.Waits != nil {
		return f.Speech.Waits(f.ctx, f.other, id)
	}
	n, err := f.number(f.ctx, f.other, f.Speech.Blocked, id)
	return n > 0, err
}

// end waits for the rival and returns its error.
func (r *rival) end() error {
	r.f.Helper()
	select {
	case <-r.done:
		return r.err
	case <-r.f.ctx.Done():
		r.f.Fatal("the rival did not end")
		return nil
	}
}

// kill ends the session with a number and returns when the engine has forgotten it.
func (f *fixture) kill(id int64) {
	f.Helper()
	_, err := f.other.ExecContext(f.ctx, fmt.Sprintf(f.Speech.Kill, id))
	f.must(err)
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := f.number(f.ctx, f.other, f.Speech.Alive, id)
		f.must(err)
		if n == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			f.Fatalf("session %d does not end", id)
		}
	}
}
