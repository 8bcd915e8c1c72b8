package storetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
)

// runScripts plays every script of testdata/ledger at the root of the module, each on a new ledger.
func runScripts(t *testing.T, open func(*testing.T) Harness) {
	files, err := filepath.Glob(filepath.Join(moduleRoot(t), "testdata", "ledger", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			f := &fixture{T: t, Harness: open(t), open: open, clock: clock.NewFake(clockStart)}
			f.ledger = f.start(&ledger.Options{Migrate: true})
			f.play(filepath.Base(file), lines)
		})
	}
}

// moduleRoot is the directory of go.mod, found from the directory of the test that runs.
func moduleRoot(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("there is no go.mod above the working directory")
		}
		dir = up
	}
}

// play runs a script line by line and compares each answer with the line. At its end the books must balance and the
// chain must be right.
func (f *fixture) play(name string, lines []line) {
	for len(lines) > 0 {
		n, got, err := f.step(lines)
		if err != nil {
			f.Fatalf("%s:%d: %v", name, lines[0].number, err)
		}
		for i := range got {
			if l := &lines[n-len(got)+i]; got[i] != l.want {
				f.Errorf("%s:%d: %s comes to %q, want %q", name, l.number, l.verb, got[i], l.want)
			}
		}
		f.sealPosted()
		lines = lines[n:]
	}
	f.trialBalance()
	f.wantChain(f.ledger)
}

// step runs the first line, or as many lines as make a batch. It returns how many lines it took, and the answers of the
// last of them.
func (f *fixture) step(lines []line) (taken int, results []string, err error) {
	l := &lines[0]
	var result string
	switch l.verb {
	case "clock":
		now, err := time.Parse(time.RFC3339, strings.Join(l.words, " "))
		f.clock.Set(now)
		return 1, nil, err
	case "batch":
		return f.stepBatch(lines)
	case "account":
		o, err := l.opening()
		if err != nil {
			return 0, nil, err
		}
		posted, err := f.ledger.OpenAccount(f.Context(), o)
		return 1, []string{answer(posted, err)}, nil
	case "transfer":
		t, err := l.transfer()
		if err != nil {
			return 0, nil, err
		}
		posted, err := f.ledger.Post(f.Context(), t)
		return 1, []string{answer(posted, err)}, nil
	case "balance":
		result, err = f.stepBalance(l)
	case "statement":
		result, err = f.stepStatement(l)
	case "trial":
		result, err = f.stepTrial(l)
	}
	return 1, []string{result}, err
}

func (f *fixture) stepBatch(lines []line) (taken int, answers []string, err error) {
	var n int
	if _, err := fmt.Sscanf(strings.Join(lines[0].words, " "), "%d", &n); err != nil || n < 1 || n >= len(lines) {
		return 0, nil, fmt.Errorf("write: batch NUMBER, and as many transfers below")
	}
	batch := make([]bursar.Transfer, n)
	for i := range batch {
		if l := &lines[i+1]; l.verb != "transfer" {
			return 0, nil, fmt.Errorf("line %d is a %s inside a batch", l.number, l.verb)
		}
		if batch[i], err = lines[i+1].transfer(); err != nil {
			return 0, nil, err
		}
	}
	results, err := f.ledger.PostBatch(f.Context(), batch)
	for _, result := range results {
		answers = append(answers, answer(result.Posted, result.Err))
	}
	return n + 1, answers, err
}

// answer is the answer to an account or transfer line, as a script writes it.
func answer(posted bursar.Posted, err error) string {
	switch {
	case err != nil:
		return strings.TrimSpace(string(bursar.CodeOf(err)) + " " + fieldOf(err))
	case posted.Replayed:
		return "again"
	default:
		return "ok"
	}
}

func (f *fixture) stepBalance(l *line) (string, error) {
	asOf, err := l.asOf()
	if err != nil || len(l.words) != 1 {
		return "", errors.Join(errors.New("write: balance PATH [seq=N] [at=TIME] [effective=TIME]"), err)
	}
	balance, err := f.ledger.Balance(f.Context(), l.words[0], asOf)
	if err != nil {
		return answer(bursar.Posted{}, err), nil
	}
	return balance.Balance.String(), nil
}

// stepStatement lists the amounts of an account's transfers, the first one first.
func (f *fixture) stepStatement(l *line) (string, error) {
	var amounts []string
	q := bursar.StatementQuery{Forward: true}
	for line, err := range f.ledger.AllLines(f.Context(), strings.Join(l.words, " "), q) {
		if err != nil {
			return "", err
		}
		for _, leg := range line.Legs {
			amount, _, _ := strings.Cut(leg.Amount.String(), " ")
			amounts = append(amounts, amount)
		}
	}
	return strings.Join(amounts, " "), nil
}

func (f *fixture) stepTrial(l *line) (string, error) {
	totals, _, err := f.ledger.TrialBalance(f.Context(), nil)
	for _, total := range totals {
		if total.Currency.String() == strings.Join(l.words, " ") {
			positive, _, _ := strings.Cut(total.Positive.String(), " ")
			negative, _, _ := strings.Cut(total.Negative.String(), " ")
			return fmt.Sprintf("%d accounts %s %s", total.Accounts, positive, negative), err
		}
	}
	return "none", err
}
