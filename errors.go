package bursar

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar/money"
)

// Error is the one error type of this module: what went wrong as a code, in words, and for which field. A refusal for
// want of money or room says in Account, Available, Needed and Limit what a program would else cut out of the
// message.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"detail"`          // lower case, names the offending value and what to do
	Field   string `json:"field,omitempty"` // the field that is at fault, such as "legs[1].amount"; empty when none is
	Err     error  `json:"-"`               // the cause, if there is one

	Account   string        `json:"account,omitempty"`   // path of the account that a refusal is about
	Available *money.Amount `json:"available,omitempty"` // what that account has available without the transfer
	Needed    *money.Amount `json:"needed,omitempty"`    // what the whole transfer asks of it
	Limit     *money.Amount `json:"limit,omitempty"`     // its minimum or maximum, whichever is in the way

	// Final says that the refusal is remembered under the id of an attempt: the same call gets it for ever. To try anew,
	// use a new id. A refusal inside a caller's database transaction, or of a thing, is nobody's final answer.
	Final bool `json:"final,omitempty"`
	// Replayed says that the refusal was remembered: it was decided at Decided, and what has changed since does not
	// matter. Account, Available, Needed and Limit are not remembered.
	Replayed bool    `json:"replayed,omitempty"`
	Decided  Instant `json:"decided,omitempty"` // when it was decided; 0 for what is no refusal
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
