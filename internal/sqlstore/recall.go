package sqlstore

import (
	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// recall takes accounts, and what is known of ids, from memory, and reads the rest. The write lock of the whole file is
// taken already. What is read is committed, so it may be remembered however this database transaction ends.
func (l locker) recall(
	p *pipeline, book int64, w *driver.Wanted, g *driver.Gathered, rows []driver.AccountRow,
) error {
	p.step = "look for other writers"
	var version int64
	err := p.query(l.sql.FileVersion, nil, func(scan scanner) error { return scan(&version) })
	if err != nil {
		return err
	}
	m := l.memory.believe(book, version)
	others := m.take(w.Paths, g.Accounts, rows)
	if err := l.accounts(p, book, others, g.Accounts, rows); err != nil {
		return err
	}
	for _, path := range others {
		if row := g.Accounts[path]; row != nil {
			m.keep(row)
		}
	}
	return l.recallIDs(p, book, w.IDs, m, g)
}

// recallIDs looks up the ids that are not proven to be new.
func (l locker) recallIDs(p *pipeline, book int64, ids []bursar.ID, m *bookMemory, g *driver.Gathered) error {
	p.step = "look up ids"
	unproven, least := m.ids.unproven(ids)
	if !least.IsZero() {
		var low, high *bursar.ID
		err := p.query(l.sql.IDsAround, []any{book, least[:]}, func(scan scanner) error {
			return scan(&optionalID{&low}, &optionalID{&high})
		})
		if err != nil {
			return err
		}
		m.ids.look(low, high)
		unproven, _ = m.ids.unproven(ids)
	}
	return l.known(p, book, unproven, &g.Requests)
}

// optionalID scans an id that may be NULL.
type optionalID struct{ target **bursar.ID }

// Scan implements sql.Scanner.
func (o *optionalID) Scan(value any) error {
	if value == nil {
		return nil
	}
	*o.target = &bursar.ID{}
	return fixed((*o.target)[:]).Scan(value)
}
