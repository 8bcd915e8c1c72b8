package lawtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
)

// reader follows the journal in several sessions, with a cursor in the database.
type reader struct {
	*rand.Rand
	run       *slowRun
	number    int
	ended     <-chan struct{}
	got       []bursar.Entry // up to the cursor
	restarts  int
	meanwhile int // entries that it got before the writers ended
}

func (r *reader) follow() {
	for {
		done, err := r.session()
		if err != nil {
			r.run.Errorf("reader %d: %v", r.number, err)
			return
		}
		if done {
			return
		}
		r.restarts++
	}
}

// session is one session of a reader, with connections and a ledger of its own. The reader is done when the writers
// have ended and there is no more to read.
func (r *reader) session() (done bool, err error) {
	ctx := r.run.Context()
	app, err := r.run.connect(r.run.dsn, 4)
	if err != nil {
		return false, err
	}
	defer app.close()
	l, err := ledger.New(ctx, app.Store, &ledger.Options{SealEvery: -1})
	if err != nil {
		return false, err
	}
	defer l.Close(ctx)
	kept, err := app.Strings(ctx, fmt.Sprintf(`SELECT CONCAT(seq, '') FROM cursors WHERE reader = %d`, r.number))
	if err != nil {
		return false, err
	}
	var cursor int64
	if _, err := fmt.Sscan(strings.Join(kept, " "), &cursor); err != nil {
		return false, fmt.Errorf("cursor %q: %w", kept, err)
	}
	for range 1 + r.IntN(40) {
		last := r.last()
		page, err := r.page(ctx, l, cursor)
		switch {
		case err != nil || len(page) == 0 && last:
			return err == nil, err
		case len(page) == 0:
			if err := clock.System().Sleep(ctx, time.Duration(r.Int64N(int64(10*time.Millisecond)))); err != nil {
				return false, err
			}
			continue
		case r.IntN(10) == 0:
			return false, nil // it stops before it keeps the page, so the page comes again
		}
		cursor = page[len(page)-1].Seq
		err = app.Exec(ctx, fmt.Sprintf(`UPDATE cursors SET seq = %d WHERE reader = %d`, cursor, r.number))
		switch {
		case starved(err):
			return false, nil // the page comes again
		case err != nil:
			return false, err
		}
		r.got = append(r.got, page...)
		if !last {
			r.meanwhile = len(r.got)
		}
	}
	return false, nil
}

// starved reports whether other writers of a SQLite file left no gap for five seconds.
func starved(err error) bool { return err != nil && strings.Contains(err.Error(), "SQLITE_BUSY") }

func (r *reader) last() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// page reads on. Everything up to the head must be there to read.
func (r *reader) page(ctx context.Context, l *ledger.Ledger, cursor int64) ([]bursar.Entry, error) {
	head, err := l.Head(ctx)
	if err != nil {
		return nil, err
	}
	page, err := l.Journal(ctx, cursor, 1+r.IntN(200))
	if err == nil && len(page) == 0 && cursor < head.Seq {
		err = fmt.Errorf("the head is at %d, and there is nothing after %d", head.Seq, cursor)
	}
	return page, err
}
