package main

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// needs skips the test where a program is not installed, and fails it when BURSAR_REQUIRE lists that program.
func needs(t *testing.T, program string) {
	t.Helper()
	switch there, err := condition("has:" + program); {
	case err != nil:
		t.Fatal(err)
	case !there:
		t.Skipf("%s is not installed", program)
	}
}

// hledger runs hledger over a journal.
func hledger(t *testing.T, journal string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "hledger", append([]string{"-f", "-"}, args...)...)
	cmd.Stdin = strings.NewReader(journal)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("hledger %q: %v: %s", args, err, &stderr)
	}
	return stdout.String()
}

const hardMemo = "a; b, c: d [2020-13-45] [=99/99] 100% | line\nnext \u2028 ü "

// hardLedger makes a ledger with what is hard to write down for others, and returns its URL.
func hardLedger(t *testing.T) string {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "hard.db")
	withLibrary(t, database, func(l *ledger.Ledger) {
		for path, currency := range map[string]string{
			"outside:dollars": "USD", "users": "USD", "users:1": "USD", "users:2": "USD", "zero": "USD",
			"-x.y": "CHIP/0", "+x@y": "CHIP/0", "out:_": "ETH/18", "in:1": "ETH/18", "tiny": "P.2_X/30", "unused": "USDT/6",
			"yen": "JPY", "outside:yen": "JPY", "outside:tiny": "P.2_X/30", "dinars": "BHD", "outside:dinars": "BHD",
		} {
			c, err := money.ParseCurrency(currency)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: c, NoMin: true}); err != nil {
				t.Fatal(err)
			}
		}
		for i, transfer := range []bursar.Transfer{
			{Legs: []bursar.Leg{hard("outside:dollars", "users:1", "1234567.89 USD")}, Reference: `(7) ; * ! = "1,000.00" | x`},
			{Legs: []bursar.Leg{
				hard("users:1", "users:2", "0.01 USD"), hard("users:1", "users:2", "0.01 USD"),
				hard("users:2", "users", "0.02 USD"),
			}},
			{
				Legs: []bursar.Leg{
					hard("+x@y", "-x.y", "1000 CHIP/0"), hard("out:_", "in:1", "123456789012345678.123456789012345678 ETH/18"),
					hard("outside:yen", "yen", "5000000 JPY"), hard("outside:dinars", "dinars", "1.001 BHD"),
				},
				Metadata: bursar.Metadata{"memo": hardMemo},
			},
			{
				Legs:      []bursar.Leg{hard("outside:tiny", "tiny", "0.000000000000000000000000000001 P.2_X/30")},
				Reference: "=2020-01-01",
			},
			{
				Legs:      []bursar.Leg{hard("outside:dollars", "zero", "5.00 USD"), hard("zero", "outside:dollars", "5.00 USD")},
				Effective: time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC),
				Metadata:  bursar.Metadata{"date": "1/1", "date2": "x", "a b:c,d": "", "type": "X"},
			},
		} {
			transfer.ID = bursar.IDOf("hard", i)
			if _, err := l.Post(t.Context(), transfer); err != nil {
				t.Fatal(err)
			}
		}
	})
	return database
}

func hard(from, to, amount string) bursar.Leg {
	return bursar.Leg{From: from, To: to, Amount: money.MustParse(amount)}
}

func withLibrary(t *testing.T, database string, fn func(*ledger.Ledger)) {
	t.Helper()
	s, err := store.Open(database)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	fn(l)
}

