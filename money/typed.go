package money

import (
	"cmp"
	"math/big"
)

// Unit is a currency as a type, for [Of]. The ISO 4217 currencies are here
// ([USD], [EUR], [JPY], the withdrawn ones too). One of your own is three lines:
//
//	var chip = money.MustDeclare("CHIP", 0)
//	type CHIP struct{}
//	func (CHIP) Currency() money.Currency { return chip }
//
// Currency has to return the same currency at every call, and not the zero one.
type Unit interface {
	~struct{}
	// Currency returns the currency that the type stands for.
	Currency() Currency
}

// Of is an [Amount] whose currency is known to the compiler: adding Of[EUR] to
// Of[USD], comparing the two, converting one into the other and passing one for
// the other do not compile. So arithmetic has no errors but those of range.
//
// It is as small and immutable as an Amount, and equal under == when the number
// is. Unlike the zero Amount, the zero Of[USD] is an amount: 0.00 USD. The
// written form is that of Amount, with the currency, which is checked when it
// is read.
type Of[C Unit] struct {
	_      [0]C  // keeps Of[USD] and Of[EUR] from being converted into each other
	hi, lo int64 // as in Amount
}

// OfAmount gives an amount the type of its currency. ErrMismatch if a is in
// another one, or in none.
func OfAmount[C Unit](a Amount) (Of[C], error) {
	if want := unit[C](); a.currency != want || want.IsZero() {
		return Of[C]{}, mistyped(a, want)
	}
	return Of[C]{hi: a.hi, lo: a.lo}, nil
}

// OfUnits returns an amount of smallest units: OfUnits[USD](2500) is 25.00 USD.
// Every integer is in range. A float, even 10.0, does not compile.
func OfUnits[C Unit, N Integer](units N) Of[C] {
	hi, lo := partsOf(units)
	return Of[C]{hi: hi, lo: lo}
}

// ParseOf reads an amount with its currency as [Parse] does, with the errors of
// Parse and [OfAmount].
func ParseOf[C Unit](s string) (Of[C], error) {
	a, err := Parse(s)
	if err != nil {
		return Of[C]{}, err
	}
	return OfAmount[C](a)
}

// MustParseOf is [ParseOf] for constants and tests. It panics on an error.
func MustParseOf[C Unit](s string) Of[C] {
	a, err := ParseOf[C](s)
	if err != nil {
		panic("money.MustParseOf: " + err.Error())
	}
	return a
}

// Amount returns the same amount, with its currency as a value.
func (a Of[C]) Amount() Amount { return Amount{hi: a.hi, lo: a.lo, currency: unit[C]()} }

// Currency returns the currency that the type stands for.
func (a Of[C]) Currency() Currency { return unit[C]() }

// Parts returns what [Amount.Parts] does.
func (a Of[C]) Parts() (hi, lo int64) { return a.hi, a.lo }

// Units returns the number of smallest units, and false if it does not fit in
// an int64.
func (a Of[C]) Units() (int64, bool) { return a.Amount().Units() }

// Big returns the number of smallest units in a new big.Int.
func (a Of[C]) Big() *big.Int { return a.Amount().Big() }

// Sign returns -1, 0 or 1.
func (a Of[C]) Sign() int { return Amount{hi: a.hi, lo: a.lo}.Sign() }

// IsZero reports whether the number of units is zero.
func (a Of[C]) IsZero() bool { return a.hi == 0 && a.lo == 0 }

// Equal reports whether a and b are the same amount, like ==.
func (a Of[C]) Equal(b Of[C]) bool { return a.hi == b.hi && a.lo == b.lo }

// Cmp returns -1 if a < b, 0 if they are equal and 1 if a > b.
func (a Of[C]) Cmp(b Of[C]) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// Add returns a + b, or ErrRange if the sum is out of range.
func (a Of[C]) Add(b Of[C]) (Of[C], error) {
	hi, lo := sum(a.hi, a.lo, b.hi, b.lo)
	if !inBase(hi) {
		return Of[C]{}, overflow("add", a.Amount(), b.Amount())
	}
	return Of[C]{hi: hi, lo: lo}, nil
}

// Sub returns a - b, or ErrRange if the difference is out of range.
func (a Of[C]) Sub(b Of[C]) (Of[C], error) {
	hi, lo := sum(a.hi, a.lo, -b.hi, -b.lo)
	if !inBase(hi) {
		return Of[C]{}, overflow("subtract", a.Amount(), b.Amount())
	}
	return Of[C]{hi: hi, lo: lo}, nil
}

// Neg returns -a, which is always in range.
func (a Of[C]) Neg() Of[C] { return Of[C]{hi: -a.hi, lo: -a.lo} }

// Abs returns a without its sign.
func (a Of[C]) Abs() Of[C] {
	if a.hi < 0 || a.lo < 0 {
		return a.Neg()
	}
	return a
}

// Times returns what [Amount.Times] does: the product, rounded by the mode, and
// the remainder in smallest units. ErrRounding and ErrRange.
func (a Of[C]) Times(r Rate, mode Rounding) (product Of[C], remainder Rate, err error) {
	p, remainder, err := a.Amount().Times(r, mode)
	return Of[C]{hi: p.hi, lo: p.lo}, remainder, err
}

// Allocate divides the amount as [Amount.Allocate] does. ErrWeights.
func (a Of[C]) Allocate(weights ...int64) ([]Of[C], error) {
	return typed[C](a.Amount().Allocate(weights...))
}

// Split divides the amount as [Amount.Split] does. ErrWeights.
func (a Of[C]) Split(n int) ([]Of[C], error) {
	return typed[C](a.Amount().Split(n))
}

// typed gives amounts, which are in the currency of C, its type.
func typed[C Unit](amounts []Amount, err error) ([]Of[C], error) {
	if err != nil {
		return nil, err
	}
	parts := make([]Of[C], len(amounts))
	for i, p := range amounts {
		parts[i] = Of[C]{hi: p.hi, lo: p.lo}
	}
	return parts, nil
}

func unit[C Unit]() Currency {
	var c C
	return c.Currency()
}

func mistyped(a Amount, want Currency) error {
	reason := "it is not in " + want.String() + "; exchange it first"
	switch {
	case want.IsZero():
		reason = "the Unit of this type has no currency"
	case a.currency.IsZero():
		reason = "it has no currency; start from " + want.String()
	}
	return refuse(ErrMismatch, "typed amount", a.String(), reason)
}
