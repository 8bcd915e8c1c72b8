package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/internal/journal"
)

// Clock tells the time and waits. It is safe for concurrent use.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// Sleep waits for d and returns nil, or returns the cause of the end of ctx as soon as ctx is done. It does not wait
	// when d is zero or less.
	Sleep(ctx context.Context, d time.Duration) error
}

// Options says how a ledger works. The zero value, and nil, are the defaults.
type Options struct {
	// Book is the ledger among several in one database. Defaults to "main". One that does not exist is
	// [bursar.ErrBookNotFound], unless Migrate says that it may be made.
	Book string
	// Strategy decides when posts are written. Defaults to [Locks]: each Post in a database transaction of its own.
	// [Queue] is the fast one.
	Strategy Strategy
	// Migrate brings an older schema up to date, and makes a Book that does not exist. Defaults to refusing the one with
	// [bursar.ErrSchemaBehind] and the other with [bursar.ErrBookNotFound], so that a mistyped name makes nothing.
	Migrate bool
	// Logger is told what an operator wants to know: which batches were not written because of contention, a lost commit
	// or a database that contradicts itself, with their code. Defaults to nothing.
	Logger *slog.Logger
	// Observer is told of every post. Defaults to nothing.
	Observer *Observer
	// Clock is where time comes from. Defaults to the machine's.
	Clock Clock
	// SealEvery is how long an entry that was committed unsealed waits at most for this ledger to seal it, on engines
	// with many writers. Defaults to 250 ms. Less than zero means that this ledger seals only in [Queue] and in
	// [Ledger.Seal].
	SealEvery time.Duration
}

const (
	bookDefault      = "main"
	sealEveryDefault = 250 * time.Millisecond
	// openTimeout bounds what New asks of the database.
	openTimeout = 30 * time.Second
)

// New makes a ledger over a store. It looks at the database: a schema that is not this program's is
// [bursar.ErrSchemaBehind] or [bursar.ErrSchemaAhead], and a book that is not there is [bursar.ErrBookNotFound]. It
// takes as long as ctx allows, and at most 30 seconds; a database that does not answer by then is
// [bursar.ErrUnavailable]. What the ledger does later does not depend on ctx.
//
// Call [Ledger.Close] when the program ends: strategies, and the sealing on engines with many writers, have goroutines
// of their own. The ledger does not own the store, which is closed afterwards.
func New(ctx context.Context, store driver.Store, o *Options) (*Ledger, error) {
	options := o.orDefaults()
	w := &writer{
		store: store, clock: options.Clock, time: newTimekeeper(options.Clock, o != nil && o.Clock != nil),
		observer: options.Observer, logger: options.Logger,
	}
	if err := w.open(ctx, &options); err != nil {
		return nil, err
	}
	l := &Ledger{
		view:  view{book: w.book, read: store.Read, now: w.time.now},
		store: store, writer: w, clock: options.Clock,
	}
	l.reach = l.reachTime
	if store.SealsLater() && options.SealEvery > 0 {
		l.sealer = startSealer(w, options.SealEvery, writePatience)
		w.unsealed = l.sealer.wakeUp
	}
	l.poster = options.Strategy.start(w)
	w.logger.Debug("ledger opened", "book", w.book.Name, "uuid", w.book.UUID.String())
	return l, nil
}

// open asks the database for all that a ledger has to know before it begins, within the time that this may take.
func (w *writer) open(whole context.Context, o *Options) error {
	ctx, cancel := context.WithTimeout(whole, openTimeout)
	defer cancel()
	err := checkSchema(ctx, w.store, o.Migrate)
	if err == nil {
		w.book, err = openBook(ctx, w.store, o.Book, o.Migrate)
	}
	if err == nil {
		err = w.noteGap(ctx)
	}
	if bursar.CodeOf(err) != bursar.CodeCanceled || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	var told *bursar.Error
	if errors.As(err, &told) && told.Err != nil {
		err = told.Err // without the code that it has not
	}
	if whole.Err() == nil { // the caller has time to try again
		err = errors.New(err.Error())
	}
	return &bursar.Error{Code: bursar.CodeUnavailable, Err: err, Message: "the database did not answer in the time that " +
		"opening a ledger may take: see that its server is up, can be reached from here and has a connection to spare"}
}

func (o *Options) orDefaults() Options {
	var filled Options
	if o != nil {
		filled = *o
	}
	filled.Book = cmp.Or(filled.Book, bookDefault)
	filled.SealEvery = cmp.Or(filled.SealEvery, sealEveryDefault)
	if filled.Strategy == nil {
		filled.Strategy = Locks{}
	}
	if filled.Logger == nil {
		filled.Logger = slog.New(slog.DiscardHandler)
	}
	if filled.Clock == nil {
		filled.Clock = clock.System()
	}
	return filled
}

func checkSchema(ctx context.Context, store driver.Store, migrate bool) error {
	if migrate {
		if err := store.Migrate(ctx); err != nil {
			return err
		}
	}
	have, want, err := store.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have < want:
		return bursar.Errorf(bursar.CodeSchemaBehind,
			"the database has schema %d and this program needs %d: run bursar migrate, or set Options.Migrate", have, want)
	case have > want:
		return bursar.Errorf(bursar.CodeSchemaAhead,
			"the database has schema %d and this program knows %d: use a newer program", have, want)
	default:
		return nil
	}
}

func openBook(ctx context.Context, store driver.Store, name string, create bool) (bursar.Book, error) {
	if err := bursar.CheckPath(name); err != nil {
		return bursar.Book{}, coded.At(err, "book")
	}
	fresh := bursar.Book{Name: name}
	if _, err := rand.Read(fresh.UUID[:]); err != nil {
		return bursar.Book{}, fmt.Errorf("random bits for a book: %w", err)
	}
	fresh.UUID = stamp(fresh.UUID, 4)
	fresh.Genesis = journal.Genesis(fresh.UUID)
	book, err := store.Book(ctx, fresh, create)
	if errors.Is(err, bursar.ErrBookNotFound) {
		err = missingBook(ctx, store, name)
	}
	if err == nil && book.Genesis != journal.Genesis(book.UUID) {
		err = bursar.Errorf(bursar.CodeCorrupt, "the genesis hash of book %s does not come from its UUID", name)
	}
	return book, err
}

// missingBook is the error for a book that is not there.
func missingBook(ctx context.Context, store driver.Store, name string) error {
	var books []driver.AuditedBook
	err := store.Read(ctx, func(ctx context.Context, r driver.Reader) (err error) {
		if source, ok := r.(driver.Auditor); ok {
			books, err = source.AuditBooks(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	return driver.BookNotFound(name, books)
}

// owns reports whether a head that was read under the number of b is that of b.
func owns(b *bursar.Book, head *bursar.Head) error {
	if head.Book != b.UUID {
		return bursar.Errorf(bursar.CodeUnsafeTransaction,
			"this database keeps another book than the ledger's: use a transaction of the ledger's own database")
	}
	return nil
}
