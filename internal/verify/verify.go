package verify

import (
	"cmp"
	"context"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/journal"
)

// Options says how to run. The zero value, and nil, are the defaults.
type Options struct {
	// Progress is told after every page how many entries of how many are checked.
	Progress func(done, total int64)
	// Anchors are hashes of entries by position, which an earlier report gave and somebody kept outside the database. They
	// find what nothing inside can: a tail that was cut off, or a journal that was written anew.
	Anchors map[int64][32]byte
	// Findings is the most findings that the report lists. Defaults to 20.
	Findings int
}

const findingsDefault = 20

// pageSize is how many rows are read at once.
const pageSize = 1_000

// Run checks one book over one snapshot. In memory it keeps a few hundred bytes for each account and for each entry
// that is not sealed, two bytes for each request up to 32 megabytes, and a few pages of everything else. It seals
// nothing. A ledger that is not sound is no error: see [Report.Err]. What cannot be read after something else was
// found is a finding too.
//
// Errors: bursar.CodeUnsupported for a store that cannot be verified; bursar.CodeSchemaBehind, bursar.CodeSchemaAhead
// and bursar.CodeSchemaChanged for a schema that this program does not know; those of reading.
func Run(ctx context.Context, store driver.Store, book bursar.Book, o *Options) (Report, error) {
	a := audit{book: book}
	if o != nil {
		a.options = *o
	}
	if a.options.Findings <= 0 {
		a.options.Findings = findingsDefault
	}
	if err := checkVersion(ctx, store); err != nil {
		return Report{}, err
	}
	var report Report
	err := read(ctx, store, func(inside context.Context, source driver.Auditor) error {
		attempt := a // reading may begin anew
		attempt.source = source
		attempt.beside = startBeside(ctx, inside, store)
		defer attempt.beside.stop()
		err := attempt.run(inside)
		report = attempt.report
		return err
	})
	if err != nil && (report.OK() || ctx.Err() != nil) {
		return Report{}, err
	}
	if err != nil {
		// What was found until then says more, such as a column that is not of its type any more.
		report.add(Finding{Check: Readable, Detail: fmt.Sprintf("not everything could be read: %v", err)}, a.options.Findings)
		report.trim(a.options.Findings)
	}
	return report, nil
}

// Book finds a book of a database by name without creating it. A name that no book has is bursar.CodeBookNotFound, or
// bursar.CodeCorrupt when there are books that cannot be read.
func Book(ctx context.Context, store driver.Store, name string) (book bursar.Book, err error) {
	if err := checkVersion(ctx, store); err != nil {
		return bursar.Book{}, err
	}
	err = read(ctx, store, func(ctx context.Context, source driver.Auditor) error {
		books, err := source.AuditBooks(ctx)
		if err != nil {
			return err
		}
		book, err = named(books, name)
		return err
	})
	return book, err
}

func named(books []driver.AuditedBook, name string) (bursar.Book, error) {
	missing := driver.BookNotFound(name, books)
	for i := range books {
		switch b := &books[i]; {
		case b.Fault != nil:
			missing = bursar.Errorf(bursar.CodeCorrupt, "the rows of book number %d: %w", b.Number, b.Fault)
		case b.Name == name:
			return b.Book, nil
		}
	}
	return bursar.Book{}, missing
}

func read(ctx context.Context, store driver.Store, fn func(context.Context, driver.Auditor) error) error {
	return store.Read(ctx, func(ctx context.Context, r driver.Reader) error {
		source, ok := r.(driver.Auditor)
		if !ok {
			return bursar.Errorf(bursar.CodeUnsupported, "a %T cannot be verified", store)
		}
		return fn(ctx, source)
	})
}

func checkVersion(ctx context.Context, store driver.Store) error {
	have, want, err := store.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have < want:
		return bursar.Errorf(bursar.CodeSchemaBehind, "the database has schema %d and verify reads %d", have, want)
	case have > want:
		return bursar.Errorf(bursar.CodeSchemaAhead, "the database has schema %d and verify reads %d", have, want)
	default:
		return nil
	}
}

// audit is one run.
type audit struct {
	source  driver.Auditor
	beside  *beside
	book    bursar.Book
	options Options
	report  Report

	head     *bursar.Head       // as it is stored
	headless bool               // the head is missing for a reason that is reported
	last     place              // in the journal, as far as it was replayed
	accounts map[int64]*account // by number
	paths    map[string]*account
	request  replayed // the request whose entries are being replayed
	breaks   int      // of the chain
	firstBad int64    // the lowest position with a finding in the journal; 0 for none
	filter   filter   // of the ids of requests
	single   []journal.Leg
	buf      []byte
}

// place is what the next entry builds on.
type place struct {
	seq    int64
	at     bursar.Instant
	hash   [32]byte
	broken bool // the entry is missing or unreadable: at and hash are not known
}

