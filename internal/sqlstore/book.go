package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// library is the part of a store that keeps books.
type library struct{ *handle }

// Book returns the book with fresh's name, or makes it if create is true. Nothing is written where the book exists, so
// that a server which takes no writes does.
func (l library) Book(ctx context.Context, fresh bursar.Book, create bool) (book bursar.Book, err error) {
	if err := l.understood(ctx); err != nil {
		return book, err
	}
	var found *bursar.Book
	var refused error // of what writes
	err = atomic.Do(ctx, l.db, func(ctx context.Context, db *atomic.Tx) error {
		refused = l.dialect.Ready(ctx, std{db})
		if refused != nil && !errors.Is(refused, driver.ErrReplica) {
			return refused
		}
		found, err = l.find(ctx, std{db}, fresh.Name)
		return err
	}, &atomic.Options{ReadOnly: true, Retry: l.retry})
	if err != nil {
		return book, l.dialect.coded(err)
	}
	l.standing.note(refused)
	switch {
	case found != nil:
		return *found, nil
	case !create:
		return book, bursar.Errorf(bursar.CodeBookNotFound, "there is no book %q", fresh.Name)
	case refused != nil:
		return book, refused
	}
	err = atomic.Do(ctx, l.db, func(ctx context.Context, db *atomic.Tx) error {
		book, err = l.insert(ctx, std{db}, fresh)
		return err
	}, &atomic.Options{Nesting: atomic.Outermost, Retry: l.retry})
	return book, l.dialect.codedWrite(err)
}

// insert inserts a book and its head, unless another process has just done so.
func (l library) insert(ctx context.Context, db Executor, fresh bursar.Book) (bursar.Book, error) {
	s := &l.dialect.Statements
	if _, err := db.Exec(ctx, s.InsertBook, fresh.Name, fresh.UUID[:], fresh.Genesis[:]); err != nil {
		return bursar.Book{}, err
	}
	book, err := l.find(ctx, db, fresh.Name)
	if err != nil || book == nil {
		return bursar.Book{}, errors.Join(err, fmt.Errorf("book %s is not there after it was inserted", fresh.Name))
	}
	_, err = db.Exec(ctx, s.InsertHead, book.Number, 0, 0, book.Genesis[:])
	return *book, err
}

func (l library) find(ctx context.Context, db Executor, name string) (found *bursar.Book, err error) {
	err = query(ctx, db, l.dialect.Statements.Book, []any{name}, func(scan scanner) error {
		found = &bursar.Book{Name: name}
		return scan(&found.Number, fixed(found.UUID[:]), fixed(found.Genesis[:]))
	})
	return found, err
}
