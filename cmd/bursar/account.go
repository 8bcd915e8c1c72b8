package main

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

func newAccountCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Open accounts and look at them"}
	cmd.AddCommand(newAccountOpenCommand(e), newAccountShowCommand(e), newAccountListCommand(e))
	return cmd
}

// openingFlags are the flags of account open.
type openingFlags struct {
	currency, min, max, id string
	meta                   []string
}

func newAccountOpenCommand(e *env) *cobra.Command {
	var f openingFlags
	cmd := &cobra.Command{
		Use:   "open PATH --currency CODE",
		Short: "Open an account",
		Long: `Open an account. PATH is its name: segments of letters, digits and . _ - @ + joined by colons.

The currency is a code of ISO 4217, or an asset with its number of decimals, such as CHIP/0 or BTC/8.

The available balance never falls below --min. That is zero unless you say otherwise; "none" is for accounts that stand
for the outside world. The balance never rises above --max.

Opening an account again with the same settings changes nothing and prints the first result.`,
		Example: `  bursar account open users:alice --currency USD
  bursar account open users:bob --currency USD --min "-100.00 USD" --max "5000.00 USD"
  bursar account open outside:bank --currency USD --min none --meta iban=DE00123`,
		Args: arguments(1, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opening, err := f.opening(args[0])
			if err != nil {
				return inWords(err, openingWords())
			}
			return e.withLedger(cmd.Context(), makes, func(ctx context.Context, l *ledger.Ledger) error {
				posted, err := l.OpenAccount(ctx, opening)
				if err != nil {
					return inWords(e.showRefusal(opening.ID, err), openingWords())
				}
				return e.showPosted(posted)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.currency, "currency", "", "`code` of the one currency of the account")
	flags.StringVar(&f.min, "min", "", "least available balance: an `amount` or none (default zero)")
	flags.StringVar(&f.max, "max", "", "greatest balance: an `amount` (default none)")
	flags.StringArrayVar(&f.meta, "meta", nil, "`key=value` to keep with the account; may be repeated")
	flags.StringVar(&f.id, "id", "", "`UUID` that makes the opening idempotent (default made from the path)")
	return cmd
}

func (f *openingFlags) opening(path string) (o bursar.Opening, err error) {
	if f.currency == "" {
		return o, usagef("missing flag --currency")
	}
	o.Path = path
	if err = bursar.CheckPath(path); err != nil {
		return o, coded.At(err, "path")
	}
	if o.Currency, err = money.ParseCurrency(f.currency); err != nil {
		return o, coded.At(err, "currency")
	}
	if o.ID, err = parseID(f.id); err != nil {
		return o, err
	}
	if o.NoMin = f.min == "none"; !o.NoMin {
		if o.Min, err = optionalAmount("min", f.min); err != nil {
			return o, err
		}
	}
	if f.max != "none" {
		if o.Max, err = optionalAmount("max", f.max); err != nil {
			return o, err
		}
	}
	o.Metadata, err = parseMetadata(f.meta)
	return o, err
}

// optionalAmount reads an amount; an empty text is none.
func optionalAmount(field, s string) (*money.Amount, error) {
	if s == "" {
		return nil, nil
	}
	amount, err := parseAmount(field, s)
	if err != nil {
		return nil, err
	}
	return &amount, nil
}

// openingWords are what the fields of an opening are called on the command line.
func openingWords() words {
	return words{
		"path": "PATH", "currency": "--currency", "min": "--min", "max": "--max", "id": "--id", "metadata": "--meta",
	}
}

func newAccountShowCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "show PATH",
		Short:   "Show an account as it is now",
		Example: "  bursar account show users:alice\n  bursar account show users:alice -o json",
		Args:    arguments(1, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				account, err := l.Account(ctx, args[0])
				if err != nil {
					return err
				}
				cells, err := accountCells(&account)
				if err != nil {
					return err
				}
				fields := make([]field, len(cells))
				for i, c := range accountColumns() {
					fields[i] = field{c.name, cells[i]}
				}
				return e.show(account, fields...)
			})
		},
	}
}

func newAccountListCommand(e *env) *cobra.Command {
	var limit int64
	var after string
	cmd := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List accounts in order of path",
		Long: `List accounts in order of path, compared byte by byte: all of them, or those whose path begins with PREFIX.

--limit prints one page. For the next page give the last path printed to --after.`,
		Example: `  bursar account list
  bursar account list users: --limit 100
  bursar account list users: --limit 100 --after users:bob -o json`,
		Args: arguments(0, "PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := bursar.AccountQuery{After: after}
			if len(args) > 0 {
				q.Prefix = args[0]
			}
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				return e.listAccounts(ctx, l, q, limit)
			})
		},
	}
	cmd.Flags().Var(countFlag{&limit, 1, math.MaxInt64}, "limit", "at most `N` accounts (default all)")
	cmd.Flags().StringVar(&after, "after", "", "accounts that sort after this `path`")
	return cmd
}

// listAccounts prints page after page; limit 0 is none.
func (e *env) listAccounts(ctx context.Context, l *ledger.Ledger, q bursar.AccountQuery, limit int64) error {
	out := e.list(accountColumns()...)
	for left := limit; ; {
		q.Limit = pageOf(left, limit)
		page, err := l.Accounts(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			cells, err := accountCells(&page[i])
			if err != nil {
				return err
			}
			if err := out.add(page[i], cells...); err != nil {
				return err
			}
			q.After = page[i].Path
		}
		if err := out.flush(); err != nil {
			return err
		}
		left -= int64(len(page))
		if len(page) < q.Limit || limit > 0 && left == 0 {
			return nil
		}
	}
}

// pageOf is the size of the next page. left is what is still wanted of a limit; a limit of 0 is none.
func pageOf(left, limit int64) int {
	if limit == 0 {
		return bursar.PageMax
	}
	return int(min(left, bursar.PageMax))
}

func accountColumns() []column {
	return []column{
		left("path"), left("currency"), left("state"), right("balance"), right("held"), right("available"),
		wide("min"), wide("max"), right("version"), wide("opened"), wide("metadata"),
	}
}

func accountCells(a *bursar.Account) ([]string, error) {
	metadata, err := metadataText(a.Metadata)
	if err != nil {
		return nil, err
	}
	return []string{
		a.Path, a.Currency.String(), a.State.String(), a.Balance.String(), a.Held.String(), a.Available.String(),
		limitText(a.Min), limitText(a.Max), strconv.FormatInt(a.Version, 10), a.Opened.String(), metadata,
	}, nil
}

// metadataText is metadata as a JSON object, and empty when there is none.
func metadataText(m bursar.Metadata) (string, error) {
	if len(m) == 0 {
		return "", nil
	}
	text, err := json.Marshal(m)
	return string(text), err
}

func limitText(limit *money.Amount) string {
	if limit == nil {
		return "none"
	}
	return limit.String()
}