func (a *audit) run(ctx context.Context) error {
	a.report.Book = a.book
	a.accounts = make(map[int64]*account)
	a.paths = make(map[string]*account)
	for _, step := range []func(context.Context) error{
		a.checkSchema, a.checkBook, a.checkJournal, a.checkUnsealed, a.checkRequests, a.checkAccounts, a.checkBeside,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	a.report.trim(a.options.Findings)
	return nil
}

// spot is where a finding is: a position of the journal, or an entry without one.
type spot struct{ seq, row int64 }

func spotOf(e *driver.AuditedEntry) spot { return spot{seq: e.Seq, row: e.Key} }

// compare orders by position, and entries without one after all that have one.
func (s spot) compare(other spot) int {
	return cmp.Or(cmp.Compare(uint64(s.seq-1), uint64(other.seq-1)), cmp.Compare(s.row, other.row))
}

// find reports a finding at a position. 0 is no position.
func (a *audit) find(seq int64, check Check, format string, args ...any) {
	a.findAt(spot{seq: seq}, check, format, args...)
}

// findIn reports a finding at an entry.
func (a *audit) findIn(e *driver.AuditedEntry, check Check, format string, args ...any) {
	a.findAt(spotOf(e), check, format, args...)
}

func (a *audit) findAt(at spot, check Check, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	if at.seq < 1 && at.row != 0 {
		detail = fmt.Sprintf("entry %d: %s", at.row, detail)
	}
	a.report.add(Finding{Seq: max(at.seq, 0), Check: check, Detail: detail}, a.options.Findings)
}

// checkBook compares the book's row with the book that was asked for, and remembers the head.
func (a *audit) checkBook(ctx context.Context) error {
	a.last.hash = journal.Genesis(a.book.UUID)
	if a.last.hash != a.book.Genesis {
		a.find(0, Genesis, "the genesis hash of book %s does not come from its UUID", a.book.Name)
	}
	books, err := a.source.AuditBooks(ctx)
	if err != nil {
		return err
	}
	for i := range books {
		b := &books[i]
		switch {
		case b.Number != a.book.Number:
			continue
		case b.Fault != nil:
			a.find(0, Readable, "the rows of the book or its head: %v", b.Fault)
			a.headless = true
		case b.Book != a.book:
			a.find(0, Genesis, "the row of the book has another name, UUID or genesis hash than the ledger's")
		}
		a.head = b.Head
		return nil
	}
	a.find(0, Genesis, "the row of the book is missing")
	a.headless = true
	return nil
}

// checkJournal replays the entries, while the next ones are being read.
func (a *audit) checkJournal(ctx context.Context) error {
	if err := a.readIDs(ctx); err != nil {
		return err
	}
	if err := a.replayAll(ctx); err != nil {
		return err
	}
	a.endRequest()
	a.report.Head = bursar.Head{Seq: a.last.seq, At: a.last.at, Hash: a.last.hash, Book: a.book.UUID}
	a.checkHead()
	for seq := range a.options.Anchors {
		if seq > a.last.seq {
			a.find(a.last.seq+1, Anchored, "the journal ends with %d, before the anchor at %d", a.last.seq, seq)
		}
	}
	for i := range a.report.Findings {
		if seq := a.report.Findings[i].Seq; seq > 0 && (a.firstBad == 0 || seq < a.firstBad) {
			a.firstBad = seq
		}
	}
	return nil
}

func (a *audit) progress() {
	if a.options.Progress == nil {
		return
	}
	total := a.report.Entries
	if a.head != nil {
		total = max(total, a.head.Seq)
	}
	a.options.Progress(a.report.Entries, total)
}

// checkHead compares the head's row with the end of the journal.
func (a *audit) checkHead() {
	h := a.head
	switch {
	case h == nil && a.headless:
	case h == nil:
		a.find(a.last.seq, Heads, "the book has no readable head")
	case h.Seq > a.last.seq:
		a.find(a.last.seq+1, Heads, "the head is %d but the journal ends with %d: its tail is missing", h.Seq, a.last.seq)
	case h.Seq < a.last.seq:
		a.find(max(h.Seq, 0)+1, Heads, "the head is %d but the journal ends with %d", h.Seq, a.last.seq)
	case !a.last.broken && h.At < a.last.at:
		a.find(h.Seq, Heads, "the head says %v and its entry %v", h.At, a.last.at)
	case !a.last.broken && h.Hash != a.last.hash:
		a.find(h.Seq, Heads, "the head has another hash than its entry")
	}
}

// checkSchema compares the tables, and what guards and shows them, with what the migrations make.
func (a *audit) checkSchema(ctx context.Context) error {
	schema, err := a.source.AuditSchema(ctx)
	if err != nil {
		return err
	}
	for _, fault := range schema.Faults {
		a.find(0, Schema, "%s", fault)
	}
	a.report.Warnings = append(a.report.Warnings, schema.Notes...)
	return nil
}
