package checkout

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheGuideShowsTheseTests holds docs/testing.md against the tests to copy: those that it names are there, and so is
// its crash.
func TestTheGuideShowsTheseTests(t *testing.T) {
	t.Parallel()
	guide, tests := read(t, "../../docs/testing.md"), read(t, "checkout_test.go")
	names := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(guide, -1)
	for _, name := range names {
		if !strings.Contains(tests, "\nfunc "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
	_, crash, found := strings.Cut(guide, "\nerr := atomic.Do(")
	crash, _, _ = strings.Cut(crash, "\n```")
	if !found || !strings.Contains(tests, strings.ReplaceAll(crash, "\n", "\n\t\t")) {
		t.Errorf("TestCrashBeforeCommit does not run this:\n%s", crash)
	}
	if len(names) < 5 {
		t.Errorf("the guide names only %d tests", len(names))
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
