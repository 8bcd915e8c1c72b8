package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// realFile is the whole data set, which is not part of the repository.
const realFile = "../../../shared/data/czech-bank.csv.gz"

const header = "trans_id,account,date,direction,operation,purpose,partner_bank,partner_account,amount,balance_after\n"

// replay runs the program and returns what it printed, without the time.
func replay(t *testing.T, database, file string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), database, file, &out); err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(out.String(), "time ")
	if !found {
		t.Errorf("no time in:\n%s", out.String())
	}
	return before
}

func fixture(t *testing.T, rows string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(header + rows))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bank.csv.gz")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFixture(t *testing.T) {
	file := fixture(t, `1,7,1993-01-01,in,cash deposit,,,,900.00,900.00
2,8,1993-01-01,in,collection from another bank,pension,AB,123,50.00,50.00
3,7,1993-01-02,out,remittance to another bank,household,CD,456,1000.00,-100.00
4,7,1993-01-31,in,,interest,,,1.55,-98.35
5,7,1993-01-31,out,cash withdrawal,statement fee,,,10.00,-108.35
6,7,1993-02-28,in,,interest,,,1.00,-107.65
`)
	database := "sqlite:" + filepath.Join(t.TempDir(), "bank.db")
	want := `posted           6 transfers, replayed 0
accounts         7
off              2 printed balances do not follow from the bank's own amounts, -0.20 CZK net
reproduced       6 printed balances: the ledger has each one, less what the bank is off by
negative         4 printed balances
`
	if diff := cmp.Diff(want, replay(t, database, file)); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	again := strings.Replace(want,
		"posted           6 transfers, replayed 0", "posted           0 transfers, replayed 6", 1)
	if diff := cmp.Diff(again, replay(t, database, file)); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
}

func TestMalformedFile(t *testing.T) {
	for _, test := range []struct{ name, rows, want string }{
		{"an amount that is none", "1,7,1993-01-01,in,,,,,1e2,900.00\n", "line 2: "},
		{"neither in nor out", "1,7,1993-01-01,to,,,,,1.00,900.00\n", "line 2: the direction"},
		{"no date", "1,7,1993-01-01,in,,,,,1.00,1.00\n2,7,yesterday,in,,,,,1.00,2.00\n", "line 3: "},
		{"nothing moves", "1,7,1993-01-01,in,,,,,0.00,0.00\n", "trans_id 1: amount_not_positive"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bank.db"), fixture(t, test.rows), &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRealFile(t *testing.T) {
	if _, err := os.Stat(realFile); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the data set is not there: put it at %s", realFile)
	}
	database := "sqlite:" + filepath.Join(t.TempDir(), "bank.db")
	first := replay(t, database, realFile)
	for _, want := range []string{
		"posted       39875 transfers, replayed 0\n",
		"off           1860 printed balances do not follow from the bank's own amounts, -38.20 CZK net\n",
		"reproduced   39875 printed",
		"negative        65 printed",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	second := replay(t, database, realFile)
	if !strings.Contains(second, "posted           0 transfers, replayed 39875\n") {
		t.Errorf("the second run posted something:\n%s", second)
	}
}
