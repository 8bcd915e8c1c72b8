package bursar

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar/money"
)

// Error is the one error type of this module: what went wrong as a code, in words, and for which field.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"detail"`          // lower case, names the offending value and what to do
	Field   string `json:"field,omitempty"` // the field that is at fault, such as "legs[1].amount"; empty when none is
	Err     error  `json:"-"`               // the cause, if there is one
}

// Error says "code: field: message: cause", leaving out what is empty.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	for _, part := range []string{string(e.Code), e.Field, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Err != nil {
		if cause := e.Err.Error(); cause != "" {
			parts = append(parts, cause)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errorf makes an *Error with a formatted message. A %w verb keeps its operand as the cause without repeating
// it in the message's place.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), Err: hidden(errors.Unwrap(wrapped))}
}

// hidden keeps a cause reachable for errors.Is and errors.As without printing it twice.
func hidden(err error) error {
	if err == nil {
		return nil
	}
	return &hiddenError{err}
}

type hiddenError struct{ err error }

func (h *hiddenError) Error() string { return "" }
func (h *hiddenError) Unwrap() error { return h.err }

// CodeOf is the code of err: that of the first *Error in its chain, what an error of package money or of a context
// means, empty for nil and [ErrInternal] for anything else.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
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
	default:
		return CodeInternal
	}
}

// Retryable reports whether the same call may simply be made again: nothing was written, or the id makes a
// second call harmless.
func Retryable(err error) bool { return Describe(CodeOf(err)).Retryable }
