package money_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBenchAllocations keeps the promises about memory in every run of the tests.
// It is not parallel, because it counts what the whole program allocates.
func TestBenchAllocations(t *testing.T) {
	atMost := map[string]float64{"add": 0, "compare": 0, "multiply by rate": 0, "parse": 0, "format": 1, "allocate": 1}
	for _, c := range operations() {
		limit, ok := atMost[c.name]
		if !ok {
			t.Errorf("%s: no limit is given", c.name)
		}
		if got := testing.AllocsPerRun(100, func() { c.libraries[0].run() }); got > limit {
			t.Errorf("%s allocates %v times, at most %v", c.name, got, limit)
		}
	}
}

// TestBenchTable measures everything once more and prints the table of
// docs/money.md. It fails where this package is not the faster one:
//
//	BURSAR_BENCH=1 go test -count=1 -run TestBenchTable -v ./money
func TestBenchTable(t *testing.T) {
	if os.Getenv("BURSAR_BENCH") == "" {
		t.Skip("it measures for a minute and wants a quiet machine: BURSAR_BENCH=1 asks for it")
	}
	table := []string{"", "| operation | bursar | apd | shopspring | math/big |", "|---|---:|---:|---:|---:|"}
	for _, c := range operations() {
		row := []string{c.name}
		var times []float64
		for _, w := range c.libraries {
			ns, allocs := best(w)
			times = append(times, ns)
			row = append(row, fmt.Sprintf("%.1f ns, %d", ns, allocs))
		}
		table = append(table, "| "+strings.Join(row, " | ")+" |")
		// math/big does less: its numbers have no point and no currency.
		if fastest := slices.Min(times[1:3]); times[0] >= fastest {
			t.Errorf("%s takes %.1f ns, and another library %.1f ns", c.name, times[0], fastest)
		}
	}
	t.Log(strings.Join(table, "\n"))
}

// best returns the quickest of three measurements, since other programs can
// only make one slower, and the allocations of each operation.
func best(w work) (ns float64, allocs int64) {
	for i := range 3 {
		r := testing.Benchmark(func(b *testing.B) { repeat(b, w) })
		if each := float64(r.T.Nanoseconds()) / float64(r.N); i == 0 || each < ns {
			ns = each
		}
		allocs = r.AllocsPerOp()
	}
	return ns, allocs
}
