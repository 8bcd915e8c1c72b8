package bursar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/bursar-ledger/bursar"
)

// Errors in the form of those of drivers.
type (
	stateError string // pgx, lib/pq
	codeError  int    // modernc.org/sqlite
	MySQLError struct {
		Number  uint16
		Message string
	}
	Error     struct{ Code, ExtendedCode int } // mattn/go-sqlite3
	toldError string                           // package atomic
)

func (e stateError) Error() string    { return "state " + string(e) }
func (e stateError) SQLState() string { return string(e) }
func (e codeError) Error() string     { return "sqlite" }
func (e codeError) Code() int         { return int(e) }
func (e *MySQLError) Error() string   { return e.Message }
func (e Error) Error() string         { return "database is locked" }
func (e toldError) Error() string     { return "told" }
func (e toldError) ErrorCode() string { return string(e) }

func TestCodesOfOtherPeoplesErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bursar.Code
	}{
		{stateError("40001"), bursar.CodeConflict}, {stateError("40P01"), bursar.CodeConflict},
		{stateError("23505"), bursar.CodeInternal}, {stateError(""), bursar.CodeInternal},
		{codeError(5), bursar.CodeConflict}, {codeError(6), bursar.CodeConflict}, // BUSY, LOCKED
		{codeError(517), bursar.CodeConflict}, {codeError(262), bursar.CodeConflict}, // BUSY_SNAPSHOT, LOCKED_SHAREDCACHE
		{codeError(19), bursar.CodeInternal}, {codeError(2067), bursar.CodeInternal}, // CONSTRAINT, of a unique index
		{&MySQLError{Number: 1213}, bursar.CodeConflict}, {&MySQLError{Number: 1205}, bursar.CodeConflict},
		{&MySQLError{Number: 1020}, bursar.CodeConflict}, {&MySQLError{Number: 1062}, bursar.CodeInternal},
		{(*MySQLError)(nil), bursar.CodeInternal},
		{Error{Code: 5, ExtendedCode: 261}, bursar.CodeConflict}, {Error{Code: 19, ExtendedCode: 787}, bursar.CodeInternal},
		{toldError("outcome_unknown"), bursar.CodeOutcomeUnknown}, {toldError("no such code"), bursar.CodeInternal},
		{codeError(26), bursar.CodeNotADatabase}, {codeError(8), bursar.CodeReadOnly},
		{codeError(1032), bursar.CodeReadOnly}, {Error{Code: 26, ExtendedCode: 26}, bursar.CodeNotADatabase},
		{errors.Join(toldError("unavailable"), codeError(26)), bursar.CodeNotADatabase},
		{io.EOF, bursar.CodeInternal},
		{errors.Join(toldError("unavailable"), io.EOF), bursar.CodeUnavailable},
	} {
		for _, err := range []error{test.err, fmt.Errorf("pay: %w", test.err)} {
			if got := bursar.CodeOf(err); got != test.want {
				t.Errorf("the code of %#v is %s, want %s", err, got, test.want)
			}
			if want := bursar.Describe(test.want).Retryable; bursar.Retryable(err) != want {
				t.Errorf("%#v is retryable: %v", err, !want)
			}
		}
	}
}

func TestAnEndedCallOutweighsAnUnreachableDatabase(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bursar.Code{
		"unavailable": bursar.CodeCanceled, "outcome_unknown": bursar.CodeOutcomeUnknown, "conflict": bursar.CodeConflict,
	} {
		if got := bursar.CodeOf(errors.Join(toldError(code), context.Canceled)); got != want {
			t.Errorf("%s in a call that has ended is %s, want %s", code, got, want)
		}
	}
}

// A caller whose context is done would get the same answer at once, again and again.
func TestNothingIsRetryableWithADoneContext(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		for _, err := range []error{cause, &bursar.Error{Code: bursar.CodeCanceled, Err: cause},
			&bursar.Error{Code: bursar.CodeOutcomeUnknown, Err: cause}, errors.Join(bursar.ErrConflict, cause)} {
			if bursar.Retryable(err) {
				t.Errorf("%v is retryable", err)
			}
		}
	}
}

func TestHTTPStatus(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		nil: 200, bursar.ErrInsufficientFunds: 409, bursar.ErrAccountNotFound: 404, bursar.ErrBusy: 503, io.EOF: 500,
	} {
		if got := bursar.HTTPStatus(err); got != want {
			t.Errorf("the status of %v is %d, want %d", err, got, want)
		}
	}
}
