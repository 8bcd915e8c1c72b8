package money_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/money"
)

func TestAllocate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a       string
		weights []int64
		want    string
	}{
		{"0.05 USD", []int64{3, 7}, "0.02 0.03"}, // Foemmel's conundrum
		{"0.05 USD", []int64{7, 3}, "0.04 0.01"},
		{"1.00 USD", []int64{1, 1, 1}, "0.34 0.33 0.33"},
		{"1.01 USD", []int64{1, 1, 1}, "0.34 0.34 0.33"},
		{"-1.00 USD", []int64{1, 1, 1}, "-0.34 -0.33 -0.33"},
		{"1027.59 USD", []int64{20, 70, 5, 5}, "205.52 719.31 51.38 51.38"}, // Fowler: 205.52 719.32 51.38 51.37
		{"-1027.59 USD", []int64{20, 70, 5, 5}, "-205.52 -719.31 -51.38 -51.38"},
		{"1.00 USD", []int64{0, 1, 1, 1}, "0.00 0.34 0.33 0.33"},
		{"1.00 USD", []int64{1, 0, 1, 0, 1}, "0.34 0.00 0.33 0.00 0.33"},
		{"2 CHIP/0", []int64{1, 1, 1}, "1 1 0"},
		{"1 CHIP/0", []int64{1, 1, 1}, "1 0 0"},
		{"1 CHIP/0", []int64{1, 2, 1}, "0 1 0"},
		{"0 CHIP/0", []int64{1, 2, 3}, "0 0 0"},
		{"-7 CHIP/0", []int64{5}, "-7"},
		{"7 CHIP/0", []int64{0, math.MaxInt64}, "0 7"},
		{"3 CHIP/0", []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64}, "1 1 1"},
		{"5 CHIP/0", []int64{math.MaxInt64, 1, math.MaxInt64}, "3 0 2"},
		{"5 CHIP/0", []int64{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64}, "2 1 2"},
		{"1000000000000000000000000000001 CHIP/0", []int64{1, 2, 4},
			"142857142857142857142857142857 285714285714285714285714285715 571428571428571428571428571429"},
		{nines36 + " JPY", []int64{math.MaxInt64, math.MaxInt64},
			"500000000000000000000000000000000000 499999999999999999999999999999999999"},
		{"-" + nines36 + " JPY", []int64{0, math.MaxInt64}, "0 -" + nines36},
		{"1.000000000000000000 ETH/18", []int64{1, 1, 1},
			"0.333333333333333334 0.333333333333333333 0.333333333333333333"},
	}
	for _, tt := range tests {
		a := money.MustParse(tt.a)
		parts, err := a.Allocate(tt.weights...)
		if got := decimals(parts); err != nil || got != tt.want {
			t.Errorf("%s by %v = %s, %v, want %s", tt.a, tt.weights, got, err, tt.want)
		}
		checkShares(t, a, tt.weights, parts)
	}
}

func decimals(parts []money.Amount) string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.Decimal())
	}
	return strings.Join(texts, " ")
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a    string
		n    int
		want string
	}{
		{"0.15 USD", 2, "0.08 0.07"},
		{"0.15 USD", 1, "0.15"},
		{"1.01 USD", 6, "0.17 0.17 0.17 0.17 0.17 0.16"},
		{"-1.01 USD", 6, "-0.17 -0.17 -0.17 -0.17 -0.17 -0.16"},
		{"0.0001 OMRX/4", 3, "0.0001 0.0000 0.0000"},
		{"0 JPY", 2, "0 0"},
		{nines36 + " JPY", 2, "500000000000000000000000000000000000 499999999999999999999999999999999999"},
	}
	for _, tt := range tests {
		parts, err := money.MustParse(tt.a).Split(tt.n)
		if got := decimals(parts); err != nil || got != tt.want {
			t.Errorf("%s into %d = %s, %v, want %s", tt.a, tt.n, got, err, tt.want)
		}
	}
}

