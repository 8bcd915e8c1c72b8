package exchange_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
)

const (
	thingA   = "6ba7b810-9dad-51d1-80b4-00c04fd430c8" // version 5
	thingB   = "6ba7b810-9dad-81d1-80b4-00c04fd430c9" // version 8
	attemptA = "6ba7b810-9dad-41d1-80b4-00c04fd430ca" // version 4; idA and idB have version 7
)

// Whatever the batches, the first run refuses what comes before its money, and the next one posts it.
func TestRefusedThingsAreAskedForAgain(t *testing.T) {
	for _, batch := range []int{1, 2, 100} {
		f := setup(t)
		path := filepath.Join(t.TempDir(), "ack")
		const rows = "id,from,to,amount\n,a,b,5 USD\n" + thingA + ",a,b,4 USD\n" + thingB + ",a,b,3 USD\n,x,a,12 USD\n"
		want := []exchange.Summary{
			{Line: 5, Rows: 4, Transfers: 4, Posted: 1, Refused: 3, Opened: 3},
			{Line: 5, Rows: 4, Transfers: 4, Posted: 3, Acknowledged: 1},
			{Line: 5, Rows: 4, Transfers: 4, Acknowledged: 4},
		}
		for run := range want {
			got, found, err := f.acknowledged(t, path, rows, batch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[run], got); diff != "" {
				t.Errorf("batches of %d, run %d (-want +got):\n%s", batch, run, diff)
			}
			for _, refusal := range found.refused {
				if refusal.Code != bursar.CodeInsufficientFunds || refusal.Final {
					t.Errorf("batches of %d, run %d: %+v is not a refusal of a thing", batch, run, refusal)
				}
			}
			wantLines(t, path, int(1+got.Posted+got.Acknowledged))
		}
		f.balance(t, "b", "12.00 USD")
		again, _ := f.csv(t, rows, exchange.ImportOptions{}) // without the ack file
		if again.Replayed != 4 {
			t.Errorf("got %+v, want 4 replayed", again)
		}
	}
}

// wantLines wants an ack file to have so many lines, its header among them.
func wantLines(t *testing.T, path string, want int) (text string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = string(file)
	if got := strings.Count(text, "\n"); got != want {
		t.Errorf("the file has %d lines, want %d:\n%s", got, want, text)
	}
	return text
}

// Money that has come in meanwhile changes nothing for an attempt, with an ack file or without.
func TestRefusedAttemptsStayRefused(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	const rows = "id,from,to,amount\n" + attemptA + ",a,b,5 USD\n" + idA + ",a,b,4 USD\n,x,a,20 USD\n"
	for run := range 3 {
		summary, found, err := f.acknowledged(t, path, rows, 1)
		if err != nil || summary.Refused != 2 || len(found.refused) != 2 || summary.Posted+summary.Acknowledged != 1 {
			t.Errorf("run %d: got %+v and %v, want 2 refused", run, summary, err)
		}
		for i, refusal := range found.refused {
			want := exchange.Refusal{Line: 2 + i, Error: &bursar.Error{
				Code: bursar.CodeInsufficientFunds, Final: true, Replayed: run > 0, Field: "legs[0]",
				Message: "a has 0.00 USD available and a minimum of 0.00 USD: " +
					[]string{"5.00", "4.00"}[i] + " USD is too much",
			}}
			want.ID, _ = bursar.ParseID([]string{attemptA, idA}[i])
			got := *refusal.Error
			if got.Decided == 0 || run == 0 && (got.Account != "a" || got.Needed == nil) {
				t.Errorf("run %d: %+v is not said whole", run, got)
			}
			got.Decided, got.Account, got.Available, got.Needed, got.Limit = 0, "", nil, nil, nil // not of a replay
			refusal.Error = &got
			if diff := cmp.Diff(want, refusal); diff != "" {
				t.Errorf("run %d (-want +got):\n%s", run, diff)
			}
		}
		text := wantLines(t, path, 4)
		if strings.Count(text, " insufficient_funds ") != 2 {
			t.Errorf("the final refusals are not in the file:\n%s", text)
		}
	}
	_, found := f.csv(t, rows, exchange.ImportOptions{})
	if len(found.refused) != 2 || !found.refused[0].Final {
		t.Errorf("without the file: refused %+v", found.refused)
	}
	f.balance(t, "a", "20.00 USD")
	anew := strings.NewReplacer(attemptA, "", idA, idB).Replace(rows) // a row without an id is a thing
	if summary, _ := f.csv(t, anew, exchange.ImportOptions{}); summary.Posted != 2 || summary.Replayed != 1 {
		t.Errorf("under other ids: got %+v, want 2 posted", summary)
	}
	f.balance(t, "b", "9.00 USD")
}

