package bench

import (
	"math"
	"slices"
	"time"
)

// Spread is what repeated measurements of one thing came to.
type Spread struct {
	Median float64 `json:"median"` // of an even number of values the mean of the two in the middle
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf is the zero Spread for no values.
func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// percentile is the exact one by the nearest rank; zero for no values.
func percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[nearestRank(share, int64(len(sorted)))-1]
}

// per is a quantity for each of n things; zero when there are none.
func per(quantity float64, n int64) float64 {
	if n == 0 {
		return 0
	}
	return quantity / float64(n)
}

// ratio is zero where there is nothing to compare with.
func ratio(v, base float64) float64 {
	if base <= 0 {
		return 0
	}
	return v / base
}

// rounded keeps as many digits as a measurement is worth: four.
func rounded(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-3)
	if unit < 1 {
		return math.Round(v*math.Round(1/unit)) / math.Round(1/unit)
	}
	return math.Round(v/unit) * unit
}