func TestAllocateRefuses(t *testing.T) {
	t.Parallel()
	usd := money.MustParse("1.00 USD")
	tests := []struct {
		name    string
		a       money.Amount
		weights []int64
		kind    error
		reason  string
	}{
		{"none", usd, nil, money.ErrWeights, "there are no weights"},
		{"one zero", usd, []int64{0}, money.ErrWeights, "all weights are 0"},
		{"zeros", usd, []int64{0, 0, 0}, money.ErrWeights, "all weights are 0"},
		{"zeros of zero", money.Zero(usd.Currency()), []int64{0}, money.ErrWeights, "all weights are 0"},
		{"negative", usd, []int64{3, -1, 2}, money.ErrWeights, "weight 1 is negative"},
		{"most negative", usd, []int64{math.MinInt64}, money.ErrWeights, "weight 0 is negative"},
		{"too many", usd, make([]int64, money.PartsMax+1), money.ErrWeights, "at most 1000000 parts"},
		{"no currency", money.Amount{}, []int64{1}, money.ErrCurrency, "without a currency"},
	}
	for _, tt := range tests {
		parts, err := tt.a.Allocate(tt.weights...)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.reason) || parts != nil {
			t.Errorf("%s: %v, %v, want %q", tt.name, parts, err, tt.reason)
		}
	}
	for _, n := range []int{0, -1, math.MinInt, money.PartsMax + 1, math.MaxInt} {
		if parts, err := usd.Split(n); !errors.Is(err, money.ErrWeights) || parts != nil {
			t.Errorf("Split(%d): %d parts, %v, want ErrWeights", n, len(parts), err)
		}
	}
	if parts, err := (money.Amount{}).Split(2); !errors.Is(err, money.ErrCurrency) || parts != nil {
		t.Errorf("Split without a currency: %v, %v", parts, err)
	}
}

// checkShares checks what every allocation promises: the exact sum, each part
// within one unit of its share, nothing for a weight of zero, and who gets the
// units that the rounding left.
func checkShares(t fataler, a money.Amount, weights []int64, parts []money.Amount) {
	if len(parts) != len(weights) {
		t.Fatalf("%v by %v: %d parts", a, weights, len(parts))
	}
	total := new(big.Int)
	for _, w := range weights {
		total.Add(total, big.NewInt(w))
	}
	n, sum := a.Big(), money.Zero(a.Currency())
	gaps := make([]*big.Int, len(parts)) // part*total - n*weight, which is the distance in parts of a unit
	for i, p := range parts {
		var err error
		if sum, err = sum.Add(p); err != nil {
			t.Fatalf("%v by %v: %v", a, weights, err)
		}
		gap := p.Big()
		gap.Mul(gap, total)
		gap.Sub(gap, new(big.Int).Mul(n, big.NewInt(weights[i])))
		if gap.CmpAbs(total) >= 0 || (weights[i] == 0 && !p.IsZero()) || p.Sign()*a.Sign() < 0 {
			t.Fatalf("%v by %v: part %d is %v", a, weights, i, p)
		}
		if a.Sign() < 0 {
			gap.Neg(gap)
		}
		gaps[i] = gap
	}
	if sum != a {
		t.Fatalf("%v by %v: the parts sum to %v", a, weights, sum)
	}
	checkOrder(t, a, weights, parts, gaps, total)
}

// checkOrder checks that no part was rounded down that had lost more than one
// that was rounded up, or as much and came earlier. It looks at the last loser
// and the worst winner only, so that it is quick for many parts.
func checkOrder(t fataler, a money.Amount, weights []int64, parts []money.Amount, gaps []*big.Int, total *big.Int) {
	worst := -1 // of those rounded up, the one with the smallest loss, the last among equals
	lost := func(i int) *big.Int {
		if gaps[i].Sign() > 0 {
			return new(big.Int).Sub(total, gaps[i])
		}
		return new(big.Int).Neg(gaps[i])
	}
	for i := range gaps {
		if gaps[i].Sign() > 0 && (worst < 0 || lost(i).Cmp(lost(worst)) <= 0) {
			worst = i
		}
	}
	for i := range gaps {
		if worst < 0 || gaps[i].Sign() >= 0 {
			continue
		}
		if c := lost(i).Cmp(lost(worst)); c > 0 || c == 0 && i < worst {
			t.Fatalf("%v by %v = %v: part %d got a unit before part %d", a, weights, parts, worst, i)
		}
	}
}

