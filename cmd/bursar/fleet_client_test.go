package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// counts is what clients have counted, and the violations that anybody has found.
type counts struct {
	mu         sync.Mutex
	sent       int
	retries    int
	unanswered int                 // calls without any answer
	codes      map[bursar.Code]int // of answers that said to try again
	longest    time.Duration       // from the first call for a request to its answer
	violations []string
}

func (n *counts) note(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fn()
}

// client sends one request after the other, each until it has an answer.
type client struct {
	fleet   *fleet
	number  int
	random  *rand.Rand
	servers []*server // that it sends to
	at      int       // the one that answered last
	http    *http.Client
}

func newClient(f *fleet, number int) *client {
	random := rand.New(rand.NewPCG(f.history.seed, uint64(number)|1<<62))
	return &client{fleet: f, number: number, random: random, servers: f.servers, http: f.http}
}

// run returns when the run is over and every request has its answer.
func (c *client) run(ctx context.Context, over <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
		}
		c.settle(ctx, request{c.number, n})
	}
}

// settle asks for a request until it has its answer, and notes that.
func (c *client) settle(ctx context.Context, q request) {
	began := clock.System().Now()
	answers := c.ask(ctx, q)
	c.fleet.counts.note(func() {
		c.fleet.counts.longest = max(c.fleet.counts.longest, clock.System().Now().Sub(began))
		c.fleet.history.answers[q] = answers
	})
}

// ask sends a request to the server that answered last. One request in ten goes to any server, and one to two servers
// at once.
func (c *client) ask(ctx context.Context, q request) (answers []answer) {
	body, err := q.body(c.fleet.history.seed)
	if err != nil {
		c.fleet.violation("%+v: %v", q, err)
		return nil
	}
	if c.at >= len(c.servers) || c.random.IntN(10) == 0 {
		c.at = c.random.IntN(len(c.servers))
	}
	copies, ends := make([]*answer, 1), []int{c.at}
	if c.random.IntN(10) == 0 {
		copies, ends = make([]*answer, 2), []int{c.at, (c.at + 1) % len(c.servers)}
	}
	var sent sync.WaitGroup
	for i := range copies {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 0))
		sent.Go(func() { copies[i], ends[i] = c.askUntilAnswered(ctx, q, body, ends[i], random) })
	}
	sent.Wait()
	c.at = ends[0]
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

// askUntilAnswered sends the same request to one server after the other until one of them decides it, and returns which
// one. There is no answer when none does.
func (c *client) askUntilAnswered(
	ctx context.Context, q request, body []byte, server int, random *rand.Rand,
) (*answer, int) {
	for pause := backoffMin; ; pause = min(2*pause, backoffMax) {
		a, _, err := c.send(ctx, c.servers[server], body)
		if err != nil {
			c.fleet.violation("%+v: %v", q, err)
			return nil, server
		}
		if a != nil {
			return a, server
		}
		c.fleet.counts.note(func() { c.fleet.counts.retries++ })
		if err := clock.System().Sleep(ctx, pause/2+time.Duration(random.Int64N(int64(pause)))); err != nil {
			c.fleet.violation("%+v has no answer: %v", q, err)
			return nil, server
		}
		server = random.IntN(len(c.servers))
	}
}

// send sends a transfer once. If it returns neither an answer nor an error, the transfer has to be sent again, because
// of the code or because there was no answer.
func (c *client) send(ctx context.Context, s *server, body []byte) (*answer, bursar.Code, error) {
	n := &c.fleet.counts
	n.note(func() { n.sent++ })
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address()+"/v1/transfers", bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	call.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(call)
	if err != nil {
		n.note(func() { n.unanswered++ })
		return nil, "", nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		n.note(func() { n.unanswered++ })
		return nil, "", nil
	}
	switch response.StatusCode {
	case http.StatusCreated, http.StatusOK:
		a, err := acceptance(response, text)
		if a != nil {
			a.by = slices.Index(c.fleet.servers, s) + 1
		}
		return a, "", err
	default:
		a, code, err := refusal(response, text)
		if a == nil && err == nil {
			n.note(func() { n.codes[code]++ })
		}
		return a, code, err
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
	replayed := response.Header.Get("Idempotent-Replayed") == "true"
	if posted.Replayed == fresh || replayed == fresh || posted.Decided == "" {
		return nil, fmt.Errorf("status %d, header %v, %s: they contradict each other",
			response.StatusCode, response.Header, text)
	}
	return &answer{seq: posted.Seq, decided: posted.Decided, fresh: fresh}, nil
}

// refusal reads a problem. It is the refusal of a transfer, or it has a code that says to try again. Status and
// retryable must be those of the table of codes.
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
	// A call that ran out of the server's own time has status 503, because 499 would blame the client.
	status := row.Status == p.Status || p.Code == bursar.CodeCanceled && p.Status == http.StatusServiceUnavailable
	switch {
	case row.Code != p.Code, !status, p.Status != response.StatusCode, p.Retryable != row.Retryable, p.Detail == "":
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
