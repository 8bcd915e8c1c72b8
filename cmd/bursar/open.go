package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// intent is what a command may do to the database that --db names.
type intent int

const (
	reads intent = iota // makes nothing, and needs no right to write to a file
	posts               // writes into a book that is there
	makes               // also makes a file with its schema, or a book, that is not there
)

// opened is a database that was opened.
type opened struct {
	store.Store
	have, want int // versions of the schema: the database's, and the one that this program needs
}

// patienceDefault is how long a command waits for the first answer of a database.
const patienceDefault = 10 * time.Second

// closeTimeout bounds how long a command waits for posts that are on their way.
const closeTimeout = 30 * time.Second

// withLedger opens the ledger that the flags name, runs fn and closes it.
func (e *env) withLedger(ctx context.Context, may intent, fn func(context.Context, *ledger.Ledger) error) (err error) {
	s, err := e.openStore(ctx, may)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := e.openBook(ctx, s, may)
	if err != nil {
		return err
	}
	if may == reads {
		_, err = e.sayReplica(ctx, l)
	}
	if err == nil {
		err = fn(ctx, l)
	}
	return errors.Join(err, closeLedger(ctx, l))
}

// closeLedger closes a ledger, also when ctx is done.
func closeLedger(ctx context.Context, l *ledger.Ledger) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return l.Close(closing)
}

// openBook opens the book that the flags name. If the command may make it, stderr says that it did, because a mistyped
// name looks like a new one. A database with an older schema is not migrated on the way.
func (e *env) openBook(ctx context.Context, s *opened, may intent) (*ledger.Ledger, error) {
	fresh := may == makes && (s.have == 0 || s.have == s.want && e.lacksBook(ctx, s))
	l, err := ledger.New(ctx, s, &ledger.Options{
		Book: e.book, Migrate: fresh, Strategy: ledger.Queue{}, Logger: e.logger,
	})
	if err != nil {
		return nil, inWords(err, words{"book": "--book"})
	}
	if fresh {
		e.sayMade(s.have)
	}
	return l, nil
}

// lacksBook reports whether the database has no book of the name that the flags give.
func (e *env) lacksBook(ctx context.Context, s driver.Store) bool {
	_, err := s.Book(ctx, bursar.Book{Name: e.book}, false)
	return errors.Is(err, bursar.ErrBookNotFound)
}

// sayMade says on stderr what was made in a database that had a version of the schema.
func (e *env) sayMade(had int) {
	if had == 0 {
		fmt.Fprintf(e.stderr, "bursar: new ledger in %s\n", redacted(e.db))
	}
	if had > 0 || e.book != bookDefault {
		fmt.Fprintf(e.stderr, "bursar: new book %s in %s\n", printable(e.book), redacted(e.db))
	}
}

// openStore opens the database that the flags name, in which there is a ledger. Where there is none, a command that may
// make one gets a file all the same, but no server's database, because that may be someone else's. The caller closes
// the store.
func (e *env) openStore(ctx context.Context, may intent) (*opened, error) {
	if may != makes && e.absent() {
		return nil, e.noLedger()
	}
	s, err := e.connect(ctx, may)
	if err != nil {
		return nil, err
	}
	if s.have == 0 && (may != makes || !isFile(e.db)) {
		return nil, errors.Join(e.noLedger(), s.Close())
	}
	return s, nil
}

func (e *env) noLedger() error {
	return hintf(bursar.Errorf(bursar.CodeSchemaBehind, "there is no ledger in %s", redacted(e.db)),
		"is that the right database? --db and BURSAR_DB say which; bursar migrate makes a ledger")
}