func TestAllocateAgreesWithBig(t *testing.T) {
	t.Parallel()
	weight := rapid.OneOf(
		rapid.Int64Range(0, 10), rapid.Int64Range(0, math.MaxInt64),
		rapid.SampledFrom([]int64{0, 1, math.MaxInt64 - 1, math.MaxInt64}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a := amount(t, units().Draw(t, "n"), currencies().Draw(t, "c"))
		weights := append(rapid.SliceOfN(weight, 0, 24).Draw(t, "weights"), 1)
		parts, err := a.Allocate(weights...)
		if err != nil {
			t.Fatal(err)
		}
		checkShares(t, a, weights, parts)
		mirrored, err := a.Neg().Allocate(weights...)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			if mirrored[i] != p.Neg() {
				t.Fatalf("%v by %v gives %v, and its opposite %v", a, weights, parts, mirrored)
			}
		}
		n := rapid.IntRange(1, 40).Draw(t, "n")
		split, err := a.Split(n)
		same, allocErr := a.Allocate(slices.Repeat([]int64{weights[0] + 1}, n)...)
		if weights[0] == math.MaxInt64 {
			same, allocErr = a.Allocate(slices.Repeat([]int64{weights[0]}, n)...)
		}
		if err := errors.Join(err, allocErr); err != nil || !slices.Equal(split, same) {
			t.Fatalf("%v into %d is %v, by equal weights %v, %v", a, n, split, same, err)
		}
	})
}

// FuzzAllocate reads weights from the bytes, eight each.
func FuzzAllocate(f *testing.F) {
	f.Add(int64(0), int64(102759), []byte("\x14\x00\x00\x00\x00\x00\x00\x00\x46\x00\x00\x00\x00\x00\x00\x00"))
	greatest := []byte{255, 255, 255, 255, 255, 255, 255, 127}
	f.Add(int64(-999999999999999999), int64(-999999999999999999), slices.Repeat(greatest, 3))
	f.Add(int64(0), int64(100), make([]byte, 24))
	f.Fuzz(func(t *testing.T, hi, lo int64, data []byte) {
		a, err := money.FromParts(hi, lo, money.MustParse("0 JPY").Currency())
		if err != nil {
			return
		}
		var weights []int64
		for ; len(data) >= 8; data = data[8:] {
			weights = append(weights, int64(binary.LittleEndian.Uint64(data)))
		}
		parts, err := a.Allocate(weights...)
		if none := len(weights) == 0 || slices.Max(weights) == 0; none || slices.Min(weights) < 0 {
			if !errors.Is(err, money.ErrWeights) {
				t.Fatalf("%v by %v = %v, %v, want ErrWeights", a, weights, parts, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkShares(t, a, weights, parts)
	})
}

// TestAllocateThirds splits one amount a thousand times: the extra cent goes
// to the same part each time.
func TestAllocateThirds(t *testing.T) {
	t.Parallel()
	a := money.MustParse("100.00 USD")
	want := []money.Amount{money.MustParse("33.34 USD"), money.MustParse("33.33 USD"), money.MustParse("33.33 USD")}
	for i := range 1000 {
		byWeights, err := a.Allocate(1, 1, 1)
		split, splitErr := a.Split(3)
		if err := errors.Join(err, splitErr); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]money.Amount{want, want}, [][]money.Amount{byWeights, split}); diff != "" {
			t.Fatalf("split %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestAllocateRandom checks 200,000 random allocations; TestTortureAllocate
// checks ten million.
func TestAllocateRandom(t *testing.T) {
	t.Parallel()
	allocateRandom(t, 200_000)
}

func TestTortureAllocate(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes a quarter of a minute: BURSAR_TORTURE=1 asks for it")
	}
	allocateRandom(t, 10_000_000)
}

// allocateRandom takes its seed from BURSAR_SEED, or a new one, printed either
// way.
func allocateRandom(t *testing.T, count int) {
	seed := rand.Uint64()
	if text := os.Getenv("BURSAR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("BURSAR_SEED=%q is not a number: %v", text, err)
		}
	}
	t.Logf("BURSAR_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	jpy := money.MustParse("0 JPY").Currency()
	parts := 0
	for range count {
		// Shifting by a random distance makes numbers of all lengths.
		hi := r.Int64N(base) >> r.UintN(64)
		if r.UintN(2) == 0 {
			hi = 0
		}
		lo := r.Int64N(base) >> r.UintN(64)
		if r.UintN(2) == 0 {
			hi, lo = -hi, -lo
		}
		a, err := money.FromParts(hi, lo, jpy)
		if err != nil {
			t.Fatal(err)
		}
		weights := make([]int64, 1+r.UintN(6))
		for i := range weights {
			weights[i] = r.Int64() >> r.UintN(64)
		}
		weights[r.IntN(len(weights))] |= 1
		got, err := a.Allocate(weights...)
		if err != nil {
			t.Fatal(err)
		}
		checkShares(t, a, weights, got)
		parts += len(got)
	}
	t.Logf("%d allocations into %d parts: each sums exactly", count, parts)
}
