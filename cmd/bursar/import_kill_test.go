package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

func TestImportKilled(t *testing.T) {
	killImport(t, &killing{rows: 20_000, kills: 3, batch: 512})
}

func TestTortureImportKilled(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	killImport(t, &killing{rows: 200_000, kills: 10, batch: 4096})
}

// killing is an import that is killed again and again, and what it must come to in the end.
type killing struct {
	rows, kills, batch int
	folder, database   string
	ids                []bursar.ID // of the rows that have one
	balances           map[string]money.Amount
}

// killImport kills an import at random moments, often enough, and then lets it end. Every row must be posted once,
// whatever the moments were. BURSAR_SEED repeats the moments and rows of an earlier run.
func killImport(t *testing.T, k *killing) {
	seed := rand.Uint64()
	if text := os.Getenv("BURSAR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	k.folder = t.TempDir()
	k.database = "sqlite:" + filepath.Join(k.folder, "bursar.db")
	k.write(t, random)
	killed := 0
	// How long one life of the import is: a guess at its share of the whole. The loop corrects it.
	longest := time.Duration(k.rows/k.kills) * 100 * time.Microsecond
	for killed < k.kills {
		before := k.acknowledged(t)
		if !k.run(t, 1+time.Duration(random.Int64N(int64(longest)))) {
			killed++
			k.check(t)
			if k.acknowledged(t) == before {
				longest += longest / 2
			}
			continue
		}
		if killed > 0 {
			break
		}
		longest /= 2 // it ended before it could be killed once: begin anew
		k.forget(t)
	}
	t.Logf("killed %d times, with %d of %d rows acknowledged", killed, k.acknowledged(t), k.rows)
	if !k.run(t, 0) {
		t.Fatal("the last run was killed although nobody killed it")
	}
	k.complete(t)
}

// write makes the file: rows with and without ids, some of them equal, with the balance that each must lead to.
func (k *killing) write(t *testing.T, random *rand.Rand) {
	t.Helper()
	currency, err := money.Lookup("USD")
	if err != nil {
		t.Fatal(err)
	}
	k.balances = make(map[string]money.Amount)
	var file bytes.Buffer
	file.WriteString("id,from,to,amount,currency,to_balance\n")
	for i := range k.rows {
		account := fmt.Sprintf("users:%d", random.IntN(100))
		amount := money.FromUnits(1+random.Int64N(3), currency)
		balance, ok := k.balances[account]
		if !ok {
			balance = money.Zero(currency)
		}
		if balance, err = balance.Add(amount); err != nil {
			t.Fatal(err)
		}
		k.balances[account] = balance
		id := ""
		if i%2 == 0 {
			k.ids = append(k.ids, bursar.IDOf("kill", i))
			id = k.ids[len(k.ids)-1].String()
		}
		fmt.Fprintf(&file, "%s,outside,%s,%s,USD,%s\n", id, account, amount.Decimal(), balance.Decimal())
	}
	if err := os.WriteFile(filepath.Join(k.folder, "rows.csv"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run imports, and kills the program after a time unless that is zero. It reports whether the import came to its end.
func (k *killing) run(t *testing.T, after time.Duration) bool {
	t.Helper()
	ctx := t.Context()
	if after > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, after) // at its end the program gets SIGKILL
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "bursar", "--db", k.database, "import", "--ack", "ack",
		"--open", "users:*", "--open", "outside=min:none", "--batch", strconv.Itoa(k.batch), "-o", "csv", "rows.csv")
	cmd.Dir = k.folder
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil && strings.Count(stdout.String(), "\n") != 1:
		t.Fatalf("there are findings:\n%s", &stdout) // a refusal, or a balance that did not come out
	case err == nil:
		return true
	case ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &exit) && exit.ExitCode() == -1):
		return false
	default:
		t.Fatalf("%v: %s", err, &stderr)
	}
	return false
}

// forget takes the ledger and the ack file away.
func (k *killing) forget(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ack", "bursar.db", "bursar.db-wal", "bursar.db-shm"} {
		if err := os.Remove(filepath.Join(k.folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// lines are the whole lines of the ack file but the header.
func (k *killing) lines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.folder, "ack"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 2 {
		return nil
	}
	return lines[1 : len(lines)-1]
}

func (k *killing) acknowledged(t *testing.T) int { return len(k.lines(t)) }

// posted reads the journal: the position of every transfer, each of which has one entry.
func (k *killing) posted(t *testing.T) map[bursar.ID]int64 {
	t.Helper()
	found := make(map[bursar.ID]int64)
	k.ledger(t, func(l *ledger.Ledger) {
		for after := int64(0); ; {
			page, err := l.Journal(t.Context(), after, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				return
			}
			for _, e := range page {
				after = e.Seq
				if e.Kind != bursar.EntryLeg {
					continue
				}
				if found[e.Transfer] != 0 {
					t.Errorf("%v is at %d and at %d", e.Transfer, found[e.Transfer], e.Seq)
				}
				found[e.Transfer] = e.Seq
			}
		}
	})
	return found
}

func (k *killing) ledger(t *testing.T, fn func(*ledger.Ledger)) {
	t.Helper()
	s, err := store.Open(k.database)
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

// check wants every acknowledged row to be where the ack file says.
func (k *killing) check(t *testing.T) {
	t.Helper()
	posted := k.posted(t)
	for _, line := range k.lines(t) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("%q is not an acknowledgement", line)
		}
		id, err := bursar.ParseID(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		if seq := strconv.FormatInt(posted[id], 10); seq != fields[1] {
			t.Fatalf("%v is acknowledged at %s and posted at %s", id, fields[1], seq)
		}
	}
}

// complete wants every row posted once, everything acknowledged, the balances of the file and a sound ledger.
func (k *killing) complete(t *testing.T) {
	t.Helper()
	k.check(t)
	posted := k.posted(t)
	if len(posted) != k.rows || k.acknowledged(t) != k.rows {
		t.Errorf("%d transfers are posted and %d acknowledged, want %d", len(posted), k.acknowledged(t), k.rows)
	}
	for _, id := range k.ids {
		if posted[id] == 0 {
			t.Errorf("%v is not posted", id)
		}
	}
	k.ledger(t, func(l *ledger.Ledger) {
		for account, want := range k.balances {
			got, err := l.Balance(t.Context(), account, bursar.AsOf{})
			if err != nil || got.Balance != want {
				t.Errorf("the balance of %s is %v, want %v: %v", account, got.Balance, want, err)
			}
		}
	})
	if code, stdout, stderr := line(t, t.Context(), "--db", k.database, "verify"); code != 0 {
		t.Errorf("verify: exit code %d: %s%s", code, stdout, stderr)
	}
}
