package bench

import (
	"slices"
	"testing"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	const million = 1_000_000
	for growth, want := range map[int64][]int64{
		1:            {1},
		million:      {million},
		million + 1:  {million, million + 1},
		5 * million:  {million, 2 * million, 5 * million},
		20 * million: {million, 2 * million, 5 * million, 10 * million, 20 * million},
		150 * million: {
			million, 2 * million, 5 * million, 10 * million, 20 * million, 50 * million, 100 * million, 150 * million,
		},
	} {
		if got := marks(growth); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", growth, got, want)
		}
	}
}

// TestTicksLieOnTheAxis wants at least two within the bounds, in order, whatever the values are.
func TestTicksLieOnTheAxis(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{
		{0}, {1}, {7}, {0, 100}, {3, 4}, {640, 4446}, {52, 2855}, {1, 1024}, {90, 1_200_000}, {0.4, 0.9}, {999_999, 1e6},
	} {
		for _, a := range []axis{{to: 100}, {log: true, to: 100}, {zero: true, from: 100}} {
			if a.log && values[0] == 0 {
				continue
			}
			a.span(values)
			at := a.ticks()
			if len(at) < 2 && !a.log || len(at) > 12 || !slices.IsSorted(at) {
				t.Errorf("%v: ticks %v", values, at)
			}
			for _, v := range append(at, values...) {
				if place := a.at(v); place < -0.01 || place > 100.01 {
					t.Errorf("%v: %v lies at %v", values, v, place)
				}
			}
		}
	}
}
