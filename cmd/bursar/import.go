package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// importFlags are the flags of import.
type importFlags struct {
	format string
	open   []string
	ack    string
	batch  int64
	dry    bool
}

func newImportCommand(e *env) *cobra.Command {
	f := importFlags{batch: 4096}
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Post the transfers of a CSV or JSON lines file",
		Long: `Post the transfers of a file in the order of its rows. Each row is a leg. "-" reads stdin.

The columns are id, leg, effective, from, to, amount, currency, reference, memo, metadata, from_balance and to_balance.
from, to and amount must be there. docs/import.md describes the file.

You may stop the import in any way and run it again from the start. Nothing is posted twice, whether rows have ids or
not. With --ack a file remembers what is posted, and a later run passes over it quickly.

A row that makes no sense ends the import before anything of its batch is posted. A transfer that the ledger refuses
does not end it: refusals are listed at the end, and the exit code is that of the first one. Expected balances that do
not come out are listed too, and leave the exit code alone.

--open PATTERN opens accounts that do not exist, in the currency of the row. In a pattern * stands for one segment, and
** at the end for all that follow. Options after = set limits: min:none, min:AMOUNT and max:AMOUNT, with commas between
them. The first pattern that matches counts.

--dry-run reads the whole file and lists what an import would open, and every row that makes no sense, names an account
that is not there, or has an id with other content. It writes nothing: no file, no book, no --ack. Whether there is
money enough is judged when the transfers are posted.`,
		Example: `  bursar import payments.csv
  bursar import --open 'users:*' --open 'outside:**=min:none' --ack payments.ack payments.csv
  bursar import --open 'users:*' --dry-run payments.csv
  zcat old.jsonl.gz | bursar import --format jsonl -o json -`,
		Args: arguments(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.importFile(cmd.Context(), args[0], &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "csv or jsonl (default by the name of the file, else csv)")
	flags.StringArrayVar(&f.open, "open", nil, "accounts that may be opened: `PATTERN[=OPTION,...]`; may be given again")
	flags.StringVar(&f.ack, "ack", "", "`file` that remembers what is posted")
	flags.Var(countFlag{&f.batch, 1, bursar.BatchMax}, "batch", "transfers that are posted together")
	flags.BoolVar(&f.dry, "dry-run", false, "say what would be opened and posted, and write nothing")
	return cmd
}

// formatOf is the format that was asked for, or else the one that the file's name ends with.
func (f *importFlags) formatOf(name string) string {
	switch ext := filepath.Ext(name); {
	case f.format != "":
		return f.format
	case ext == ".jsonl" || ext == ".ndjson":
		return exchange.FormatJSONL
	default:
		return exchange.FormatCSV
	}
}

func (e *env) importFile(ctx context.Context, name string, f *importFlags) (err error) {
	var openers []exchange.Opener
	for _, text := range f.open {
		opener, err := exchange.ParseOpener(text)
		if err != nil {
			return fmt.Errorf("--open: %w", err)
		}
		openers = append(openers, opener)
	}
	input, size, err := e.input(name)
	if err != nil {
		return err
	}
	defer input.Close()
	if name == "-" {
		name = "stdin"
	}
	var reader io.Reader = input
	if size < 0 {
		reader = &patientReader{ctx: ctx, r: input}
	}
	bar := e.bar("import", size, progressbar.OptionShowBytes(true))
	rows, err := exchange.NewRows(f.formatOf(name), name, io.TeeReader(reader, bar))
	if err != nil {
		return err
	}
	if f.dry {
		return e.dryRun(ctx, rows, openers, bar)
	}
	return e.withLedger(ctx, makes, func(ctx context.Context, l *ledger.Ledger) (err error) {
		options := &exchange.ImportOptions{Open: openers, Batch: int(f.batch)}
		if f.ack != "" {
			if options.Ack, err = exchange.OpenAck(f.ack, l.Book()); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, options.Ack.Close()) }()
		}
		return e.importRows(ctx, l, rows, options, bar)
	})
}

// input opens a file, or stdin for "-". It also returns the size, or -1 when that is not known.
func (e *env) input(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(e.stdin), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, notInput(err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(notInput(err), file.Close())
	case info.IsDir():
		return nil, 0, errors.Join(notInput(fmt.Errorf("%s is a directory", name)), file.Close())
	case !info.Mode().IsRegular():
		return file, -1, nil
	default:
		return file, info.Size(), nil
	}
}

// notInput is the error of a FILE that cannot be read.
func notInput(err error) error {
	return hintf(&usageError{err.Error()}, "FILE is a file of transfers that you may read, or - for stdin")
}

// importRows runs the import. It tells what came of it, even if it ended early.
func (e *env) importRows(
	ctx context.Context, l *ledger.Ledger, rows *exchange.Rows, options *exchange.ImportOptions,
	bar *progressbar.ProgressBar,
) error {
	var found findings
	options.Refused = func(r exchange.Refusal) { found.refused = append(found.refused, r) }
	options.Mismatch = func(m exchange.Mismatch) { found.mismatches = append(found.mismatches, m) }
	began := time.Now()
	summary, err := exchange.Import(ctx, l, rows, options)
	took := time.Since(began)
	_ = bar.Clear() // a bar that cannot be wiped off a terminal is no reason to fail
	if printing := e.printFindings(&found, summary, took); printing != nil {
		return errors.Join(err, printing)
	}
	e.printSummary(summary, took)
	switch {
	case bursar.CodeOf(err) == bursar.CodeCanceled:
		return hintf(err, "run the same command again to go on")
	case err != nil:
		return err
	case len(found.refused) > 0:
		first := found.refused[0]
		return bursar.Errorf(first.Code, "%d of %s %s refused, the first on line %d",
			summary.Refused, count(summary.Transfers, "transfer", "transfers"), was(summary.Refused), first.Line)
	default:
		return nil
	}
}

