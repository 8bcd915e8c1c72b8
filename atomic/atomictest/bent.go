package atomictest

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

// bent is a dialect that does some things in another way, to play faults that an engine shows only now and then.
type bent struct {
	atomic.Dialect
	commit, rollback func(ctx context.Context, conn *sql.Conn) error
	classify         func(err error) (atomic.Class, bool)
}

// Commit commits, or does what commit says.
func (b *bent) Commit(ctx context.Context, conn *sql.Conn) error {
	if b.commit != nil {
		return b.commit(ctx, conn)
	}
	return b.Dialect.Commit(ctx, conn)
}

// Rollback rolls back, or does what rollback says.
func (b *bent) Rollback(ctx context.Context, conn *sql.Conn) error {
	if b.rollback != nil {
		return b.rollback(ctx, conn)
	}
	return b.Dialect.Rollback(ctx, conn)
}

// Classify classifies; errConflict and errStorage are what they are called.
func (b *bent) Classify(err error) atomic.Class {
	if b.classify != nil {
		if class, ok := b.classify(err); ok {
			return class
		}
	}
	switch {
	case errors.Is(err, errConflict):
		return atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageNone, Code: "conflict"}
	case errors.Is(err, errStorage):
		return atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "storage"}
	}
	return b.Dialect.Classify(err)
}

var (
	errConflict = errors.New("played conflict")
	errStorage  = errors.New("played fault of storage")
)

// bend makes the fixture's handle use a bent dialect.
func (f *fixture) bend(b *bent) {
	b.Dialect = f.Dialect
	f.db = f.open(b)
}
