package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// TestVerify tampers with a ledger that the program itself wrote.
func TestVerify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	call := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, talk bytes.Buffer
		e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &talk, getenv: func(string) string { return "" }}
		if code := run(context.Background(), e, append([]string{"--db", "sqlite:" + path}, args...)); code != want {
			t.Fatalf("%v: exit code %d, want %d: %s", args, code, want, &talk)
		}
		return out.String(), talk.String()
	}
	call(0, "account", "open", "world", "--currency", "USD", "--min", "none")
	call(0, "account", "open", "users:alice", "--currency", "USD")
	call(0, "transfer", "world", "users:alice", "25.00 USD")
	out, talk := call(0, "verify")
	if !strings.HasPrefix(out, "ok: book main: 3 entries, 2 accounts, 3 requests") || talk != "" {
		t.Errorf("sound: %q, %q", out, talk)
	}
	out, _ = call(0, "verify", "-o", "json")
	var report reportView
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	hash := report.Head.Hash.String()
	call(0, "verify", "--anchor", fmt.Sprintf("%d:%s", report.Head.Seq, hash))
	for anchor, code := range map[string]bursar.Code{
		"2:" + hash: bursar.CodeVerificationFailed,
		"9:" + hash: bursar.CodeVerificationFailed,
		"3":         bursar.CodeMalformed,
		"0:" + hash: bursar.CodeMalformed,
		"3:abc":     bursar.CodeMalformed,
	} {
		if _, talk := call(bursar.Describe(code).Exit, "verify", "--anchor", anchor); !strings.Contains(talk, "anchor") {
			t.Errorf("--anchor %s: %q", anchor, talk)
		}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	failed := bursar.Describe(bursar.CodeVerificationFailed).Exit
	if _, err := db.Exec("DROP TRIGGER bursar_entry_delete"); err != nil {
		t.Fatal(err)
	}
	const missing = "trigger bursar_entry_delete of bursar_entry is missing: make it with its statement in the " +
		"migrations"
	out, talk = call(failed, "verify")
	if !strings.Contains(talk, missing) || !strings.Contains(out, "schema  "+missing) {
		t.Errorf("without a trigger:\n%s%s", out, talk)
	}
	out, _ = call(failed, "verify", "-o", "json")
	if !strings.Contains(out, `{"seq":0,"check":"schema","detail":"`+missing) {
		t.Errorf("without a trigger, in JSON:\n%s", out)
	}
	if _, err := db.Exec("DELETE FROM bursar_entry WHERE seq = 2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	out, talk = call(failed, "verify")
	if !strings.Contains(talk, "position 2: gapless: ") || !strings.Contains(out, "2  gapless ") {
		t.Errorf("without its second entry:\n%s%s", out, talk)
	}
}
