package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

const statementLimit = 50

func newStatementCommand(e *env) *cobra.Command {
	q := struct{ before, limit int64 }{limit: statementLimit}
	cmd := &cobra.Command{
		Use:   "statement PATH",
		Short: "List an account's entries with the running balance",
		Long: `List the latest entries of an account, the oldest of them first, with the balance after each. Amounts
received are positive, amounts sent negative.

When there are earlier entries, stderr names the --before that shows them.`,
		Example: `  bursar statement users:alice
  bursar statement users:alice --limit 10 --before 31
  bursar statement users:alice -o csv`,
		Args: arguments(1, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				lines, err := l.Statement(ctx, args[0], bursar.StatementQuery{Before: q.before, Limit: int(q.limit)})
				if err != nil {
					return err
				}
				slices.Reverse(lines)
				return e.printStatement(lines)
			})
		},
	}
	flags := cmd.Flags()
	flags.Var(countFlag{&q.limit, 1, bursar.PageMax}, "limit",
		fmt.Sprintf("at most `N` entries, up to %d", bursar.PageMax))
	flags.Var(countFlag{&q.before, 1, math.MaxInt64}, "before", "entries before this `version` of the account")
	return cmd
}

// printStatement prints lines in order of version.
func (e *env) printStatement(lines []bursar.StatementLine) error {
	out := e.list(
		right("version"), right("seq"), left("at"), wide("effective"), left("kind"), left("transfer"), left("other"),
		right("amount"), right("balance"),
	)
	for _, s := range lines {
		err := out.add(s, strconv.FormatInt(s.Version, 10), strconv.FormatInt(s.Seq, 10), s.At.String(), s.Effective.String(),
			s.Kind.String(), s.Transfer.String(), s.Other, s.Amount.String(), s.Balance.String())
		if err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	if len(lines) > 0 && lines[0].Version > 1 {
		e.say("hint", fmt.Sprintf("earlier entries: --before %d", lines[0].Version))
	}
	return nil
}
