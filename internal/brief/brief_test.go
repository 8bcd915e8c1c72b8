package brief_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar/internal/brief"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "",
		"users:1":                      "users:1",
		strings.Repeat("x", 60):        strings.Repeat("x", 60),
		strings.Repeat("x", 61):        strings.Repeat("x", 60) + "…",
		"x" + strings.Repeat("é", 100): "x" + strings.Repeat("é", 29) + "…",
	} {
		got := brief.Text(text)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%.70q is shown as %q, want %q", text, got, want)
		}
	}
}
