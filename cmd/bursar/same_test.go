package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommandsPrintWhatTheServerSends asks the commands and the server for the same things: the JSON is the same.
func TestCommandsPrintWhatTheServerSends(t *testing.T) {
	s := startServing(t, noVariables, "--listen", "127.0.0.1:0")
	defer s.ended()
	defer s.stop()
	db := "--db=sqlite:" + s.db
	for _, args := range [][]string{
		{"account", "open", "outside:bank", "--currency", "USD", "--min", "none", "--meta", "iban=DE00"},
		{"account", "open", "users:alice", "--currency", "USD"},
		{"transfer", "outside:bank", "users:alice", "25.00 USD"},
		{"transfer", "users:alice", "outside:bank", "5.00 USD", "--effective", "2026-01-31T12:00:00Z"},
	} {
		if code, _, stderr := line(t, t.Context(), append(args, db)...); code != 0 {
			t.Fatalf("bursar %q: exit code %d: %s", args, code, stderr)
		}
	}
	for _, c := range []struct {
		command, path string
		list          string // the field of the answer that has the records, if it is a page
		reverse       bool
	}{
		{command: "account show outside:bank", path: "/v1/accounts/outside:bank"},
		{command: "account list", path: "/v1/accounts", list: "accounts"},
		{command: "balance users:alice", path: "/v1/accounts/users:alice/balance"},
		{command: "statement users:alice", path: "/v1/accounts/users:alice/statement", list: "lines", reverse: true},
		{command: "journal", path: "/v1/journal", list: "entries"},
	} {
		code, stdout, stderr := line(t, t.Context(), append(strings.Fields(c.command), db, "-o", "json")...)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", c.command, code, stderr)
		}
		if diff := cmp.Diff(s.records(c.path, c.list, c.reverse), records(t, stdout)); diff != "" {
			t.Errorf("%s (-server +command):\n%s", c.command, diff)
		}
	}
}

// records are the JSON objects of a command's output.
func records(t *testing.T, output string) (found []any) {
	t.Helper()
	for decoder := json.NewDecoder(strings.NewReader(output)); decoder.More(); {
		var record any
		if err := decoder.Decode(&record); err != nil {
			t.Fatal(err)
		}
		found = append(found, record)
	}
	return found
}

// records are the answer to a GET, or the list in one of its fields.
func (s *served) records(path, list string, reverse bool) []any {
	s.t.Helper()
	response, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	if list == "" {
		return []any{answer}
	}
	found, ok := answer[list].([]any)
	if !ok {
		s.t.Fatalf("%s: no list %s in %v", path, list, answer)
	}
	if reverse {
		slices.Reverse(found)
	}
	return found
}
