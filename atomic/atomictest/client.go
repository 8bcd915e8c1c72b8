package atomictest

import (
	"context"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
)

// A client asks for a block in another session, at the same time as the behaviour.
type client struct {
	f     *fixture
	ids   chan int64
	again chan string
	done  chan struct{}
	runs  int
	err   error // once done is closed
}

// client starts a block on the other pool, with a clock that really waits.
func (f *fixture) client(fn block, o *atomic.Options) *client {
	c := &client{f: f, ids: make(chan int64, 100), again: make(chan string, 100), done: make(chan struct{})}
	db := atomic.Open(f.other, f.Dialect, &atomic.OpenOptions{
		Retried: func(_ context.Context, _, code string, _ int) { c.again <- code },
	})
	go func() {
		defer close(c.done)
		c.err = atomic.Do(f.ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			c.runs++
			if f.Speech.SessionID != "" {
				id, err := f.number(ctx, tx, f.Speech.SessionID)
				if err != nil {
					return err
				}
				c.ids <- id
			}
			return fn(ctx, tx)
		}, o)
	}()
	return c
}

// untilBlocked returns when the client waits for a lock, according to the engine's own catalogue. Where the engine
// lets nobody wait, it returns when the client has been turned away as busy.
func (c *client) untilBlocked() {
	c.f.Helper()
	if c.f.Can.OneWriter {
		select {
		case <-c.again:
		case <-c.done:
			c.f.Fatalf("the other client ended with %v instead of waiting", c.err)
		case <-c.f.ctx.Done():
			c.f.Fatal("the other client neither waited nor ended")
		}
		return
	}
	var id int64
	select {
	case id = <-c.ids:
	case <-c.f.ctx.Done():
		c.f.Fatal("the other client did not begin")
	}
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		blocked, err := c.f.blocked(id)
		c.f.must(err)
		if blocked {
			return
		}
		select {
		case <-tick.C:
		case <-c.done:
			c.f.Fatalf("the other client ended with %v instead of waiting", c.err)
		case <-c.f.ctx.Done():
			c.f.Fatal("the other client did not wait")
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

// end waits for the client and returns its answer.
func (c *client) end() error {
	c.f.Helper()
	select {
	case <-c.done:
		return c.err
	case <-c.f.ctx.Done():
		c.f.Fatal("the other client did not end")
		return nil
	}
}

// kill ends the connection of a session and returns when the engine has forgotten the session.
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
