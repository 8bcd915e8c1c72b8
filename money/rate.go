package money

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
)

// RateBits is the size that a rate has at most: numerator and denominator, in
// lowest terms, are both below 2^256 without the sign. That is 77 digits, and
// more than twice what any ratio of two amounts needs.
const RateBits = 256

// rawBits is the size of numbers that are reduced to lowest terms at all, so
// that a huge fraction costs nothing. Every result of two rates is smaller.
const rawBits = 4 * RateBits

// Rate is an exact fraction without a unit: an exchange rate, a tax, an
// interest, a share. [Amount.Times] applies it to an amount.
//
// It is a small immutable value in lowest terms; the zero Rate is 0. Compare
// with [Rate.Equal] or [Rate.Cmp]: == does not compile, since two equal rates
// may be held at two places. No method changes a rate, and all are safe for
// concurrent use.
type Rate struct {
	_ [0]func() // no ==

	// A rate whose parts fit into int64 is num/(less+1), so that the zero Rate
	// needs no case of its own, and big is nil. Any other is in big.
	num, less int64
	big       *big.Rat
}

// NewRate returns num/den: NewRate(33, 400) is 8.25 %. ErrDivision if den is 0.
func NewRate(num, den int64) (Rate, error) {
	if den > 0 && num != math.MinInt64 {
		return smallRate(num, den), nil
	}
	return RateOf(big.NewInt(num), big.NewInt(den))
}

// RateOf returns num/den and keeps no reference to either. ErrSyntax if one is
// nil, ErrDivision if den is 0, ErrRange beyond [RateBits] in lowest terms.
// Numbers of more than 1024 bits are ErrRange even if they had common factors.
func RateOf(num, den *big.Int) (Rate, error) {
	switch {
	case num == nil || den == nil:
		return Rate{}, refuse(ErrSyntax, "rate", "", "a part of the fraction is nil")
	case den.Sign() == 0:
		return Rate{}, divisionByZero()
	case num.BitLen() > rawBits || den.BitLen() > rawBits:
		return Rate{}, rateOverflow("rate")
	}
	return bounded("rate", new(big.Rat).SetFrac(num, den))
}

// Num returns the numerator in lowest terms, which has the sign, in a new
// big.Int.
func (r Rate) Num() *big.Int {
	num, _ := r.fraction()
	return num
}

// Den returns the denominator in lowest terms, which is positive, in a new
// big.Int. For a whole number it is 1.
func (r Rate) Den() *big.Int {
	_, den := r.fraction()
	return den
}

// Sign returns -1, 0 or 1.
func (r Rate) Sign() int {
	if r.big != nil {
		return r.big.Sign()
	}
	return cmp.Compare(r.num, 0)
}

// IsZero reports whether r is 0.
func (r Rate) IsZero() bool { return r.num == 0 && r.big == nil }

// Equal reports whether r and s are the same number.
func (r Rate) Equal(s Rate) bool { return r.Cmp(s) == 0 }

// Cmp returns -1 if r < s, 0 if they are equal and 1 if r > s.
func (r Rate) Cmp(s Rate) int {
	if r.big == nil && s.big == nil && r.less == s.less {
		return cmp.Compare(r.num, s.num)
	}
	return r.rat().Cmp(s.rat())
}

// Add returns r + s. ErrRange beyond [RateBits].
func (r Rate) Add(s Rate) (Rate, error) {
	return bounded("add", new(big.Rat).Add(r.rat(), s.rat()))
}

// Sub returns r - s. ErrRange beyond [RateBits].
func (r Rate) Sub(s Rate) (Rate, error) {
	return bounded("subtract", new(big.Rat).Sub(r.rat(), s.rat()))
}

// Mul returns r * s. ErrRange beyond [RateBits].
func (r Rate) Mul(s Rate) (Rate, error) {
	return bounded("multiply", new(big.Rat).Mul(r.rat(), s.rat()))
}

// Inv returns 1/r, the rate of the way back. ErrDivision if r is 0.
func (r Rate) Inv() (Rate, error) {
	if r.IsZero() {
		return Rate{}, divisionByZero()
	}
	return reduced(new(big.Rat).Inv(r.rat())), nil
}

// Neg returns -r, which is always in range.
func (r Rate) Neg() Rate {
	if r.big == nil {
		return Rate{num: -r.num, less: r.less}
	}
	return reduced(new(big.Rat).Neg(r.big))
}

// fraction returns numerator and denominator in new big.Ints.
func (r Rate) fraction() (num, den *big.Int) {
	if r.big != nil {
		return new(big.Int).Set(r.big.Num()), new(big.Int).Set(r.big.Denom())
	}
	return big.NewInt(r.num), big.NewInt(r.less + 1)
}

// rat returns the rate for calculating with. It must not be changed.
func (r Rate) rat() *big.Rat {
	if r.big != nil {
		return r.big
	}
	return big.NewRat(r.num, r.less+1)
}

// smallRate returns num/den for a positive den and a num that can be negated.
func smallRate(num, den int64) Rate {
	if num == 0 {
		return Rate{}
	}
	if den == 1 {
		return Rate{num: num}
	}
	factor := int64(commonFactor(magnitude(num), uint64(den)))
	return Rate{num: num / factor, less: den/factor - 1}
}

// commonFactor returns the greatest common divisor of two positive numbers, by
// halving and subtracting.
func commonFactor(a, b uint64) uint64 {
	twos := bits.TrailingZeros64(a | b)
	a >>= bits.TrailingZeros64(a)
	for b != 0 {
		b >>= bits.TrailingZeros64(b)
		a, b = min(a, b), max(a, b)-min(a, b)
	}
	return a << twos
}

// bounded returns a fraction as a rate, which keeps it, unless it is too large.
func bounded(op string, f *big.Rat) (Rate, error) {
	if f.Num().BitLen() > RateBits || f.Denom().BitLen() > RateBits {
		return Rate{}, rateOverflow(op)
	}
	return reduced(f), nil
}

// reduced returns a fraction within the bounds as a rate, which keeps it. Each
// number has one form: the small one where it fits.
func reduced(f *big.Rat) Rate {
	num, den := f.Num(), f.Denom()
	if num.IsInt64() && den.IsInt64() && num.Int64() != math.MinInt64 {
		return Rate{num: num.Int64(), less: den.Int64() - 1}
	}
	return Rate{big: f}
}

const rateReason = "the rate has more than 256 bits above or below the line, the most that it holds; write fewer digits"

func rateOverflow(op string) error {
	return refuse(ErrRange, op, "", rateReason)
}

func divisionByZero() error {
	return refuse(ErrDivision, "rate", "", "nothing is divided by zero")
}
