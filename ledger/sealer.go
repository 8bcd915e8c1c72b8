package ledger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// sealer seals in the background what is committed unsealed. It is woken for what this ledger posts, and looks from
// time to time for what others post.
type sealer struct {
	writer   *writer
	every    time.Duration
	patience time.Duration // with the database's answers, each time
	wake     chan struct{} // capacity 1: there is something to seal
	stop     context.CancelFunc
	done     chan struct{}
}

// startSealer begins to seal. It returns at once.
func startSealer(w *writer, every, patience time.Duration) *sealer {
	ctx, stop := context.WithCancel(context.Background())
	s := &sealer{
		writer: w, every: every, patience: patience, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	go s.run(ctx)
	return s
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
		more, err := true, error(nil)
		for more && err == nil && ctx.Err() == nil {
			more, err = s.once(ctx)
		}
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
