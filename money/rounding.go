package money

import (
	"cmp"
	"math/big"
	"strconv"
)

// Rounding says how a number with a fraction becomes a whole number. The zero
// Rounding is no mode and an error wherever a mode is wanted: the caller has to
// choose.
//
// What each mode makes of a number:
//
//	             5.5  2.5  1.6  1.1  1.0 -1.0 -1.1 -1.6 -2.5 -5.5
//	HalfEven       6    2    2    1    1   -1   -1   -2   -2   -6
//	HalfUp         6    3    2    1    1   -1   -1   -2   -3   -6
//	HalfDown       5    2    2    1    1   -1   -1   -2   -2   -5
//	Up             6    3    2    2    1   -1   -2   -2   -3   -6
//	Down           5    2    1    1    1   -1   -1   -1   -2   -5
//	Ceiling        6    3    2    2    1   -1   -1   -1   -2   -5
//	Floor          5    2    1    1    1   -1   -2   -2   -3   -6
type Rounding uint8

const (
	// HalfEven rounds to the nearest, and a half to the even neighbour. Over
	// many amounts it favours neither side.
	HalfEven Rounding = iota + 1
	// HalfUp rounds to the nearest, and a half away from zero.
	HalfUp
	// HalfDown rounds to the nearest, and a half toward zero.
	HalfDown
	// Up rounds away from zero.
	Up
	// Down rounds toward zero: it cuts the fraction off.
	Down
	// Ceiling rounds toward positive infinity.
	Ceiling
	// Floor rounds toward negative infinity.
	Floor
)

// String returns the mode in words, such as "half even".
func (m Rounding) String() string {
	switch m {
	case HalfEven:
		return "half even"
	case HalfUp:
		return "half up"
	case HalfDown:
		return "half down"
	case Up:
		return "up"
	case Down:
		return "down"
	case Ceiling:
		return "ceiling"
	case Floor:
		return "floor"
	}
	return "Rounding(" + strconv.Itoa(int(m)) + ")"
}

// away reports whether a number with a fraction goes to the neighbour farther
// from zero. odd is about the nearer one, and half compares the fraction with
// one half.
func (m Rounding) away(negative, odd bool, half int) bool {
	switch m {
	case HalfEven:
		return half > 0 || half == 0 && odd
	case HalfUp:
		return half >= 0
	case HalfDown:
		return half > 0
	case Up:
		return true
	case Ceiling:
		return !negative
	case Floor:
		return negative
	}
	return false // Down
}

// Times returns a*r rounded to a whole number of smallest units, and the
// remainder: a*r - product, in smallest units. Product and remainder together
// are a*r exactly, so nothing is lost. The remainder lies between -1 and 1,
// and is 0 if a*r is whole. Post it, carry it to the next calculation, or drop
// it knowingly.
//
// ErrRounding unless mode is one of the seven, ErrCurrency if a has no
// currency, ErrRange if the product is out of range.
func (a Amount) Times(r Rate, mode Rounding) (product Amount, remainder Rate, err error) {
	if mode < HalfEven || mode > Floor {
		return Amount{}, Rate{}, refuse(ErrRounding, "multiply", mode.String(),
			"it is no rounding mode; name one, such as money.HalfEven")
	}
	if a.currency.IsZero() {
		return Amount{}, Rate{}, withoutCurrency("multiply")
	}
	ok := false
	if r.big == nil {
		product, remainder, ok = a.timesSmall(r, mode)
	} else {
		product, remainder, ok = a.timesBig(r, mode)
	}
	if !ok {
		return Amount{}, Rate{}, refuse(ErrRange, "multiply", a.String()+", "+r.String(), resultReason)
	}
	return product, remainder, nil
}

// timesSmall multiplies by a rate of two words, without allocating.
func (a Amount) timesSmall(r Rate, mode Rounding) (product Amount, remainder Rate, ok bool) {
	negative := (a.Sign() < 0) != (r.num < 0)
	den := r.less + 1
	quotient, left, ok := a.size().mulDiv(magnitude(r.num), uint64(den))
	if !ok {
		return Amount{}, Rate{}, false
	}
	rest := int64(left)
	if rest != 0 && mode.away(negative, quotient.lo%2 == 1, cmp.Compare(rest, den-rest)) {
		quotient = quotient.next()
		rest -= den
	}
	if negative {
		rest = -rest
	}
	product, ok = quotient.amount(negative, a.currency)
	return product, smallRate(rest, den), ok
}

// timesBig multiplies by any rate.
func (a Amount) timesBig(r Rate, mode Rounding) (product Amount, remainder Rate, ok bool) {
	num, den := r.fraction()
	exact := num.Mul(num, a.Big())
	negative := exact.Sign() < 0
	quotient, left := exact.QuoRem(exact, den, new(big.Int))
	twice := new(big.Int).Lsh(left, 1)
	if left.Sign() != 0 && mode.away(negative, quotient.Bit(0) == 1, twice.CmpAbs(den)) {
		step := big.NewInt(1)
		if negative {
			step.Neg(step)
		}
		quotient.Add(quotient, step)
		left.Sub(left, step.Mul(step, den))
	}
	product, err := FromBig(quotient, a.currency)
	if err != nil {
		return Amount{}, Rate{}, false
	}
	// The remainder is smaller than a unit and its denominator divides that of
	// r, so it is within the bounds of rates.
	return product, reduced(new(big.Rat).SetFrac(left, den)), true
}
