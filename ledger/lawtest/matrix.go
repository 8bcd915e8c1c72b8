package lawtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Mark is the sign in the matrix.
type Mark string

// The marks. A law that did not run has none.
const (
	Passed       Mark = "✓"
	Failed       Mark = "✗"
	Shared       Mark = "=" // the strategy shares its code on this store with another one, which has the mark
	Inapplicable Mark = "-"
)

// Result is how a law went. Why is the reason why it does not apply.
type Result struct {
	Law  string
	Mark Mark
	Why  string
}

// Matrix is the results of several runs. It has a row for each law and a column for each store and strategy, in the
// order in which they were named first. It is safe for concurrent use.
type Matrix struct {
	mu      sync.Mutex
	columns []column
}

type column struct {
	store, strategy, as string
	results             map[string]Result
}

// Add puts the results of a run in a column. Without results it only gives the column its place.
func (m *Matrix) Add(store, strategy string, results []Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.column(store, strategy)
	for _, r := range results {
		c.results[r.Law] = r
	}
}

// Same says that on this store a strategy shares its code with another strategy, whose results count for both.
func (m *Matrix) Same(store, strategy, as string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.column(store, strategy).as = as
}

func (m *Matrix) column(store, strategy string) *column {
	for i := range m.columns {
		if c := &m.columns[i]; c.store == store && c.strategy == strategy {
			return c
		}
	}
	m.columns = append(m.columns, column{store: store, strategy: strategy, results: make(map[string]Result)})
	return &m.columns[len(m.columns)-1]
}

// String prints the matrix with a line for each law, and below it the reasons why laws do not apply.
func (m *Matrix) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	laws := Laws()
	width := 0
	for _, law := range laws {
		width = max(width, utf8.RuneCountInString(law))
	}
	lines := []string{pad("", width), pad("", width)}
	for _, law := range laws {
		lines = append(lines, pad(law, width))
	}
	for i, c := range m.columns {
		store := ""
		if i == 0 || m.columns[i-1].store != c.store {
			store = c.store
			for n := range lines {
				lines[n] += " " // between stores
			}
		}
		lines[0] = overwrite(lines[0], utf8.RuneCountInString(lines[1])+1, store)
		lines[1] += " " + pad(short(c.strategy), 2)
		for n, law := range laws {
			lines[n+2] += " " + pad(string(m.mark(&c, law)), 2)
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(slices.Concat(lines, m.legend(laws)), "\n") + "\n"
}

// short is the head of a column.
func short(strategy string) string { return strategy[:min(len(strategy), 2)] }

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// overwrite puts text into a line at a place. The line ends before that place.
func overwrite(line string, place int, text string) string {
	if text == "" {
		return line
	}
	return pad(line, place) + text
}

// legend says what marks and heads mean, and why laws do not apply.
func (m *Matrix) legend(laws []string) []string {
	lines := []string{"", "✓ holds  ✗ broken  = shares its code on this store with a strategy that was tested  " +
		"- does not apply"}
	var heads, reasons []string
	for _, c := range m.columns {
		if head := short(c.strategy) + " " + c.strategy; !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
		for _, law := range laws {
			if r := c.results[law]; r.Mark == Inapplicable {
				if reason := fmt.Sprintf("- %s, %s: %s", c.store, law, r.Why); !slices.Contains(reasons, reason) {
					reasons = append(reasons, reason)
				}
			}
		}
	}
	return slices.Concat(lines, []string{strings.Join(heads, "  ")}, reasons)
}

// mark is the sign of a cell. A strategy that shares its code has the result of the strategy that was tested.
func (m *Matrix) mark(c *column, law string) Mark {
	if c.as == "" {
		return c.results[law].Mark
	}
	for i := range m.columns {
		if other := &m.columns[i]; other.store == c.store && other.strategy == c.as {
			if mark := other.results[law].Mark; mark != Passed {
				return mark
			}
			return Shared
		}
	}
	return ""
}
