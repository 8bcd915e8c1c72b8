package money

import (
	"cmp"
	"math/big"
	"strconv"
)

// base is the weight of an amount's high part: 10^18, the greatest power of
// ten whose double still fits in an int64, so that sums need no wide numbers.
const (
	base       = 1_000_000_000_000_000_000
	baseDigits = 18
)

// Amount is a whole number of a currency's smallest unit, between -10^36 and
// 10^36 (both excluded), with that currency.
//
// Amounts are equal under == exactly when number and currency are. The zero
// Amount has no currency: it can be neither written nor calculated with.
type Amount struct {
	hi, lo   int64 // hi*base + lo; both |x| < base and not of opposite signs
	currency Currency
}

// Integer is every integer type. So a float does not compile, and neither does
// a constant such as 10.0, which is a float by default.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// FromUnits returns an amount of smallest units: FromUnits(2500, usd) is
// 25.00 USD. Every integer is in range. With the zero Currency the result is an
// amount without a currency, which nothing accepts.
func FromUnits[N Integer](units N, c Currency) Amount {
	hi, lo := partsOf(units)
	return Amount{hi: hi, lo: lo, currency: c}
}

// partsOf splits an integer into the parts of an amount.
func partsOf[N Integer](units N) (hi, lo int64) {
	if units < 0 {
		n := int64(units)
		return n / base, n % base
	}
	n := uint64(units)
	return int64(n / base), int64(n % base)
}

// Zero returns nothing of a currency.
func Zero(c Currency) Amount { return Amount{currency: c} }

// FromParts returns hi*10^18 + lo smallest units, from the pair that [Amount.Parts]
// gave. It is for stores. ErrRange unless |hi| and |lo| are below 10^18 and
// neither has the opposite sign of the other; ErrCurrency for the zero Currency.
func FromParts(hi, lo int64, c Currency) (Amount, error) {
	if c.IsZero() {
		return Amount{}, refuse(ErrCurrency, "amount", "", "a pair of parts has no currency")
	}
	if !inBase(hi) || !inBase(lo) || (hi > 0 && lo < 0) || (hi < 0 && lo > 0) {
		pair := strconv.FormatInt(hi, 10) + ", " + strconv.FormatInt(lo, 10)
		return Amount{}, refuse(ErrRange, "amount", pair,
			"the parts are not canonical; both are below 10^18 in size and of one sign")
	}
	return Amount{hi: hi, lo: lo, currency: c}, nil
}

// FromBig returns n smallest units. It keeps no reference to n. ErrRange
// unless |n| < 10^36, ErrSyntax for nil, ErrCurrency for the zero Currency.
func FromBig(n *big.Int, c Currency) (Amount, error) {
	if n == nil {
		return Amount{}, refuse(ErrSyntax, "amount", "", "the number of units is nil")
	}
	if c.IsZero() {
		return Amount{}, refuse(ErrCurrency, "amount", "", "a number of units has no currency")
	}
	// 10^36 has 120 bits. The length is looked at first, so that a huge number
	// costs nothing.
	if n.BitLen() <= 120 {
		hi, lo := new(big.Int).QuoRem(n, big.NewInt(base), new(big.Int))
		if hi.IsInt64() && inBase(hi.Int64()) {
			return Amount{hi: hi.Int64(), lo: lo.Int64(), currency: c}, nil
		}
	}
	return Amount{}, refuse(ErrRange, "amount", "", rangeReason)
}

// Currency returns the currency that the amount counts.
func (a Amount) Currency() Currency { return a.currency }

// Parts returns the pair (hi, lo) with hi*10^18 + lo smallest units, both
// below 10^18 in size and of one sign. For less than 10^18 units hi is 0.
func (a Amount) Parts() (hi, lo int64) { return a.hi, a.lo }

// Units returns the number of smallest units, and false if it does not fit in
// an int64.
func (a Amount) Units() (int64, bool) {
	// An int64 goes up to 9.22 * 10^18, so hi beyond 9 cannot fit, and at 9 the
	// sum has to be looked at for a wrap.
	if a.hi < -9 || a.hi > 9 {
		return 0, false
	}
	n := a.hi*base + a.lo
	if (a.lo > 0 && n < a.hi*base) || (a.lo < 0 && n > a.hi*base) {
		return 0, false
	}
	return n, true
}

