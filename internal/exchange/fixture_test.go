package exchange_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// fixture is a ledger in a file, with what is needed to export it.
type fixture struct {
	*ledger.Ledger
	store driver.Store
}

func setup(t *testing.T) *fixture {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fixture{l, store}
}

// findings is what an import tells.
type findings struct {
	refused    []exchange.Refusal
	mismatches []exchange.Mismatch
}

// load imports text named in.csv or in.jsonl.
func (f *fixture) load(t *testing.T, format, text string, o exchange.ImportOptions) (
	exchange.Summary, findings, error) {
	t.Helper()
	var found findings
	rows, err := exchange.NewRows(format, "in."+format, strings.NewReader(text))
	if err != nil {
		return exchange.Summary{}, found, err
	}
	o.Refused = func(r exchange.Refusal) { found.refused = append(found.refused, r) }
	o.Mismatch = func(m exchange.Mismatch) { found.mismatches = append(found.mismatches, m) }
	summary, err := exchange.Import(t.Context(), f.Ledger, rows, &o)
	return summary, found, err
}

// csv imports rows under a header and wants no error.
func (f *fixture) csv(t *testing.T, text string, o exchange.ImportOptions) (exchange.Summary, findings) {
	t.Helper()
	summary, found, err := f.load(t, exchange.FormatCSV, text, o)
	if err != nil {
		t.Fatal(err)
	}
	return summary, found
}

func (f *fixture) export(t *testing.T, o exchange.ExportOptions) (string, exchange.Exported) {
	t.Helper()
	var out bytes.Buffer
	exported, err := exchange.Export(t.Context(), f.store, f.Book(), &out, &o)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), exported
}

// balance wants an account's balance.
func (f *fixture) balance(t *testing.T, account, want string) {
	t.Helper()
	got, err := f.Balance(t.Context(), account, bursar.AsOf{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Balance != money.MustParse(want) {
		t.Errorf("the balance of %s is %v, want %s", account, got.Balance, want)
	}
}

// head wants the journal to end at a position.
func (f *fixture) head(t *testing.T, want int64) {
	t.Helper()
	got, err := f.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Seq != want {
		t.Errorf("the head is %d, want %d", got.Seq, want)
	}
}

// wantAt wants an error with a place before it and a code in it.
func wantAt(t *testing.T, err error, place string, code bursar.Code) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), place) || bursar.CodeOf(err) != code {
		t.Errorf("got %v, want %s at %q", err, code, place)
	}
}

func openers(t *testing.T, texts ...string) []exchange.Opener {
	t.Helper()
	var all []exchange.Opener
	for _, text := range texts {
		o, err := exchange.ParseOpener(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// everything opens whatever a file names.
func everything(t *testing.T) []exchange.Opener { return openers(t, "**=min:none") }
