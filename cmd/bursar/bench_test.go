package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/bench"
)

// TestBenchInterrupted ends a run before anything is measured. It still prints a report, which says so, leaves no file
// behind, and is no failure.
func TestBenchInterrupted(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, stdout, stderr := line(t, ctx, "bench", "-o", "json")
	var report bench.Report
	err := json.Unmarshal([]byte(stdout), &report)
	if code != 0 || err != nil || !report.Interrupted || len(report.Rows)+len(report.Verified) > 0 {
		t.Errorf("exit code %d, %v:\n%s", code, err, stdout)
	}
	if !strings.Contains(stderr, "bursar: warning: interrupted: ") {
		t.Errorf("it says %s", stderr)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBenchReportThatIsNotSound wants the exit code of verify and the word in every form.
func TestBenchReportThatIsNotSound(t *testing.T) {
	t.Parallel()
	r := &bench.Report{Verified: []bench.Verified{{Book: "bench:1:queue", Entries: 3, Accounts: 1, Posted: 1}}}
	const want = "NOT SOUND: book bench:1:queue: 3 entries for 1 account and 1 transfer"
	if foot := benchFoot(r); !strings.Contains(foot, want) {
		t.Errorf("the table ends with %s", foot)
	}
	var talk strings.Builder
	e := &env{stderr: &talk, running: true}
	if code := e.report(newBenchCommand(e), r.Err(), nil); code != 10 {
		t.Errorf("exit code %d: %s", code, &talk)
	}
}
