package sqlstore

import (
	"database/sql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// pair is an amount as its two columns.
type pair struct{ lo, hi int64 }

func pairOf(a money.Amount) pair {
	hi, lo := a.Parts()
	return pair{lo: lo, hi: hi}
}

// bound is an optional amount as its two columns. Without one, lo is NULL and hi is 0.
type bound struct {
	lo sql.NullInt64
	hi int64
}

func boundOf(l driver.Limit) bound {
	if !l.Set {
		return bound{}
	}
	p := pairOf(l.Amount)
	return bound{sql.NullInt64{Int64: p.lo, Valid: true}, p.hi}
}

// blank reports a half of a bound, which the ledger never writes.
func (b bound) blank() bool { return !b.lo.Valid && b.hi != 0 }

// amounts turns stored pairs into amounts of one currency; the first that is not canonical is an error.
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

func (c *amounts) limit(b bound) driver.Limit {
	if !b.lo.Valid {
		return driver.Limit{}
	}
	return driver.Limit{Set: true, Amount: c.of(pair{b.lo.Int64, b.hi})}
}

// currency is a currency as its two columns.
type currency struct {
	code  string
	scale int
}

func currencyOf(c money.Currency) currency { return currency{c.Code(), c.Scale()} }

// decoded is the currency that was stored. It must have been a valid one then. A code whose ISO scale is another one
// today is still what it was.
func (c currency) decoded() (money.Currency, error) {
	if known, err := money.Lookup(c.code); err == nil && known.Scale() == c.scale {
		return known, nil
	}
	if known, err := money.LookupHistoric(c.code); err == nil && known.Scale() == c.scale {
		return known, nil
	}
	declared, err := money.Declare(c.code, c.scale)
	if err != nil {
		return money.Currency{}, bursar.Errorf(bursar.CodeCorrupt,
			"the stored currency %q with %d decimals: %w", c.code, c.scale, err)
	}
	return declared, nil
}