// Of two equal rows one is refused. The next run posts that one, and the other not again.
func TestOneOfEqualRowsIsRefused(t *testing.T) {
	f := setup(t)
	f.csv(t, "from,to,amount\nx,a,5 USD\n", exchange.ImportOptions{Open: everything(t)})
	const rows = "from,to,amount\na,c,5 USD\na,c,5 USD\n"
	o := exchange.ImportOptions{Open: openers(t, "**")}
	closed := "from,to,amount\nc,b,5 USD\nc,b,5 USD\n" // c has a minimum
	if summary, found := f.csv(t, closed, o); summary.Refused != 2 || found.refused[0].ID == found.refused[1].ID {
		t.Errorf("got %+v and refused %v, want 2 refused under ids of their own", summary, found.refused)
	}
	f.csv(t, rows, o) // a has none, and goes below zero
	f.csv(t, "from,to,amount\nc,x,5 USD\n", o)
	for run, want := range [][3]int64{{1, 0, 1}, {0, 1, 1}} { // posted, replayed, refused
		summary, _ := f.csv(t, closed, o)
		if got := [3]int64{summary.Posted, summary.Replayed, summary.Refused}; got != want {
			t.Errorf("run %d: posted, replayed, refused are %v, want %v", run, got, want)
		}
	}
	f.csv(t, "from,to,amount\nx,c,5 USD\n", o)
	if summary, _ := f.csv(t, closed, o); summary.Posted != 1 || summary.Replayed != 1 {
		t.Errorf("got %+v, want 1 posted and 1 replayed", summary)
	}
	f.balance(t, "b", "10.00 USD")
}

// The same thing further down in the file is posted where there is money, an attempt is not.
func TestThingTwiceInOneFile(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	const rows = "id,from,to,amount\n" + thingA + ",a,b,5 USD\n" + idA + ",a,b,5 USD\n,x,a,20 USD\n" +
		thingA + ",a,b,5 USD\n" + idA + ",a,b,5 USD\n" + thingA + ",a,b,5 USD\n"
	want := exchange.Summary{Line: 7, Rows: 6, Transfers: 6, Posted: 2, Replayed: 1, Refused: 3, Opened: 3}
	for range 2 {
		got, found, err := f.acknowledged(t, path, rows, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, refusal := range found.refused {
			if refusal.Final != (refusal.ID.String() == idA) {
				t.Errorf("final: %+v", refusal)
			}
		}
		wantLines(t, path, 4)
		want = exchange.Summary{Line: 7, Rows: 6, Transfers: 6, Acknowledged: 4, Refused: 2}
	}
	f.balance(t, "b", "5.00 USD")
}

// An id that was used for something else leaves what the file says of it as it is.
func TestReusedIDLeavesTheAckFile(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	const rows = "id,from,to,amount\n" + idA + ",x,a,5 USD\n,x,a,1 USD\n" + idA + ",x,a,6 USD\n"
	for run := range 2 {
		summary, found, err := f.acknowledged(t, path, rows, 0)
		if err != nil || len(found.refused) != 1 || found.refused[0].Code != bursar.CodeIDReused || found.refused[0].Final {
			t.Errorf("run %d: refused %v and %v, want one id_reused", run, found.refused, err)
		}
		if summary.Acknowledged != 2*int64(run) {
			t.Errorf("run %d: %+v", run, summary)
		}
		wantLines(t, path, 3)
	}
}
