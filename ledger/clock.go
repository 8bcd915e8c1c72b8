package ledger

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// jumpMax is how far the wall clock may move against the monotonic one while the program runs. It lets a machine sleep
// over night.
const jumpMax = 24 * time.Hour

// gapMax is how far the clock and the journal's head may be apart at opening before an operator is told.
const gapMax = 24 * time.Hour

// timekeeper tells the time that decisions are made at. It is safe for concurrent use.
//
// On a server that is the database's own clock, one for all programs, unless the caller of New has given another. Where
// the store has none, it is the machine's. A wall clock that is set a year ahead would move the ledger's time there for
// ever, so a jump of it against the monotonic clock stops posting until somebody has looked at it.
type timekeeper struct {
	clock Clock
	given bool // by the caller of New: it is believed

	mu   sync.Mutex
	mono time.Time // when the clock was believed last, for what has passed since
	wall time.Time // what it said then, without its reading of the monotonic clock
}

func newTimekeeper(clock Clock, given bool) *timekeeper {
	k := &timekeeper{clock: clock, given: given}
	k.confirm()
	return k
}

// now is the time of a decision. stored is the time that the database told after the locks were taken, 0 if it has
// none.
func (k *timekeeper) now(stored bursar.Instant) (bursar.Instant, error) {
	if stored != 0 && !k.given {
		return stored, nil
	}
	now := k.clock.Now()
	if jump := k.jump(now); jump.Abs() > jumpMax {
		return 0, bursar.Errorf(bursar.CodeClockJumped, "the machine's clock says %v, which is %v off what has passed "+
			"since this program looked last: set it right, or confirm it with Ledger.ConfirmClock or a restart",
			now.UTC().Format(time.RFC3339), jump.Round(time.Second))
	}
	return bursar.InstantOf(now)
}

// jump is by how much the wall clock has moved more than the monotonic one. A clock that reads no monotonic time, as
// in a test, never jumps.
func (k *timekeeper) jump(now time.Time) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return now.Round(0).Sub(k.wall) - now.Sub(k.mono)
}

// confirm believes the wall clock as it is now.
func (k *timekeeper) confirm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mono = k.clock.Now()
	k.wall = k.mono.Round(0)
}

// ConfirmClock accepts the machine's clock as it is now, after posts were refused with [bursar.ErrClockJumped]. The
// ledger's time never goes back: look at the clock first. It does nothing on a server, whose own clock is used.
func (l *Ledger) ConfirmClock() { l.writer.time.confirm() }

// noteGap tells an operator when the journal's last entry is far from the present.
func (w *writer) noteGap(ctx context.Context) error {
	var head bursar.Head
	err := w.store.Read(ctx, func(ctx context.Context, r driver.Reader) (err error) {
		head, err = r.Head(ctx, w.book.Number)
		return err
	})
	if err != nil || head.At == 0 {
		return err
	}
	if gap := w.time.clock.Now().Sub(head.At.Time()); gap.Abs() > gapMax {
		w.logger.Log(ctx, slog.LevelInfo, "the clock is far from the journal's head", "book", w.book.Name,
			"head", head.At.String(), "gap", gap.Round(time.Second).String())
	}
	return nil
}
