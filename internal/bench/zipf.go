package bench

import (
	"math"
	"math/rand/v2"
)

// zipf draws ranks 1 to n, where rank k is drawn with a probability in proportion to k^-exponent. It is rejection from
// the integral of x^-exponent, inverted (Hörmann's method), so it needs neither tables nor an exponent above
// one, and one draw is enough nearly always.
type zipf struct {
	exponent     float64
	n            float64
	first, last  float64 // the integral at the ends of what is drawn from
	alwaysWithin float64 // a rank that lies this near to its draw need not be compared
}

func newZipf(n int, exponent float64) *zipf {
	z := &zipf{exponent: exponent, n: float64(n)}
	z.first = z.integral(1.5) - 1
	z.last = z.integral(z.n + 0.5)
	z.alwaysWithin = 2 - z.inverse(z.integral(2.5)-z.density(2))
	return z
}

// draw is the next rank.
func (z *zipf) draw(r *rand.Rand) int {
	for {
		u := z.last + r.Float64()*(z.first-z.last)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.alwaysWithin || u >= z.integral(k+0.5)-z.density(k) {
			return int(k)
		}
	}
}

func (z *zipf) density(x float64) float64 { return math.Exp(-z.exponent * math.Log(x)) }

// integral is (x^(1-exponent) - 1) / (1-exponent), and log x where the exponent is one.
func (z *zipf) integral(x float64) float64 {
	logX, p := math.Log(x), 1-z.exponent
	if math.Abs(p*logX) < 1e-8 {
		return logX
	}
	return math.Expm1(p*logX) / p
}

// inverse is x where integral(x) is y.
func (z *zipf) inverse(y float64) float64 {
	p := 1 - z.exponent
	t := max(y*p, -1)
	if math.Abs(t) < 1e-8 {
		return math.Exp(y)
	}
	return math.Exp(math.Log1p(t) / p)
}
