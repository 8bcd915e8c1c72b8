package main

import (
	"context"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// pointFlags name a point in the past.
type pointFlags struct {
	seq           int64
	at, effective string
}

func newBalanceCommand(e *env) *cobra.Command {
	var f pointFlags
	cmd := &cobra.Command{
		Use:   "balance [PATH]",
		Short: "Print an account's balance, now or in the past, or all balances",
		Long: `Print an account's balance, now or at one point in the past:

  --seq        after the entry at this position
  --at         after all entries with a ledger time up to this one
  --effective  counting entries with an effective time up to this one, whenever they were posted

A time is written as RFC 3339, such as 2026-01-31T12:00:00Z, or as a date, which means the end of that day in UTC. A
time that is past gets an answer, also when nothing was posted since; a time or a position to come is refused.

Without PATH it prints the trial balance: every account, and for each currency the sum of all balances, which is
zero. In CSV the sums are the last rows; they have no path.`,
		Example: `  bursar balance users:alice
  bursar balance users:alice --seq 17
  bursar balance users:alice --at 2026-01-31
  bursar balance users:alice --effective 2026-01-31T12:00:00+01:00 -o json
  bursar balance`,
		Args: arguments(0, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asOf, err := f.asOf()
			if err != nil {
				return err
			}
			if len(args) == 0 && asOf != (bursar.AsOf{}) {
				return usagef("missing argument PATH: the trial balance is of now")
			}
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				if len(args) == 0 {
					return e.trialBalance(ctx, l)
				}
				balance, err := l.Balance(ctx, args[0], asOf)
				if err != nil {
					return ahead(err, f.timeFlag())
				}
				return e.showBalance(balance)
			})
		},
	}
	f.define(cmd)
	return cmd
}

func (f *pointFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(countFlag{&f.seq, 1, math.MaxInt64}, "seq", "after the entry at this `position`")
	flags.StringVar(&f.at, "at", "", "at this ledger `time`: 2026-01-31T12:00:00Z, or a date for its end")
	flags.StringVar(&f.effective, "effective", "", "at this effective `time`")
}

func (f *pointFlags) asOf() (a bursar.AsOf, err error) {
	a.Seq = f.seq
	if a.At, err = parseEnd("--at", f.at); err != nil {
		return a, err
	}
	if a.Effective, err = parseEnd("--effective", f.effective); err != nil {
		return a, err
	}
	if a.Seq > 0 && f.at+f.effective != "" || f.at != "" && f.effective != "" {
		return a, usagef("--seq, --at and --effective exclude each other")
	}
	return a, nil
}

// timeFlag is the flag that gives a time, or empty.
func (f *pointFlags) timeFlag() string {
	switch {
	case f.at != "":
		return "--at"
	case f.effective != "":
		return "--effective"
	default:
		return ""
	}
}

func (e *env) showBalance(b bursar.Balance) error {
	return e.show(b,
		field{"path", b.Path},
		field{"balance", b.Balance.String()},
		field{"held", b.Held.String()},
		field{"available", b.Available.String()},
		field{"version", strconv.FormatInt(b.Version, 10)},
		field{"seq", strconv.FormatInt(b.Seq, 10)},
	)
}

// trialView is an account's line of the trial balance.
type trialView struct {
	Path      string `json:"path"`
	Currency  string `json:"currency"`
	Balance   string `json:"balance"`
	Held      string `json:"held"`
	Available string `json:"available"`
}

// trialBalance prints every account and then the sums. It reads all before it prints. So a slow reader of stdout does
// not keep the snapshot open, and the store may begin its reading anew.
func (e *env) trialBalance(ctx context.Context, l *ledger.Ledger) error {
	var views []trialView
	totals, _, err := l.TrialBalance(ctx, func(a bursar.Account) error {
		if n := len(views); n > 0 && a.Path <= views[n-1].Path {
			views = views[:0] // begun anew
		}
		views = append(views, trialView{
			a.Path, a.Currency.String(), a.Balance.String(), a.Held.String(), a.Available.String(),
		})
		return nil
	})
	if err != nil {
		return err
	}
	out := e.list(left("path"), wide("currency"), right("balance"), right("held"), right("available"))
	for _, v := range views {
		if err := out.add(v, v.Path, v.Currency, v.Balance, v.Held, v.Available); err != nil {
			return err
		}
	}
	label := ""
	if e.output == formatTable {
		label = "= sum" // no path has a blank
	}
	for _, t := range totals {
		if err := out.add(t, label, t.Currency.String(), t.Sum.String(), "", ""); err != nil {
			return err
		}
	}
	return out.flush()
}
