package exchange_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/money"
)

// assorted posts one of everything that an export has to carry.
func (f *fixture) assorted(t *testing.T) {
	t.Helper()
	for path, currency := range map[string]string{
		"x": "USD", "a:1": "USD", "a:2": "USD", "a": "USD", "c:x": "CHIP/0", "c:1": "CHIP/0",
		"@e+.-_:x": "ETH/18", "e:1": "ETH/18", "never:used": "JPY",
	} {
		c, err := money.ParseCurrency(currency)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: c, NoMin: true}); err != nil {
			t.Fatal(err)
		}
	}
	leg := func(from, to, amount string) bursar.Leg {
		return bursar.Leg{From: from, To: to, Amount: money.MustParse(amount)}
	}
	for i, transfer := range []bursar.Transfer{
		{Legs: []bursar.Leg{leg("x", "a:1", "100.00 USD")}},
		{
			Legs: []bursar.Leg{
				leg("x", "a:1", "1.00 USD"), leg("x", "a:1", "1.00 USD"), leg("a:1", "a:2", "0.01 USD"),
			},
			Reference: `r; "1", (=) | x`,
		},
		{
			Legs: []bursar.Leg{
				leg("c:x", "c:1", "1000 CHIP/0"),
				leg("@e+.-_:x", "e:1", "123456789012345678.123456789012345678 ETH/18"),
			},
			Metadata: bursar.Metadata{
				"memo": "", "k, \"v\"": "line one\nline two;\ttab", "date": "no date", "ü": " blanks [2020-13-45] ",
			},
		},
		{
			Legs:      []bursar.Leg{leg("a:1", "x", "50.00 USD")},
			Effective: time.Date(1999, 12, 31, 23, 59, 59, 123456789, time.UTC),
			Metadata:  bursar.Metadata{"memo": "back; dated, \u2028 {}"},
			Reference: "(12) * ! = <a&b>",
		},
		{Legs: []bursar.Leg{leg("a:1", "x", "52.00 USD")}, Metadata: bursar.Metadata{"memo": "m", "n": "o"}},
		{Legs: []bursar.Leg{leg("x", "a", "7.77 USD"), leg("a", "x", "7.77 USD")}},
	} {
		transfer.ID = bursar.IDOf("assorted", i)
		if _, err := f.Post(t.Context(), transfer); err != nil {
			t.Fatal(err)
		}
	}
}

// transfers is every transfer's whole story but for when and where it happened.
func (f *fixture) transfers(t *testing.T) []string {
	t.Helper()
	entries, err := f.Journal(t.Context(), 0, bursar.PageMax)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if e.Kind != bursar.EntryLeg {
			continue
		}
		record, err := f.Transfer(t.Context(), e.Transfer)
		if err != nil {
			t.Fatal(err)
		}
		effective := ""
		if e.Backdated {
			effective = e.Effective.String()
		}
		all = append(all, fmt.Sprintf(
			"%v/%d %q %q %v %v %v effective %q reference %q metadata %q content %x",
			e.Transfer, e.Leg, e.From, e.To, e.Amount, e.FromAfter.Balance, e.ToAfter.Balance,
			effective, record.Reference, record.Metadata, e.RequestHash,
		))
	}
	return all
}

// An export that is read into an empty ledger gives the same transfers, down to the content's hash, with every balance
// as expected. Read into its own ledger, every transfer is a replay.
func TestExportComesBack(t *testing.T) {
	for _, format := range []string{exchange.FormatCSV, exchange.FormatJSONL} {
		t.Run(format, func(t *testing.T) {
			f, fresh := setup(t), setup(t)
			f.assorted(t)
			text, exported := f.export(t, exchange.ExportOptions{Format: format})
			if exported.Transfers != 6 || exported.Entries != 10 || exported.Seq != 19 {
				t.Errorf("exported %+v, want 6 transfers with 10 legs up to 19", exported)
			}
			for _, ledger := range []*fixture{fresh, f} {
				summary, found, err := ledger.load(t, format, text, exchange.ImportOptions{Open: everything(t), Batch: 2})
				if err != nil || summary.Posted+summary.Replayed != 6 || len(found.mismatches)+len(found.refused) > 0 {
					t.Errorf("imported %+v with %v, error %v", summary, found, err)
				}
			}
			f.head(t, 19)
			if diff := cmp.Diff(f.transfers(t), fresh.transfers(t)); diff != "" {
				t.Errorf("transfers (-exported +imported):\n%s", diff)
			}
		})
	}
}

func TestExportOfAPart(t *testing.T) {
	f := setup(t)
	f.assorted(t)
	rows := func(o exchange.ExportOptions) (ids []string) {
		text, _ := f.export(t, o)
		for i, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
			fields := strings.Split(line, ",")
			if i == 0 || fields[0] != "" {
				ids = append(ids, fields[0]+"/"+fields[3])
			}
		}
		return ids
	}
	// The nine openings come first; 11 to 13 are one transfer.
	for _, after := range []int64{10, 11, 12} {
		got := rows(exchange.ExportOptions{After: after, Account: "a:2"})
		if diff := cmp.Diff([]string{"11/0", "12/1", "13/2"}, got); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", after, diff)
		}
	}
	if got := rows(exchange.ExportOptions{After: 13, Account: "a:2"}); got != nil {
		t.Errorf("after 13 there are %v", got)
	}
	text, exported := f.export(t, exchange.ExportOptions{After: 17, Account: "a"})
	if want := ",x,a,7.77,USD,,,,,7.77\n"; !strings.Contains(text, want) {
		t.Errorf("no %q, with the balance of a alone, in\n%s", want, text)
	}
	if exported.Transfers != 1 || exported.Entries != 2 || exported.Seq != 19 {
		t.Errorf("exported %+v", exported)
	}
	text, _ = f.export(t, exchange.ExportOptions{After: 17, Dated: true})
	for line := range strings.Lines(strings.SplitN(text, "\n", 2)[1]) {
		if fields := strings.Split(line, ","); fields[1] == "" || fields[4] != fields[1] {
			t.Errorf("the row is not dated: %s", line)
		}
	}
}

