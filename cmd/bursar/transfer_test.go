package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// TestLostAnswerNamesTheID wants the id in the hint. The program made it, so the caller could not ask again otherwise.
func TestLostAnswerNamesTheID(t *testing.T) {
	e := &env{db: "sqlite:" + filepath.Join(t.TempDir(), "bursar.db"), stderr: new(bytes.Buffer)}
	err := e.withLedger(t.Context(), makes, func(ctx context.Context, l *ledger.Ledger) error {
		if err := l.Close(ctx); err != nil {
			return err
		}
		leg := bursar.Leg{From: "a", To: "b", Amount: money.MustParse("1 USD")}
		_, err := postOnce(ctx, l, bursar.Transfer{Legs: []bursar.Leg{leg}})
		return err
	})
	var hinted *hintedError
	if bursar.CodeOf(err) != bursar.CodeClosed || !errors.As(err, &hinted) {
		t.Fatalf("posting to a closed ledger: %v, want closed and a hint", err)
	}
	_, id, found := strings.Cut(hinted.hint, "--id ")
	if _, err := bursar.ParseID(id); !found || err != nil {
		t.Errorf("the hint is %q", hinted.hint)
	}
}

func TestUnsealedHasNoPlace(t *testing.T) {
	var b bytes.Buffer
	e := &env{stdout: &b, output: formatCSV}
	if err := e.showPosted(bursar.Posted{ID: bursar.ID{15: 1}, Decided: 1}); err != nil {
		t.Fatal(err)
	}
	want := "id,seq,at,decided,replayed\n00000000-0000-0000-0000-000000000001,,,1970-01-01T00:00:00.000000001Z,false\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
