package bursar

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar/money"
)

// Code names one way in which a call can fail. Codes are API: they go over the wire, decide HTTP statuses and
// exit codes, and are remembered with refused transfers. Their wording never changes meaning.
type Code string

// The codes, in order of precedence: when several apply to one request, the first in [Catalogue] is reported.
const (
	Malformed          Code = "malformed"
	AccountInvalid     Code = "account_invalid"
	AmountInvalid      Code = "amount_invalid"
	AmountNotPositive  Code = "amount_not_positive"
	AmountOutOfRange   Code = "amount_out_of_range"
	CurrencyInvalid    Code = "currency_invalid"
	IDInvalid          Code = "id_invalid"
	LegsInvalid        Code = "legs_invalid"
	LimitsInvalid      Code = "limits_invalid"
	MetadataInvalid    Code = "metadata_invalid"
	ReferenceInvalid   Code = "reference_invalid"
	SameAccount        Code = "same_account"
	TimeInvalid        Code = "time_invalid"
	TooLarge           Code = "too_large"
	Unauthorized       Code = "unauthorized"
	Unsupported        Code = "unsupported"
	InTransaction      Code = "in_transaction"
	UnsafeTransaction  Code = "unsafe_transaction"
	SchemaBehind       Code = "schema_behind"
	SchemaAhead        Code = "schema_ahead"
	SchemaChanged      Code = "schema_changed"
	IDReused           Code = "id_reused"
	ReferenceTaken     Code = "reference_taken"
	AccountNotFound    Code = "account_not_found"
	TransferNotFound   Code = "transfer_not_found"
	AsOfAhead          Code = "as_of_ahead"
	AccountExists      Code = "account_exists"
	AccountFrozen      Code = "account_frozen"
	AccountClosed      Code = "account_closed"
	CurrencyMismatch   Code = "currency_mismatch"
	EffectiveInFuture  Code = "effective_in_future"
	TooLate            Code = "too_late"
	VersionChanged     Code = "version_changed"
	ConditionFailed    Code = "condition_failed"
	InsufficientFunds  Code = "insufficient_funds"
	LimitExceeded      Code = "limit_exceeded"
	BalanceOutOfRange  Code = "balance_out_of_range"
	Busy               Code = "busy"
	Conflict           Code = "conflict"
	Canceled           Code = "canceled"
	Closed             Code = "closed"
	Unavailable        Code = "unavailable"
	OutcomeUnknown     Code = "outcome_unknown"
	VerificationFailed Code = "verification_failed"
	Corrupt            Code = "corrupt"
	Internal           Code = "internal"
)

// Sentinels for errors.Is, which compares codes. Every code has a row in [Catalogue]; those that programs
// commonly branch on have a name here, and errors.Is(err, &Error{Code: ...}) serves for the rest.
var (
	ErrAccountExists     = &Error{Code: AccountExists}
	ErrAccountNotFound   = &Error{Code: AccountNotFound}
	ErrBusy              = &Error{Code: Busy}
	ErrClosed            = &Error{Code: Closed}
	ErrConflict          = &Error{Code: Conflict}
	ErrCurrencyMismatch  = &Error{Code: CurrencyMismatch}
	ErrIDReused          = &Error{Code: IDReused}
	ErrInTransaction     = &Error{Code: InTransaction}
	ErrInsufficientFunds = &Error{Code: InsufficientFunds}
	ErrLimitExceeded     = &Error{Code: LimitExceeded}
	ErrOutcomeUnknown    = &Error{Code: OutcomeUnknown}
	ErrReferenceTaken    = &Error{Code: ReferenceTaken}
	ErrSchemaBehind      = &Error{Code: SchemaBehind}
	ErrTransferNotFound  = &Error{Code: TransferNotFound}
)

// Error is the one error type of this module: what went wrong as a code, in words, and for which field.
type Error struct {
	Code    Code
	Message string // lower case, names the offending value and what to do
	Field   string // the field that is at fault, such as "legs[1].amount"; empty when none is
	Err     error  // the cause, if there is one
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
// means, empty for nil and [Internal] for anything else.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	case errors.Is(err, money.ErrCurrency):
		return CurrencyInvalid
	case errors.Is(err, money.ErrRange):
		return AmountOutOfRange
	case errors.Is(err, money.ErrSyntax), errors.Is(err, money.ErrPrecision):
		return AmountInvalid
	case errors.Is(err, money.ErrMismatch):
		return CurrencyMismatch
	case errors.Is(err, money.ErrDivision), errors.Is(err, money.ErrRounding), errors.Is(err, money.ErrWeights):
		return Malformed
	default:
		return Internal
	}
}

// Retryable reports whether the same call may simply be made again: nothing was written, or the id makes a
// second call harmless.
func Retryable(err error) bool { return Describe(CodeOf(err)).Retryable }