func TestExportsThatAreRefused(t *testing.T) {
	f := setup(t)
	f.assorted(t)
	for _, test := range []struct {
		options exchange.ExportOptions
		want    bursar.Code
	}{
		{exchange.ExportOptions{After: 20}, bursar.CodeAsOfAhead},
		{exchange.ExportOptions{Format: "xml"}, bursar.CodeUnsupported},
	} {
		var out bytes.Buffer
		_, err := exchange.Export(t.Context(), f.store, f.Book(), &out, &test.options)
		if bursar.CodeOf(err) != test.want || out.Len() > 0 {
			t.Errorf("%+v: got %v and %q, want %s and nothing", test.options, err, out.String(), test.want)
		}
	}
	full := errors.New("the disk is full")
	for _, format := range []string{exchange.FormatCSV, exchange.FormatJSONL, exchange.FormatHledger} {
		options := &exchange.ExportOptions{Format: format}
		if _, err := exchange.Export(t.Context(), f.store, f.Book(), fullDisk{full}, options); !errors.Is(err, full) {
			t.Errorf("%s: got %v, want %v", format, err, full)
		}
	}
}

type fullDisk struct{ err error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.err }

// A transfer may lie across the pages that an export reads, and a journal may be empty.
func TestExportAcrossPages(t *testing.T) {
	f := setup(t)
	text, exported := f.export(t, exchange.ExportOptions{})
	if strings.Count(text, "\n") != 1 || exported != (exchange.Exported{}) {
		t.Errorf("an empty journal became %+v\n%s", exported, text)
	}
	for _, test := range []struct {
		transfers, legs int
		steps           []int64
	}{
		{43, 71, []int64{1000, 2000, 3000, 3055}}, // a transfer lies across each border between pages
		{600, 2, []int64{1000, 1202}},             // one ends at the border, because two openings come first
	} {
		f, fresh := setup(t), setup(t)
		var rows strings.Builder
		rows.WriteString("id,leg,from,to,amount,memo\n")
		for i := range test.transfers {
			for leg := range test.legs {
				fmt.Fprintf(&rows, "%v,%d,x,a,0.0%d USD,m%d\n", bursar.IDOf("pages", i), leg, leg%9+1, i)
			}
		}
		f.csv(t, rows.String(), exchange.ImportOptions{Open: everything(t)})
		var steps []int64
		text, exported := f.export(t, exchange.ExportOptions{Progress: func(done, _ int64) { steps = append(steps, done) }})
		entries := test.transfers * test.legs
		want := exchange.Exported{Transfers: int64(test.transfers), Entries: int64(entries), Seq: int64(entries) + 2}
		if exported != want || strings.Count(text, "\n") != entries+1 {
			t.Errorf("exported %+v in %d lines, want %+v", exported, strings.Count(text, "\n"), want)
		}
		if diff := cmp.Diff(test.steps, steps); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
		summary, found := fresh.csv(t, text, exchange.ImportOptions{Open: everything(t)})
		if summary.Posted != want.Transfers || len(found.mismatches) > 0 {
			t.Errorf("imported %+v with %d mismatches", summary, len(found.mismatches))
		}
	}
}

// Texts of any kind come through both formats unchanged.
func TestAnyTextComesBack(t *testing.T) {
	f, back := setup(t), map[string]*fixture{exchange.FormatCSV: setup(t), exchange.FormatJSONL: setup(t)}
	f.csv(t, "from,to,amount\nx,a,1 USD\n", exchange.ImportOptions{Open: everything(t)})
	for _, fresh := range back {
		fresh.csv(t, "from,to,amount\nx,a,1 USD\n", exchange.ImportOptions{Open: everything(t)})
	}
	key := rapid.OneOf(rapid.Just("memo"), rapid.StringMatching(`[a-z,";\n]{1,9}`))
	value := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 }), 0, 40, 512)
	rapid.Check(t, func(rt *rapid.T) {
		units := rapid.Int64Range(1, 1e9).Draw(rt, "units")
		amount := money.FromUnits(units, money.MustParse("0 USD").Currency())
		metadata := rapid.MapOfN(key, value, 0, 4).Draw(rt, "metadata")
		head, err := f.Head(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		transfer := bursar.Transfer{Legs: []bursar.Leg{{From: "x", To: "a", Amount: amount}}, Metadata: metadata}
		posted, err := f.Post(t.Context(), transfer)
		if err != nil {
			rt.Fatal(err)
		}
		for format, fresh := range back {
			text, _ := f.export(t, exchange.ExportOptions{Format: format, After: head.Seq})
			if _, found, err := fresh.load(t, format, text, exchange.ImportOptions{}); err != nil || len(found.refused) > 0 {
				rt.Fatalf("%s: %v, refused %v:\n%s", format, err, found.refused, text)
			}
			want, err := f.Transfer(t.Context(), posted.ID)
			if err != nil {
				rt.Fatal(err)
			}
			got, err := fresh.Transfer(t.Context(), posted.ID)
			if err != nil {
				rt.Fatal(err)
			}
			same := want.Entries[0].RequestHash == got.Entries[0].RequestHash
			if diff := cmp.Diff(want.Metadata, got.Metadata); diff != "" || !same {
				rt.Fatalf("%s (-want +got):\n%s%s", format, diff, text)
			}
		}
	})
}
