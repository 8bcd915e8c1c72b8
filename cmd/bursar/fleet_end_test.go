package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/money"
)

// awaitSealed runs the program's verify until nothing is unsealed, which the servers see to. It must succeed each time.
func (f *fleet) awaitSealed(ctx context.Context) error {
	for {
		out, err := exec.CommandContext(ctx, "bursar", "verify", "--db", f.url, "-o", "json").Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			f.verified = "failed"
			return fmt.Errorf("verify: %w: %s%s", err, exit.Stderr, out)
		}
		var report struct {
			OK       bool  `json:"ok"`
			Unsealed int64 `json:"unsealed"`
		}
		if err := errors.Join(err, json.Unmarshal(out, &report)); err != nil {
			return fmt.Errorf("verify: %w: %s", err, out)
		}
		if report.OK && report.Unsealed == 0 {
			f.verified = "ok"
			return nil
		}
		if err := clock.System().Sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("verify: %w: %s", err, out)
		}
	}
}

// rows are the shop's orders.
func (f *fleet) rows() map[purchase]bursar.Leg {
	f.Helper()
	if f.shop == nil {
		return nil
	}
	found, err := f.server.Open(f.T).QueryContext(f.Context(), `SELECT id, buyer, seller, cents FROM orders`)
	f.must(err)
	defer found.Close()
	rows := make(map[purchase]bursar.Leg)
	for found.Next() {
		var number int
		var cents int64
		var leg bursar.Leg
		f.must(found.Scan(&number, &leg.From, &leg.To, &cents))
		leg.Amount = dollars(cents)
		rows[purchase(number)] = leg
	}
	f.must(found.Err())
	if len(rows) == 0 {
		f.Error("there are no orders")
	}
	return rows
}

// askAgain asks the servers for everything that clients have asked for.
func (f *fleet) askAgain(ctx context.Context) {
	wishes := make(chan wish)
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for w := range wishes {
				if err := f.askFor(ctx, w); err != nil {
					f.fault("%+v: %v", w, err)
				}
			}
		})
	}
	for w := range f.history.answers {
		wishes <- w
	}
	close(wishes)
	askers.Wait()
}

// askFor wants a server to remember what was acknowledged.
func (f *fleet) askFor(ctx context.Context, w wish) error {
	var record struct {
		Decided string `json:"decided"`
		Refusal *struct {
			Code bursar.Code `json:"code"`
		} `json:"refusal"`
		Entries []struct {
			Seq    int64        `json:"seq"`
			From   string       `json:"from"`
			To     string       `json:"to"`
			Amount money.Amount `json:"amount"`
		} `json:"entries"`
	}
	if err := f.get(ctx, f.members[w.number%len(f.members)], "/v1/transfers/"+w.id().String(), &record); err != nil {
		return err
	}
	for _, a := range f.history.answers[w] {
		if a.code != "" {
			if record.Refusal == nil || record.Refusal.Code != a.code || len(record.Entries) > 0 {
				return fmt.Errorf("it was refused as %s, and is %+v", a.code, record)
			}
			continue
		}
		legs := w.legs(f.history.seed)
		if record.Refusal != nil || len(record.Entries) != len(legs) || record.Decided != a.decided {
			return fmt.Errorf("it was posted, decided at %s, and is %+v", a.decided, record)
		}
		for i, e := range record.Entries {
			if (bursar.Leg{From: e.From, To: e.To, Amount: e.Amount}) != legs[i] || a.seq != 0 && e.Seq != a.seq-int64(len(legs)-1-i) {
				return fmt.Errorf("leg %d of %+v at %d is %+v", i, legs, a.seq, e)
			}
		}
	}
	return nil
}

func (f *fleet) get(ctx context.Context, m *member, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.address()+path, nil)
	if err != nil {
		return err
	}
	response, err := f.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %w: %s", path, response.StatusCode, err, text)
	}
	return json.Unmarshal(text, into)
}

// balances wants the sum of all balances to be zero, by every server.
func (f *fleet) balances(ctx context.Context) {
	for _, m := range f.members {
		var trial struct {
			Totals []struct {
				Sum money.Amount `json:"sum"`
			} `json:"totals"`
		}
		if err := f.get(ctx, m, "/v1/trial-balance", &trial); err != nil || len(trial.Totals) != 1 || !trial.Totals[0].Sum.IsZero() {
			f.Errorf("trial balance: %+v, %v", trial, err)
		}
	}
}

// logs shows what servers have said, by kind.
func (f *fleet) logs() {
	kinds := make(map[string]int)
	example := make(map[string]string)
	for _, m := range f.members {
		for _, line := range m.said {
			kind := logKind(line)
			kinds[kind]++
			example[kind] = line
		}
	}
	for kind, n := range kinds {
		f.Logf("%6d × %s, such as %s", n, kind, example[kind])
	}
}

// logKind leaves out of a line what is its own: times and ids.
func logKind(line string) string {
	_, text, found := strings.Cut(line, " level=")
	if !found {
		return "talk"
	}
	if i := strings.Index(text, " request="); i >= 0 {
		_, rest, _ := strings.Cut(text[i+1:], " ")
		text = text[:i] + " " + rest
	}
	text, _, _ = strings.Cut(text, " error=")
	return text
}
