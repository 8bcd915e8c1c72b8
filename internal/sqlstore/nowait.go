package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// tryLook looks up values with a statement that locks what it finds and, with Capabilities.NoWait, fails where somebody
// else has locked a row. Then it tries each half of the values by itself, so that it costs little that one row of many
// is locked. What is locked is left out.
func tryLook[T any](
	ctx context.Context, s *session, m Many, before, values []any, read func(scanner) (T, error),
) (found []T, err error) {
	var try func(values []any) error
	try = func(values []any) error {
		if len(values) == 0 {
			return nil
		}
		some, held, err := tryOnce(ctx, s, read, func(ctx context.Context, each func(scanner) error) error {
			return s.find(ctx, m, before, values, each)
		})
		found = append(found, some...)
		if err != nil || !held || len(values) == 1 {
			return err
		}
		half := len(values) / 2
		if err := try(values[:half]); err != nil {
			return err
		}
		return try(values[half:])
	}
	err = try(values)
	return found, err
}

// tryOnce runs a statement under a savepoint and collects its rows. It reports whether the statement failed because
// somebody else holds a lock that it wants. Then there are no rows, and the database transaction goes on.
func tryOnce[T any](
	ctx context.Context, s *session, read func(scanner) (T, error),
	run func(context.Context, func(scanner) error) error,
) (found []T, held bool, err error) {
	each := func(scan scanner) error {
		row, err := read(scan)
		found = append(found, row)
		return err
	}
	if s.block == nil {
		err = run(ctx, each)
		return found, false, err
	}
	err = s.block.Savepoint(ctx, func(ctx context.Context, _ *atomic.Tx) error { return run(ctx, each) })
	if class := s.dialect.Atomic.Classify(err); class.Kind == atomic.KindRetry && class.Damage != atomic.DamageAll {
		return nil, true, nil
	}
	return found, false, err
}

// tryAccounts reads and locks accounts that nobody else has locked.
func (l locker) tryAccounts(p *pipeline, book int64, paths []string, into map[string]*driver.AccountRow) error {
	if err := p.flush(); err != nil {
		return err
	}
	p.step = "lock accounts"
	read := func(scan scanner) (row driver.AccountRow, err error) {
		err = scanAccount(scan, &row)
		return row, err
	}
	found, err := tryLook(p.ctx, l.session, l.sql.TryAccounts, []any{book}, anys(paths), read)
	for i := range found {
		into[found[i].Path] = &found[i]
	}
	return err
}

// tryHead locks the head unless somebody else has, and says whether it has found it.
func (s *session) tryHead(p *pipeline, book int64) (*headRow, error) {
	if !s.dialect.Can.NoWait {
		return s.readHead(p, s.sql.TryHead, book)
	}
	if err := p.flush(); err != nil {
		return nil, err
	}
	row := &headRow{}
	read := func(scan scanner) (struct{}, error) { return struct{}{}, row.read(scan) }
	_, held, err := tryOnce(p.ctx, s, read, func(ctx context.Context, each func(scanner) error) error {
		return query(ctx, s.db, s.sql.TryHead, []any{book}, each)
	})
	row.found = row.found && !held
	return row, err
}

// tryEntries locks unsealed entries that nobody else has locked.
func (s sealer) tryEntries(p *pipeline, keys []int64, locked map[int64]bool) error {
	read := func(scan scanner) (key int64, err error) {
		err = scan(&key)
		return key, err
	}
	if s.dialect.Can.NoWait {
		found, err := tryLook(p.ctx, s.session, s.sql.TryEntries, nil, anys(keys), read)
		for _, key := range found {
			locked[key] = true
		}
		return err
	}
	return s.lookUp(p, s.sql.TryEntries, nil, anys(keys), func(scan scanner) error {
		key, err := read(scan)
		locked[key] = true
		return err
	})
}
