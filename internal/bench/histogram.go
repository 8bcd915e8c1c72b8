package bench

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// subBits is how many bits of a duration a bucket keeps below its leading one.
	subBits = 7
	// longestBits bounds what is told apart: 2^42 ns is 73 minutes, and whatever takes longer counts as that.
	longestBits = 42
	bucketCount = (longestBits - subBits + 1) << subBits
)

// HistogramError is the most by which a percentile of a [Histogram] is too high, as a share of it. It is never too low.
const HistogramError = 1.0 / (1 << subBits)

// Histogram counts durations. Up to 256 ns it is exact; above, each power of two has 128 buckets of equal width. It is
// safe for concurrent use, and the zero value is empty.
type Histogram struct {
	buckets [bucketCount]atomic.Int64
}

// Add counts one duration n times. A negative one counts as zero.
func (h *Histogram) Add(d time.Duration, n int64) { h.buckets[bucketOf(d)].Add(n) }

// addAll counts what another histogram has counted.
func (h *Histogram) addAll(other *Histogram) {
	for i := range other.buckets {
		if n := other.buckets[i].Load(); n > 0 {
			h.buckets[i].Add(n)
		}
	}
}

// Count is how many durations were counted.
func (h *Histogram) Count() (n int64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	return n
}

// Percentile is the duration that a share of all does not exceed, by the nearest rank: of n durations in order the one
// at position ceil(share·n). It is at most [HistogramError] too high, and zero when nothing was counted.
func (h *Histogram) Percentile(share float64) time.Duration {
	rank, seen := nearestRank(share, h.Count()), int64(0)
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= rank && rank > 0 {
			return upperEdge(i)
		}
	}
	return 0
}

// nearestRank is the position, from 1, of a percentile among n values in order; 0 when there are none.
func nearestRank(share float64, n int64) int64 {
	return min(n, max(1, int64(math.Ceil(share*float64(n)))))
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v >= 1<<longestBits {
		return bucketCount - 1
	}
	shift := max(0, bits.Len64(v)-1-subBits)
	return shift<<subBits + int(v>>shift)
}

// upperEdge is the longest duration that counts in a bucket.
func upperEdge(bucket int) time.Duration {
	shift := max(0, bucket>>subBits-1)
	return time.Duration((bucket-shift<<subBits+1)<<shift - 1)
}
