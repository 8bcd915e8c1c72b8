package money

import "math/bits"

// wide is a number of 128 bits without a sign: the size of any amount, and
// what products of everyday numbers need on the way.
type wide struct{ hi, lo uint64 }

// size returns the number of smallest units without its sign.
func (a Amount) size() wide {
	hi, lo := magnitude(a.hi), magnitude(a.lo)
	if hi == 0 {
		return wide{lo: lo}
	}
	high, low := bits.Mul64(hi, base)
	low, carry := bits.Add64(low, lo, 0)
	return wide{hi: high + carry, lo: low}
}

// amount returns w smallest units of c, with a sign, and false if no amount is
// as large.
func (w wide) amount(negative bool, c Currency) (Amount, bool) {
	// Div64 wants a quotient of 64 bits. With a larger one w is out of range.
	if w.hi >= base {
		return Amount{}, false
	}
	high, low := bits.Div64(w.hi, w.lo, base)
	if high >= base {
		return Amount{}, false
	}
	a := Amount{hi: int64(high), lo: int64(low), currency: c}
	if negative {
		a.hi, a.lo = -a.hi, -a.lo
	}
	return a, true
}

// mulDiv returns w*m/d rounded toward zero, and what the division leaves,
// which is below d. The product is not cut off on the way. It is false if the
// quotient is larger than any amount. d must not be 0.
func (w wide) mulDiv(m, d uint64) (quotient wide, left uint64, ok bool) {
	mid, low := bits.Mul64(w.lo, m)
	if w.hi == 0 && mid < d {
		quotient.lo, left = bits.Div64(mid, low, d)
		return quotient, left, true
	}
	high, add := bits.Mul64(w.hi, m)
	mid, carry := bits.Add64(mid, add, 0)
	high += carry
	// Dividing word by word, each remainder goes before the next word.
	if high >= d {
		return wide{}, 0, false
	}
	quotient.hi, left = bits.Div64(high, mid, d)
	quotient.lo, left = bits.Div64(left, low, d)
	return quotient, left, quotient.hi < base
}

// next returns w+1, for a w that mulDiv gave.
func (w wide) next() wide {
	low, carry := bits.Add64(w.lo, 1, 0)
	return wide{hi: w.hi + carry, lo: low}
}

// magnitude returns n without its sign, for every int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
