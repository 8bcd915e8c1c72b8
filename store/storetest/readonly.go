package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// ReadsAlone checks a ledger whose user may only read. from and to are accounts in dollars, and denied is what the
// engine's error says of a right that is missing.
func ReadsAlone(t *testing.T, l *ledger.Ledger, from, to, denied string) {
	t.Helper()
	f, err := l.Freshness(t.Context())
	if err != nil || f.Replica != nil || f.Seq == 0 || f.Now <= f.At {
		t.Fatalf("the head is %+v, %v", f, err)
	}
	if _, err := l.Balance(t.Context(), to, bursar.AsOf{At: f.At.Time()}); err != nil {
		t.Error(err)
	}
	_, balance := l.Balance(t.Context(), to, bursar.AsOf{At: f.Now.Time()})
	_, statement := l.Statement(t.Context(), to, bursar.StatementQuery{To: f.Now.Time()})
	for _, err := range []error{balance, statement} {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !errors.Is(err, bursar.ErrAsOfAhead) || !strings.Contains(text, "as somebody who may write") ||
			!strings.Contains(text, denied) {
			t.Errorf("as of a time behind the head: %v", err)
		}
	}
	if fieldOf(statement) != "to" {
		t.Errorf("the field at fault is %q, want to", fieldOf(statement))
	}
	if _, err := l.Post(t.Context(), move(from, to, "1.00 USD")); !errors.Is(err, bursar.ErrReadOnly) {
		t.Errorf("posting: %v", err)
	}
	if _, err := l.OpenAccount(t.Context(), bursar.Opening{Path: "users:3", Currency: currency("USD")}); !errors.Is(err,
		bursar.ErrReadOnly) {
		t.Errorf("opening: %v", err)
	}
}
