package lawtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// feeds has readers poll the journal from cursors of their own while clients post. Some clients post by In and pause
// before they commit, so an entry that is decided early may be committed late.
func feeds(f *fixture) {
	const readers, quick, slow = 3, 4, 6
	paths := f.accounts(20, fundCents)
	ctx, stop := context.WithTimeout(f.t.Context(), duration())
	defer stop()
	var writers, following sync.WaitGroup
	for i := range quick {
		writers.Go(func() {
			for r := f.random(i); ctx.Err() == nil; {
				if _, err := f.post(f.t.Context(), f.randomTransfer(r, paths)); err != nil && !refused(err) {
					f.t.Errorf("post: %v", err)
					return
				}
			}
		})
	}
	for i := range slow {
		// Two accounts each, one of them shared with the next.
		pay := bursar.Leg{From: paths[i], To: paths[i+1], Amount: f.cents(1)}
		writers.Go(func() {
			for r := f.random(quick + i); ctx.Err() == nil; {
				if err := f.slowly(pay, time.Duration(r.Int64N(int64(30*time.Millisecond)))); err != nil {
					f.t.Errorf("slow writer: %v", err)
					return
				}
			}
		})
	}
	ended := make(chan struct{}) // nothing is written or sealed any more
	read := make([][]bursar.Entry, readers)
	for i := range readers {
		following.Go(func() {
			var err error
			if read[i], err = f.follow(i, ended); err != nil {
				f.t.Errorf("reader %d: %v", i, err)
			}
		})
	}
	writers.Wait()
	all := f.journal()
	close(ended)
	following.Wait()
	for i := range read {
		if err := sameFeed(read[i], all); err != nil {
			f.t.Errorf("reader %d: %v", i, err)
		}
	}
	f.replay()
}

// slowly posts one leg and stays in the database transaction for a while. The pause is short on an engine with one
// writer, where every other client waits for it.
func (f *fixture) slowly(leg bursar.Leg, pause time.Duration) error {
	if !f.db.Store.SealsLater() {
		pause /= 10
	}
	tx, err := f.db.Begin(f.t.Context())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = f.ledger.In(tx).Post(f.t.Context(), bursar.Transfer{ID: f.newID(), Legs: []bursar.Leg{leg}})
	switch {
	case refused(err), bursar.CodeOf(err) == bursar.CodeConflict:
		return nil
	case err != nil:
		return err
	}
	if err := clock.System().Sleep(f.t.Context(), pause); err != nil {
		return err
	}
	return commit(tx)
}

// follow reads the journal page by page, until the clients have ended and there is no more to read. Everything up to
// the head must be there to read.
func (f *fixture) follow(stream int, ended <-chan struct{}) (read []bursar.Entry, err error) {
	r := f.random(1000 + stream)
	var cursor int64
	for {
		last := false
		select {
		case <-ended:
			last = true
		default:
		}
		head, err := f.ledger.Head(f.t.Context())
		if err != nil {
			return read, err
		}
		for {
			page, err := f.ledger.Journal(f.t.Context(), cursor, 1+r.IntN(50))
			if err != nil {
				return read, err
			}
			read = append(read, page...)
			if len(page) == 0 {
				break
			}
			cursor = page[len(page)-1].Seq
		}
		if cursor < head.Seq {
			return read, fmt.Errorf("the head is at %d, and there is nothing after %d", head.Seq, cursor)
		}
		if last {
			return read, nil
		}
		if err := clock.System().Sleep(f.t.Context(), time.Millisecond); err != nil {
			return read, err
		}
	}
}

// sameFeed returns a violation where a reader got something else than the journal.
func sameFeed(read, journal []bursar.Entry) error {
	for i := range read {
		if read[i].Seq != int64(i+1) {
			return fmt.Errorf("it got %d after %d entries", read[i].Seq, i)
		}
		if i >= len(journal) {
			break
		}
		if diff := cmp.Diff(journal[i].Hash, read[i].Hash); diff != "" || journal[i].Transfer != read[i].Transfer {
			return fmt.Errorf("at %d it got leg %d of %v, and the journal has leg %d of %v (-journal +read):\n%s",
				read[i].Seq, read[i].Leg, read[i].Transfer, journal[i].Leg, journal[i].Transfer, diff)
		}
	}
	if len(read) != len(journal) {
		return fmt.Errorf("it got %d entries of %d", len(read), len(journal))
	}
	return nil
}
