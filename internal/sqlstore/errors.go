package sqlstore

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// coded gives a database error its code. It is called once, at the edge of the store. Errors that have a code pass
// through.
func (d *Dialect) coded(err error) error {
	if err == nil {
		return nil
	}
	code, message := d.ofAtomic(err)
	if code == "" {
		code, message = d.told(err)
	}
	if code == "" {
		var has *bursar.Error
		if errors.As(err, &has) {
			return err
		}
		code, message = ofCall(err)
	}
	if code == "" {
		code, message = d.ofEngine(err)
	}
	if d.Explain == nil {
		return &bursar.Error{Code: code, Message: message, Err: err}
	}
	switch remedy := d.Explain(err); {
	case remedy == "":
	case code == bursar.CodeUnavailable:
		message = remedy
	case code == bursar.CodeCanceled:
		message += ": " + remedy
	}
	return &bursar.Error{Code: code, Message: message, Err: err}
}

// codedWrite is coded for what was done to write. There a user without a right is one who may only read.
func (d *Dialect) codedWrite(err error) error {
	var has *bursar.Error
	if err == nil || errors.As(err, &has) || !slices.Contains(d.Denied, d.Atomic.Classify(err).Code) {
		return d.coded(err)
	}
	return &bursar.Error{Code: bursar.CodeReadOnly, Err: err,
		Message: "this user of the database lacks a right that posting needs"}
}

// ofAtomic is the code of an error that package atomic found, whatever the cause.
func (d *Dialect) ofAtomic(err error) (bursar.Code, string) {
	switch {
	case errors.Is(err, atomic.ErrOutcomeUnknown):
		return bursar.CodeOutcomeUnknown, "the answer to the commit was lost"
	case errors.Is(err, atomic.ErrNested):
		return bursar.CodeInTransaction,
			"this context carries an open database transaction: use ledger.In(tx) to take part in it"
	case !errors.Is(err, atomic.ErrBudget):
		return "", ""
	}
	switch d.kind(err) {
	case atomic.KindLost, atomic.KindReadOnly:
		return bursar.CodeUnavailable, "no server that takes writes was reached until the retry budget was spent"
	default:
		return bursar.CodeConflict, "the database was contended until the retry budget was spent"
	}
}

// unconverted is how package database/sql begins to say that a driver takes no argument of this type. There is no other
// sign of it.
const unconverted = "sql: converting argument $"

// ofCall is the code of an error that comes from the call or from the connection.
func ofCall(err error) (bursar.Code, string) {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return bursar.CodeCanceled, "the call ended before its commit"
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, atomic.ErrEnded):
		return bursar.CodeUnsafeTransaction, "the database transaction has ended: post before its commit"
	case errors.Is(err, atomic.ErrUnsupported):
		return bursar.CodeUnsupported, "the database engine cannot do this"
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sqldriver.ErrBadConn):
		return bursar.CodeUnavailable, ""
	case strings.Contains(err.Error(), unconverted):
		return bursar.CodeUnsupported, "the driver does not take what the ledger says to it, such as arrays: open the " +
			"handle with the driver that the store names"
	default:
		return "", ""
	}
}

// ofEngine is the code of an error of the engine.
func (d *Dialect) ofEngine(err error) (bursar.Code, string) {
	switch code := bursar.CodeOf(err); code {
	case bursar.CodeNotADatabase:
		return code, "the file is no SQLite database"
	case bursar.CodeReadOnly:
		return code, "this program may only read the file, or its disk"
	}
	switch d.kind(err) {
	case atomic.KindRetry:
		return bursar.CodeConflict, "another database transaction is in the way: roll back and begin again"
	case atomic.KindDoubt, atomic.KindLost:
		return bursar.CodeUnavailable, ""
	case atomic.KindReadOnly:
		return bursar.CodeUnavailable, "the server takes no writes: it may be a replica"
	case atomic.KindConstraint, atomic.KindUnique:
		return bursar.CodeCorrupt, "the database refuses what the ledger decided"
	}
	if errors.Is(err, atomic.ErrNoConnection) { // an unknown database, a wrong password, no right to connect
		return bursar.CodeUnavailable, "there is no connection to the database"
	}
	return bursar.CodeInternal, ""
}
