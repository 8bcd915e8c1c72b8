package money

import (
	"cmp"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
)

// PartsMax is the greatest number of parts that an amount is divided into.
// Without a bound, a number from outside could take all memory.
const PartsMax = 1_000_000

// Allocate divides the amount in proportion to the weights, with one part for
// each weight. The parts sum to the amount exactly.
//
// It is the method of the largest remainder, named after Hamilton. Each part
// gets its share rounded toward zero. The units that are left go, one each, to
// the parts that lost most by the rounding, and to the earlier part if two
// lost the same. So every part is less than one unit away from its exact
// share, and a weight of zero gets nothing. A negative amount is divided as
// its opposite is, and the same call always gives the same parts. Fowler's
// method gives the units that are left to the first parts in order, and so
// misses the nearest shares: $1,027.59 by 20, 70, 5 and 5 is 205.52, 719.31,
// 51.38 and 51.38 here, and 205.52, 719.32, 51.38 and 51.37 there.
//
// ErrWeights if there are no weights, a negative one, none above zero, or more
// than [PartsMax]; ErrCurrency if a has no currency.
func (a Amount) Allocate(weights ...int64) ([]Amount, error) {
	if a.currency.IsZero() {
		return nil, withoutCurrency("allocate")
	}
	total, carried, err := totalWeight(weights)
	if err != nil {
		return nil, err
	}
	if carried != 0 {
		return a.allocateBig(weights), nil
	}
	// Sixteen parts need no memory but for the answer.
	var room [16]uint64
	left := room[:0]
	if len(weights) > len(room) {
		left = make([]uint64, 0, len(weights))
	}
	parts := make([]Amount, len(weights))
	size, negative := a.size(), a.Sign() < 0
	rest := size.lo
	for i, w := range weights {
		// A share is no larger than the amount, so it is in range.
		share, lost, _ := size.mulDiv(uint64(w), total)
		parts[i], _ = share.amount(negative, a.currency)
		left = append(left, lost)
		rest -= share.lo
	}
	// What is left is less than the number of parts, so its low word is enough.
	a.handOut(parts, int(rest), func(i, j int) int { return cmp.Compare(left[i], left[j]) })
	return parts, nil
}

// Split divides the amount into n parts that are equal but for one unit, the
// larger ones first, as [Amount.Allocate] does with n equal weights.
//
// ErrWeights unless n is 1 to [PartsMax], ErrCurrency if a has no currency.
func (a Amount) Split(n int) ([]Amount, error) {
	if n < 1 || n > PartsMax {
		return nil, refuse(ErrWeights, "split", strconv.Itoa(n),
			"an amount is split into 1 to "+strconv.Itoa(PartsMax)+" parts")
	}
	if a.currency.IsZero() {
		return nil, withoutCurrency("split")
	}
	negative := a.Sign() < 0
	share, rest, _ := a.size().mulDiv(1, uint64(n))
	smaller, _ := share.amount(negative, a.currency)
	larger := smaller
	if rest > 0 {
		larger, _ = share.next().amount(negative, a.currency)
	}
	parts := make([]Amount, n)
	for i := range parts {
		parts[i] = smaller
		if uint64(i) < rest {
			parts[i] = larger
		}
	}
	return parts, nil
}

// totalWeight returns the sum of the weights in two words, or an error if
// nothing can be divided by them.
func totalWeight(weights []int64) (total, carried uint64, err error) {
	if len(weights) == 0 {
		return 0, 0, refuse(ErrWeights, "allocate", "", "there are no weights; give one for each part")
	}
	if len(weights) > PartsMax {
		return 0, 0, refuse(ErrWeights, "allocate", strconv.Itoa(len(weights))+" weights",
			"an amount is divided into at most "+strconv.Itoa(PartsMax)+" parts")
	}
	for i, w := range weights {
		if w < 0 {
			return 0, 0, refuse(ErrWeights, "allocate", strconv.FormatInt(w, 10),
				"weight "+strconv.Itoa(i)+" is negative; weights are 0 or more")
		}
		var carry uint64
		total, carry = bits.Add64(total, uint64(w), 0)
		carried += carry
	}
	if total == 0 && carried == 0 {
		return 0, 0, refuse(ErrWeights, "allocate", "", "all weights are 0; one at least has to be more")
	}
	return total, carried, nil
}

// allocateBig is Allocate for weights whose sum has more than 64 bits.
func (a Amount) allocateBig(weights []int64) []Amount {
	total := new(big.Int)
	for _, w := range weights {
		total.Add(total, big.NewInt(w))
	}
	parts := make([]Amount, len(weights))
	left := make([]*big.Int, len(weights))
	size := a.Abs().Big()
	rest := new(big.Int).Set(size)
	for i, w := range weights {
		share := new(big.Int).Mul(size, big.NewInt(w))
		left[i] = new(big.Int)
		share.QuoRem(share, total, left[i])
		rest.Sub(rest, share)
		if a.Sign() < 0 {
			share.Neg(share)
		}
		// A share is no larger than the amount, so it is in range.
		parts[i], _ = FromBig(share, a.currency)
	}
	a.handOut(parts, int(rest.Int64()), func(i, j int) int { return left[i].Cmp(left[j]) })
	return parts
}

// handOut gives one unit to each of count parts: to those that lost most by
// rounding, and to the earlier part if two lost the same. Parts that lost
// nothing get nothing, because fewer units are left than there are parts that
// lost something.
func (a Amount) handOut(parts []Amount, count int, lost func(i, j int) int) {
	if count == 0 {
		return
	}
	var room [16]int
	order := room[:0]
	for i := range parts {
		order = append(order, i)
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(lost(j, i), cmp.Compare(i, j)) })
	for _, i := range order[:count] {
		hi, lo := sum(parts[i].hi, parts[i].lo, 0, int64(a.Sign()))
		parts[i].hi, parts[i].lo = hi, lo
	}
}
