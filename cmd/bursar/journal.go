package main

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
)

// How long --follow waits before it asks again. It waits longer each time that there was nothing new.
const (
	followPauseMin = 100 * time.Millisecond
	followPauseMax = time.Second
)

// journalFlags are the flags of journal.
type journalFlags struct {
	after, limit int64
	follow       bool
}

func newJournalCommand(e *env) *cobra.Command {
	var f journalFlags
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Print the journal, entry by entry",
		Long: `Print the entries of the journal in order, one line each: all of them, or those after a position.

With --follow it goes on and prints entries as they are sealed, until you interrupt it, --limit is
reached, or nobody reads stdout any more.`,
		Example: `  bursar journal
  bursar journal --after 1000 --limit 100 -o csv
  bursar journal --follow -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				if !f.follow {
					return e.printJournal(ctx, l, f)
				}
				reading, stop := e.whileRead(ctx)
				defer stop()
				return e.printJournal(reading, l, f)
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
	if f.follow && e.atRest {
		return usagef("--follow needs a file that you may write to, or that a server has open")
	}
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
		cells, err := entryCells(&entries[i])
		if err != nil {
			return err
		}
		if err := l.add(entries[i], cells...); err != nil {
			return err
		}
	}
	return l.flush()
}

func entryColumns() []column {
	return []column{
		right("seq"), left("at"), wide("hash"), left("kind"), left("transfer"), wide("leg"), wide("request_hash"),
		left("from"), left("to"), right("amount"), wide("from_version"), wide("from_balance"), wide("from_held"),
		wide("to_version"), wide("to_balance"), wide("to_held"), wide("effective"), wide("backdated"), wide("decided"),
		wide("reference"), wide("metadata"),
	}
}

// entryCells are an entry's cells. An act on an account has no from. A transfer that was not dated back took effect at
// its ledger time.
func entryCells(e *bursar.Entry) ([]string, error) {
	metadata, err := metadataText(e.Metadata)
	from, effective := [3]string{}, e.At
	if e.From != "" {
		from = afterCells(e.FromAfter)
	}
	if e.Backdated {
		effective = e.Effective
	}
	to := afterCells(e.ToAfter)
	return []string{
		strconv.FormatInt(e.Seq, 10), e.At.String(), e.Hash.String(), e.Kind.String(), e.Transfer.String(),
		strconv.Itoa(e.Leg), e.RequestHash.String(), e.From, e.To, e.Amount.String(), from[0], from[1], from[2],
		to[0], to[1], to[2], effective.String(), strconv.FormatBool(e.Backdated), e.Decided.String(),
		e.Reference, metadata,
	}, err
}

// afterCells are the version, the balance and the held amount of an account after an entry.
func afterCells(a bursar.After) [3]string {
	return [3]string{strconv.FormatInt(a.Version, 10), a.Balance.String(), a.Held.String()}
}
