package ledger

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// slowStore begins a database transaction and ends it when it is told to.
type slowStore struct {
	driver.Store
	begun, finish chan struct{}
}

func (s slowStore) Write(context.Context, driver.Mode, func(string), func(context.Context, driver.Tx) error) error {
	s.begun <- struct{}{}
	<-s.finish
	return nil
}

func (s slowStore) SealsLater() bool { return false }

func TestCloseWaitsForPostsWithoutAStrategy(t *testing.T) {
	t.Parallel()
	store := slowStore{begun: make(chan struct{}), finish: make(chan struct{})}
	d := newDirect(&writer{store: store, clock: clock.System()}, driver.ModeLocks)
	answers := make(chan error, 2)
	for range 2 {
		go func() { answers <- d.Post(t.Context(), nil) }()
		<-store.begun
	}
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Close(expired); bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("closing while posts are written: %v", err)
	}
	if err := d.Post(t.Context(), nil); bursar.CodeOf(err) != bursar.CodeClosed {
		t.Errorf("posting while closing: %v", err)
	}
	closed := make(chan error)
	go func() { closed <- d.Close(t.Context()) }()
	for range 2 {
		select {
		case err := <-closed:
			t.Fatalf("closed before the posts were answered: %v", err)
		default:
		}
		store.finish <- struct{}{}
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := d.Close(expired); err != nil && bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("closing twice: %v", err)
	}
}
