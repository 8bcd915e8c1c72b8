package atomictest

import (
	"fmt"
	"strings"
)

// faultTable counts answers and outcomes of requests that have met a fault.
type faultTable struct {
	engine string
	rows   []*faultRow
	naive  []string
}

// faultRow is one fault at one point.
type faultRow struct {
	fault, point string
	rounds       int

	// With a key: rows that are there exactly once; of those, the same call has resolved an unknown commit, or the
	// client has asked again.
	once, resolved, again int

	// Without a key: done, of which some after another attempt; unknown, and the row is there or not; failed.
	done, retried, there, absent, failed int

	violations int
}

func (t *faultTable) row(fault, point string) *faultRow {
	for _, r := range t.rows {
		if r.fault == fault && r.point == point {
			return r
		}
	}
	t.rows = append(t.rows, &faultRow{fault: fault, point: point})
	return t.rows[len(t.rows)-1]
}

// String is the table, one line for each fault and point.
func (t *faultTable) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%-42s %-27s | %s\n", t.engine, "", "with a key", "without a key")
	fmt.Fprintf(&b, "%-7s %-27s %6s %6s %8s %11s | %5s %9s %14s %11s %6s | %10s\n",
		"fault", "point", "rounds", "once", "resolved", "asked again",
		"done", "ran again", "unknown, there", "or not", "failed", "violations")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "%-7s %-27s %6d %6d %8d %11d | %5d %9d %14d %11d %6d | %10d\n", r.fault, r.point, r.rounds,
			r.once, r.resolved, r.again, r.done, r.retried, r.there, r.absent, r.failed, r.violations)
	}
	for _, line := range t.naive {
		b.WriteString(line + "\n")
	}
	return b.String()
}
