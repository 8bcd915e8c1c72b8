package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/journal"
)

// reader is the part of a tx that reads: driver.Reader.
type reader struct{ *session }

var _ driver.Reader = reader{}

// Head is the journal's last position.
func (r reader) Head(ctx context.Context, book int64) (bursar.Head, error) {
	p := r.pipeline(ctx)
	row, err := r.requireHead(p, r.sql.Head, book)
	if err == nil {
		err = p.flush()
	}
	if told, _ := r.dialect.told(err); told == "" && err != nil && r.joined &&
		r.dialect.kind(err) == atomic.KindStatement {
		return bursar.Head{}, &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: "the database transaction is of a database without a ledger: use one of the ledger's own database"}
	}
	return row.Head, r.fault("read the head", err)
}

// Now is the time by the database's clock.
func (r reader) Now(ctx context.Context, book int64) (bursar.Instant, error) {
	p := r.pipeline(ctx)
	row, err := r.requireHead(p, r.sql.Head, book)
	if err == nil {
		err = p.flush()
	}
	return instantOf(row.now), r.fault("read the clock", err)
}

// Account is one account.
func (r reader) Account(ctx context.Context, book int64, path string) (*driver.AccountRecord, error) {
	records, err := r.records(ctx, r.sql.Account, book, path)
	if err != nil || len(records) == 0 {
		return nil, r.fault("read account "+path, err)
	}
	return &records[0], nil
}

// afterPaths sorts after every character of a path.
const afterPaths = "\x7f"

// Accounts is a page of accounts.
func (r reader) Accounts(
	ctx context.Context, book int64, prefix, after string, limit int,
) ([]driver.AccountRecord, error) {
	records, err := r.records(ctx, r.sql.Accounts, book, after, prefix, prefix+afterPaths, limit)
	return records, r.fault("list accounts", err)
}

func (r reader) records(ctx context.Context, statement string, args ...any) (all []driver.AccountRecord, err error) {
	err = r.query(ctx, statement, args, func(scan scanner) error {
		all = append(all, driver.AccountRecord{})
		return scanRecord(scan, &all[len(all)-1])
	})
	return all, err
}

// Request is what is remembered of an id.
func (r reader) Request(
	ctx context.Context, book int64, id bursar.ID,
) (record *driver.RequestRecord, entries []driver.EntryRow, err error) {
	err = r.query(ctx, r.sql.Request, []any{book, id[:]}, func(scan scanner) error {
		record = &driver.RequestRecord{}
		return scanKnown(scan, record)
	})
	if err != nil || record == nil || record.LastEntry == 0 {
		return record, nil, r.fault("read "+id.String(), err)
	}
	entries, err = r.entries(ctx, r.sql.RequestEntries, book, id[:], record.LastEntry)
	hash := journal.Hash(record.Content)
	for i := range entries {
		entries[i].RequestHash = hash
	}
	return record, entries, r.fault("read the entries of "+id.String(), err)
}

// AccountsOf are accounts by path.
func (r reader) AccountsOf(
	ctx context.Context, book int64, paths []string,
) (records []driver.AccountRecord, err error) {
	err = r.find(ctx, r.sql.AccountsOf, []any{book}, anys(paths), func(scan scanner) error {
		records = append(records, driver.AccountRecord{})
		return scanRecord(scan, &records[len(records)-1])
	})
	return records, r.fault("read accounts", err)
}

// Referenced is the id of the transfer with a reference.
func (r reader) Referenced(ctx context.Context, book int64, reference string) (id bursar.ID, err error) {
	err = r.query(ctx, r.sql.Referenced, []any{book, reference}, func(scan scanner) error { return scan(fixed(id[:])) })
	return id, r.fault("look up a reference", err)
}

// Journal is a page of sealed entries.
func (r reader) Journal(ctx context.Context, book, after int64, limit int) (all []driver.EntryRow, err error) {
	err = r.query(ctx, r.sql.Journal, []any{book, max(after, 0), limit}, askedEntries(notedFields, &all))
	return all, r.fault("read the journal", err)
}

// Back walks an account's history.
func (r reader) Back(ctx context.Context, account, key int64, limit int) ([]driver.EntryRow, error) {
	entries, err := r.entries(ctx, r.sql.Back, account, key, limit)
	return entries, r.fault("read an account's history", err)
}

// History walks an account's history, with what the requests say.
func (r reader) History(ctx context.Context, account, key int64, limit int) (all []driver.EntryRow, err error) {
	err = r.query(ctx, r.sql.History, []any{account, key, limit}, entriesWith(historyFields, &all))
	return all, r.fault("read an account's history", err)
}

// Mark is a place to walk back from.
func (r reader) Mark(ctx context.Context, account int64, by driver.MarkBy, n int64) (key int64, err error) {
	statement := r.sql.MarkSeq
	if by == driver.MarkVersion {
		statement = r.sql.MarkVersion
	}
	err = r.query(ctx, statement, []any{account, n}, func(scan scanner) error { return scan(&key) })
	return key, r.fault("find a checkpoint", err)
}

// Backdated are entries by effective time.
func (r reader) Backdated(
	ctx context.Context, account int64, effective bursar.Instant, seq int64,
) ([]driver.EntryRow, error) {
	entries, err := r.entries(ctx, r.sql.Backdated, account, int64(effective), seq)
	return entries, r.fault("read backdated entries", err)
}

func (r reader) entries(ctx context.Context, statement string, args ...any) (all []driver.EntryRow, err error) {
	return all, r.query(ctx, statement, args, entries(&all))
}
