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
	var prefix string
	cmd := &cobra.Command{
		Use:   "balance [PATH...]",
		Short: "Print balances of accounts, now or in the past, or all balances",
		Long: `Print the balance of an account, or of several in the order asked, now or at one point in the past:

  --seq        after the entry at this position
  --at         after all transfers with a ledger time up to this one
  --effective  counting transfers with an effective time up to this one, whenever they were posted

A time is written as RFC 3339, such as 2026-01-31T12:00:00Z, or as a date, which means the end of that day in UTC. A
time that is past gets an answer, also when nothing was posted since; a time or a position to come is refused.

With --prefix it prints, for each currency, the sum over all accounts whose path begins with that prefix.

With neither it prints the trial balance: every account, and for each currency the sum of all balances, which is
zero. In CSV the sums are the last rows; they have no path.`,
		Example: `  bursar balance users:alice
  bursar balance users:alice users:bob -o csv
  bursar balance users:alice --seq 17
  bursar balance users:alice --at 2026-01-31
  bursar balance users:alice --effective 2026-01-31T12:00:00+01:00 -o json
  bursar balance --prefix users: --at 2026-01-31
  bursar balance`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.Flags().Changed("prefix") {
				return usagef("a PATH and --prefix exclude each other")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			asOf, err := f.asOf()
			if err != nil {
				return err
			}
			summed := cmd.Flags().Changed("prefix")
			if len(args) == 0 && !summed && asOf != (bursar.AsOf{}) {
				return usagef("missing argument PATH: the trial balance is of now")
			}
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				switch {
				case summed:
					err = e.sums(ctx, l, prefix, asOf)
				case len(args) == 0:
					err = e.trialBalance(ctx, l)
				default:
					err = e.balances(ctx, l, args, asOf)
				}
				return ahead(err, f.timeFlag())
			})
		},
	}
	f.define(cmd)
	cmd.Flags().StringVar(&prefix, "prefix", "", "sum the accounts whose path begins with this `prefix`")
	return cmd
}

func (e *env) balances(ctx context.Context, l *ledger.Ledger, paths []string, asOf bursar.AsOf) error {
	balances, err := l.Balances(ctx, paths, asOf)
	if err != nil {
		return err
	}
	if len(balances) == 1 {
		return e.showBalance(balances[0])
	}
	out := e.list(left("path"), right("balance"), right("held"), right("available"), right("version"), right("seq"))
	for _, b := range balances {
		err := out.add(b, b.Path, b.Balance.String(), b.Held.String(), b.Available.String(),
			strconv.FormatInt(b.Version, 10), strconv.FormatInt(b.Seq, 10))
		if err != nil {
			return err
		}
	}
	return out.flush()
}

func (e *env) sums(ctx context.Context, l *ledger.Ledger, prefix string, asOf bursar.AsOf) error {
	totals, _, err := l.Sum(ctx, prefix, asOf)
	if err != nil {
		return err
	}
	out := e.list(left("currency"), right("accounts"), right("positive"), right("negative"), right("sum"))
	for _, t := range totals {
		err := out.add(t, t.Currency.String(), strconv.FormatInt(t.Accounts, 10), t.Positive.String(),
			t.Negative.String(), t.Sum.String())
		if err != nil {
			return err
		}
	}
	return out.flush()
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
