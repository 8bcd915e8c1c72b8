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

// Clock tells the time and waits. See [Options].
type Clock = clock.Clock

// Options says how a ledger works. The zero value, and nil, are the defaults.
type Options struct {
	// Book is the ledger among several in one database. Defaults to "main". It is created when it does not exist.
	Book string
	// Strategy decides when posts are written. Defaults to none: each Post in a database transaction of its own.
	// ledger.Queue is the fast one.
	Strategy Strategy
	// Migrate brings an older schema up to date. Defaults to refusing it with [bursar.ErrSchemaBehind].
	Migrate bool
	// Logger is told of what an operator wants to know: batches that were not written because of contention, a lost
	// commit or a database that contradicts itself, with their code. Defaults to nothing.
	Logger *slog.Logger
	// Observer is told of every post. Defaults to nothing.
	Observer *Observer
	// Clock is where time comes from. Defaults to the machine's.
	Clock Clock
	// SealEvery is how long an entry that was committed unsealed waits at most for this ledger to seal it, on engines with many
	// writers. Defaults to 250 ms; less than zero means that this ledger seals in ledger.Queue and in Seal only.
	SealEvery time.Duration
}

const sealEveryDefault = 250 * time.Millisecond

// Ledger is one book in one database. It is safe for concurrent use.
type Ledger struct {
	view
	store  driver.Store
	writer *writer
	poster poster
	sealer *sealer // nil when there is nothing for it to do
	clock  clock.Clock
}

// openTimeout bounds what New asks of the database.
const openTimeout = 30 * time.Second

