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
		entries = entriesOf(rows)
		return err
	})
	return entries, err
}

// Transfer is what became of an id; [bursar.ErrTransferNotFound] when the ledger has not seen it.
func (v *view) Transfer(ctx context.Context, id bursar.ID) (t bursar.TransferRecord, err error) {
	err = v.read(ctx, func(ctx context.Context, r driver.Reader) error {
		record, rows, err := r.Request(ctx, v.book.Number, id)
		switch {
		case err != nil:
			return err
		case record == nil:
			return bursar.Errorf(bursar.CodeTransferNotFound, "no transfer %v", id)
		}
		t = bursar.TransferRecord{
			ID:        id,
			Kind:      bursar.EntryLeg,
			Reference: record.Reference,
			Decided:   record.Decided,
			Entries:   entriesOf(rows),
		}
		if record.Refusal != nil {
			t.Refusal = record.Refusal
		}
		if len(rows) > 0 {
			t.Kind = rows[0].Kind
		}
		t.Metadata, err = metadataOf(record.Metadata)
		return err
	})
	return t, err
}

func entriesOf(rows []driver.EntryRow) []bursar.Entry {
	entries := make([]bursar.Entry, len(rows))
	for i := range rows {
		entries[i] = rows[i].Entry
	}
	return entries
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
		err = bursar.Errorf(bursar.CodeAccountNotFound, "no account %s", path)
	}
	return record, err
}
