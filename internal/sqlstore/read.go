package sqlstore

import (
	"context"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Head is the journal's last position.
func (t *tx) Head(ctx context.Context, book int64) (head bursar.Head, err error) {
	p := newPipeline(ctx, t.db)
	if err = t.head(p, t.sql.Head, book, &head); err == nil {
		err = p.flush()
	}
	return head, t.fault("read the head", err)
}

// head reads the head, which must be there.
func (t *tx) head(p *pipeline, statement string, book int64, head *bursar.Head) error {
	return t.tryHead(p, statement, book, &head, true)
}

// tryHead reads the head into what head points at, which becomes nil if there is none.
func (t *tx) tryHead(p *pipeline, statement string, book int64, head **bursar.Head, must bool) error {
	found := false
	into := *head
	err := p.query(statement, []any{book}, func(scan func(...any) error) error {
		found = true
		return scan(&into.Seq, (*int64)(&into.At), fixed(into.Hash[:]), fixed(into.Book[:]))
	})
	if err != nil {
		return err
	}
	return p.then(func() error {
		if found {
			return nil
		}
		*head = nil
		if must {
			return errNoBook()
		}
		return nil
	})
}

func errNoBook() error {
	return bursar.Errorf(bursar.CodeUnsafeTransaction, "this database does not have the ledger's book: it is another database")
}

// Account is one account.
func (t *tx) Account(ctx context.Context, book int64, path string) (*driver.AccountRecord, error) {
	records, err := t.accounts(ctx, t.sql.Account, book, path)
	if err != nil || len(records) == 0 {
		return nil, t.fault("read account "+path, err)
	}
	return &records[0], nil
}

// Accounts is a page of accounts. Paths are ASCII, so a prefix is a range that ends before its last byte plus one.
func (t *tx) Accounts(ctx context.Context, book int64, prefix, after string, limit int) ([]driver.AccountRecord, error) {
	end := prefix + strings.Repeat("\x7f", 1)
	records, err := t.accounts(ctx, t.sql.Accounts, book, after, prefix, end, limit)
	return records, t.fault("list accounts", err)
}

func (t *tx) accounts(ctx context.Context, statement string, args ...any) (records []driver.AccountRecord, err error) {
	err = query(ctx, t.db, statement, args, func(scan func(...any) error) error {
		var record driver.AccountRecord
		var metadata *string
		if err := scanAccount(scan, &record.AccountRow, (*int64)(&record.Opened), &metadata); err != nil {
			return err
		}
		if metadata != nil {
			record.Metadata = *metadata
		}
		records = append(records, record)
		return nil
	})
	return records, err
}

// Request is what is remembered of an id.
func (t *tx) Request(ctx context.Context, book int64, id bursar.ID) (*driver.RequestRecord, []driver.EntryRow, error) {
	var record *driver.RequestRecord
	err := query(ctx, t.db, t.sql.Request, []any{book, id[:]}, func(scan func(...any) error) error {
		record = &driver.RequestRecord{}
		return scanRequest(scan, record)
	})
	if err != nil || record == nil || record.LastEntry == 0 {
		return record, nil, t.fault("read "+id.String(), err)
	}
	entries, err := t.entries(ctx, t.sql.RequestEntries, book, id[:], record.LastEntry)
	return record, entries, t.fault("read the entries of "+id.String(), err)
}

// Journal is a page of sealed entries.
func (t *tx) Journal(ctx context.Context, book, after int64, limit int) ([]driver.EntryRow, error) {
	entries, err := t.entries(ctx, t.sql.Journal, book, after, limit)
	return entries, t.fault("read the journal", err)
}

// Back walks an account's history.
func (t *tx) Back(ctx context.Context, account, key int64, limit int) ([]driver.EntryRow, error) {
	entries, err := t.entries(ctx, t.sql.Back, account, key, limit)
	return entries, t.fault("read an account's history", err)
}

// Mark is a place to walk back from.
func (t *tx) Mark(ctx context.Context, account int64, by driver.MarkBy, n int64) (key int64, err error) {
	statement := t.sql.MarkSeq
	if by == driver.MarkVersion {
		statement = t.sql.MarkVersion
	}
	err = query(ctx, t.db, statement, []any{account, n}, func(scan func(...any) error) error { return scan(&key) })
	return key, t.fault("find a checkpoint", err)
}

// Backdated are entries by effective time.
func (t *tx) Backdated(ctx context.Context, account int64, effective bursar.Instant, seq int64) ([]driver.EntryRow, error) {
	entries, err := t.entries(ctx, t.sql.Backdated, account, int64(effective), seq)
	return entries, t.fault("read backdated entries", err)
}

func (t *tx) entries(ctx context.Context, statement string, args ...any) (entries []driver.EntryRow, err error) {
	err = query(ctx, t.db, statement, args, func(scan func(...any) error) error {
		entries = append(entries, driver.EntryRow{})
		return scanEntry(scan, &entries[len(entries)-1])
	})
	return entries, err
}