// New makes a ledger over a store. It looks at the database: a schema that is not this program's is
// [bursar.ErrSchemaBehind] or [bursar.ErrSchemaAhead]. The ledger does not own the store.
func New(ctx context.Context, store driver.Store, o *Options) (*Ledger, error) {
	if o == nil {
		o = &Options{}
	}
	l := &Ledger{store: store, clock: o.Clock}
	if l.clock == nil {
		l.clock = clock.System()
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := checkSchema(ctx, store, o.Migrate); err != nil {
		return nil, err
	}
	book, err := openBook(ctx, store, o.Book)
	if err != nil {
		return nil, err
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l.view = view{book: book, read: store.Read}
	l.writer = &writer{store: store, book: book, clock: l.clock, observer: o.Observer, logger: logger}
	if store.SealsLater() && o.SealEvery >= 0 {
		l.sealer = startSealer(l.writer, cmp.Or(o.SealEvery, sealEveryDefault))
	}
	if o.Strategy != nil {
		l.poster = o.Strategy.start(l.writer)
	} else {
		l.poster = newDirect(l.writer, driver.ModeLocks)
	}
	logger.Debug("ledger opened", "book", book.Name, "uuid", bursar.ID(book.UUID).String())
	return l, nil
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
		return bursar.Errorf(bursar.CodeSchemaBehind, "the database has schema %d and this program needs %d: run bursar migrate, or set Options.Migrate", have, want)
	case have > want:
		return bursar.Errorf(bursar.CodeSchemaAhead, "the database has schema %d and this program knows %d: use a newer program", have, want)
	default:
		return nil
	}
}

func openBook(ctx context.Context, store driver.Store, name string) (bursar.Book, error) {
	if name == "" {
		name = "main"
	}
	if err := bursar.CheckPath(name); err != nil {
		return bursar.Book{}, coded.At(err, "book")
	}
	fresh := bursar.Book{Name: name}
	if _, err := rand.Read(fresh.UUID[:]); err != nil {
		return bursar.Book{}, fmt.Errorf("random bits for a book: %w", err)
	}
	fresh.UUID = stamp(fresh.UUID, 4)
	fresh.Genesis = journal.Genesis(fresh.UUID)
	book, err := store.Book(ctx, fresh)
	if err == nil && book.Genesis != journal.Genesis(book.UUID) {
		err = bursar.Errorf(bursar.CodeCorrupt, "the genesis hash of book %s does not come from its UUID", name)
	}
	return book, err
}

// Book is the book that the ledger keeps.
func (l *Ledger) Book() bursar.Book { return l.book }

// NewID makes an id of version 7: ids made later sort later, which keeps a large database fast.
func (l *Ledger) NewID() (bursar.ID, error) { return newID(l.clock.Now()) }

// Open opens an account. It may be called again with the same opening: the account is opened once.
// Errors: [bursar.ErrAccountExists] when the path is taken with other settings, those of a malformed opening, and those of
// Post.
func (l *Ledger) OpenAccount(ctx context.Context, o bursar.Opening) (bursar.Posted, error) {
	r, err := requestOpen(&o)
	if err != nil {
		return bursar.Posted{}, err
	}
	job := &job{Request: r}
	if err := l.post(ctx, job); err != nil {
		return bursar.Posted{}, err
	}
	return job.Posted, job.Err
}

// Post moves money in a database transaction of the ledger's own and returns when it is durable. A refusal that
// depends on the state of the ledger is remembered under the transfer's id: the same transfer sent again is
// refused again; to try anew, use a new id. Calling it again with the same transfer is always safe.
//
// Errors: malformed transfers as the catalogue's first group; [bursar.ErrIDReused]; refusals; [bursar.ErrInTransaction] when ctx
// carries an open atomic transaction, for which [Ledger.In] is meant; [bursar.ErrBusy], [bursar.ErrConflict], [bursar.ErrUnavailable],
// [bursar.ErrCanceled] and [bursar.ErrClosed] when nothing was written; [bursar.ErrOutcomeUnknown] when it is not known whether it was.
func (l *Ledger) Post(ctx context.Context, t bursar.Transfer) (bursar.Posted, error) {
	job, err := l.job(&t)
	if err != nil {
		return bursar.Posted{}, err
	}
	if err := l.post(ctx, job); err != nil {
		return bursar.Posted{ID: job.Request.id}, err
	}
	return job.Posted, job.Err
}

// PostBatch posts many transfers, at most [bursar.BatchMax]: in order, each judged alone as by Post, with one result
// each. The error is about the call as a whole, as Post returns it for the database's own troubles; then there
// are no results, and sending the same transfers again is safe if they carry ids.
func (l *Ledger) PostBatch(ctx context.Context, transfers []bursar.Transfer) ([]bursar.Result, error) {
	results := make([]bursar.Result, len(transfers))
	jobs, err := l.jobs(transfers, func(i int, err error) error {
		results[i].Err = err
		return nil
	})
	if err != nil {
		return nil, err
	}
	sound := make([]*job, 0, len(jobs))
	for _, job := range jobs {
		if job != nil {
			sound = append(sound, job)
		}
	}
	if len(sound) > 0 {
		if err := l.post(ctx, sound...); err != nil {
			return nil, err
		}
	}
	for i, job := range jobs {
		if job != nil {
			results[i] = bursar.Result{Posted: job.Posted, Err: job.Err}
		}
	}
	return results, nil
}

// PostIn is In(tx).Post.
func (l *Ledger) PostIn(ctx context.Context, tx driver.CallerTx, t bursar.Transfer) (bursar.Posted, error) {
	return l.In(tx).Post(ctx, t)
}

// Seal gives every entry that is committed its place in the journal, and returns the head. On an engine with one writer
// there is never anything left to seal. Elsewhere the ledger seals by itself soon after; Seal is for whoever cannot
// wait. An entry whose database transaction is still open is not committed, and holds nothing up.
func (l *Ledger) Seal(ctx context.Context) (bursar.Head, error) {
	if !l.store.SealsLater() {
		return l.Head(ctx)
	}
	if l.store.InTransaction(ctx) {
		return bursar.Head{}, inTransaction()
	}
	for {
		more, err := l.writer.sealOnce(ctx, true)
		if err != nil {
			return bursar.Head{}, err
		}
		if !more {
			return l.Head(ctx)
		}
	}
}

// Close stops taking posts and waits until those already taken are answered, or ctx is done. It does not close
// the store. Calling it twice is fine.
func (l *Ledger) Close(ctx context.Context) error {
	err := l.poster.Close(ctx)
	if l.sealer != nil {
		err = errors.Join(err, l.sealer.close(ctx))
	}
	return err
}

func inTransaction() error {
	return bursar.Errorf(bursar.CodeInTransaction, "this context carries an open database transaction: use ledger.In(tx) to take part in it")
}

func (l *Ledger) post(ctx context.Context, jobs ...*job) error {
	if l.store.InTransaction(ctx) {
		return inTransaction()
	}
	for _, job := range jobs {
		job.call = jobs[0]
	}
	return l.poster.Post(ctx, jobs)
}

func (l *Ledger) job(t *bursar.Transfer) (*job, error) {
	r, err := requestOf(t)
	if err != nil {
		return nil, err
	}
	if r.id.IsZero() {
		if r.id, err = l.NewID(); err != nil {
			return nil, err
		}
	}
	return &job{Request: r}, nil
}

// jobs checks transfers one by one; malformed is told of those that fail and may stop it with an error.
func (l *Ledger) jobs(transfers []bursar.Transfer, malformed func(int, error) error) ([]*job, error) {
	if len(transfers) > bursar.BatchMax {
		return nil, bursar.Errorf(bursar.CodeTooLarge, "%d transfers are more than %d; send them in parts", len(transfers), bursar.BatchMax)
	}
	jobs := make([]*job, len(transfers))
	for i := range transfers {
		job, err := l.job(&transfers[i])
		if err != nil {
			if err := malformed(i, err); err != nil {
				return nil, err
			}
			continue
		}
		jobs[i] = job
	}
	return jobs, nil
}

// owns says whether a head that was read under the number of b is that of b.
func owns(b *bursar.Book, head *bursar.Head) error {
	if head.Book != b.UUID {
		return bursar.Errorf(bursar.CodeUnsafeTransaction, "this database keeps another book than the ledger's: use a transaction of the ledger's own database")
	}
	return nil
}
