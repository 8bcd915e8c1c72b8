package ledger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// sealPause is how long a sealing begins at least after the end of the one before it. While posts keep coming, one
// sealing is then for all that came meanwhile, and not each for one.
const sealPause = 20 * time.Millisecond

// sealer seals in the background what is committed unsealed. It is woken for what this ledger posts, and looks from
// time to time for what others post.
//
// A sealing is a database transaction, and costs about as much for one entry as for many. So a post that comes alone is
// sealed at once, and posts that follow one another are gathered. Whoever needs an entry's place earlier seals by
// himself, as Ledger.Seal does, and the sealer then finds nothing.
type sealer struct {
	writer   *writer
	clock    clock.Clock // of pauses; never the one of decisions, which stands still in some programs
	every    time.Duration
	patience time.Duration // with the database's answers, each time
	ended    time.Time     // when the last sealing ended; zero before the first
	wake     chan struct{} // capacity 1: there is something to seal
	stop     context.CancelFunc
	done     chan struct{}
}

// startSealer begins to seal. It returns at once.
func startSealer(w *writer, pauses clock.Clock, every, patience time.Duration) *sealer {
	ctx, stop := context.WithCancel(context.Background())
	s := newSealer(w, pauses, every, patience)
	s.stop = stop
	go s.run(ctx)
	return s
}

func newSealer(w *writer, pauses clock.Clock, every, patience time.Duration) *sealer {
	return &sealer{
		writer: w, clock: pauses, every: every, patience: patience,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// wakeUp says that there is something to seal.
func (s *sealer) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sealer) run(ctx context.Context) {
	defer close(s.done)
	var last bursar.Code // of what went wrong before: an outage is told once
	for {
		s.wait(ctx)
		s.gather(ctx)
		more, err := true, error(nil)
		for more && err == nil && ctx.Err() == nil {
			more, err = s.once(ctx)
		}
		s.ended = s.clock.Now()
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, driver.ErrReplica) {
			err = nil // the server that it follows has a sealer of its own
		}
		code := bursar.CodeOf(err)
		if err != nil && code != last {
			s.writer.logger.Log(ctx, slog.LevelWarn, "entries were not sealed", "book", s.writer.book.Name,
				"code", string(code), "error", err)
		}
		last = code
	}
}

// once seals what it finds, within the time that the database may take.
func (s *sealer) once(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return s.writer.sealOnce(ctx, false)
}

// wait returns when there is something to seal, or may be.
func (s *sealer) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.every)
	defer cancel()
	select {
	case <-s.wake:
	case <-ctx.Done():
	}
}

// gather lets the pause after the last sealing pass. Whoever woke the sealer until then is served by the sealing that
// follows: what woke it was committed.
func (s *sealer) gather(ctx context.Context) {
	if s.ended.IsZero() {
		return
	}
	left := min(sealPause, s.every) - s.clock.Now().Sub(s.ended)
	if left <= 0 {
		return
	}
	_ = s.clock.Sleep(ctx, left) // an error is the end of ctx, which run looks at
	select {
	case <-s.wake:
	default:
	}
}

// close ends the sealing and waits for that, or for ctx.
func (s *sealer) close(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return &bursar.Error{
			Code:    bursar.CodeCanceled,
			Message: "entries were still being sealed at shutdown",
			Err:     ctx.Err(),
		}
	}
}
