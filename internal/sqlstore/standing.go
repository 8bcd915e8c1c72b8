package sqlstore

import (
	"context"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// NoWrites is the error of a server that takes no writes. It is unavailable and not unsafe, because such a server may
// be promoted. A dialect's Admit and Ready return it.
func NoWrites(message string) error {
	return &bursar.Error{Code: bursar.CodeUnavailable, Message: message, Err: driver.ErrReplica}
}

// standing is what a store knows of the part of its server. It is safe for concurrent use.
//
// A server that takes no writes is not asked to: some users may write there in spite of it, and an engine that refuses
// is asked again until the budget is spent. When it takes writes at last, it is checked as at opening.
type standing struct {
	*handle

	mu      sync.Mutex
	refused bool // when it was checked last, the server took no writes
}

// note remembers what Ready said of a connection.
func (s *standing) note(ready error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = ready != nil
}

// mayWrite refuses to write to a server that took no writes, unless it does now. Inside a block of the same handle it
// says nothing, because no other block may begin there.
func (s *standing) mayWrite(ctx context.Context) error {
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	if !refused || atomic.InTransaction(ctx) {
		return nil
	}
	err := atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		return s.dialect.Ready(ctx, std{db})
	}, &atomic.Options{ReadOnly: true, Retry: s.retry})
	s.note(err)
	return s.dialect.coded(err)
}

// ask asks the server.
func (s *standing) ask(ctx context.Context) (driver.Standing, error) {
	if s.dialect.Standing == nil {
		return driver.Standing{}, nil
	}
	said, err := s.dialect.Standing(ctx, std{s.pool})
	return said, s.dialect.coded(err)
}

// takesWrites refuses what makes or changes tables on a server that takes no writes.
func (s *standing) takesWrites(ctx context.Context) error {
	said, err := s.ask(ctx)
	if err == nil && said.Replica != nil {
		err = NoWrites("do this on the server that it follows")
	}
	return err
}
