package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar/driver"
)

// sealer is the part of a tx that locks the head, and finds what is to be sealed.
type sealer struct {
	*session
	writer writer
}

// Claim writes what others may be writing too, locks the head and reads what is unsealed.
func (s sealer) Claim(ctx context.Context, b *driver.Batch) (driver.Taken, error) {
	p := s.pipeline(ctx)
	if err := s.writer.add(p, b, s.writer.steps.claiming()); err != nil {
		return driver.Taken{}, err
	}
	taken, err := s.take(p, b.Book, true)
	if err != nil {
		return driver.Taken{}, err
	}
	return *taken, nil
}

// TakeHead locks the head and reads what is unsealed.
func (s sealer) TakeHead(ctx context.Context, book int64, wait bool) (*driver.Taken, error) {
	return s.take(s.pipeline(ctx), book, wait)
}

// take sends what a pipeline has, locks the head and reads what is unsealed. It returns nil when somebody else has
// locked the head and it must not wait.
func (s sealer) take(p *pipeline, book int64, wait bool) (*driver.Taken, error) {
	p.step = "lock the head"
	taken := &driver.Taken{}
	row, err := s.lockHead(p, book, wait)
	if err == nil {
		err = s.lookForUnsealed(p, book, taken)
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil {
		return nil, s.writer.stopped(p, err)
	}
	if !row.found {
		return nil, nil
	}
	taken.Head = row.Head
	return taken, nil
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
		return s.tryHead(p, book)
	}
}

// Unsealed are the keys of unsealed entries.
func (s sealer) Unsealed(ctx context.Context, book int64) (keys []int64, err error) {
	p := s.pipeline(ctx)
	var taken driver.Taken
	if err = s.lookForUnsealed(p, book, &taken); err == nil {
		err = p.flush()
	}
	return taken.Unsealed, s.fault(p.step, err)
}

// lookForUnsealed reads the database's clock on the way, in a statement that begins after the locks were taken.
func (s sealer) lookForUnsealed(p *pipeline, book int64, into *driver.Taken) error {
	if !s.dialect.Can.ManyWriters {
		return nil
	}
	p.step = "look for unsealed entries"
	return p.query(s.sql.UnsealedKeys, []any{book}, func(scan scanner) error {
		var key int64
		if err := scan(&key); err != nil {
			return err
		}
		if key <= 0 {
			into.Now = instantOf(-key)
			return nil
		}
		into.Unsealed = append(into.Unsealed, key)
		return nil
	})
}

// LockEntries returns entries by key and locks what it can.
func (s sealer) LockEntries(
	ctx context.Context, _ int64, keys []int64,
) (found []driver.EntryRow, locked map[int64]bool, err error) {
	locked = make(map[int64]bool, len(keys))
	p := s.pipeline(ctx)
	p.step = "lock entries"
	if err = s.tryEntries(p, keys, locked); err == nil {
		p.step = "read entries"
		err = s.lookUp(p, s.sql.EntriesOf, nil, anys(keys), askedEntries(askedFields, &found))
	}
	if err == nil {
		err = p.flush()
	}
	return found, locked, s.fault(p.step, err)
}
