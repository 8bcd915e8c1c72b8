package atomictest

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bursar-ledger/bursar/atomic"
)

// A faultyDialect shows faults of an engine that can hardly be brought about otherwise.
type faultyDialect struct {
	atomic.Dialect
	commit, rollback func(ctx context.Context, conn *sql.Conn) error
	classify         func(err error) (atomic.Class, bool)
}

// Commit commits, or calls commit.
func (d *faultyDialect) Commit(ctx context.Context, conn *sql.Conn) error {
	if d.commit != nil {
		return d.commit(ctx, conn)
	}
	return d.Dialect.Commit(ctx, conn)
}

// Rollback rolls back, or calls rollback.
func (d *faultyDialect) Rollback(ctx context.Context, conn *sql.Conn) error {
	if d.rollback != nil {
		return d.rollback(ctx, conn)
	}
	return d.Dialect.Rollback(ctx, conn)
}

// Classify classifies as the engine does. errConflict is a conflict and errStorage a fault of storage.
func (d *faultyDialect) Classify(err error) atomic.Class {
	if d.classify != nil {
		if class, ok := d.classify(err); ok {
			return class
		}
	}
	switch {
	case errors.Is(err, errConflict):
		return atomic.Class{Kind: atomic.KindRetry, Damage: atomic.DamageNone, Code: "conflict"}
	case errors.Is(err, errStorage):
		return atomic.Class{Kind: atomic.KindDoubt, Damage: atomic.DamageAll, Code: "storage"}
	}
	return d.Dialect.Classify(err)
}

var (
	errConflict = errors.New("injected conflict")
	errStorage  = errors.New("injected fault of storage")
)

// inject makes the fixture's handle use a faulty dialect.
func (f *fixture) inject(d *faultyDialect) {
	d.Dialect = f.Dialect
	f.db = f.open(d)
}
