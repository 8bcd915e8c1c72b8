package bursar

import (
	"context"
	"errors"
	"reflect"

	"github.com/bursar-ledger/bursar/money"
)

// CodeOf is the code of err: that of the first *Error in its chain; what an error of package money, of package atomic
// or of a context means; [CodeConflict] for what a database engine says may be tried again, [CodeNotADatabase] and
// [CodeReadOnly] for what SQLite says of its file; empty for nil, and [CodeInternal] for anything else.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	// Package atomic says what its errors mean in the words of the table. A database that could not be reached before
	// the call ended may well be there.
	var told interface{ ErrorCode() string }
	if errors.As(err, &told) {
		code := Code(told.ErrorCode())
		exact := code != CodeUnavailable || !ended && ofFile(err) == ""
		if Describe(code).Code == code && exact {
			return code
		}
	}
	switch {
	case ended:
		return CodeCanceled
	case errors.Is(err, money.ErrCurrency):
		return CodeCurrencyInvalid
	case errors.Is(err, money.ErrRange):
		return CodeAmountOutOfRange
	case errors.Is(err, money.ErrSyntax), errors.Is(err, money.ErrPrecision):
		return CodeAmountInvalid
	case errors.Is(err, money.ErrMismatch):
		return CodeCurrencyMismatch
	case errors.Is(err, money.ErrDivision), errors.Is(err, money.ErrRounding), errors.Is(err, money.ErrWeights):
		return CodeMalformed
	case contended(err):
		return CodeConflict
	case ofFile(err) != "":
		return ofFile(err)
	default:
		return CodeInternal
	}
}

// ofFile is what SQLite says of a file that cannot become right by waiting, empty if it says nothing like that.
func ofFile(err error) Code {
	code, _ := sqliteCode(err)
	switch code {
	case sqliteNotADB:
		return CodeNotADatabase
	case sqliteReadOnly:
		return CodeReadOnly
	default:
		return ""
	}
}

// sqliteCode is SQLite's primary result code in a driver's error.
func sqliteCode(err error) (code int64, ok bool) {
	var coded interface{ Code() int } // modernc.org/sqlite
	if errors.As(err, &coded) {
		return int64(coded.Code()) & 0xff, true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if code, ok := fieldOf(err, "Error", "ExtendedCode"); ok { // mattn/go-sqlite3
			return code & 0xff, true
		}
	}
	return 0, false
}

// Retryable reports whether the same call may simply be made again: nothing was written, or the id makes a second call
// harmless. It knows what PostgreSQL, MariaDB, MySQL and SQLite report about conflicts, so it may be asked about errors
// of your own statements too; after those a whole database transaction has to be done again. It is false when the
// caller's own context is done, because another call with it would end at once.
func Retryable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return Describe(CodeOf(err)).Retryable
}

// HTTPStatus is the status that the catalogue gives to the code of err, and 200 for nil.
func HTTPStatus(err error) int {
	if err == nil {
		return 200
	}
	return Describe(CodeOf(err)).Status
}

// contended reports whether a driver's error says that other database transactions were in the way: SQLSTATE 40001
// and 40P01, SQLITE_BUSY and SQLITE_LOCKED, and the numbers 1205, 1213 and 1020 of MySQL and MariaDB. Drivers are
// known by the form of their errors, so that none has to be imported.
func contended(err error) bool {
	var sqlState interface{ SQLState() string } // pgx and lib/pq
	if errors.As(err, &sqlState) {
		state := sqlState.SQLState()
		return state == "40001" || state == "40P01"
	}
	if code, ok := sqliteCode(err); ok {
		return code == sqliteBusy || code == sqliteLocked
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if number, ok := fieldOf(err, "MySQLError", "Number"); ok { // go-sql-driver
			return number == 1020 || number == 1205 || number == 1213
		}
	}
	return false
}

const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteNotADB   = 26
)

// fieldOf is a number in a field of an error, where a driver has it nowhere else.
func fieldOf(err error, kind, name string) (number int64, ok bool) {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type().Name() != kind {
		return 0, false
	}
	switch field := v.FieldByName(name); {
	case !field.IsValid():
		return 0, false
	case field.CanUint():
		return int64(field.Uint()), true
	case field.CanInt():
		return field.Int(), true
	default:
		return 0, false
	}
}
