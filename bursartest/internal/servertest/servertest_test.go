package servertest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/bursartest/internal/servertest"
	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// ended is a test that notes how it ends.
type ended struct {
	testing.TB
	how, why string
}

func (e *ended) Fatalf(format string, args ...any) { e.end("failed", format, args) }
func (e *ended) Skipf(format string, args ...any)  { e.end("skipped", format, args) }

func (e *ended) end(how, format string, args []any) {
	e.how, e.why = how, fmt.Sprintf(format, args...)
	panic(e)
}

func (e *ended) run(fn func()) {
	defer func() {
		if cause := recover(); cause != nil && cause != any(e) {
			panic(cause)
		}
	}()
	fn()
}

const variable = "BURSAR_TEST_NOWHERE"

func TestWithoutAServerATestIsSkippedAndFailsOnABuildMachine(t *testing.T) {
	missing := fmt.Errorf("nowhere %w: install the package nowhere", server.ErrMissing)
	for _, row := range []struct {
		ci   string
		err  error
		how  string
		says []string
	}{
		{"", missing, "skipped", []string{"install the package nowhere", variable + "=nowhere://host"}},
		{"false", missing, "skipped", []string{variable}},
		{"true", missing, "failed", []string{"install the package nowhere", variable + "=nowhere://host", "CI=true"}},
		{"1", missing, "failed", []string{variable}},
		{"", errors.New("no space left"), "failed", []string{"no space left"}},
	} {
		t.Setenv("CI", row.ci)
		e := &servertest.Engine{Name: "Nowhere", Variable: variable, Example: "nowhere://host",
			Throwaway: func() (string, error) { return "", row.err }}
		end := &ended{TB: t}
		end.run(func() { e.Database(end, "") })
		if end.how != row.how {
			t.Errorf("CI=%q, %v: the test was %s", row.ci, row.err, end.how)
		}
		for _, part := range row.says {
			if !strings.Contains(end.why, part) {
				t.Errorf("CI=%q: %q does not say %q", row.ci, end.why, part)
			}
		}
	}
}

func TestAURLThatCannotBeReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	e := &servertest.Engine{Name: "Nowhere", Variable: variable, Example: "nowhere://host"}
	end := &ended{TB: t}
	end.run(func() { e.Database(end, "nowhere://user:secret@host:port:port") })
	if end.how != "failed" || strings.Contains(end.why, "secret") {
		t.Errorf("the test was %s with %q", end.how, end.why)
	}
}
