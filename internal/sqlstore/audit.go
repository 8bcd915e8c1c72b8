package sqlstore

import (
	"context"
	"database/sql"
	"math"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

var _ driver.Auditor = (*tx)(nil)

// scanner is what query hands to its callback. It may be called again for the same row.
type scanner = func(...any) error

// ignored are targets for columns that nobody wants.
func ignored(columns int) []any {
	targets := make([]any, columns)
	for i := range targets {
		targets[i] = new(any)
	}
	return targets
}

// loose is the fault of a row whose columns say something that the ledger never writes.
func loose(flag sql.NullBool) error {
	if !flag.Valid || !flag.Bool {
		return nil
	}
	return bursar.Errorf(bursar.CodeCorrupt, "a column that must be empty is not")
}

// AuditBooks are all books.
func (t *tx) AuditBooks(ctx context.Context) (books []driver.AuditedBook, err error) {
	err = query(ctx, t.db, t.sql.AuditBooks, nil, func(scan func(...any) error) error {
		var b driver.AuditedBook
		var seq, at sql.NullInt64
		var hash [32]byte
		b.Fault = scan(&b.Number, &b.Name, fixed(b.UUID[:]), fixed(b.Genesis[:]), &seq, &at, fixed(hash[:]))
		if b.Fault != nil {
			b = driver.AuditedBook{Fault: b.Fault}
			targets := ignored(7)
			targets[0] = &b.Number
			if err := scan(targets...); err != nil {
				return err
			}
		} else if seq.Valid {
			b.Head = &bursar.Head{Seq: seq.Int64, At: bursar.Instant(at.Int64), Hash: hash, Book: b.UUID}
		}
		books = append(books, b)
		return nil
	})
	return books, t.fault("read books", err)
}

// AuditEntries is a page of sealed entries, faults included.
func (t *tx) AuditEntries(ctx context.Context, book, seq, key int64, limit int) (entries []driver.AuditedEntry, err error) {
	err = query(ctx, t.db, t.sql.AuditEntries, []any{book, seq, key, limit}, collectEntries(&entries))
	return entries, t.fault("read the journal", err)
}

// AuditUnsealed is a page of entries that are not sealed, faults included.
func (t *tx) AuditUnsealed(ctx context.Context, book, key int64, limit int) (entries []driver.AuditedEntry, err error) {
	if t.sql.AuditUnsealed == "" {
		return nil, nil
	}
	err = query(ctx, t.db, t.sql.AuditUnsealed, []any{book, key, limit}, collectEntries(&entries))
	return entries, t.fault("read unsealed entries", err)
}

func collectEntries(entries *[]driver.AuditedEntry) func(scanner) error {
	return func(scan func(...any) error) error {
		var e driver.AuditedEntry
		e.Fault = scanAuditedEntry(scan, &e)
		if e.Fault != nil {
			e = driver.AuditedEntry{Fault: e.Fault}
			var seq sql.NullInt64
			targets := ignored(entryColumns + 3)
			targets[0], targets[1] = &e.Key, &seq
			if err := scan(targets...); err != nil {
				return err
			}
			e.Seq = seq.Int64
		}
		*entries = append(*entries, e)
		return nil
	}
}

func scanAuditedEntry(scan scanner, e *driver.AuditedEntry) error {
	var flag sql.NullBool
	withMore := func(targets ...any) error {
		return scan(append(targets, &flag, &e.Checkpoints, &e.Backdatings)...)
	}
	if err := scanEntry(withMore, &e.EntryRow); err != nil {
		return err
	}
	return loose(flag)
}

// AuditRequests is a page of requests.
func (t *tx) AuditRequests(ctx context.Context, book, row int64, limit int) (requests []driver.AuditedRequest, err error) {
	err = query(ctx, t.db, t.sql.AuditRequests, []any{book, row, limit}, collectRequests(&requests))
	return requests, t.fault("read requests", err)
}

// AuditRequestsOf are requests by id.
func (t *tx) AuditRequestsOf(ctx context.Context, book int64, ids []bursar.ID) (requests []driver.AuditedRequest, err error) {
	err = lookUp(ctx, t, t.sql.AuditRequestsOf, book, ids, func(id bursar.ID) any { return id[:] }, collectRequests(&requests))
	return requests, t.fault("look up requests", err)
}

// requestColumns is how many columns scanRequest reads.
const requestColumns = 11

func collectRequests(requests *[]driver.AuditedRequest) func(scanner) error {
	return func(scan func(...any) error) error {
		var r driver.AuditedRequest
		var flag sql.NullBool
		withMore := func(targets ...any) error {
			return scan(append(targets, &r.Row, fixed(r.EntryOf[:]), &flag)...)
		}
		r.Fault = scanRequest(withMore, &r.RequestRecord)
		if r.Fault == nil {
			r.Fault = loose(flag)
		}
		if r.Fault != nil {
			r = driver.AuditedRequest{Fault: r.Fault}
			targets := ignored(requestColumns + 3)
			targets[requestColumns] = &r.Row
			if err := scan(targets...); err != nil {
				return err
			}
		}
		*requests = append(*requests, r)
		return nil
	}
}

// AuditAccounts is a page of accounts.
func (t *tx) AuditAccounts(ctx context.Context, book, number int64, limit int) (accounts []driver.AuditedAccount, err error) {
	err = query(ctx, t.db, t.sql.AuditAccounts, []any{book, number, limit}, func(scan func(...any) error) error {
		var a driver.AuditedAccount
		a.Fault = scanAuditedAccount(scan, &a)
		if a.Fault != nil {
			a = driver.AuditedAccount{Fault: a.Fault}
			targets := ignored(auditedAccountColumns)
			targets[0] = &a.Number
			if err := scan(targets...); err != nil {
				return err
			}
		}
		accounts = append(accounts, a)
		return nil
	})
	return accounts, t.fault("read accounts", err)
}

const auditedAccountColumns = 20

func scanAuditedAccount(scan scanner, a *driver.AuditedAccount) error {
	var code string
	var scale int
	var state int64
	var metadata sql.NullString
	var balance, held, available, low, high pair
	var min, max sql.NullInt64
	if err := scan(&a.Number, &a.Path, &code, &scale, (*int64)(&a.Opened), &metadata, &state, &a.Version,
		&balance.lo, &balance.hi, &held.lo, &held.hi, &available.lo, &available.hi,
		&min, &low.hi, &max, &high.hi, (*int64)(&a.Decided), &a.LastEntry); err != nil {
		return err
	}
	currency, err := currencyOf(code, scale)
	if err != nil {
		return err
	}
	if state < 0 || state > math.MaxUint8 {
		return bursar.Errorf(bursar.CodeCorrupt, "there is no state %d of an account", state)
	}
	a.Currency, a.State, a.Metadata = currency, bursar.AccountState(state), metadata.String
	c := amounts{currency: currency}
	a.Balance, a.Held, a.Stored = c.of(balance), c.of(held), c.of(available)
	if min.Valid {
		a.Min = driver.Limit{Set: true, Amount: c.of(pair{min.Int64, low.hi})}
	}
	if max.Valid {
		a.Max = driver.Limit{Set: true, Amount: c.of(pair{max.Int64, high.hi})}
	}
	if c.err != nil {
		return c.err
	}
	empty := metadata.Valid && metadata.String == "" || !a.Min.Set && low.hi != 0 || !a.Max.Set && high.hi != 0
	return loose(sql.NullBool{Valid: true, Bool: empty})
}

// AuditStrays counts rows that belong to nothing.
func (t *tx) AuditStrays(ctx context.Context) (strays []driver.Stray, err error) {
	err = query(ctx, t.db, t.sql.AuditStrays, nil, func(scan func(...any) error) error {
		var stray driver.Stray
		err := scan(&stray.What, &stray.Rows)
		if stray.Rows > 0 {
			strays = append(strays, stray)
		}
		return err
	})
	return strays, t.fault("look for strays", err)
}

// AuditStorage is what the engine finds wrong.
func (t *tx) AuditStorage(ctx context.Context) ([]string, error) {
	faults, err := t.texts(ctx, t.sql.AuditStorage)
	return faults, t.fault("check tables and indexes", err)
}

// AuditGuards is what is missing of the schema's guards.
func (t *tx) AuditGuards(ctx context.Context) ([]string, error) {
	names, err := t.texts(ctx, t.sql.AuditGuards)
	return names, t.fault("look for triggers", err)
}

func (t *tx) texts(ctx context.Context, statement string) (texts []string, err error) {
	if statement == "" {
		return nil, nil
	}
	err = query(ctx, t.db, statement, nil, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		texts = append(texts, text)
		return err
	})
	return texts, err
}
