package sqlstore

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// wrap gives a database error its code. It is called once, at the edge of the store; errors that have a code pass
// through.
func (s *Store) wrap(err error) error {
	var coded *bursar.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, atomic.ErrOutcomeUnknown):
		return &bursar.Error{Code: bursar.CodeOutcomeUnknown, Message: "the answer to the commit was lost", Err: err}
	case errors.Is(err, atomic.ErrNested):
		return &bursar.Error{Code: bursar.CodeInTransaction, Err: err,
			Message: "this context carries an open database transaction: use ledger.In(tx) to take part in it"}
	case errors.Is(err, atomic.ErrBudget) && s.unavailable(err):
		return &bursar.Error{Code: bursar.CodeUnavailable, Message: "no server that takes writes was reached until the retry budget was spent", Err: err}
	case errors.Is(err, atomic.ErrBudget) && s.dialect.Atomic.Classify(err).Kind == atomic.KindLost:
		return &bursar.Error{Code: bursar.CodeUnavailable, Message: "the database was away until the retry budget was spent", Err: err}
	case errors.Is(err, atomic.ErrBudget):
		return &bursar.Error{Code: bursar.CodeConflict, Message: "the database was contended until the retry budget was spent", Err: err}
	case errors.As(err, &coded):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &bursar.Error{Code: bursar.CodeCanceled, Message: "the call ended before its commit", Err: err}
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, atomic.ErrEnded):
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Message: "the database transaction has ended: post before its commit", Err: err}
	case errors.Is(err, atomic.ErrUnsupported):
		return &bursar.Error{Code: bursar.CodeUnsupported, Message: "the database engine cannot do this", Err: err}
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sqldriver.ErrBadConn):
		return &bursar.Error{Code: bursar.CodeUnavailable, Err: err}
	}
	switch s.dialect.Atomic.Classify(err).Kind {
	case atomic.KindRetry:
		return &bursar.Error{Code: bursar.CodeConflict, Message: "another database transaction is in the way: roll back and begin again", Err: err}
	case atomic.KindDoubt, atomic.KindLost:
		return &bursar.Error{Code: bursar.CodeUnavailable, Err: err}
	case atomic.KindReadOnly:
		return &bursar.Error{Code: bursar.CodeUnavailable, Message: "the server takes no writes: it may be a replica", Err: err}
	case atomic.KindConstraint, atomic.KindUnique:
		return &bursar.Error{Code: bursar.CodeCorrupt, Message: "the database refuses what the ledger decided", Err: err}
	}
	if errors.Is(err, atomic.ErrNoConnection) { // an unknown database, a wrong password, no right to connect
		return &bursar.Error{Code: bursar.CodeUnavailable, Message: "there is no connection to the database", Err: err}
	}
	return &bursar.Error{Code: bursar.CodeInternal, Err: err}
}

// unavailable reports whether err speaks of a server that is not there, or takes no writes.
func (s *Store) unavailable(err error) bool {
	kind := s.dialect.Atomic.Classify(err).Kind
	return kind == atomic.KindLost || kind == atomic.KindReadOnly
}
