package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestAPastTimeIsAnsweredInAQuietLedger asks for the end of a month in which the last entry was earlier.
func TestAPastTimeIsAnsweredInAQuietLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bursar.db")
	store, err := sqlite.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	past := clock.NewFake(time.Date(2026, time.January, 30, 12, 0, 0, 0, time.UTC))
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true, Clock: past})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.OpenAccount(t.Context(), bursar.Opening{Path: "users:alice", Currency: money.MustParse("0 USD").Currency()})
	if err != nil {
		t.Fatal(err)
	}
	db := "--db=sqlite:" + file
	code, stdout, stderr := line(t, t.Context(), "balance", "users:alice", "--at", "2026-01-31", "-o", "csv", db)
	if code != 0 || !strings.Contains(stdout, "users:alice,0.00 USD,") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	head, err := l.Head(t.Context())
	if want := "2026-01-31T23:59:59.999999999Z"; err != nil || head.At.String() != want {
		t.Errorf("the head's time is %v, %v; want %s", head.At, err, want)
	}
}
