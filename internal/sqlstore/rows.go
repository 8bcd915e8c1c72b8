package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// query runs a statement and calls each for every row with that row's scan. It always closes the rows. A block of package atomic
// sees every error, so that it need not ask the engine after each query whether it is still open.
func query(ctx context.Context, db Executor, statement string, args []any, each func(scan func(...any) error) error) (err error) {
	if p, ok := db.(piped); ok {
		db = p.std
	}
	if s, ok := db.(std); ok {
		read := func(row atomic.Row) (struct{}, error) { return struct{}{}, each(row.Scan) }
		_, err := atomic.QueryAll(ctx, s.db, read, statement, args...)
		return err
	}
	rows, err := db.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Each runs a statement and gives each of its rows to a function. A dialect's Admit and Ready read with it: over an
// *atomic.Tx, rows that are read otherwise make the next statement ask the engine first whether the database transaction
// is still open.
func Each(ctx context.Context, db Executor, statement string, row func(scan func(...any) error) error) error {
	return query(ctx, db, statement, nil, row)
}

// fixedBytes scans a blob that must have exactly the length of its target.
type fixedBytes struct{ target []byte }

func fixed(target []byte) *fixedBytes { return &fixedBytes{target} }

// Scan implements sql.Scanner. NULL leaves the target as it is.
func (f *fixedBytes) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case []byte:
		if len(v) != len(f.target) {
			return bursar.Errorf(bursar.CodeCorrupt, "a blob of %d bytes stands where %d are stored", len(v), len(f.target))
		}
		copy(f.target, v)
		return nil
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "a %T stands where a blob is stored", value)
	}
}

// entryColumns is how many columns scanEntry reads.
const entryColumns = 30

// currencyOf is the currency that was stored as a code and a scale. It must have been a valid one when it was
// stored; a code whose ISO scale is another one today is still what it was then.
func currencyOf(code string, scale int) (money.Currency, error) {
	if c, err := money.Lookup(code); err == nil && c.Scale() == scale {
		return c, nil
	}
	if c, err := money.LookupHistoric(code); err == nil && c.Scale() == scale {
		return c, nil
	}
	c, err := money.Declare(code, scale)
	if err != nil {
		return money.Currency{}, bursar.Errorf(bursar.CodeCorrupt, "the stored currency %q with %d decimals: %w", code, scale, err)
	}
	return c, nil
}

// pair is an amount as its two columns.
type pair struct{ lo, hi int64 }

func pairOf(a money.Amount) pair {
	hi, lo := a.Parts()
	return pair{lo: lo, hi: hi}
}

// amounts turns stored pairs into amounts of one currency; the first that is not canonical is Corrupt.
type amounts struct {
	currency money.Currency
	err      error
}

func (c *amounts) of(p pair) money.Amount {
	a, err := money.FromParts(p.hi, p.lo, c.currency)
	if err != nil && c.err == nil {
		c.err = bursar.Errorf(bursar.CodeCorrupt, "the stored amount (%d, %d): %w", p.hi, p.lo, err)
	}
	return a
}

// scanAccount reads the columns of an account in the order that every statement lists them; more are the targets
// of columns after those.
func scanAccount(scan func(...any) error, row *driver.AccountRow, more ...any) error {
	var code string
	var scale int
	var balance, held, available, low, high pair
	var min, max sql.NullInt64
	var state int64
	targets := append([]any{&row.Number, &row.Path, &code, &scale, &state, &row.Version,
		&balance.lo, &balance.hi, &held.lo, &held.hi, &available.lo, &available.hi,
		&min, &low.hi, &max, &high.hi, (*int64)(&row.Decided), &row.LastEntry}, more...)
	if err := scan(targets...); err != nil {
		return err
	}
	currency, err := currencyOf(code, scale)
	if err != nil {
		return err
	}
	row.Currency, row.State, row.Locked = currency, bursar.AccountState(state), row.Version
	c := amounts{currency: currency}
	row.Balance, row.Held = c.of(balance), c.of(held)
	if min.Valid {
		row.Min = driver.Limit{Set: true, Amount: c.of(pair{min.Int64, low.hi})}
	}
	if max.Valid {
		row.Max = driver.Limit{Set: true, Amount: c.of(pair{max.Int64, high.hi})}
	}
	stored := c.of(available)
	if c.err != nil {
		return c.err
	}
	if computed, err := row.Available(); err != nil || computed != stored {
		return bursar.Errorf(bursar.CodeCorrupt, "account %s stores %v as available, but its balance is %v with %v held", row.Path, stored, row.Balance, row.Held)
	}
	return nil
}

// scanEntry reads the columns of an entry with both paths and the currency.
func scanEntry(scan func(...any) error, e *driver.EntryRow) error {
	var code string
	var scale int
	var seq, at, fromAccount, effective sql.NullInt64
	var from sql.NullString
	var amount, fromBalance, fromHeld, toBalance, toHeld pair
	if err := scan(&e.Key, &seq, &at, fixed(e.Hash[:]), (*uint8)(&e.Kind), fixed(e.Transfer[:]), &e.Leg, fixed(e.RequestHash[:]),
		&fromAccount, &e.ToAccount, &amount.lo, &amount.hi,
		&e.FromAfter.Version, &fromBalance.lo, &fromBalance.hi, &fromHeld.lo, &fromHeld.hi,
		&e.ToAfter.Version, &toBalance.lo, &toBalance.hi, &toHeld.lo, &toHeld.hi,
		&e.FromPrev, &e.ToPrev, &effective, (*int64)(&e.Decided), &from, &e.To, &code, &scale); err != nil {
		return err
	}
	currency, err := currencyOf(code, scale)
	if err != nil {
		return err
	}
	e.Seq, e.At = seq.Int64, bursar.Instant(at.Int64)
	e.FromAccount, e.From = fromAccount.Int64, from.String
	e.Effective, e.Backdated = bursar.Instant(effective.Int64), effective.Valid
	c := amounts{currency: currency}
	e.Amount = c.of(amount)
	e.ToAfter.Balance, e.ToAfter.Held = c.of(toBalance), c.of(toHeld)
	if e.FromAccount != 0 {
		e.FromAfter.Balance, e.FromAfter.Held = c.of(fromBalance), c.of(fromHeld)
	}
	if c.err != nil {
		return fmt.Errorf("entry %d: %w", e.Key, c.err)
	}
	return nil
}

// scanRequest reads the columns of a request.
func scanRequest(scan func(...any) error, r *driver.RequestRecord) error {
	var last, seq, at sql.NullInt64
	var reference, metadata, refusal, field, message sql.NullString
	if err := scan(fixed(r.ID[:]), &r.Content, (*int64)(&r.Decided), &last, &seq, &at,
		&reference, &metadata, &refusal, &field, &message); err != nil {
		return err
	}
	r.LastEntry, r.Seq, r.At = last.Int64, seq.Int64, bursar.Instant(at.Int64)
	r.Reference, r.Metadata = reference.String, metadata.String
	if refusal.Valid {
		r.Refusal = &bursar.Error{Code: bursar.Code(refusal.String), Field: field.String, Message: message.String}
	}
	return nil
}

// text is NULL for the empty string.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
