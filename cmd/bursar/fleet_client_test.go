package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// tally is what clients have seen.
type tally struct {
	mu       sync.Mutex
	sent     int
	retries  int
	broken   int                 // requests that got no answer at all
	codes    map[bursar.Code]int // of answers that said to try again
	faults   []string
	longest  time.Duration // from the first request of a wish to its answer
	answered int
}

func (y *tally) note(fn func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	fn()
}

// client asks for one thing after the other until the fleet's day is over, and for each until it has an answer.
type client struct {
	fleet  *fleet
	number int
	random *rand.Rand
}

// work returns when the day is over and everything that was asked for is answered.
func (c *client) work(ctx context.Context, over <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
		}
		w := wish{c.number, n}
		began := clock.System().Now()
		answers := c.ask(ctx, w)
		c.fleet.tally.note(func() {
			c.fleet.tally.longest = max(c.fleet.tally.longest, clock.System().Now().Sub(began))
			c.fleet.history.answers[w] = answers
		})
	}
}

// ask sends a wish to one server, or, one in ten, to two at once.
func (c *client) ask(ctx context.Context, w wish) (answers []answer) {
	body, err := w.body(c.fleet.history.seed)
	if err != nil {
		c.fleet.fault("%+v: %v", w, err)
		return nil
	}
	copies := make([]*answer, 1)
	if c.random.IntN(10) == 0 {
		copies = make([]*answer, 2)
	}
	first := c.random.IntN(len(c.fleet.members))
	var sent sync.WaitGroup
	for i := range copies {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 0))
		sent.Go(func() { copies[i] = c.insist(ctx, w, body, first+i, random) })
	}
	sent.Wait()
	for _, a := range copies {
		if a != nil {
			answers = append(answers, *a)
		}
	}
	return answers
}

// The pauses before a request is sent again.
const (
	backoffMin = 5 * time.Millisecond
	backoffMax = 250 * time.Millisecond
)

// insist sends the same request to one server after the other until one of them decides it. It is nil when none does.
func (c *client) insist(ctx context.Context, w wish, body []byte, server int, random *rand.Rand) *answer {
	for pause := backoffMin; ; pause = min(2*pause, backoffMax) {
		m := c.fleet.members[server%len(c.fleet.members)]
		a, err := c.send(ctx, m, body)
		if err != nil {
			c.fleet.fault("%+v: %v", w, err)
			return nil
		}
		if a != nil {
			return a
		}
		c.fleet.tally.note(func() { c.fleet.tally.retries++ })
		if err := clock.System().Sleep(ctx, pause/2+time.Duration(random.Int64N(int64(pause)))); err != nil {
			c.fleet.fault("%+v has no answer: %v", w, err)
			return nil
		}
		server = random.IntN(len(c.fleet.members))
	}
}

// send sends a transfer once. Without an answer and an error it is to be sent again.
func (c *client) send(ctx context.Context, m *member, body []byte) (*answer, error) {
	y := &c.fleet.tally
	y.note(func() { y.sent++ })
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.address()+"/v1/transfers", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.fleet.http.Do(request)
	if err != nil {
		y.note(func() { y.broken++ })
		return nil, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		y.note(func() { y.broken++ })
		return nil, nil
	}
	switch response.StatusCode {
	case http.StatusCreated, http.StatusOK:
		return acceptance(response, text)
	default:
		a, code, err := refusal(response, text)
		if a == nil && err == nil {
			y.note(func() { y.codes[code]++ })
		}
		return a, err
	}
}

// acceptance reads the answer to a transfer that is posted.
func acceptance(response *http.Response, text []byte) (*answer, error) {
	var posted struct {
		Seq      int64  `json:"seq"`
		Decided  string `json:"decided"`
		Replayed bool   `json:"replayed"`
	}
	if err := json.Unmarshal(text, &posted); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	fresh := response.StatusCode == http.StatusCreated
	if posted.Replayed == fresh || (response.Header.Get("Idempotent-Replayed") == "true") == fresh || posted.Decided == "" {
		return nil, fmt.Errorf("status %d, header %v, %s: they contradict each other", response.StatusCode, response.Header, text)
	}
	return &answer{seq: posted.Seq, decided: posted.Decided, fresh: fresh}, nil
}

// refusal reads a problem: the refusal of a transfer, or the code of one that says to try again. Status and
// retryable must be those of the table.
func refusal(response *http.Response, text []byte) (*answer, bursar.Code, error) {
	var p struct {
		Code      bursar.Code `json:"code"`
		Status    int         `json:"status"`
		Detail    string      `json:"detail"`
		Retryable bool        `json:"retryable"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, "", fmt.Errorf("status %d: %w: %s", response.StatusCode, err, text)
	}
	row := bursar.Describe(p.Code)
	// A call that ran out of the server's own time is no fault of the caller's, and 499 would say so.
	status := row.Status == p.Status || p.Code == bursar.CodeCanceled && p.Status == http.StatusServiceUnavailable
	switch {
	case row.Code != p.Code || !status || p.Status != response.StatusCode || p.Retryable != row.Retryable || p.Detail == "":
		return nil, "", fmt.Errorf("status %d: not as the table has it: %s", response.StatusCode, text)
	case p.Retryable && p.Status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "":
		return nil, "", fmt.Errorf("status %d: it does not say when to try again: %s", response.StatusCode, text)
	case p.Retryable:
		return nil, p.Code, nil
	case p.Code == bursar.CodeInsufficientFunds:
		return &answer{code: p.Code}, "", nil
	default:
		return nil, "", fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
}