// Big returns the number of smallest units in a new big.Int.
func (a Amount) Big() *big.Int {
	n := big.NewInt(a.hi)
	n.Mul(n, big.NewInt(base))
	return n.Add(n, big.NewInt(a.lo))
}

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int {
	if a.hi != 0 {
		return cmp.Compare(a.hi, 0)
	}
	return cmp.Compare(a.lo, 0)
}

// IsZero reports whether the number of units is zero, in any currency. Mind
// that omitzero of encoding/json calls it too, and so leaves out "0.00 USD".
func (a Amount) IsZero() bool { return a.hi == 0 && a.lo == 0 }

// Equal reports whether a and b are the same amount of the same currency, like
// ==. It is here for packages that compare by method.
func (a Amount) Equal(b Amount) bool { return a == b }

// Add returns a + b. ErrMismatch unless both are of one currency, ErrRange if
// the sum is out of range.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.currency != b.currency || a.currency.code == "" {
		return Amount{}, mismatch("add", a, b)
	}
	hi, lo := sum(a.hi, a.lo, b.hi, b.lo)
	if !inBase(hi) {
		return Amount{}, overflow("add", a, b)
	}
	return Amount{hi: hi, lo: lo, currency: a.currency}, nil
}

// Sub returns a - b. ErrMismatch unless both are of one currency, ErrRange if
// the difference is out of range.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.currency != b.currency || a.currency.code == "" {
		return Amount{}, mismatch("subtract", a, b)
	}
	hi, lo := sum(a.hi, a.lo, -b.hi, -b.lo)
	if !inBase(hi) {
		return Amount{}, overflow("subtract", a, b)
	}
	return Amount{hi: hi, lo: lo, currency: a.currency}, nil
}

// Cmp returns -1 if a < b, 0 if they are equal and 1 if a > b. ErrMismatch
// unless both are of one currency.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.currency != b.currency || a.currency.code == "" {
		return 0, mismatch("compare", a, b)
	}
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi), nil
	}
	return cmp.Compare(a.lo, b.lo), nil
}

// Neg returns -a, which is always in range.
func (a Amount) Neg() Amount {
	return Amount{hi: -a.hi, lo: -a.lo, currency: a.currency}
}

// Abs returns a without its sign.
func (a Amount) Abs() Amount {
	if a.Sign() < 0 {
		return a.Neg()
	}
	return a
}

// sum adds two pairs of parts and makes the result canonical, but for a high
// part that may be out of range. Sums of parts, which are below 10^18, are far
// from the ends of an int64.
func sum(aHi, aLo, bHi, bLo int64) (hi, lo int64) {
	hi, lo = aHi+bHi, aLo+bLo
	switch {
	case lo >= base:
		hi, lo = hi+1, lo-base
	case lo <= -base:
		hi, lo = hi-1, lo+base
	}
	switch {
	case hi > 0 && lo < 0:
		hi, lo = hi-1, lo+base
	case hi < 0 && lo > 0:
		hi, lo = hi+1, lo-base
	}
	return hi, lo
}

func inBase(n int64) bool { return -base < n && n < base }

const (
	rangeReason  = "it has more than 36 digits in smallest units, the most that an amount holds"
	resultReason = "the result has more than 36 digits in smallest units, the most that an amount holds"
)

func overflow(op string, a, b Amount) error {
	return &Error{Kind: ErrRange, Op: op, Input: a.String() + ", " + b.String(),
		Reason: resultReason}
}

// noCurrencyReason is for arithmetic. Writing has a reason of its own.
const noCurrencyReason = "an amount without a currency cannot be calculated with; start from money.Zero(currency)"

func withoutCurrency(op string) error {
	return refuse(ErrCurrency, op, "", noCurrencyReason)
}

func mismatch(op string, a, b Amount) error {
	reason := "the currencies differ; exchange one of them first"
	if a.currency.IsZero() || b.currency.IsZero() {
		reason = noCurrencyReason
	}
	return &Error{Kind: ErrMismatch, Op: op, Input: a.String() + ", " + b.String(), Reason: reason}
}
