package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// connectionsMax is how many connections to one peer are kept.
const connectionsMax = 1024

// wire sends JSON to one peer.
type wire struct {
	base   string
	header http.Header
	client *http.Client
}

func newWire(base string) wire {
	transport := &http.Transport{MaxIdleConns: connectionsMax, MaxIdleConnsPerHost: connectionsMax}
	return wire{
		base: base, header: http.Header{"Content-Type": {"application/json"}}, client: &http.Client{Transport: transport},
	}
}

// send asks for path with body, which is nil for none, and reads the answer into answer, unless that is nil. Another
// status than 2xx is an error.
func (w *wire) send(ctx context.Context, method, path string, body, answer any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, w.base+path, content)
	if err != nil {
		return err
	}
	r.Header = w.header.Clone()
	got, err := w.client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(got.Body)
	if err := errors.Join(err, got.Body.Close()); err != nil {
		return err
	}
	if got.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s answers %s: %.300s", method, path, got.Status, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: %w in %.300s", method, path, err, text)
	}
	return nil
}

func (w *wire) close() { w.client.CloseIdleConnections() }
