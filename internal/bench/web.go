package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// web is a server on a loopback port of this process, and its clients.
type web struct {
	server *http.Server
	client *http.Client
	url    string
	ended  chan error
}

func serveOn(ctx context.Context, handler http.Handler, clients int) (*web, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &web{
		server: &http.Server{Handler: handler},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}},
		url:    "http://" + listener.Addr().String(),
		ended:  make(chan error, 1),
	}
	go func() { w.ended <- w.server.Serve(listener) }()
	return w, nil
}

func (w *web) close() error {
	w.client.CloseIdleConnections()
	err := w.server.Close()
	if ended := <-w.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// requesting is what callers over HTTP do. The body is written by hand, because clients and server share the machine.
func (w *web) requesting(s *source, batch int, paths []string, ids func() (bursar.ID, error), again *tally) task {
	path := "/v1/transfers"
	if batch > 1 {
		path += "/batch"
	}
	var body []byte
	return func(ctx context.Context) (int64, error) {
		body = body[:0]
		if batch > 1 {
			body = append(body, `{"transfers":[`...)
		}
		for i := range batch {
			id, err := ids()
			if err != nil {
				return 0, err
			}
			if i > 0 {
				body = append(body, ',')
			}
			body = s.next().appendJSON(body, id, paths)
		}
		if batch > 1 {
			body = append(body, `]}`...)
		}
		if err := again.until(func() error { return w.send(ctx, path, body) }); err != nil {
			return 0, err
		}
		return int64(batch), nil
	}
}

// appendJSON is a move as the HTTP interface takes it.
func (m Move) appendJSON(b []byte, id bursar.ID, paths []string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, id.String()...)
	b = append(b, `","from":"`...)
	b = append(b, paths[m.From]...)
	b = append(b, `","to":"`...)
	b = append(b, paths[m.To]...)
	b = append(b, `","amount":"`...)
	b = strconv.AppendInt(b, m.Cents/100, 10)
	b = append(b, '.', byte('0'+m.Cents/10%10), byte('0'+m.Cents%10))
	return append(b, ` USD"}`...)
}

// send makes one request. A refusal of a transfer, alone or in a batch, is an error, because this workload has none.
func (w *web) send(ctx context.Context, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		var problem bursar.Error
		if err := json.Unmarshal(text, &problem); err != nil || problem.Code == "" {
			return fmt.Errorf("%s answers %s", path, answer.Status)
		}
		return &problem
	}
	if bytes.Contains(text, []byte(`"error":`)) {
		return fmt.Errorf("%s refuses a transfer: %.300s", path, text)
	}
	return nil
}

// plainTransfer is a transfer as an ordinary handler would declare it.
type plainTransfer struct {
	ID     string `json:"id"`
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount"`
}

// plainPosted is the answer, with the fields of bursar.Posted.
type plainPosted struct {
	ID       string         `json:"id"`
	Seq      int64          `json:"seq"`
	At       bursar.Instant `json:"at"`
	Decided  bursar.Instant `json:"decided"`
	Replayed bool           `json:"replayed"`
}

type plainResult struct {
	Posted plainPosted `json:"posted"`
}

// plainHandler reads what the ledger reads and answers what it answers, with encoding/json, and does nothing else: what
// HTTP costs alone.
func plainHandler(c clock.Clock) http.Handler {
	posted := func(t plainTransfer) plainPosted {
		at := bursar.Instant(c.Now().UnixNano())
		return plainPosted{ID: t.ID, Seq: 1, At: at, Decided: at}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/transfers", func(w http.ResponseWriter, r *http.Request) {
		var t plainTransfer
		plain(w, r, http.StatusCreated, &t, func() any { return posted(t) })
	})
	mux.HandleFunc("POST /v1/transfers/batch", func(w http.ResponseWriter, r *http.Request) {
		var b struct {
			Transfers []plainTransfer `json:"transfers"`
		}
		plain(w, r, http.StatusOK, &b, func() any {
			results := make([]plainResult, len(b.Transfers))
			for i, t := range b.Transfers {
				results[i].Posted = posted(t)
			}
			return map[string]any{"results": results}
		})
	})
	return mux
}

func plain(w http.ResponseWriter, r *http.Request, status int, body any, answer func() any) {
	if err := json.NewDecoder(r.Body).Decode(body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer()) // a client that has gone away has its own error
}
