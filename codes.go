package bursar

// Code names one way in which a call can fail. Codes are API: they go over the wire, decide HTTP statuses and
// exit codes, and are remembered with refused transfers. Their wording never changes meaning.
type Code string

// The codes, in order of precedence: when several apply to one request, the first in [Catalogue] is reported.
const (
	CodeMalformed          Code = "malformed"
	CodeAccountInvalid     Code = "account_invalid"
	CodeAmountInvalid      Code = "amount_invalid"
	CodeAmountNotPositive  Code = "amount_not_positive"
	CodeAmountOutOfRange   Code = "amount_out_of_range"
	CodeCurrencyInvalid    Code = "currency_invalid"
	CodeIDInvalid          Code = "id_invalid"
	CodeLegsInvalid        Code = "legs_invalid"
	CodeLimitsInvalid      Code = "limits_invalid"
	CodeMetadataInvalid    Code = "metadata_invalid"
	CodeReferenceInvalid   Code = "reference_invalid"
	CodeSameAccount        Code = "same_account"
	CodeTimeInvalid        Code = "time_invalid"
	CodeTooLarge           Code = "too_large"
	CodeUnauthorized       Code = "unauthorized"
	CodeUnsupported        Code = "unsupported"
	CodeInTransaction      Code = "in_transaction"
	CodeUnsafeTransaction  Code = "unsafe_transaction"
	CodeSchemaBehind       Code = "schema_behind"
	CodeSchemaAhead        Code = "schema_ahead"
	CodeSchemaChanged      Code = "schema_changed"
	CodeNotADatabase       Code = "not_a_database"
	CodeReadOnly           Code = "read_only"
	CodeBookNotFound       Code = "book_not_found"
	CodeIDReused           Code = "id_reused"
	CodeReferenceTaken     Code = "reference_taken"
	CodeAccountNotFound    Code = "account_not_found"
	CodeTransferNotFound   Code = "transfer_not_found"
	CodeAsOfAhead          Code = "as_of_ahead"
	CodeAccountExists      Code = "account_exists"
	CodeAccountFrozen      Code = "account_frozen"
	CodeAccountClosed      Code = "account_closed"
	CodeCurrencyMismatch   Code = "currency_mismatch"
	CodeEffectiveInFuture  Code = "effective_in_future"
	CodeTooLate            Code = "too_late"
	CodeVersionChanged     Code = "version_changed"
	CodeConditionFailed    Code = "condition_failed"
	CodeInsufficientFunds  Code = "insufficient_funds"
	CodeLimitExceeded      Code = "limit_exceeded"
	CodeBalanceOutOfRange  Code = "balance_out_of_range"
	CodeBusy               Code = "busy"
	CodeConflict           Code = "conflict"
	CodeCanceled           Code = "canceled"
	CodeClosed             Code = "closed"
	CodeUnavailable        Code = "unavailable"
	CodeClockJumped        Code = "clock_jumped"
	CodeOutcomeUnknown     Code = "outcome_unknown"
	CodeVerificationFailed Code = "verification_failed"
	CodeCorrupt            Code = "corrupt"
	CodeInternal           Code = "internal"
)

// Sentinels for errors.Is, which compares codes: one for each code.
var (
	ErrMalformed          = &Error{Code: CodeMalformed}
	ErrAccountInvalid     = &Error{Code: CodeAccountInvalid}
	ErrAmountInvalid      = &Error{Code: CodeAmountInvalid}
	ErrAmountNotPositive  = &Error{Code: CodeAmountNotPositive}
	ErrAmountOutOfRange   = &Error{Code: CodeAmountOutOfRange}
	ErrCurrencyInvalid    = &Error{Code: CodeCurrencyInvalid}
	ErrIDInvalid          = &Error{Code: CodeIDInvalid}
	ErrLegsInvalid        = &Error{Code: CodeLegsInvalid}
	ErrLimitsInvalid      = &Error{Code: CodeLimitsInvalid}
	ErrMetadataInvalid    = &Error{Code: CodeMetadataInvalid}
	ErrReferenceInvalid   = &Error{Code: CodeReferenceInvalid}
	ErrSameAccount        = &Error{Code: CodeSameAccount}
	ErrTimeInvalid        = &Error{Code: CodeTimeInvalid}
	ErrTooLarge           = &Error{Code: CodeTooLarge}
	ErrUnauthorized       = &Error{Code: CodeUnauthorized}
	ErrUnsupported        = &Error{Code: CodeUnsupported}
	ErrInTransaction      = &Error{Code: CodeInTransaction}
	ErrUnsafeTransaction  = &Error{Code: CodeUnsafeTransaction}
	ErrSchemaBehind       = &Error{Code: CodeSchemaBehind}
	ErrSchemaAhead        = &Error{Code: CodeSchemaAhead}
	ErrSchemaChanged      = &Error{Code: CodeSchemaChanged}
	ErrNotADatabase       = &Error{Code: CodeNotADatabase}
	ErrReadOnly           = &Error{Code: CodeReadOnly}
	ErrBookNotFound       = &Error{Code: CodeBookNotFound}
	ErrIDReused           = &Error{Code: CodeIDReused}
	ErrReferenceTaken     = &Error{Code: CodeReferenceTaken}
	ErrAccountNotFound    = &Error{Code: CodeAccountNotFound}
	ErrTransferNotFound   = &Error{Code: CodeTransferNotFound}
	ErrAsOfAhead          = &Error{Code: CodeAsOfAhead}
	ErrAccountExists      = &Error{Code: CodeAccountExists}
	ErrAccountFrozen      = &Error{Code: CodeAccountFrozen}
	ErrAccountClosed      = &Error{Code: CodeAccountClosed}
	ErrCurrencyMismatch   = &Error{Code: CodeCurrencyMismatch}
	ErrEffectiveInFuture  = &Error{Code: CodeEffectiveInFuture}
	ErrTooLate            = &Error{Code: CodeTooLate}
	ErrVersionChanged     = &Error{Code: CodeVersionChanged}
	ErrConditionFailed    = &Error{Code: CodeConditionFailed}
	ErrInsufficientFunds  = &Error{Code: CodeInsufficientFunds}
	ErrLimitExceeded      = &Error{Code: CodeLimitExceeded}
	ErrBalanceOutOfRange  = &Error{Code: CodeBalanceOutOfRange}
	ErrBusy               = &Error{Code: CodeBusy}
	ErrConflict           = &Error{Code: CodeConflict}
	ErrCanceled           = &Error{Code: CodeCanceled}
	ErrClosed             = &Error{Code: CodeClosed}
	ErrUnavailable        = &Error{Code: CodeUnavailable}
	ErrClockJumped        = &Error{Code: CodeClockJumped}
	ErrOutcomeUnknown     = &Error{Code: CodeOutcomeUnknown}
	ErrVerificationFailed = &Error{Code: CodeVerificationFailed}
	ErrCorrupt            = &Error{Code: CodeCorrupt}
	ErrInternal           = &Error{Code: CodeInternal}
)
