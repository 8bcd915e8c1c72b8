package main

import (
	"context"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// How long --follow waits before it asks again: longer each time that nothing was new.
const (
	followPauseMin = 100 * time.Millisecond
	followPauseMax = time.Second
)

// journalFlags are what journal takes.
type journalFlags struct {
	after, limit int64
	follow       bool
}

func newJournalCommand(e *env) *cobra.Command {
	var f journalFlags
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Print the journal, entry by entry",
		Long: `Print the entries of the journal in order, one line each: all of them, or those after a position. With --follow it
goes on with entries as they are sealed, until it is interrupted or --limit is reached.`,
		Example: `  bursar journal
  bursar journal --after 1000 --limit 100 -o csv
  bursar journal --follow -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.withLedger(cmd.Context(), func(ctx context.Context, l *ledger.Ledger) error {
				return e.printJournal(ctx, l, f)
			})
		},
	}
	flags := cmd.Flags()
	flags.Var(countFlag{&f.after, 0, math.MaxInt64}, "after", "entries after this `position`")
	flags.Var(countFlag{&f.limit, 1, math.MaxInt64}, "limit", "at most `N` entries (default all)")
	flags.BoolVarP(&f.follow, "follow", "f", false, "wait for further entries")
	return cmd
}

// printJournal prints page after page. Following ends without an error when ctx does.
func (e *env) printJournal(ctx context.Context, l *ledger.Ledger, f journalFlags) error {
	out := e.list(entryColumns()...)
	pause := followPauseMin
	for left := f.limit; ; {
		limit := pageOf(left, f.limit)
		page, err := l.Journal(ctx, f.after, limit)
		if f.follow && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := out.addEntries(page); err != nil {
			return err
		}
		if n := len(page); n > 0 {
			left, f.after, pause = left-int64(n), page[n-1].Seq, followPauseMin
		}
		switch {
		case f.limit > 0 && left == 0:
			return nil
		case len(page) == limit:
			continue
		case !f.follow || clock.System().Sleep(ctx, pause) != nil:
			return nil
		}
		pause = min(2*pause, followPauseMax)
	}
}

func (l *listing) addEntries(entries []bursar.Entry) error {
	for i := range entries {
		v := viewEntry(&entries[i])
		if err := l.add(v, v.cells()...); err != nil {
			return err
		}
	}
	return l.flush()
}

// entryView is an entry as it is printed. An act on an account has no from; a transfer that was not backdated took
// effect at its ledger time.
type entryView struct {
	Seq         int64            `json:"seq"`
	At          bursar.Instant   `json:"at"`
	Hash        string           `json:"hash"` // hexadecimal
	Kind        bursar.EntryKind `json:"kind"`
	Transfer    bursar.ID        `json:"transfer"`
	Leg         int              `json:"leg"`
	From        string           `json:"from,omitempty"`
	To          string           `json:"to"`
	Amount      money.Amount     `json:"amount"`
	FromVersion int64            `json:"from_version,omitempty"`
	FromBalance *money.Amount    `json:"from_balance,omitempty"`
	FromHeld    *money.Amount    `json:"from_held,omitempty"`
	ToVersion   int64            `json:"to_version"`
	ToBalance   money.Amount     `json:"to_balance"`
	ToHeld      money.Amount     `json:"to_held"`
	Effective   bursar.Instant   `json:"effective"`
	Decided     bursar.Instant   `json:"decided"`
}

func viewEntry(e *bursar.Entry) entryView {
	v := entryView{
		Seq: e.Seq, At: e.At, Hash: hex.EncodeToString(e.Hash[:]), Kind: e.Kind, Transfer: e.Transfer, Leg: e.Leg,
		From: e.From, To: e.To, Amount: e.Amount,
		ToVersion: e.ToAfter.Version, ToBalance: e.ToAfter.Balance, ToHeld: e.ToAfter.Held,
		Effective: e.At, Decided: e.Decided,
	}
	if e.Backdated {
		v.Effective = e.Effective
	}
	if e.From != "" {
		v.FromVersion, v.FromBalance, v.FromHeld = e.FromAfter.Version, &e.FromAfter.Balance, &e.FromAfter.Held
	}
	return v
}

func entryColumns() []column {
	return []column{
		right("seq"), left("at"), wide("hash"), left("kind"), left("transfer"), wide("leg"), left("from"), left("to"),
		right("amount"), wide("from_version"), wide("from_balance"), wide("from_held"), wide("to_version"),
		wide("to_balance"), wide("to_held"), wide("effective"), wide("decided"),
	}
}

func (v *entryView) cells() []string {
	version, balance, held := "", "", ""
	if v.FromBalance != nil {
		version, balance, held = strconv.FormatInt(v.FromVersion, 10), v.FromBalance.String(), v.FromHeld.String()
	}
	return []string{
		strconv.FormatInt(v.Seq, 10), v.At.String(), v.Hash, v.Kind.String(), v.Transfer.String(), strconv.Itoa(v.Leg),
		v.From, v.To, v.Amount.String(), version, balance, held, strconv.FormatInt(v.ToVersion, 10),
		v.ToBalance.String(), v.ToHeld.String(), v.Effective.String(), v.Decided.String(),
	}
}
