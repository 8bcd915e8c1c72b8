package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar/internal/exchange"
)

// exportFlags are the flags of export.
type exportFlags struct {
	options exchange.ExportOptions
	out     string
}

func newExportCommand(e *env) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the journal as CSV, JSON lines or for hledger",
		Long: `Write the transfers of the journal in order.

CSV and JSON lines are what import reads. Imported into an empty ledger with --open '**=min:none', they make the same
transfers with the same balances. The hledger format is a journal for hledger and other plain text accounting.

An export ends at the position that the journal has when it begins. stderr says which: --after that position exports
what is new.`,
		Example: `  bursar export > journal.csv
  bursar export --format jsonl --after 1000 --out new.jsonl
  bursar export --format hledger | hledger -f - balance
  bursar export --account users:alice`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.export(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Format, "format", exchange.FormatCSV, "csv, jsonl or hledger")
	flags.Var(countFlag{&f.options.After, 0, math.MaxInt64}, "after", "transfers after this `position`")
	flags.StringVar(&f.options.Account, "account", "", "only transfers that touch an account with this `prefix`")
	flags.BoolVar(&f.options.Dated, "dated", false,
		"give every row an effective time: its ledger time if it has no other (csv and jsonl)")
	flags.StringVar(&f.out, "out", "-", "`file` to write, complete or not at all; - is stdout")
	return cmd
}

func (e *env) export(ctx context.Context, f *exportFlags) (err error) {
	s, err := e.openStore(ctx, reads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := e.openBook(ctx, s, reads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close(context.WithoutCancel(ctx))) }()
	if _, err := e.sayReplica(ctx, l); err != nil {
		return err
	}
	var bar *progressbar.ProgressBar
	f.options.Progress = func(done, total int64) {
		if bar == nil {
			bar = e.bar("export", total)
		}
		_ = bar.Set64(done) // a bar that cannot be drawn is no reason to fail
	}
	var exported exchange.Exported
	err = e.writeOut(f.out, func(w io.Writer) (err error) {
		exported, err = exchange.Export(ctx, s, l.Book(), w, &f.options)
		return err
	})
	if bar != nil {
		_ = bar.Clear()
	}
	if err == nil {
		fmt.Fprintf(e.stderr, "bursar: %s with %s, up to position %d\n",
			count(exported.Transfers, "transfer", "transfers"), count(exported.Entries, "leg", "legs"), exported.Seq)
	}
	return err
}

// writeOut runs write over stdout or a file. A regular file gets its name only when it is complete and on disk.
func (e *env) writeOut(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(e.stdout)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() { // a pipe, a terminal
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return notOutput(name, err)
		}
		return errors.Join(write(file), file.Close())
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return notOutput(name, err)
	}
	err = write(file)
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = notOutput(name, os.Rename(file.Name(), name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// notOutput is the error of a file that cannot be made. It names the file that was asked for, and not the one that was
// to become it.
func notOutput(name string, err error) error {
	if err == nil {
		return nil
	}
	reason := err
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		reason = path.Err
	case errors.As(err, &link):
		reason = link.Err
	}
	return hintf(fmt.Errorf("%s: %w", name, reason),
		"--out names a file in a folder that is there and that you may write to")
}
