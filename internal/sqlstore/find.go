package sqlstore

import (
	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// What more than one part of a tx reads.

// headRow is the head, if a statement has found it.
type headRow struct {
	bursar.Head
	found bool
	now   int64 // microseconds
}

// instantOf is the time of a database's clock, which is whole microseconds; 0 where there is none.
func instantOf(microseconds int64) bursar.Instant { return bursar.Instant(microseconds * 1_000) }

// readHead adds a statement that reads the head.
func (s *session) readHead(p *pipeline, statement string, book int64) (*headRow, error) {
	row := &headRow{}
	err := p.query(statement, []any{book}, row.read)
	return row, err
}

// read scans what readHead's statements return.
func (row *headRow) read(scan scanner) error {
	row.found = true
	return scan(&row.Seq, (*int64)(&row.At), fixed(row.Hash[:]), fixed(row.Book[:]), &row.now)
}

// requireHead is readHead where there must be a head.
func (s *session) requireHead(p *pipeline, statement string, book int64) (*headRow, error) {
	row, err := s.readHead(p, statement, book)
	if err != nil {
		return row, err
	}
	return row, p.then(func() error {
		if !row.found {
			return bursar.Errorf(bursar.CodeUnsafeTransaction,
				"this database does not have the ledger's book: it is another database")
		}
		return nil
	})
}

// known adds the look-up of what is remembered of ids.
func (s *session) known(p *pipeline, book int64, ids []bursar.ID, into *[]driver.RequestRecord) error {
	p.step = "look up ids"
	return s.lookUp(p, s.sql.Known, []any{book}, idArgs(ids), func(scan scanner) error {
		var record driver.RequestRecord
		err := scanKnown(scan, &record)
		*into = append(*into, record)
		return err
	})
}

// column makes a function for query that collects the only column of the rows.
func column[T any](into *[]T) func(scanner) error {
	return func(scan scanner) error {
		var value T
		err := scan(&value)
		*into = append(*into, value)
		return err
	}
}

// entries makes a function for query that collects entries.
func entries(into *[]driver.EntryRow) func(scanner) error { return entriesWith(entryFields, into) }

// askedEntries is entries with the content of their request, and what else f has.
func askedEntries(f fields[entry], into *[]driver.EntryRow) func(scanner) error {
	return func(scan scanner) error {
		*into = append(*into, driver.EntryRow{})
		return scanAsked(scan, f, &(*into)[len(*into)-1])
	}
}

// entriesWith is entries of other columns.
func entriesWith(f fields[entry], into *[]driver.EntryRow) func(scanner) error {
	return func(scan scanner) error {
		*into = append(*into, driver.EntryRow{})
		return scanFields(scan, f, &(*into)[len(*into)-1])
	}
}
