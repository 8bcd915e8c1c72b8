package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

const (
	idA = "0192f0c1-2345-7abc-8def-00000000000a"
	idB = "0192f0c1-2345-7abc-8def-00000000000b"
)

func TestEqualRowsAllPostAndARerunPostsNothing(t *testing.T) {
	f := setup(t)
	const rows = "from,to,amount,effective\n" +
		"x,a,5.00 USD,2026-01-01\nx,a,5.00 USD,2026-01-01\nx,a,5.00 USD,2026-01-02\nx,a,5.00 USD,\n"
	got, _ := f.csv(t, rows, exchange.ImportOptions{Open: everything(t), Batch: 1})
	want := exchange.Summary{Line: 5, Rows: 4, Transfers: 4, Posted: 4, Opened: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	got, _ = f.csv(t, rows, exchange.ImportOptions{Batch: 3})
	want = exchange.Summary{Line: 5, Rows: 4, Transfers: 4, Replayed: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
	f.balance(t, "a", "20.00 USD")
	// The same rows in other columns and other spelling, and one more of them.
	respelt := "to,currency,amount,effective,from,to_balance\n" + strings.Repeat("a,USD,5,2026-01-01T00:00:00Z,x,\n", 3)
	got, _ = f.csv(t, respelt, exchange.ImportOptions{})
	if got.Replayed != 2 || got.Posted != 1 {
		t.Errorf("%d posted and %d replayed, want 1 and 2", got.Posted, got.Replayed)
	}
}

func TestRowsWithOneIDAreLegs(t *testing.T) {
	f := setup(t)
	summary, _ := f.csv(t, "id,from,to,amount,reference,memo\n"+
		idA+",x,a,5.00 USD,order-1,hello\n"+
		idA+",a,b,2.00 USD,,\n"+
		idA+",a,c,1.00 USD,order-1,hello\n"+
		idB+",x,a,1.00 USD,,\n", exchange.ImportOptions{Open: everything(t), Batch: 1})
	if summary.Rows != 4 || summary.Transfers != 2 || summary.Posted != 2 {
		t.Errorf("got %+v, want 4 rows, 2 transfers, 2 posted", summary)
	}
	id, err := bursar.ParseID(idA)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Transfer(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var legs []string
	for _, e := range got.Entries {
		legs = append(legs, fmt.Sprint(e.Leg, " ", e.From, " ", e.To, " ", e.Amount))
	}
	want := []string{"0 x a 5.00 USD", "1 a b 2.00 USD", "2 a c 1.00 USD"}
	if diff := cmp.Diff(want, legs); diff != "" {
		t.Errorf("legs (-want +got):\n%s", diff)
	}
	if got.Reference != "order-1" || got.Metadata["memo"] != "hello" {
		t.Errorf("reference %q and metadata %v", got.Reference, got.Metadata)
	}
}

func TestLegsThatDoNotFit(t *testing.T) {
	for _, test := range []struct{ name, rows, place string }{
		{"a doubled line", ",x,a,1 USD,,,,\n,x,a,1 USD,,,,\n", "in.csv:3: column id: "},
		{"a leg left out", "0,x,a,1 USD,,,,\n2,x,a,1 USD,,,,\n", "in.csv:3: column leg: "},
		{"another reference", ",x,a,1 USD,r,,,\n,x,b,1 USD,s,,,\n", "in.csv:3: column reference: "},
		{"another memo", ",x,a,1 USD,,m,,\n,x,b,1 USD,,n,,\n", "in.csv:3: column metadata: "},
		{"another time", ",x,a,1 USD,,,2026-01-01,\n,x,b,1 USD,,,2026-01-02,\n", "in.csv:3: column effective: "},
		{"too many", strings.Repeat(",x,a,1 USD,,,,\n,x,b,1 USD,,,,\n", 129), "in.csv:258: column id: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := setup(t)
			var text strings.Builder
			text.WriteString("id,leg,from,to,amount,reference,memo,effective,to_balance\n")
			for line := range strings.Lines(test.rows) {
				text.WriteString(idA + "," + line)
			}
			_, _, err := f.load(t, "csv", text.String(), exchange.ImportOptions{Open: everything(t)})
			wantAt(t, err, test.place, bursar.CodeLegsInvalid)
			f.head(t, 0)
		})
	}
}

// Numbered legs may be equal, and a leg 0 begins anew: that is the same transfer a second time, not more legs of it.
func TestNumberedLegs(t *testing.T) {
	f := setup(t)
	const rows = "id,leg,from,to,amount\n" + idA + ",0,x,a,1 USD\n" + idA + ",1,x,a,1 USD\n"
	again := strings.TrimPrefix(rows, "id,leg,from,to,amount\n")
	summary, _ := f.csv(t, rows+again, exchange.ImportOptions{Open: everything(t)})
	if summary.Posted != 1 || summary.Replayed != 1 {
		t.Errorf("got %+v, want 1 posted and 1 replayed", summary)
	}
	f.balance(t, "a", "2.00 USD")
}

func TestMissingAccountStopsTheBatchBeforeAnythingIsDone(t *testing.T) {
	f := setup(t)
	const rows = "from,to,amount\nx,users:1,1 USD\nx,users:2,1 USD\nx,users:1,1 USD\nx,others:1,1 USD\n"
	summary, _, err := f.load(t, "csv", rows, exchange.ImportOptions{Open: openers(t, "x=min:none", "users:*"), Batch: 2})
	wantAt(t, err, "in.csv:5: column to: ", bursar.CodeAccountNotFound)
	if summary.Line != 3 || summary.Posted != 2 {
		t.Errorf("got %+v, want 2 posted, up to line 3", summary)
	}
	f.head(t, 5) // three openings and the first batch
	// The rows are not spoilt: they post once the account may be opened.
	summary, found := f.csv(t, rows, exchange.ImportOptions{Open: openers(t, "others:*")})
	if summary.Posted != 2 || summary.Replayed != 2 || summary.Opened != 1 || len(found.refused) > 0 {
		t.Errorf("got %+v, want 2 posted and 2 replayed", summary)
	}
}

func TestMalformedRowKeepsEarlierBatches(t *testing.T) {
	f := setup(t)
	rows := "from,to,amount\n" + strings.Repeat("x,a,1 USD\n", 5) + "x,a,one\n"
	summary, _, err := f.load(t, "csv", rows, exchange.ImportOptions{Open: everything(t), Batch: 2})
	if bursar.CodeOf(err) != bursar.CodeAmountInvalid || summary.Posted != 4 || summary.Line != 5 {
		t.Errorf("got %+v and %v, want 4 posted and amount_invalid", summary, err)
	}
	summary, _ = f.csv(t, strings.Replace(rows, "one", "1 USD", 1), exchange.ImportOptions{})
	if summary.Replayed != 4 || summary.Posted != 2 {
		t.Errorf("got %+v, want 4 replayed and 2 posted", summary)
	}
}

func TestRefusalsDoNotStopTheRest(t *testing.T) {
	f := setup(t)
	const rows = "id,from,to,amount\n,x,a,5 USD\n" + idA + ",a,b,6 USD\n,a,b,5 USD\n" + idA + ",a,b,1 USD\n"
	summary, found := f.csv(t, rows, exchange.ImportOptions{Open: openers(t, "x=min:none", "*")})
	available, needed := money.MustParse("5.00 USD"), money.MustParse("6.00 USD")
	limit := money.MustParse("0.00 USD")
	want := []exchange.Refusal{
		{Line: 3, Error: &bursar.Error{Code: bursar.CodeInsufficientFunds, Final: true, Field: "legs[0]",
			Message: "a has 5.00 USD available and a minimum of 0.00 USD: 6.00 USD is too much",
			Account: "a", Available: &available, Needed: &needed, Limit: &limit}},
		{Line: 5, Error: &bursar.Error{Code: bursar.CodeIDReused, Field: "legs[0].amount",
			Message: idA + " was used before with another legs[0].amount"}},
	}
	for i := range want {
		want[i].ID, _ = bursar.ParseID(idA)
	}
	if found.refused[0].Decided == 0 {
		t.Error("nobody says when it was decided")
	}
	found.refused[0].Decided = 0
	if diff := cmp.Diff(want, found.refused); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if summary.Posted != 2 || summary.Refused != 2 {
		t.Errorf("got %+v, want 2 posted and 2 refused", summary)
	}
}

func TestMismatchIsReportedWhereItBegins(t *testing.T) {
	f := setup(t)
	const rows = `from,to,amount,from_balance,to_balance
x,a,10.00 USD,-10.00 USD,10.00
x,a,10.00 USD,,20.10
x,a,10.00 USD,,30.10
x,b,1.00 EUR,,
y,b,1.00 EUR,-1.00,1.50
x,a,10.00 USD,-40.00,39.90
x,a,10.00 USD,,50.00
`
	inEuros := bursar.Opening{Path: "y", Currency: money.MustParse("1 EUR").Currency(), NoMin: true}
	if _, err := f.OpenAccount(t.Context(), inEuros); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"3 a expected 20.10 USD actual 20.00 USD off 0.10 USD",
		"6 b expected 1.50 EUR actual 1.00 EUR off 0.50 EUR",
		"7 a expected 39.90 USD actual 40.00 USD off -0.20 USD",
		"8 a expected 50.00 USD actual 50.00 USD off 0.10 USD",
	}
	// The first batch size posts, the others replay. x is not in euros, so line 5 is refused.
	for _, batch := range []int{0, 1, 2, 3} {
		summary, found := f.csv(t, rows, exchange.ImportOptions{Open: everything(t), Batch: batch})
		var got []string
		for _, m := range found.mismatches {
			got = append(got, fmt.Sprintf("%d %s expected %v actual %v off %v", m.Line, m.Account, m.Expected, m.Actual, m.Off))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batches of %d (-want +got):\n%s", batch, diff)
		}
		net := []money.Amount{money.MustParse("0.00 USD"), money.MustParse("0.50 EUR")}
		if summary.Mismatches != 4 || !slices.Equal(summary.Net, net) || summary.Refused != 1 {
			t.Errorf("batches of %d: got %+v, want 4 mismatches, net %v, 1 refused", batch, summary, net)
		}
	}
}

func TestLimitsOfOpenedAccounts(t *testing.T) {
	f := setup(t)
	f.csv(t, "from,to,amount\nx,users:1,1.00 USD\nx,users:2:savings,1.00 USD\ny,shops:1,1 CHIP/0\n",
		exchange.ImportOptions{Open: openers(t, "users:*=min:-5,max:1000.50", "users:**=min:-7.00 USD", "**=min:none")})
	for path, want := range map[string][2]string{
		"x": {"", ""}, "users:1": {"-5.00 USD", "1000.50 USD"}, "users:2:savings": {"-7.00 USD", ""}, "shops:1": {"", ""},
	} {
		account, err := f.Account(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var got [2]string
		for i, limit := range []*money.Amount{account.Min, account.Max} {
			if limit != nil {
				got[i] = limit.String()
			}
		}
		if got != want {
			t.Errorf("%s has the limits %q, want %q", path, got, want)
		}
	}
	for _, opener := range []string{"**=min:-7.00 EUR", "**=min:0.001", "**=min:1"} {
		_, _, err := f.load(t, "csv", "from,to,amount\nx,z,1.00 USD\n", exchange.ImportOptions{Open: openers(t, opener)})
		if bursar.CodeOf(err) != bursar.CodeLimitsInvalid {
			t.Errorf("%s: got %v, want limits_invalid", opener, err)
		}
	}
}

// A context that ends stops the import between two batches.
func TestCancelStopsBetweenBatches(t *testing.T) {
	f := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := exchange.NewRows("csv", "in", strings.NewReader("from,to,amount\n"+strings.Repeat("x,a,1 USD\n", 10)))
	if err != nil {
		t.Fatal(err)
	}
	summary, err := exchange.Import(ctx, f.Ledger, rows, &exchange.ImportOptions{Open: everything(t), Batch: 3,
		Progress: func(s exchange.Summary) {
			if s.Posted == 6 {
				cancel()
			}
		}})
	if bursar.CodeOf(err) != bursar.CodeCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if summary.Posted != 6 || summary.Line != 7 {
		t.Errorf("got %+v, want 6 posted, up to line 7", summary)
	}
	f.balance(t, "a", "6.00 USD")
}

// A file that cannot be read further ends the import with that error.
func TestReadErrorEndsTheImport(t *testing.T) {
	f := setup(t)
	broken := errors.New("the disk is gone")
	file := io.MultiReader(strings.NewReader("from,to,amount\nx,a,1 USD\n"), failing{broken})
	rows, err := exchange.NewRows("csv", "in", file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = exchange.Import(t.Context(), f.Ledger, rows, &exchange.ImportOptions{Open: everything(t)})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	f.head(t, 0)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// unlucky is a store in which one batch cannot be written as a whole, and then not its second transfer either.
type unlucky struct {
	driver.Store
	writes int
}

func (s *unlucky) Write(ctx context.Context, mode driver.Mode, retried func(string),
	fn func(context.Context, driver.Tx) error) error {
	switch s.writes++; s.writes {
	case 1:
		return bursar.Errorf(bursar.CodeInternal, "no batch of several")
	case 3:
		return bursar.Errorf(bursar.CodeUnavailable, "the database has gone away")
	default:
		return s.Store.Write(ctx, mode, retried, fn)
	}
}

// A transfer that fails for a reason which is not its own is not a refusal: the import ends, and the next one posts it.
func TestTroubleIsNoRefusal(t *testing.T) {
	f := setup(t)
	for _, path := range []string{"x", "a"} {
		usd := money.MustParse("0 USD").Currency()
		if _, err := f.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd, NoMin: path == "x"}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ledger.New(t.Context(), &unlucky{Store: f.store}, &ledger.Options{Strategy: ledger.Queue{}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ack")
	const rows = "from,to,amount\nx,a,1 USD\nx,a,2 USD\nx,a,4 USD\nx,a,8 USD\n"
	summary, found, err := (&fixture{l, f.store}).acknowledged(t, path, rows, 0)
	if bursar.CodeOf(err) != bursar.CodeUnavailable || !strings.Contains(err.Error(), "line 3: ") {
		t.Errorf("got %v, want unavailable on line 3", err)
	}
	if summary.Posted != 3 || summary.Refused != 0 || len(found.refused) > 0 {
		t.Errorf("got %+v and refused %v, want 3 posted", summary, found.refused)
	}
	summary, _, err = f.acknowledged(t, path, rows, 0)
	if err != nil || summary.Acknowledged != 3 || summary.Posted != 1 {
		t.Errorf("got %+v and %v, want 3 acknowledged and 1 posted", summary, err)
	}
	f.balance(t, "a", "15.00 USD")
}

func TestOpeners(t *testing.T) {
	for _, test := range []struct {
		pattern  string
		yes, not []string
	}{
		{"a:b", []string{"a:b"}, []string{"a", "a:b:c", "b:a"}},
		{"a:*", []string{"a:b", "a:c"}, []string{"a", "a:b:c", "b:a"}},
		{"*:b", []string{"a:b"}, []string{"b", "a:c"}},
		{"a:**", []string{"a:b", "a:b:c"}, []string{"a", "b:a"}},
		{"*:x:**", []string{"a:x:1", "b:x:1:2"}, []string{"a:x", "x:a:1"}},
		{"**", []string{"a", "a:b:c"}, nil},
	} {
		o := openers(t, test.pattern)[0]
		for _, path := range test.yes {
			if !o.Matches(path) {
				t.Errorf("%s does not match %s", test.pattern, path)
			}
		}
		for _, path := range test.not {
			if o.Matches(path) {
				t.Errorf("%s matches %s", test.pattern, path)
			}
		}
	}
	for _, text := range []string{
		"", "a:", "a b", "user*", "**:a", "a=", "a=min", "a=min:", "a=min:none,min:1", "a=min:1,min:1", "a=min:one",
		"a=max:none", "a=max:1e2", "a=min:1 USX", "a=floor:1",
	} {
		if _, err := exchange.ParseOpener(text); bursar.CodeOf(err) != bursar.CodeMalformed {
			t.Errorf("%q: got %v, want malformed", text, err)
		}
	}
}
