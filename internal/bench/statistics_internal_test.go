package bench

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPercentilesAreAtMostTheStatedErrorTooHigh compares a histogram with the exact percentiles of the same durations.
func TestPercentilesAreAtMostTheStatedErrorTooHigh(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 10, 999, 10_000} {
		var h Histogram
		values := make([]time.Duration, n)
		for i := range values {
			values[i] = time.Duration(math.Exp(random.Float64() * 28)) // to 24 minutes
			h.Add(values[i], 1)
		}
		for _, share := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
			got, exact := h.Percentile(share), percentile(values, share)
			if got < exact || float64(got-exact) > HistogramError*float64(got) {
				t.Errorf("of %d, %v: %v, and exactly %v", n, share, got, exact)
			}
		}
		if h.Count() != int64(n) {
			t.Errorf("counted %d of %d", h.Count(), n)
		}
	}
}

func TestEveryDurationHasABucketThatHoldsIt(t *testing.T) {
	t.Parallel()
	last := -1
	for _, d := range []time.Duration{0, 1, 127, 128, 255, 256, 257, 258, 511, 512, 1 << 20, 1<<42 - 1} {
		bucket := bucketOf(d)
		if bucket < last || upperEdge(bucket) < d || bucket > 0 && upperEdge(bucket-1) >= d {
			t.Errorf("%d is in bucket %d, from %d to %d", d, bucket, upperEdge(bucket-1), upperEdge(bucket))
		}
		last = bucket
	}
	for _, d := range []time.Duration{1 << 42, math.MaxInt64} {
		if got := bucketOf(d); got != bucketCount-1 {
			t.Errorf("%d is in bucket %d, want the last", d, got)
		}
	}
	if got := bucketOf(-1); got != 0 {
		t.Errorf("less than nothing is in bucket %d", got)
	}
}

func TestPercentileByNearestRank(t *testing.T) {
	t.Parallel()
	values := []time.Duration{50, 10, 40, 20, 30}
	for share, want := range map[float64]time.Duration{0: 10, 0.2: 10, 0.21: 20, 0.5: 30, 0.99: 50, 1: 50} {
		if got := percentile(values, share); got != want {
			t.Errorf("%v: %d, want %d", share, got, want)
		}
	}
	if got := percentile(nil, 0.5) + new(Histogram).Percentile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestFewCallsHaveNoHighPercentiles wants none that would be the slowest call.
func TestFewCallsHaveNoHighPercentiles(t *testing.T) {
	t.Parallel()
	for calls, want := range map[int][3]bool{
		1: {true}, 99: {true}, 100: {true, true}, 999: {true, true}, 1000: {true, true, true},
	} {
		values := make([]time.Duration, calls)
		for i := range values {
			values[i] = time.Duration(i + 1)
		}
		l := exactLatency(values)
		if got := [3]bool{l.P50 > 0, l.P99 > 0, l.P999 > 0}; got != want {
			t.Errorf("%d calls: %+v", calls, l)
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{9, 1}, Spread{5, 1, 9}},
		{[]float64{3, 9, 1}, Spread{3, 1, 9}},
		{[]float64{4, 1, 3, 9}, Spread{3.5, 1, 9}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRounded(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{
		0: 0, 123456: 123500, 0.00123456: 0.001235, 7.65432: 7.654, math.Inf(1): 0, 999.96: 1000,
	} {
		if got := rounded(v); got != want {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

// TestZipfDrawsByItsExponent draws often, and compares how often each rank came with its probability: within five
// standard deviations, which a fixed seed keeps or breaks for ever.
func TestZipfDrawsByItsExponent(t *testing.T) {
	t.Parallel()
	const ranks, draws = 50, 200_000
	for _, exponent := range []float64{0.2, 0.99, 1, 1.01, 2.5} {
		z, random := newZipf(ranks, exponent), rand.New(rand.NewPCG(7, 7))
		var came [ranks + 1]int
		for range draws {
			came[z.draw(random)]++
		}
		sum := 0.0
		for k := 1; k <= ranks; k++ {
			sum += math.Pow(float64(k), -exponent)
		}
		for k := 1; k <= ranks; k++ {
			p := math.Pow(float64(k), -exponent) / sum
			want, deviation := p*draws, math.Sqrt(p*(1-p)*draws)
			if math.Abs(float64(came[k])-want) > 5*deviation+1 {
				t.Errorf("exponent %v: rank %d came %d times, want %.0f ± %.0f", exponent, k, came[k], want, 5*deviation)
			}
		}
	}
}

// TestMovesAreThoseOfTheSeed draws twice with one seed and once with another, for each kind of workload.
func TestMovesAreThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	for _, w := range []Workload{{Accounts: 2, Seed: 1}, {Accounts: 100, Seed: 1}, {Accounts: 100, Zipf: 1, Seed: 1}} {
		same, other := w, w
		other.Seed++
		a, b, c := w.source(3, 20), same.source(3, 20), other.source(3, 20)
		differ := 0
		for range 1000 {
			move := a.next()
			if got := b.next(); got != move {
				t.Fatalf("%+v: %v and %v", w, move, got)
			}
			if c.next() != move {
				differ++
			}
			if move.From == move.To || min(move.From, move.To) < 0 || max(move.From, move.To) >= w.Accounts ||
				move.Cents < 1 || move.Cents > amountMax {
				t.Fatalf("%+v: %v", w, move)
			}
		}
		if differ < 900 {
			t.Errorf("%+v: another seed draws %d of 1,000 moves alike", w, 1000-differ)
		}
	}
}

// TestHotShare counts the moves that touch the hot account: all, none but by chance, or about the share.
func TestHotShare(t *testing.T) {
	t.Parallel()
	w := Workload{Accounts: 1000, Seed: 5}
	for hot, want := range map[int][2]int{0: {0, 60}, 50: {4800, 5200}, 100: {10_000, 10_000}} {
		s, touched := w.source(0, hot), 0
		for range 10_000 {
			if m := s.next(); m.From == hotAccount || m.To == hotAccount {
				touched++
			}
		}
		if touched < want[0] || touched > want[1] {
			t.Errorf("hot %d: %d of 10,000, want %v", hot, touched, want)
		}
	}
}

// TestEveryAccountIsDrawn wants the scattering of ranks to leave none out.
func TestEveryAccountIsDrawn(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 10, 618, 1000} {
		seen := make([]bool, n)
		for rank := range n {
			seen[(rank+1)*coprime(n)%n] = true
		}
		for account, drawn := range seen {
			if !drawn {
				t.Errorf("of %d accounts, %d is never drawn", n, account)
			}
		}
	}
}
