package exchange

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// ExportOptions says what to export. The zero value, and nil, are the whole journal as CSV.
type ExportOptions struct {
	Format string // csv, jsonl or hledger. Defaults to csv.
	// After leaves out what ends at or before this position. A transfer that the position cuts through is exported whole.
	After int64
	// Account exports only transfers that touch an account with this prefix, each with all its legs.
	Account string
	// Dated gives every row an effective time: that of the transfer, or its ledger time when it named none. A ledger
	// made from such a file has the dates of this one, and transfers of other content.
	Dated bool
	// Progress is told after each page how many of the positions are done.
	Progress func(done, total int64)
}

// Exported is what an export wrote.
type Exported struct {
	Transfers int64 `json:"transfers"`
	Entries   int64 `json:"entries"` // legs
	Seq       int64 `json:"seq"`     // the journal position that it reaches: After for the next export
}

// writer writes one format.
type writer interface {
	begin(book bursar.Book) error
	open(e *bursar.Entry) error
	transfer(t *exported) error
	end() error
}

// exported is a transfer as it is in the journal.
type exported struct {
	legs      []bursar.Entry
	reference string
	metadata  bursar.Metadata
}

// Export writes the journal up to the head that it finds at the start, in order, in constant memory. It holds no
// database transaction open for longer than a page takes to read, so a slow reader of w costs the ledger nothing.
//
// Errors: unsupported for an unknown format or a kind of entry that no format has; as_of_ahead when After is beyond
// the head; those of the store and of w.
func Export(ctx context.Context, store driver.Store, book bursar.Book, w io.Writer, o *ExportOptions) (
	Exported, error) {
	if o == nil {
		o = &ExportOptions{}
	}
	out := bufio.NewWriterSize(w, 1<<16)
	x := &exporter{store: store, book: book, options: *o}
	var err error
	if x.writer, err = newWriter(out, &x.options); err != nil {
		return Exported{}, err
	}
	if err := x.run(ctx); err != nil {
		return x.done, err
	}
	return x.done, out.Flush()
}

func newWriter(out *bufio.Writer, o *ExportOptions) (writer, error) {
	switch o.Format {
	case FormatCSV, "":
		return newCSVWriter(out, o), nil
	case FormatJSONL:
		return newJSONLWriter(out, o), nil
	case FormatHledger:
		return newHledgerWriter(out), nil
	default:
		return nil, bursar.Errorf(bursar.CodeUnsupported,
			"there is no export to %q: the formats are csv, jsonl and hledger", o.Format)
	}
}

// exporter is an Export under way.
type exporter struct {
	store   driver.Store
	book    bursar.Book
	options ExportOptions
	writer  writer
	legs    []bursar.Entry // of the transfer that the last page ended in
	notes   driver.Notes   // what is remembered of it
	done    Exported
}

func (x *exporter) run(ctx context.Context) error {
	after, head, err := x.span(ctx)
	if err != nil {
		return err
	}
	if err := x.writer.begin(x.book); err != nil {
		return err
	}
	for first := after; after < head; {
		rows, err := x.page(ctx, after, int(min(head-after, bursar.PageMax)))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return bursar.Errorf(bursar.CodeCorrupt, "the journal ends at %d and its head says %d: run bursar verify",
				after, head)
		}
		after = rows[len(rows)-1].Seq
		if err := x.write(rows, after == head); err != nil {
			return err
		}
		if x.options.Progress != nil {
			x.options.Progress(after-first, head-first)
		}
	}
	x.done.Seq = head
	return x.writer.end()
}

// span is the positions to export: what is after the first, up to the second.
func (x *exporter) span(ctx context.Context) (after, head int64, err error) {
	after = x.options.After
	err = x.store.Read(ctx, func(ctx context.Context, r driver.Reader) error {
		last, err := r.Head(ctx, x.book.Number)
		if err != nil {
			return err
		}
		if head = last.Seq; after < 0 || after > head {
			return bursar.Errorf(bursar.CodeAsOfAhead, "position %d is not in the journal, whose head is %d", after, head)
		}
		next, err := r.Journal(ctx, x.book.Number, after, 1)
		if err == nil && len(next) == 1 {
			after = next[0].Seq - int64(next[0].Leg) - 1
		}
		return err
	})
	return after, head, err
}

// page is the entries after a position, with what is remembered of their transfers.
func (x *exporter) page(ctx context.Context, after int64, limit int) (rows []driver.EntryRow, err error) {
	err = x.store.Read(ctx, func(ctx context.Context, r driver.Reader) error {
		rows, err = r.Journal(ctx, x.book.Number, after, limit)
		return err
	})
	return rows, err
}

// write writes the transfers that a page completes.
func (x *exporter) write(rows []driver.EntryRow, last bool) error {
	for i := range rows {
		e := &rows[i].Entry
		if len(x.legs) > 0 && x.legs[0].Transfer != e.Transfer {
			if err := x.finish(); err != nil {
				return err
			}
		}
		switch e.Kind {
		case bursar.EntryLeg:
			x.legs, x.notes = append(x.legs, *e), rows[i].Notes
		case bursar.EntryOpen:
			if !strings.HasPrefix(e.To, x.options.Account) {
				continue
			}
			if err := x.writer.open(e); err != nil {
				return err
			}
		default:
			return bursar.Errorf(bursar.CodeUnsupported, "entry %d is a %v, which no export format has", e.Seq, e.Kind)
		}
	}
	if last && len(x.legs) > 0 {
		return x.finish()
	}
	return nil
}

// finish writes the transfer whose legs have been gathered.
func (x *exporter) finish() error {
	t := exported{legs: x.legs}
	x.legs = x.legs[:0]
	if !t.touches(x.options.Account) {
		return nil
	}
	id := t.legs[0].Transfer
	if x.notes.LastEntry == 0 {
		return bursar.Errorf(bursar.CodeCorrupt,
			"entry %d belongs to %v, of which nothing is remembered: run bursar verify", t.legs[0].Seq, id)
	}
	t.reference = x.notes.Reference
	if x.notes.Metadata != "" {
		var err error
		if t.metadata, err = metadataIn(x.notes.Metadata); err != nil {
			return &bursar.Error{Code: bursar.CodeCorrupt, Message: "the stored metadata of " + id.String(), Err: err}
		}
	}
	x.done.Transfers++
	x.done.Entries += int64(len(t.legs))
	return x.writer.transfer(&t)
}

func (t *exported) touches(prefix string) bool {
	for i := range t.legs {
		if strings.HasPrefix(t.legs[i].From, prefix) || strings.HasPrefix(t.legs[i].To, prefix) {
			return true
		}
	}
	return false
}