// findings are what an import lists at its end.
type findings struct {
	refused    []exchange.Refusal
	mismatches []exchange.Mismatch
}

// The records of -o json: one object for each finding, and the summary as the last one.
type (
	refusedView struct {
		Finding string    `json:"finding"`
		Line    int       `json:"line"`
		ID      bursar.ID `json:"id"`
		*bursar.Error
	}
	mismatchView struct {
		Finding  string       `json:"finding"`
		Line     int          `json:"line"`
		ID       bursar.ID    `json:"id"`
		Path     string       `json:"path"`
		Expected money.Amount `json:"expected"`
		Actual   money.Amount `json:"actual"`
		Off      money.Amount `json:"off"`
	}
	summaryView struct {
		Finding string `json:"finding"`
		exchange.Summary
		Seconds       string `json:"seconds"`
		RowsPerSecond int64  `json:"rows_per_second"`
	}
)

// printFindings lists refusals and mismatches. A table leaves out the columns that would be empty.
func (e *env) printFindings(found *findings, summary exchange.Summary, took time.Duration) error {
	out := e.list(found.columns()...)
	for _, r := range found.refused {
		view := refusedView{"refused", r.Line, r.ID, r.Error}
		plain := *r.Error // its code has a column of its own
		plain.Code = ""
		err := out.add(view, "refused", strconv.Itoa(r.Line), r.ID.String(), "", "", "", "", string(r.Code), plain.Error())
		if err != nil {
			return err
		}
	}
	for _, m := range found.mismatches {
		view := mismatchView{"mismatch", m.Line, m.ID, m.Account, m.Expected, m.Actual, m.Off}
		err := out.add(view, "mismatch", strconv.Itoa(m.Line), m.ID.String(), m.Account,
			m.Expected.String(), m.Actual.String(), m.Off.String(), "", "")
		if err != nil {
			return err
		}
	}
	if e.output == formatJSON {
		view := summaryView{"summary", summary, fmt.Sprintf("%.3f", took.Seconds()), perSecond(summary.Rows, took)}
		if err := out.add(view); err != nil {
			return err
		}
	}
	if len(found.refused)+len(found.mismatches) == 0 && e.output == formatTable {
		return nil
	}
	return out.flush()
}

// columns are those of both kinds of finding. A table shows those of the kinds that were found.
func (f *findings) columns() []column {
	ofRefused := func(c column) column {
		c.wide = len(f.refused) == 0
		return c
	}
	ofMismatch := func(c column) column {
		c.wide = len(f.mismatches) == 0
		return c
	}
	return []column{
		left("finding"), right("line"), wide("id"),
		ofMismatch(left("path")), ofMismatch(right("expected")), ofMismatch(right("actual")), ofMismatch(right("off")),
		ofRefused(left("code")), ofRefused(left("detail")),
	}
}

// printSummary says on stderr how far the import came.
func (e *env) printSummary(s exchange.Summary, took time.Duration) {
	parts := []string{fmt.Sprintf("%d posted", s.Posted), fmt.Sprintf("%d replayed", s.Replayed)}
	for _, more := range []struct {
		n         int64
		one, many string
	}{
		{s.Acknowledged, "acknowledged before", "acknowledged before"}, {s.Refused, "refused", "refused"},
		{s.Opened, "account opened", "accounts opened"}, {s.Mismatches, "balance off", "balances off"},
	} {
		if more.n > 0 {
			parts = append(parts, count(more.n, more.one, more.many))
		}
	}
	for _, net := range s.Net {
		parts = append(parts, "net "+net.String())
	}
	fmt.Fprintf(e.stderr, "bursar: %s in %.2f s, %d a second: %s\n",
		count(s.Rows, "row", "rows"), took.Seconds(), perSecond(s.Rows, took), strings.Join(parts, ", "))
}

func perSecond(n int64, took time.Duration) int64 {
	return n * 1000 / max(took.Milliseconds(), 1)
}

// bar is a progress bar on stderr. It is not seen when stderr is no terminal. A total of -1 is unknown.
func (e *env) bar(what string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	// A bar of unknown length would draw itself, in a goroutine that Clear does not stop.
	drawn := progressbar.OptionSetSpinnerChangeInterval(0)
	file, ok := e.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return progressbar.NewOptions64(-1, drawn, progressbar.OptionSetWriter(io.Discard),
			progressbar.OptionSetVisibility(false))
	}
	options = append([]progressbar.Option{
		drawn, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
	}, options...)
	return progressbar.NewOptions64(total, options...)
}

// patientReader reads until its context ends. It ends even while a read waits for a pipe into which nobody writes.
type patientReader struct {
	ctx context.Context
	r   io.Reader
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	type answer struct {
		n   int
		err error
	}
	// When the context ends, the read is left behind. It must not write into b then, because b is its owner's again.
	own := make([]byte, len(b))
	done := make(chan answer, 1)
	go func() {
		n, err := p.r.Read(own)
		done <- answer{n, err}
	}()
	select {
	case a := <-done:
		return copy(b, own[:a.n]), a.err
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}
