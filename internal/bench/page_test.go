package bench_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/bench"
)

// full is a report with everything that a page shows.
func full() *bench.Report {
	r := &bench.Report{
		Engine: bench.EngineFacts{Name: "SQLite", Version: "3", Settings: []bench.Setting{{Name: "synchronous", Value: "2"}}},
		Setup:  bench.Setup{Hot: []int{0, 50, 100}, Clients: []int{1, 64}, Rounds: 3, Seconds: 2, Ran: time.Unix(0, 0)},
		Growth: []bench.Mark{
			{Transfers: 1_000_000, Rate: 90_000, Balance: bench.Latency{P50: 100, P99: 900}, Statement: bench.Latency{P50: 5}},
			{Transfers: 2_000_000, Rate: 80_000, Balance: bench.Latency{P50: 110, P99: 990}, Statement: bench.Latency{P50: 6}},
		},
		Verified: []bench.Verified{{Subject: "queue", Book: "bench:1:queue", OK: true, Entries: 12, Accounts: 2, Posted: 10}},
		Notes:    []string{"a <note> & more"},
	}
	for _, hot := range r.Setup.Hot {
		for _, subject := range []string{"queue", "locks", bench.SubjectIn, bench.SubjectTextbook} {
			for _, clients := range r.Setup.Clients {
				r.Rows = append(r.Rows, bench.Row{
					Subject: subject, Clients: clients, Batch: 1, Hot: hot, Rate: bench.Spread{Median: 1500, Min: 40, Max: 100_000},
					Open: &bench.OpenLatency{Latency: bench.Latency{P50: 90, P99: 2500, P999: 1_200_000}},
				})
			}
		}
	}
	return r
}

// TestThePageStandsAlone wants a page that loads nothing, whose plots are well formed and lie within their bounds, and
// which names everything that was measured.
func TestThePageStandsAlone(t *testing.T) {
	t.Parallel()
	bare := full()
	bare.Rows, bare.Growth, bare.Verified = bare.Rows[:1], nil, nil
	bare.Rows[0].Open, bare.Setup.Hot = nil, bare.Setup.Hot[:1]
	nothing := &bench.Report{Interrupted: true}
	for name, c := range map[string]struct {
		report *bench.Report
		plots  int
		says   []string
	}{
		"full": {full(), 5, []string{"bench:1:queue", "a &lt;note&gt; &amp; more", "textbook", "locks, 64 clients", "2.5 ms",
			"1.2 s", "100k", "synchronous=2", "Verified", "prefers-color-scheme", "@media print"}},
		"one row": {bare, 1, []string{"Not verified", "queue"}},
		"nothing": {nothing, 0, []string{"Not verified: the run was interrupted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := bench.WritePage(&out, c.report); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			for _, says := range c.says {
				if !strings.Contains(text, says) {
					t.Errorf("it does not say %q", says)
				}
			}
			if loads := regexp.MustCompile(`<script|src=|href=|url\(|@import|https?:`).FindString(text); loads != "" {
				t.Errorf("it has %q", loads)
			}
			plots := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1)
			if len(plots) != c.plots {
				t.Errorf("%d plots, want %d", len(plots), c.plots)
			}
			for _, plot := range plots {
				checkPlot(t, plot)
			}
		})
	}
}

// checkPlot wants well formed XML without a number that is none, and nothing outside of its box.
func checkPlot(t *testing.T, plot string) {
	t.Helper()
	if bad := regexp.MustCompile(`NaN|Inf|="-|%!`).FindString(plot); bad != "" {
		t.Errorf("it has %q:\n%s", bad, plot)
	}
	for d := xml.NewDecoder(strings.NewReader(plot)); ; {
		switch _, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Errorf("%v in\n%s", err, plot)
			return
		}
	}
}
