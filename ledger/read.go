package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// view is the reading verbs, shared by a Ledger and a Joined.
type view struct {
	book bursar.Book
	read func(ctx context.Context, fn func(context.Context, driver.Reader) error) error
	// reach moves the head's time to one that is past; nil where that cannot be done.
	reach func(ctx context.Context, at bursar.Instant) error
	// now is the ledger's clock, given the time by the database's.
	now func(stored bursar.Instant) (bursar.Instant, error)
}

// Head is the journal's last position.
func (v *view) Head(ctx context.Context) (head bursar.Head, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		head, err = r.Head(ctx, v.book.Number)
		return err
	})
	return head, err
}

// Account is one account as it is now; [bursar.ErrAccountNotFound] when there is none.
func (v *view) Account(ctx context.Context, path string) (account bursar.Account, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		record, err := v.account(ctx, r, path)
		if err == nil {
			account, err = accountOf(record)
		}
		return err
	})
	return account, err
}

// Accounts lists accounts in order of path, byte by byte.
func (v *view) Accounts(ctx context.Context, q bursar.AccountQuery) (accounts []bursar.Account, err error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return nil, err
	}
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		records, err := r.Accounts(ctx, v.book.Number, q.Prefix, q.After, limit)
		if err != nil {
			return err
		}
		accounts = make([]bursar.Account, len(records))
		for i := range records {
			if accounts[i], err = accountOf(&records[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return accounts, err
}

// Journal lists sealed entries after a position, in order: at most limit, up to [bursar.PageMax].
func (v *view) Journal(ctx context.Context, after int64, limit int) (entries []bursar.Entry, err error) {
	if limit, err = pageLimit(limit); err != nil {
		return nil, err
	}
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		rows, err := r.Journal(ctx, v.book.Number, after, limit)
		if err == nil {
			entries, err = notedEntries(rows)
		}
		return err
	})
	return entries, err
}

// Transfer is what became of an id; [bursar.ErrTransferNotFound] when the ledger has not seen it.
func (v *view) Transfer(ctx context.Context, id bursar.ID) (t bursar.TransferRecord, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		t, err = v.transfer(ctx, r, id)
		return err
	})
	return t, err
}

// TransferByReference is the posted transfer that has a reference; [bursar.ErrTransferNotFound] when none has. A
// refused transfer has given its reference back.
func (v *view) TransferByReference(ctx context.Context, reference string) (t bursar.TransferRecord, err error) {
	if err := bursar.CheckReference(reference); err != nil {
		return t, err
	}
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		id, err := r.Referenced(ctx, v.book.Number, reference)
		if err == nil && id.IsZero() {
			err = bursar.Errorf(bursar.CodeTransferNotFound,
				"no posted transfer has the reference %q", brief.Text(reference))
		}
		if err == nil {
			t, err = v.transfer(ctx, r, id)
		}
		return err
	})
	return t, err
}

func (v *view) transfer(ctx context.Context, r driver.Reader, id bursar.ID) (t bursar.TransferRecord, err error) {
	record, rows, err := r.Request(ctx, v.book.Number, id)
	switch {
	case err != nil:
		return t, err
	case record == nil:
		return t, bursar.Errorf(bursar.CodeTransferNotFound, "no transfer %v", id)
	}
	t = bursar.TransferRecord{ID: id, Kind: bursar.EntryLeg, Reference: record.Reference, Decided: record.Decided,
		Entries: make([]bursar.Entry, len(rows))}
	if t.Metadata, err = metadataOf(record.Metadata); err != nil {
		return t, err
	}
	if record.Refusal != nil {
		t.Refusal = record.Refusal
	}
	for i := range rows {
		t.Kind = rows[i].Kind
		t.Entries[i] = rows[i].Entry
		t.Entries[i].Reference, t.Entries[i].Metadata = t.Reference, t.Metadata
	}
	return t, nil
}

// notedEntries are the entries of rows that have their notes.
func notedEntries(rows []driver.EntryRow) ([]bursar.Entry, error) {
	entries := make([]bursar.Entry, len(rows))
	for i := range rows {
		e, notes := &entries[i], &rows[i].Notes
		*e = rows[i].Entry
		e.Reference = notes.Reference
		if i > 0 && e.Transfer == entries[i-1].Transfer {
			e.Metadata = entries[i-1].Metadata
			continue
		}
		var err error
		if e.Metadata, err = metadataOf(notes.Metadata); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func accountOf(record *driver.AccountRecord) (bursar.Account, error) {
	available, err := record.Available()
	if err != nil {
		return bursar.Account{}, outOfRange(err, &record.AccountRow)
	}
	a := bursar.Account{Path: record.Path, Currency: record.Currency, State: record.State, Version: record.Version,
		Balance: record.Balance, Held: record.Held, Available: available, Opened: record.Opened}
	if record.Min.Set {
		a.Min = &record.Min.Amount
	}
	if record.Max.Set {
		a.Max = &record.Max.Amount
	}
	a.Metadata, err = metadataOf(record.Metadata)
	return a, err
}

func metadataOf(text string) (m bursar.Metadata, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, &bursar.Error{
			Code:    bursar.CodeCorrupt,
			Message: fmt.Sprintf("stored metadata %q is not an object of strings", brief.Text(text)),
			Err:     err,
		}
	}
	return m, nil
}

// pageLimit is how many items a page may have when the caller asks for limit.
func pageLimit(limit int) (int, error) {
	switch {
	case limit < 0, limit > bursar.PageMax:
		err := bursar.Errorf(bursar.CodeMalformed, "a page has 1 to %d items, not %d", bursar.PageMax, limit)
		err.Field = "limit"
		return 0, err
	case limit == 0:
		return bursar.PageMax, nil
	default:
		return limit, nil
	}
}

func (v *view) account(ctx context.Context, r driver.Reader, path string) (*driver.AccountRecord, error) {
	if err := bursar.CheckPath(path); err != nil {
		return nil, err
	}
	record, err := r.Account(ctx, v.book.Number, path)
	if err == nil && record == nil {
		err = noAccount(path)
	}
	return record, err
}

func noAccount(path string) error {
	return bursar.Errorf(bursar.CodeAccountNotFound, "no account %s", path)
}

// accounts are the accounts with these paths, in their order.
func (v *view) accounts(ctx context.Context, r driver.Reader, paths []string) ([]*driver.AccountRecord, error) {
	if len(paths) == 1 {
		record, err := v.account(ctx, r, paths[0])
		return []*driver.AccountRecord{record}, err
	}
	byPath := make(map[string]*driver.AccountRecord, len(paths))
	var wanted []string
	for _, path := range paths {
		if err := bursar.CheckPath(path); err != nil {
			return nil, err
		}
		if _, known := byPath[path]; !known {
			byPath[path] = nil
			wanted = append(wanted, path)
		}
	}
	records, err := r.AccountsOf(ctx, v.book.Number, wanted)
	if err != nil {
		return nil, err
	}
	for i := range records {
		byPath[records[i].Path] = &records[i]
	}
	accounts := make([]*driver.AccountRecord, len(paths))
	for i, path := range paths {
		if accounts[i] = byPath[path]; accounts[i] == nil {
			return nil, noAccount(path)
		}
	}
	return accounts, nil
}
