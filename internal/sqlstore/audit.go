package sqlstore

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// auditor is the part of a tx that reads every row as it is stored: driver.Auditor.
type auditor struct {
	*session
	names *auditNames
}

var _ driver.Auditor = auditor{}

// loose is the fault of a row whose columns say something that the ledger never writes.
func loose(is bool) error {
	if !is {
		return nil
	}
	return bursar.Errorf(bursar.CodeCorrupt, "a column that must be empty is not")
}

// AuditBooks are all books.
func (a auditor) AuditBooks(ctx context.Context) (books []driver.AuditedBook, err error) {
	err = a.query(ctx, a.sql.AuditBooks, nil, func(scan scanner) error {
		b, err := auditBook(scan)
		books = append(books, b)
		return err
	})
	return books, a.fault("read books", err)
}

// auditedBook is a book with its head.
type auditedBook struct {
	bursar.Book
	seq, at sql.NullInt64
	hash    [32]byte
}

var auditedBookFields = fields[auditedBook]{
	{Column{"b", "book", Bigint}, func(b *auditedBook) any { return &b.Number }},
	{Column{"b", "name", Text}, func(b *auditedBook) any { return &b.Name }},
	{Column{"b", "uuid", UUID}, func(b *auditedBook) any { return fixed(b.UUID[:]) }},
	{Column{"b", "genesis", Hash}, func(b *auditedBook) any { return fixed(b.Genesis[:]) }},
	{Column{"h", "seq", Bigint}, func(b *auditedBook) any { return &b.seq }},
	{Column{"h", "at", Bigint}, func(b *auditedBook) any { return &b.at }},
	{Column{"h", "hash", Hash}, func(b *auditedBook) any { return fixed(b.hash[:]) }},
}

// BookColumns are what AuditBooks reads. b is the book, h its head.
var BookColumns = auditedBookFields.columns()

func auditBook(scan scanner) (driver.AuditedBook, error) {
	var b auditedBook
	if fault := scan(auditedBookFields.targets(&b)...); fault != nil {
		b = auditedBook{}
		err := scan(auditedBookFields.only(&b, 0, "book")...)
		return driver.AuditedBook{Book: b.Book, Fault: fault}, err
	}
	audited := driver.AuditedBook{Book: b.Book}
	if b.seq.Valid {
		audited.Head = &bursar.Head{Seq: b.seq.Int64, At: bursar.Instant(b.at.Int64), Hash: b.hash, Book: b.UUID}
	}
	return audited, nil
}

// AuditEntries is a page of sealed entries, faults included.
func (a auditor) AuditEntries(
	ctx context.Context, book, seq, key int64, limit int,
) (entries []driver.AuditedEntry, err error) {
	entries, err = a.entries(ctx, a.sql.AuditEntries, []any{book, seq, key, limit}, limit)
	return entries, a.fault("read the journal", err)
}

// AuditUnsealed is a page of entries that are not sealed, faults included.
func (a auditor) AuditUnsealed(
	ctx context.Context, book, key int64, limit int,
) (entries []driver.AuditedEntry, err error) {
	if !a.dialect.Can.ManyWriters {
		return nil, nil
	}
	entries, err = a.entries(ctx, a.sql.AuditUnsealed, []any{book, key, limit}, limit)
	return entries, a.fault("read unsealed entries", err)
}

// AuditRequests is a page of requests.
func (a auditor) AuditRequests(
	ctx context.Context, book, row int64, limit int,
) (requests []driver.AuditedRequest, err error) {
	err = a.query(ctx, a.sql.AuditRequests, []any{book, row, limit}, auditRequests(&requests))
	return requests, a.fault("read requests", err)
}

// AuditRequestIDs are the ids of all requests.
func (a auditor) AuditRequestIDs(ctx context.Context, book int64, each func(bursar.ID)) error {
	err := a.query(ctx, a.sql.AuditRequestIDs, []any{book}, func(scan scanner) error {
		var id bursar.ID
		if fault := scan(fixed(id[:])); fault == nil {
			each(id)
		}
		return nil
	})
	return a.fault("read the ids of requests", err)
}

// AuditRequestsOf are requests by id.
func (a auditor) AuditRequestsOf(
	ctx context.Context, book int64, ids []bursar.ID,
) (requests []driver.AuditedRequest, err error) {
	err = a.find(ctx, a.sql.AuditRequestsOf, []any{book}, idArgs(ids), auditRequests(&requests))
	return requests, a.fault("look up requests", err)
}

func auditRequests(into *[]driver.AuditedRequest) func(scanner) error {
	return func(scan scanner) error {
		r, err := auditRequest(scan)
		*into = append(*into, r)
		return err
	}
}

// auditRequest reads RequestColumns and what an audit asks besides: the row key, the id that the last entry belongs to
// and whether a column is loose.
func auditRequest(scan scanner) (driver.AuditedRequest, error) {
	var r driver.AuditedRequest
	var flag sql.NullBool
	fault := scanRequest(scan, &r.RequestRecord, &r.Row, fixed(r.EntryOf[:]), &flag)
	if fault == nil {
		fault = loose(flag.Bool)
	}
	if fault == nil {
		return r, nil
	}
	r = driver.AuditedRequest{Fault: fault}
	none := requestFields.only(&request{}, 0)
	return r, scan(append(none, &r.Row, new(any), new(any))...)
}

// AuditAccounts is a page of accounts.
func (a auditor) AuditAccounts(
	ctx context.Context, book, number int64, limit int,
) (accounts []driver.AuditedAccount, err error) {
	err = a.query(ctx, a.sql.AuditAccounts, []any{book, number, limit}, func(scan scanner) error {
		account, err := auditAccount(scan)
		accounts = append(accounts, account)
		return err
	})
	return accounts, a.fault("read accounts", err)
}

// auditAccount reads RecordColumns. Whether the stored available balance agrees is left to the caller.
func auditAccount(scan scanner) (driver.AuditedAccount, error) {
	var audited driver.AuditedAccount
	a := account{AccountRow: &audited.AccountRow, record: &audited.AccountRecord}
	fault := scan(recordFields.targets(&a)...)
	if fault == nil {
		fault = a.decode()
	}
	if fault == nil {
		fault = loose(a.blank || a.min.blank() || a.max.blank())
	}
	if fault == nil {
		audited.Stored = a.stored
		return audited, nil
	}
	audited = driver.AuditedAccount{Fault: fault}
	return audited, scan(recordFields.only(&a, 0, "account")...)
}

// AuditStrays counts rows that belong to nothing.
func (a auditor) AuditStrays(ctx context.Context) (strays []driver.Stray, err error) {
	err = a.query(ctx, a.sql.AuditStrays, nil, func(scan scanner) error {
		var stray driver.Stray
		err := scan(&stray.What, &stray.Rows)
		if stray.Rows > 0 {
			strays = append(strays, stray)
		}
		return err
	})
	return strays, a.fault("look for strays", err)
}

// AuditStorage is what the engine finds wrong.
func (a auditor) AuditStorage(ctx context.Context) (faults []string, err error) {
	if !a.dialect.Can.ChecksStorage {
		return nil, nil
	}
	err = a.query(ctx, a.sql.AuditStorage, nil, column(&faults))
	return faults, a.fault("check tables and indexes", err)
}
