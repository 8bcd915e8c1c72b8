package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// sealer is the part of a tx that locks the head, and finds what is to be sealed.
type sealer struct {
	*session
	writer writer
}

// Claim writes what others may be writing too, locks the head and reads what is unsealed.
func (s sealer) Claim(ctx context.Context, b *driver.Batch) (bursar.Head, []int64, error) {
	p := s.pipeline(ctx)
	if err := s.writer.add(p, b, s.writer.steps.claiming()); err != nil {
		return bursar.Head{}, nil, err
	}
	head, unsealed, err := s.take(p, b.Book, true)
	if err != nil {
		return bursar.Head{}, nil, err
	}
	return head.Head, unsealed, nil
}

// TakeHead locks the head and reads what is unsealed.
func (s sealer) TakeHead(ctx context.Context, book int64, wait bool) (*bursar.Head, []int64, error) {
	row, unsealed, err := s.take(s.pipeline(ctx), book, wait)
	if err != nil || !row.found {
		return nil, unsealed, err
	}
	return &row.Head, unsealed, nil
}

// take sends what a pipeline has, locks the head and reads what is unsealed.
func (s sealer) take(p *pipeline, book int64, wait bool) (row *headRow, unsealed []int64, err error) {
	p.step = "lock the head"
	if row, err = s.lockHead(p, book, wait); err == nil {
		err = s.lookForUnsealed(p, book, &unsealed)
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil {
		return nil, nil, s.writer.stopped(p, err)
	}
	return row, unsealed, nil
}

func (s sealer) lockHead(p *pipeline, book int64, wait bool) (*headRow, error) {
	switch {
	case !s.dialect.Can.ManyWriters && wait:
		return s.requireHead(p, s.sql.Head, book)
	case !s.dialect.Can.ManyWriters:
		return s.readHead(p, s.sql.Head, book)
	case wait:
		return s.requireHead(p, s.sql.LockHead, book)
	default:
		return s.readHead(p, s.sql.TryHead, book)
	}
}

// Unsealed are the keys of unsealed entries.
func (s sealer) Unsealed(ctx context.Context, book int64) (keys []int64, err error) {
	p := s.pipeline(ctx)
	if err = s.lookForUnsealed(p, book, &keys); err == nil {
		err = p.flush()
	}
	return keys, s.fault(p.step, err)
}

func (s sealer) lookForUnsealed(p *pipeline, book int64, keys *[]int64) error {
	if !s.dialect.Can.ManyWriters {
		return nil
	}
	p.step = "look for unsealed entries"
	return p.query(s.sql.UnsealedKeys, []any{book}, column(keys))
}

// LockEntries returns entries by key and locks what it can.
func (s sealer) LockEntries(
	ctx context.Context, _ int64, keys []int64,
) (found []driver.EntryRow, locked map[int64]bool, err error) {
	locked = make(map[int64]bool, len(keys))
	p := s.pipeline(ctx)
	p.step = "lock entries"
	err = s.lookUp(p, s.sql.TryEntries, nil, anys(keys), func(scan scanner) error {
		var key int64
		err := scan(&key)
		locked[key] = true
		return err
	})
	if err == nil {
		p.step = "read entries"
		err = s.lookUp(p, s.sql.EntriesOf, nil, anys(keys), entries(&found))
	}
	if err == nil {
		err = p.flush()
	}
	return found, locked, s.fault(p.step, err)
}
