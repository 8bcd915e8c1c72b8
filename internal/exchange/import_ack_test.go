package exchange_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
)

const ackRows = `id,from,to,amount,to_balance
,x,a,5 USD,5
,x,a,5 USD,10
0192f0c1-2345-7abc-8def-00000000000a,a,b,100 USD,
,x,a,5 USD,15
`

// acknowledged imports with an ack file.
func (f *fixture) acknowledged(t *testing.T, path, rows string, batch int) (exchange.Summary, findings, error) {
	t.Helper()
	ack, err := exchange.OpenAck(path, f.Book())
	if err != nil {
		return exchange.Summary{}, findings{}, err
	}
	defer func() {
		if err := ack.Close(); err != nil {
			t.Error(err)
		}
	}()
	return f.load(t, "csv", rows, exchange.ImportOptions{Open: openers(t, "x=min:none", "*"), Ack: ack, Batch: batch})
}

func TestAckFileIsPassedOver(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	want := exchange.Summary{Line: 5, Rows: 4, Transfers: 4, Posted: 3, Refused: 1, Opened: 3}
	for run, batch := range []int{2, 3, 100} {
		got, found, err := f.acknowledged(t, path, ackRows, batch)
		if err != nil {
			t.Fatal(err)
		}
		if run > 0 { // what was refused is asked for again, so that it is told again
			want.Posted, want.Opened, want.Acknowledged = 0, 0, 3
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", run, diff)
		}
		if len(found.refused) != 1 || found.refused[0].Code != bursar.CodeInsufficientFunds {
			t.Errorf("run %d: refused %v, want one insufficient_funds", run, found.refused)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n != 5 {
		t.Errorf("the file has %d lines, want the header and one for each row:\n%s", n, text)
	}
	if !bytes.Contains(text, []byte("\n"+idA+" insufficient_funds ")) {
		t.Errorf("the refusal is not in the file:\n%s", text)
	}
}

// Whatever the byte at which a crash cut the file, the next run ends with every row posted once and a whole file.
func TestAckFileCutAnywhere(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	if _, _, err := f.acknowledged(t, path, ackRows, 2); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(text []byte) int { return len(strings.Fields(string(text))) }
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := f.acknowledged(t, path, ackRows, 2)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if got.Posted != 0 || got.Refused != 1 || got.Replayed+got.Acknowledged != 3 || got.Mismatches != 0 {
			t.Errorf("cut at %d: got %+v", n, got)
		}
		again, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines(again) != lines(whole) || !bytes.HasPrefix(again, whole[:bytes.LastIndexByte(whole[:n], '\n')+1]) {
			t.Errorf("cut at %d: the file became\n%s", n, again)
		}
	}
	f.balance(t, "a", "15.00 USD")
}

func TestAckFileOfAnEditedRow(t *testing.T) {
	f := setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	const rows = "id,from,to,amount\n" + idA + ",x,a,5 USD\n"
	if _, _, err := f.acknowledged(t, path, rows, 0); err != nil {
		t.Fatal(err)
	}
	_, found, err := f.acknowledged(t, path, strings.Replace(rows, ",5 USD", ",6 USD", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.refused) != 1 || found.refused[0].Code != bursar.CodeIDReused {
		t.Errorf("refused %v, want one id_reused", found.refused)
	}
	f.balance(t, "a", "5.00 USD")
}

func TestAckFilesThatAreRefused(t *testing.T) {
	f, other := setup(t), setup(t)
	path := filepath.Join(t.TempDir(), "ack")
	if _, _, err := f.acknowledged(t, path, ackRows, 0); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, body, _ := strings.Cut(string(whole), "\n")
	line, _, _ := strings.Cut(body, "\n")
	for _, test := range []struct {
		name, text, want string
		ledger           *fixture
	}{
		{"of another book", string(whole), "another book", other},
		{"no ack file", ackRows, "not an ack file", f},
		{"damaged in the middle", header + "\n" + strings.Replace(line, "-", "+", 1) + "\n" + body, ":2: ", f},
		{"unknown code in the middle", header + "\n" + idA + " nonsense " + strings.Repeat("0", 32) + "\n" + body, ":2: ", f},
		{"ahead of the ledger", string(whole) + fmt.Sprintf("%s 99 %032d\n", idB, 0), "backup", f},
		{"of another history", header + "\n" + fmt.Sprintf("%s 4 %032d\n", idB, 0), "backup", f},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := test.ledger.acknowledged(t, path, ackRows, 0)
			if bursar.CodeOf(err) != bursar.CodeMalformed || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want malformed with %q", err, test.want)
			}
			kept, err := os.ReadFile(path)
			if err != nil || string(kept) != test.text {
				t.Errorf("the file was changed to\n%s", kept)
			}
		})
	}
}
