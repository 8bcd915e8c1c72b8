package atomictest

import (
	"fmt"
	"strings"
)

// faultTable counts what has become of blocks that have met a fault.
type faultTable struct {
	engine string
	rows   []*faultRow
	naive  []string
}

// faultRow is one fault in one standing.
type faultRow struct {
	fault, at string
	rounds    int

	// With a key: exactly once, and how the caller came to know: by the same call after a commit that was not answered,
	// or by calling again.
	once, resolved, again int

	// Without: committed, and after another attempt; unknown, and there or not; called a failure.
	ok, retried, there, absent, failed int

	wrong int
}

func (t *faultTable) row(fault, at string) *faultRow {
	for _, r := range t.rows {
		if r.fault == fault && r.at == at {
			return r
		}
	}
	t.rows = append(t.rows, &faultRow{fault: fault, at: at})
	return t.rows[len(t.rows)-1]
}

// String is the table, one line for each fault and standing.
func (t *faultTable) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%-42s %-26s | %s\n", t.engine, "", "with a key", "without a key")
	fmt.Fprintf(&b, "%-7s %-27s %6s %6s %8s %10s | %5s %9s %14s %11s %6s | %5s\n", "fault", "where the connection stands", "rounds",
		"once", "resolved", "call again", "ok", "ran again", "unknown, there", "or not", "failed", "wrong")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "%-7s %-27s %6d %6d %8d %10d | %5d %9d %14d %11d %6d | %5d\n", r.fault, r.at, r.rounds,
			r.once, r.resolved, r.again, r.ok, r.retried, r.there, r.absent, r.failed, r.wrong)
	}
	for _, line := range t.naive {
		b.WriteString(line + "\n")
	}
	return b.String()
}
