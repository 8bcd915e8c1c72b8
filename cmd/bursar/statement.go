package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

const statementLimit = 50

// statementFlags are the flags of statement.
type statementFlags struct {
	before, after, limit int64
	from, to             string
	forward              bool
}

func newStatementCommand(e *env) *cobra.Command {
	f := statementFlags{limit: statementLimit}
	cmd := &cobra.Command{
		Use:   "statement PATH",
		Short: "List an account's transfers with the running balance",
		Long: `List the latest transfers of an account, the oldest of them first, with the balance after each. Amounts
received are positive, amounts sent negative. A transfer of several legs is one line with what they come to;
JSON and CSV have its legs, too. What is not sealed yet has no seq and no time.

  --from  transfers at this ledger time or later; a date is the beginning of that day in UTC
  --to    transfers before this ledger time; a date is the end of that day in UTC, so that the day counts

A table then also shows the balances around that time, where the page reaches them.

When there are earlier transfers, stderr names the --before that shows them. --after lists the other way, from
the version given on, or with 0 from the first one; stderr names the --after of what is later.`,
		Example: `  bursar statement users:alice
  bursar statement users:alice --from 2026-01-01 --to 2026-01-31
  bursar statement users:alice --limit 10 --before 31
  bursar statement users:alice --after 0 -o csv`,
		Args: arguments(1, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.forward = cmd.Flags().Changed("after")
			q, err := f.query()
			if err != nil {
				return err
			}
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				s, err := l.Statement(ctx, args[0], q)
				if err != nil {
					return f.named(err)
				}
				return e.printStatement(&s, &f)
			})
		},
	}
	flags := cmd.Flags()
	flags.Var(countFlag{&f.limit, 1, bursar.PageMax}, "limit",
		fmt.Sprintf("at most `N` transfers, up to %d", bursar.PageMax))
	flags.Var(countFlag{&f.before, 1, math.MaxInt64}, "before", "transfers before this `version` of the account")
	flags.Var(countFlag{&f.after, 0, math.MaxInt64}, "after", "transfers after this `version`, the first ones first")
	flags.StringVar(&f.from, "from", "", "from this ledger `time` on: 2026-01-01T12:00:00Z, or a date for its beginning")
	flags.StringVar(&f.to, "to", "", "before this ledger `time`, or a date for its end")
	return cmd
}

// query is what the flags ask for.
func (f *statementFlags) query() (q bursar.StatementQuery, err error) {
	if f.forward && f.before > 0 {
		return q, usagef("--before and --after exclude each other")
	}
	q = bursar.StatementQuery{After: max(f.before, f.after), Forward: f.forward, Limit: int(f.limit)}
	if q.From, err = parseStart("--from", f.from); err != nil {
		return q, err
	}
	if q.To, err = parseTime("--to", f.to, day); err != nil {
		return q, err
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
		return q, usagef("--from is later than --to")
	}
	return q, nil
}

// named says of a time that was not reached which flag has given it.
func (f *statementFlags) named(err error) error {
	var e *bursar.Error
	if errors.As(err, &e) && e.Code == bursar.CodeAsOfAhead {
		return ahead(err, "--"+e.Field)
	}
	return err
}

// printStatement prints lines in order of version.
func (e *env) printStatement(s *bursar.Statement, f *statementFlags) error {
	out := e.list(
		right("version"), right("seq"), left("at"), wide("effective"), left("kind"), left("transfer"), left("other"),
		right("amount"), right("balance"), wide("decided"), left("reference"), wide("metadata"), wide("legs"),
	)
	if !f.forward {
		slices.Reverse(s.Lines)
	}
	around := e.output == formatTable && f.from+f.to != ""
	if reached := !f.forward && s.Next == 0 || f.forward && f.after == 0; around && reached {
		if err := out.add(nil, balanceCells("= opening", s.Opening)...); err != nil {
			return err
		}
	}
	for i := range s.Lines {
		cells, err := lineCells(&s.Lines[i])
		if err != nil {
			return err
		}
		if err := out.add(s.Lines[i], cells...); err != nil {
			return err
		}
	}
	if reached := f.forward && s.Next == 0 || !f.forward && f.before == 0; around && reached {
		if err := out.add(nil, balanceCells("= closing", s.Closing)...); err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	switch {
	case s.Next > 0 && f.forward:
		e.say("hint", fmt.Sprintf("later transfers: --after %d", s.Next))
	case s.Next > 0:
		e.say("hint", fmt.Sprintf("earlier transfers: --before %d", s.Next))
	}
	return nil
}

// balanceCells are a row with nothing but a balance.
func balanceCells(label string, balance money.Amount) []string {
	return []string{"", "", "", "", label, "", "", "", balance.String(), "", "", "", ""}
}

// lineCells are a line's cells. What is not sealed has no place.
func lineCells(l *bursar.StatementLine) ([]string, error) {
	metadata, err := metadataText(l.Metadata)
	if err != nil {
		return nil, err
	}
	legs, err := json.Marshal(l.Legs)
	seq, at, effective := "", "", ""
	if l.Seq > 0 {
		seq, at = strconv.FormatInt(l.Seq, 10), l.At.String()
	}
	if l.Seq > 0 || l.Effective != 0 {
		effective = l.Effective.String()
	}
	return []string{
		strconv.FormatInt(l.Version, 10), seq, at, effective, l.Kind.String(), l.Transfer.String(), l.Other,
		l.Amount.String(), l.Balance.String(), l.Decided.String(), l.Reference, metadata, string(legs),
	}, err
}