// TestHledgerAgrees has hledger add up the exported journal: every account has the balance of the ledger.
func TestHledgerAgrees(t *testing.T) {
	needs(t, "hledger")
	database := hardLedger(t)
	code, journal, stderr := line(t, t.Context(), "--db", database, "export", "--format", "hledger")
	if code != 0 {
		t.Fatal(stderr)
	}
	table, err := csv.NewReader(strings.NewReader(hledger(t, journal, "balance", "-N", "--flat", "-O", "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]money.Amount)
	for _, row := range table[1:] {
		if got[row[0]], err = money.Parse(strings.ReplaceAll(row[1], `"`, "")); err != nil {
			t.Errorf("%q: %v", row, err)
		}
	}
	want := make(map[string]money.Amount)
	var accounts []string
	withLibrary(t, database, func(l *ledger.Ledger) {
		_, _, err := l.TrialBalance(t.Context(), func(a bursar.Account) error {
			accounts = append(accounts, a.Path)
			if !a.Balance.IsZero() { // hledger leaves those out
				want[a.Path] = a.Balance
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("balances (-ledger +hledger):\n%s", diff)
	}
	known := strings.Fields(hledger(t, journal, "accounts", "--declared"))
	slices.Sort(known)
	if diff := cmp.Diff(accounts, known); diff != "" {
		t.Errorf("declared accounts (-ledger +hledger):\n%s", diff)
	}
	hledger(t, journal, "check", "accounts", "commodities")
}

// TestHledgerReadsTheRest looks at what hledger reads of a transfer besides its money.
func TestHledgerReadsTheRest(t *testing.T) {
	needs(t, "hledger")
	code, journal, stderr := line(t, t.Context(), "--db", hardLedger(t), "export", "--format", "hledger")
	if code != 0 {
		t.Fatal(stderr)
	}
	for tag, want := range map[string]string{
		"^memo$": hardMemo, "^bursar-reference$": `(7) ; * ! = "1,000.00" | x`, "^meta-date$": "1/1", "^type$": "X",
	} {
		values := strings.Split(strings.TrimSuffix(hledger(t, journal, "tags", "--values", tag), "\n"), "\n")
		for i := range values {
			plain, err := url.PathUnescape(values[i])
			if err != nil {
				t.Errorf("%s: %v", tag, err)
			}
			values[i] = plain
		}
		if !slices.Contains(values, want) {
			t.Errorf("%s has the values %q, want %q among them", tag, values, want)
		}
	}
	register := hledger(t, journal, "register", "-O", "csv", "zero")
	if !strings.Contains(register, `"1999-12-31"`) {
		t.Errorf("the backdated transfer is not in 1999:\n%s", register)
	}
	register = hledger(t, journal, "register", "-O", "csv", "outside:dollars")
	if !strings.Contains(register, `"(7) , * ! = ""1,000.00"" | x"`) {
		t.Errorf("the reference is not the description:\n%s", register)
	}
}

// TestExportToAFile lets an export fail: the file that was there stays as it was.
func TestExportToAFile(t *testing.T) {
	database := hardLedger(t)
	name := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := line(t, t.Context(), "--db", database, "export", "--format", "xml", "--out", name); code == 0 {
		t.Errorf("an unknown format is accepted: %s", stderr)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "old" {
		t.Errorf("a failed export has left %q: %v", text, err)
	}
	_, want, _ := line(t, t.Context(), "--db", database, "export", "--format", "jsonl")
	code, stdout, stderr := line(t, t.Context(), "--db", database, "export", "--format", "jsonl", "--out", name)
	if code != 0 || stdout != "" {
		t.Errorf("exit code %d, stdout %q: %s", code, stdout, stderr)
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != want || want == "" {
		t.Errorf("the file is not what stdout got (-want +got):\n%s", cmp.Diff(want, string(text)))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); err != nil || len(left) != 1 {
		t.Errorf("there are %q: %v", left, err)
	}
}

// TestExportIntoAClosedPipe closes the pipe early: the export ends without a word about it.
func TestExportIntoAClosedPipe(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "bursar.db")
	var rows strings.Builder
	rows.WriteString("from,to,amount\n")
	for range 5_000 {
		rows.WriteString("a,b,1.00 USD\n")
	}
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := line(t, t.Context(), "--db", database, "import", "--open", "**=min:none", name); code != 0 {
		t.Fatal(stderr)
	}
	cmd := exec.CommandContext(t.Context(), "bursar", "--db", database, "export")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	// The signal ends it, or it ends by itself.
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
	if strings.Contains(stderr.String(), "panic") || strings.Contains(stderr.String(), "error") {
		t.Errorf("it says %q", &stderr)
	}
}
