package money

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestSmallPathsAgree compares the ways without math/big with those that use
// it, for everything that both can do.
func TestSmallPathsAgree(t *testing.T) {
	t.Parallel()
	jpy := declared("JPYX", 0)
	part := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, base-1), rapid.SampledFrom([]int64{0, 1, base - 1}))
	factor := rapid.OneOf(rapid.Int64Range(1, 1000), rapid.Int64Min(1), rapid.SampledFrom([]int64{1, 2, 1<<63 - 1}))
	rapid.Check(t, func(t *rapid.T) {
		a := Amount{hi: part.Draw(t, "hi"), lo: part.Draw(t, "lo"), currency: jpy}
		r := smallRate(factor.Draw(t, "num"), factor.Draw(t, "den"))
		if rapid.Bool().Draw(t, "negative amount") {
			a = a.Neg()
		}
		if rapid.Bool().Draw(t, "negative rate") {
			r = r.Neg()
		}
		for mode := HalfEven; mode <= Floor; mode++ {
			small, smallLeft, ok := a.timesSmall(r, mode)
			large, largeLeft, okToo := a.timesBig(r, mode)
			if ok != okToo || ok && (small != large || smallLeft.num != largeLeft.num || smallLeft.less != largeLeft.less) {
				t.Fatalf("%v times %v, %v: %v and %v, %v; by math/big %v and %v, %v",
					a, r, mode, small, smallLeft, ok, large, largeLeft, okToo)
			}
		}
		// Few enough that their sum has 64 bits.
		weights := rapid.SliceOfN(rapid.Int64Range(1, 1<<58), 1, 32).Draw(t, "weights")
		parts, err := a.Allocate(weights...)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range a.allocateBig(weights) {
			if parts[i] != p {
				t.Fatalf("%v by %v: part %d is %v, by math/big %v", a, weights, i, parts[i], p)
			}
		}
	})
}

func TestCommonFactor(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.Uint64Range(1, 100), rapid.Uint64Min(1))
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		want := new(big.Int).GCD(nil, nil, new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)).Uint64()
		if got := commonFactor(a, b); got != want {
			t.Fatalf("commonFactor(%d, %d) = %d, want %d", a, b, got, want)
		}
	})
}