// connect opens the database that the flags name, whatever is in it. The caller closes the store.
func (e *env) connect(ctx context.Context, may intent) (*opened, error) {
	var s store.Store
	var err error
	if path, ok := e.file(); ok && may == reads && unwritable(path) {
		s, e.atRest, err = openUnwritable(path)
	} else {
		s, err = store.Open(e.db)
	}
	if err != nil {
		return nil, err
	}
	o := &opened{Store: s}
	first, cancel := context.WithTimeout(ctx, cmp.Or(e.patience, patienceDefault))
	defer cancel()
	if o.have, o.want, err = s.Schema(first); err == nil {
		return o, nil
	}
	if bursar.CodeOf(err) == bursar.CodeCanceled && errors.Is(first.Err(), context.DeadlineExceeded) {
		return nil, errors.Join(e.unanswered(), s.Close())
	}
	switch path, isFile := e.file(); {
	case isFile && bursar.CodeOf(err) == bursar.CodeNotADatabase:
		err = bursar.Errorf(bursar.CodeNotADatabase, "%s is no SQLite file", path)
	case bursar.CodeOf(err) == bursar.CodeUnavailable:
		err = e.unreached(err)
	}
	return nil, errors.Join(err, s.Close())
}

// unanswered is the error for a database that said nothing in time.
func (e *env) unanswered() error {
	return hintf(bursar.Errorf(bursar.CodeUnavailable, "%s did not answer in %v", redacted(e.db),
		cmp.Or(e.patience, patienceDefault)), "is its server running, and does a firewall let this machine through? "+
		"--db and BURSAR_DB say which database it is")
}

// unreached says more about a database that cannot be reached. A directory stays one, so trying again does not help.
func (e *env) unreached(err error) error {
	path, isFile := e.file()
	if info, missing := os.Stat(path); isFile && missing == nil && info.IsDir() {
		return bursar.Errorf(bursar.CodeNotADatabase, "%s is a directory", path)
	}
	return hintf(err, "is %s the right database? --db and BURSAR_DB say which", redacted(e.db))
}

// file is the path of the file that the flags name as the database, if it is a file.
func (e *env) file() (path string, ok bool) {
	rest, ok := strings.CutPrefix(e.db, "sqlite:")
	path = strings.TrimPrefix(rest, "//")
	return path, ok && path != ""
}

// absent reports whether the database is a file that is not there, or that has nothing in it.
func (e *env) absent() bool {
	path, ok := e.file()
	if !ok {
		return false
	}
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// unwritable reports whether a file is there that this process may not write to.
func unwritable(path string) bool {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		_ = file.Close() // nothing was written
		return false
	}
	_, missing := os.Stat(path)
	return missing == nil
}

// unwritableFile is the store of a file that this process may only read.
type unwritableFile struct {
	store.Store
	db     *sql.DB
	path   string
	before fs.FileInfo // of a file that nobody had open when it was opened; else nil
}

// openUnwritable opens a file that this process may only read. SQLite keeps two files beside one that is in use; they
// say what others write. Where they are missing, the file is at rest, and making them may not be allowed either. Then
// it is read as it lies, and Close tells if it was written meanwhile.
func openUnwritable(path string) (u *unwritableFile, atRest bool, err error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	base, _, _ := strings.Cut(sqlite.DSN(path), "?")
	dsn := base + "?mode=ro&_pragma=busy_timeout(5000)"
	atRest = !exists(path+"-wal") && !exists(path+"-journal")
	if atRest {
		dsn += "&immutable=1"
	} else {
		before = nil
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, false, err
	}
	return &unwritableFile{Store: sqlite.New(db), db: db, path: path, before: before}, atRest, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Write refuses. What can do without writing, as a balance of a past time sometimes can, then does.
func (u *unwritableFile) Write(
	context.Context, driver.Mode, func(string), func(context.Context, driver.Tx) error,
) error {
	return bursar.Errorf(bursar.CodeReadOnly, "you may not write to %s", u.path)
}

// Close closes the file.
func (u *unwritableFile) Close() error {
	err := errors.Join(u.Store.Close(), u.db.Close())
	if u.before == nil {
		return err
	}
	after, changed := os.Stat(u.path)
	if changed == nil && after.ModTime().Equal(u.before.ModTime()) && after.Size() == u.before.Size() {
		return err
	}
	return errors.Join(err, hintf(bursar.Errorf(bursar.CodeConflict, "%s was written while it was read", u.path),
		"do not trust what was printed; read it again"))
}
