package ledger

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Slots number each path once and in order, with a map and without one, whatever was numbered before.
func TestSlotsNumberPathsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s slots
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			named := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 200).Draw(t, "named")
			s.begin(s.paths, rapid.IntRange(0, 300).Draw(t, "expected"))
			var want []string
			for _, n := range named {
				path := fmt.Sprint("users:", n)
				if !slices.Contains(want, path) {
					want = append(want, path)
				}
				if got := s.of(path); got != slices.Index(want, path) {
					t.Fatalf("%s has the number %d in %q", path, got, want)
				}
			}
			if !slices.Equal(s.paths, want) {
				t.Fatalf("the paths are %q, want %q", s.paths, want)
			}
		}
	})
}
