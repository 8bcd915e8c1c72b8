package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/ledger"
)

// transferFlags are the flags of transfer.
type transferFlags struct {
	id, reference, effective, notAfter string
	meta, legs                         []string
}

func newTransferCommand(e *env) *cobra.Command {
	var f transferFlags
	cmd := &cobra.Command{
		Use:   "transfer FROM TO AMOUNT",
		Short: "Move money from one account to another",
		Long: `Move money from one account to another, or along several legs that happen all or not at all.

The amount is a decimal number and its currency, in one argument or two: "25.00 USD" or 25.00 USD. It may have fewer
decimals than the currency, never more.

The id makes the transfer happen once. The same id with the same content prints the first result again; with other
content it is refused. Without --id one is made, and stderr names it when the answer is lost.

Each --leg is a further leg, in the order given. With a --leg you may leave FROM TO AMOUNT out.

Times are written as RFC 3339 or as dates, which are days in UTC: --effective is the beginning of a day, and --not-after
its end.

A refusal goes to stderr. With -o json it also goes to stdout, as {"id": …, "refusal": {…}}: account, available, needed
and limit say what is missing, and final that the same id gets this answer for ever.`,
		Example: `  bursar transfer outside:bank users:alice 25.00 USD
  bursar transfer users:alice users:bob "10.00 USD" --id 0192f0c1-2345-7abc-8def-0123456789ab --reference order-17
  bursar transfer users:alice users:bob 10.00 USD --leg "users:alice,fees:sales,0.35 USD" --meta order=17
  bursar transfer users:alice users:bob 10.00 USD --effective 2026-01-31T12:00:00Z`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.transfer(args)
			if err != nil {
				return inWords(err, f.words(len(args) > 0))
			}
			return e.withLedger(cmd.Context(), posts, func(ctx context.Context, l *ledger.Ledger) error {
				posted, err := postOnce(ctx, l, t)
				if err != nil {
					return inWords(e.showRefusal(posted.ID, err), f.words(len(args) > 0))
				}
				return e.showPosted(posted)
			})
		},
	}
	cmd.AddCommand(newTransferShowCommand(e))
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 && len(f.legs) > 0 {
			return nil
		}
		return arguments(3, "FROM", "TO", "AMOUNT", "CURRENCY")(nil, args)
	}
	f.define(cmd)
	return cmd
}

func (f *transferFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.id, "id", "", "`UUID` that makes the transfer happen once (default a new one)")
	flags.StringVar(&f.reference, "reference", "", "`text` that no other transfer has")
	flags.StringArrayVar(&f.meta, "meta", nil, "`key=value` to keep with the transfer; may be repeated")
	flags.StringVar(&f.effective, "effective", "", "`time` to date the transfer back to: 2026-01-31T12:00:00Z or a date")
	flags.StringVar(&f.notAfter, "not-after", "", "refuse the transfer when it is decided later than this `time`")
	flags.StringArrayVar(&f.legs, "leg", nil, "a further leg `FROM,TO,AMOUNT`; may be repeated")
}

func (f *transferFlags) transfer(args []string) (t bursar.Transfer, err error) {
	if t.Legs, err = f.allLegs(args); err != nil {
		return t, err
	}
	if t.ID, err = parseID(f.id); err != nil {
		return t, err
	}
	if t.Effective, err = parseStart("--effective", f.effective); err != nil {
		return t, err
	}
	if t.NotAfter, err = parseEnd("--not-after", f.notAfter); err != nil {
		return t, err
	}
	t.Reference = f.reference
	t.Metadata, err = parseMetadata(f.meta)
	return t, err
}

func (f *transferFlags) allLegs(args []string) (legs []bursar.Leg, err error) {
	texts := make([][]string, 0, 1+len(f.legs))
	if len(args) > 0 {
		texts = append(texts, []string{args[0], args[1], strings.Join(args[2:], " ")})
	}
	for _, text := range f.legs {
		parts := strings.Split(text, ",")
		if len(parts) != 3 {
			return nil, usagef("--leg %q is not FROM,TO,AMOUNT", text)
		}
		texts = append(texts, parts)
	}
	for i, parts := range texts {
		leg := bursar.Leg{From: parts[0], To: parts[1]}
		// The ledger checks paths too, but a bad path comes before a bad amount in the error table.
		for _, side := range [2]struct{ field, path string }{{"from", leg.From}, {"to", leg.To}} {
			if err := bursar.CheckPath(side.path); err != nil {
				return nil, coded.At(err, fmt.Sprintf("legs[%d].%s", i, side.field))
			}
		}
		if leg.Amount, err = parseAmount(fmt.Sprintf("legs[%d].amount", i), parts[2]); err != nil {
			return nil, err
		}
		legs = append(legs, leg)
	}
	return legs, nil
}

// words are what the fields of a transfer are called on this command line. When it begins with FROM TO AMOUNT, these
// are the first leg.
func (f *transferFlags) words(positional bool) words {
	typed := words{
		"id": "--id", "reference": "--reference", "effective": "--effective", "not_after": "--not-after",
		"metadata": "--meta",
	}
	first := 0
	if positional {
		first = 1
		typed["legs[0].from"], typed["legs[0].to"], typed["legs[0].amount"] = "FROM", "TO", "AMOUNT"
		if typed["legs[0]"] = ""; len(f.legs) > 0 {
			typed["legs[0]"] = "FROM TO AMOUNT"
		}
	}
	for i, text := range f.legs {
		for _, part := range []string{"", ".from", ".to", ".amount"} {
			typed[fmt.Sprintf("legs[%d]%s", first+i, part)] = fmt.Sprintf("--leg %q", text)
		}
	}
	return typed
}

// postOnce posts t under an id. The error names the id when the transfer may have to be sent again.
func postOnce(ctx context.Context, l *ledger.Ledger, t bursar.Transfer) (bursar.Posted, error) {
	if t.ID.IsZero() {
		var err error
		if t.ID, err = l.NewID(); err != nil {
			return bursar.Posted{}, err
		}
	}
	posted, err := l.Post(ctx, t)
	posted.ID = t.ID // of a refusal too
	if bursar.Retryable(err) {
		remedy := bursar.Describe(bursar.CodeOf(err)).Remedy
		return posted, hintf(err, "%s: --id %s", remedy, t.ID)
	}
	return posted, err
}

// showPosted prints the answer to a transfer or an opening. seq and at are empty until the entry is sealed.
func (e *env) showPosted(p bursar.Posted) error {
	seq, at := "", ""
	if p.Seq > 0 {
		seq, at = strconv.FormatInt(p.Seq, 10), p.At.String()
	}
	return e.show(p,
		field{"id", p.ID.String()},
		field{"seq", seq},
		field{"at", at},
		field{"decided", p.Decided.String()},
		field{"replayed", strconv.FormatBool(p.Replayed)},
	)
}
