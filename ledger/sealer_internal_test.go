package ledger

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/driver"
)

// silentStore never answers the first database transaction.
type silentStore struct {
	driver.Store
	begun chan int // how many have
	count int
}

func (s *silentStore) Write(
	ctx context.Context, _ driver.Mode, _ func(string), _ func(context.Context, driver.Tx) error,
) error {
	s.count++
	select {
	case s.begun <- s.count:
	default:
	}
	if s.count == 1 {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func TestADatabaseThatFallsSilentDoesNotEndTheSealing(t *testing.T) {
	store := &silentStore{begun: make(chan int, 2)}
	s := startSealer(&writer{store: store, logger: slog.New(slog.DiscardHandler)}, time.Millisecond, time.Millisecond)
	for want := 1; want <= 2; want++ {
		if begun := <-store.begun; begun != want {
			t.Errorf("database transaction %d, want %d", begun, want)
		}
	}
	if err := s.close(t.Context()); err != nil {
		t.Error(err)
	}
}
