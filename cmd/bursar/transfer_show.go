package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/ledger"
)

func newTransferShowCommand(e *env) *cobra.Command {
	var reference string
	cmd := &cobra.Command{
		Use:   "show [ID]",
		Short: "Show what became of a transfer or an opening",
		Long: `Show what the ledger knows of an id: that of a transfer or of the opening of an account. It was posted, or
refused with an answer that the id gets for ever. What was refused and may still happen is not known.

With --reference in place of the id it is the posted transfer that has this reference.

A table lists the legs below the transfer. In JSON it is one object with everything; CSV has one row without the legs.`,
		Example: `  bursar transfer show 0192f0c1-2345-7abc-8def-0123456789ab
  bursar transfer show 0192f0c1-2345-7abc-8def-0123456789ab -o json
  bursar transfer show --reference "order 7"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			find := func(ctx context.Context, l *ledger.Ledger) (bursar.TransferRecord, error) {
				t, err := l.TransferByReference(ctx, reference)
				return t, coded.At(err, "--reference")
			}
			if len(args) == 1 {
				id, err := bursar.ParseID(args[0])
				if err != nil {
					return bursar.Errorf(bursar.CodeIDInvalid, "%q is no UUID; a reference is looked up with --reference", args[0])
				}
				find = func(ctx context.Context, l *ledger.Ledger) (bursar.TransferRecord, error) {
					return l.Transfer(ctx, id)
				}
			}
			return e.withLedger(cmd.Context(), reads, func(ctx context.Context, l *ledger.Ledger) error {
				t, err := find(ctx, l)
				if err != nil {
					return err
				}
				return e.showTransfer(&t)
			})
		},
	}
	cmd.Flags().StringVar(&reference, "reference", "", "the `reference` of the transfer, in place of its id")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("reference") {
			if len(args) > 0 {
				return usagef("an ID and --reference exclude each other")
			}
			return nil
		}
		err := arguments(1, "ID")(nil, args)
		if len(args) == 2 || len(args) == 3 {
			return hintf(err, `a transfer from an account that is called show is written --leg "show,TO,AMOUNT"`)
		}
		return err
	}
	return cmd
}

func (e *env) showTransfer(t *bursar.TransferRecord) error {
	metadata, err := metadataText(t.Metadata)
	if err != nil {
		return err
	}
	code, detail, seq := "", "", ""
	if t.Refusal != nil {
		code, detail = string(t.Refusal.Code), t.Refusal.Message
	}
	if n := len(t.Entries); n > 0 && t.Entries[n-1].Seq > 0 {
		seq = strconv.FormatInt(t.Entries[n-1].Seq, 10)
	}
	err = e.show(t,
		field{"id", t.ID.String()}, field{"kind", t.Kind.String()}, field{"seq", seq},
		field{"decided", t.Decided.String()}, field{"reference", t.Reference}, field{"metadata", metadata},
		field{"refused", code}, field{"detail", detail}, field{"legs", strconv.Itoa(len(t.Entries))},
	)
	if err != nil || e.output != formatTable || len(t.Entries) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(e.stdout); err != nil {
		return err
	}
	return e.list(entryColumns()...).addEntries(t.Entries)
}
