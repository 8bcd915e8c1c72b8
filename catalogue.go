package bursar

import "slices"

// Description is one row of the error table.
type Description struct {
	Code       Code
	Status     int    // HTTP status
	Exit       int    // exit code of the command line
	Retryable  bool   // the same call may be made again as it is
	Remembered bool   // Post keeps this refusal under the transfer's id, so that a retry gets it again
	Meaning    string // what happened
	Remedy     string // what to do
}

// Exit codes of the command line, by group.
const (
	exitInternal  = 1
	exitUsage     = 2
	exitIdentity  = 3
	exitNotFound  = 4
	exitState     = 5
	exitRule      = 6
	exitBalance   = 7
	exitTransient = 8
	exitUnknown   = 9
	exitCorrupt   = 10
)

// Catalogue returns the error table in order of precedence. `bursar errors` prints it and docs/errors.md is
// made from it.
func Catalogue() []Description { return slices.Clone(catalogue[:]) }

// Describe returns the row of a code, and the row of [ErrInternal] for a code that is not in the table.
func Describe(code Code) Description {
	for i := range catalogue {
		if catalogue[i].Code == code {
			return catalogue[i]
		}
	}
	return catalogue[len(catalogue)-1]
}

var catalogue = [...]Description{
	{CodeMalformed, 400, exitUsage, false, false, "the request cannot be read", "correct the request; the message says where it stops making sense"},
	{CodeAccountInvalid, 422, exitUsage, false, false, "an account path breaks the rules for paths", "use segments of letters, digits and . _ - @ + joined by colons, 255 bytes at most"},
	{CodeAmountInvalid, 422, exitUsage, false, false, "an amount is not written as a decimal and its currency", `write it like "25.00 USD", as a string`},
	{CodeAmountNotPositive, 422, exitUsage, false, false, "a transfer's amount is zero or negative", "send a positive amount; swap from and to for the other direction"},
	{CodeAmountOutOfRange, 422, exitUsage, false, false, "an amount has more than 36 digits", "amounts are smaller than 10^36 smallest units"},
	{CodeCurrencyInvalid, 422, exitUsage, false, false, "a currency is unknown or badly declared", `use an ISO 4217 code, or declare an asset with its decimals, such as "CHIP/0"`},
	{CodeIDInvalid, 422, exitUsage, false, false, "an id is not 128 bits in UUID form", "send a UUID, best of version 7, or leave it out"},
	{CodeLegsInvalid, 422, exitUsage, false, false, "a transfer has no legs, too many, or a leg without a field", "send 1 to 256 legs, each with from, to and amount"},
	{CodeLimitsInvalid, 422, exitUsage, false, false, "an account's limits contradict each other or its currency", "give min and max in the account's currency, min not above max, and a range that holds zero"},
	{CodeMetadataInvalid, 422, exitUsage, false, false, "metadata breaks its bounds", "send at most 32 pairs, keys of 1 to 64 bytes, values of at most 512 bytes, valid UTF-8"},
	{CodeReferenceInvalid, 422, exitUsage, false, false, "a reference breaks its bounds", "send 1 to 255 bytes of valid UTF-8 without control characters"},
	{CodeSameAccount, 422, exitUsage, false, false, "a leg goes from an account to itself", "name two different accounts"},
	{CodeTimeInvalid, 422, exitUsage, false, false, "a time cannot be read or lies outside the years 1678 to 2261", "write it as RFC 3339, such as 2026-01-31T12:00:00Z"},
	{CodeTooLarge, 413, exitUsage, false, false, "the request is larger than the limit", "send fewer items in one request"},
	{CodeUnauthorized, 401, exitUsage, false, false, "the token is missing or wrong", "send Authorization: Bearer with the server's token"},
	{CodeUnsupported, 501, exitUsage, false, false, "this database or strategy cannot do that", "the message names what can"},
	{CodeInTransaction, 409, exitState, false, false, "the call would open a database transaction inside one that is open in this context", "use ledger.In(tx) to take part in the open one"},
	{CodeUnsafeTransaction, 409, exitState, false, false, "the caller's database transaction would not keep the ledger safe", "begin it as the message says"},
	{CodeSchemaBehind, 503, exitState, false, false, "the database has an older schema than this program", "run bursar migrate, or set Options.Migrate"},
	{CodeSchemaAhead, 503, exitState, false, false, "the database has a newer schema than this program", "use a program at least as new as the one that migrated the database"},
	{CodeSchemaChanged, 503, exitState, false, false, "a migration that was applied has other content than this program's", "use the program that applied it, or find out who changed the file"},
	{CodeIDReused, 409, exitIdentity, false, false, "the id was used for a request with other content", "use a new id; the message names the first field that differs"},
	{CodeReferenceTaken, 409, exitIdentity, false, true, "another transfer has this reference", "look that transfer up, or use another reference"},
	{CodeAccountNotFound, 404, exitNotFound, false, true, "the account does not exist", "open it first"},
	{CodeTransferNotFound, 404, exitNotFound, false, false, "no transfer has this id", "check the id"},
	{CodeAsOfAhead, 404, exitNotFound, false, false, "the point asked for lies beyond the journal's head", "ask for a position or time that the journal has reached"},
	{CodeAccountExists, 409, exitState, false, true, "there is an account with this path, opened with other settings or under another id", "use it as it is, or choose another path"},
	{CodeAccountFrozen, 409, exitState, false, true, "the account is frozen", "unfreeze it first"},
	{CodeAccountClosed, 409, exitState, false, true, "the account is closed", "use another account"},
	{CodeCurrencyMismatch, 409, exitRule, false, true, "the amount's currency is not the account's", "post in the account's currency"},
	{CodeEffectiveInFuture, 409, exitRule, false, true, "the effective time is later than the time of the decision", "post it when that time has come, or leave the effective time out"},
	{CodeTooLate, 409, exitRule, false, true, "the transfer was decided after its not-after time", "send a new transfer if it is still wanted"},
	{CodeVersionChanged, 409, exitRule, false, true, "the account's version is not the one the transfer names", "read the account again and decide anew"},
	{CodeConditionFailed, 409, exitRule, false, true, "a condition of the transfer does not hold", "read the account again and decide anew"},
	{CodeInsufficientFunds, 409, exitBalance, false, true, "the account's available balance would fall below its minimum", "fund the account, or send less"},
	{CodeLimitExceeded, 409, exitBalance, false, true, "the account's balance would rise above its maximum", "send less, or use another account"},
	{CodeBalanceOutOfRange, 409, exitBalance, false, true, "a balance would need more than 36 digits", "split the account"},
	{CodeBusy, 503, exitTransient, true, false, "the queue is full", "try again a little later with the same id"},
	{CodeConflict, 503, exitTransient, true, false, "the database was contended until the retry budget was spent; nothing was written", "try again with the same id"},
	{CodeCanceled, 499, exitTransient, true, false, "the call was cancelled or its deadline passed before anything was written", "try again with the same id"},
	{CodeClosed, 503, exitTransient, true, false, "the ledger is shutting down; nothing was written", "send it to another server, or later, with the same id"},
	{CodeUnavailable, 503, exitTransient, true, false, "the database cannot be reached", "try again with the same id when it is back"},
	{CodeOutcomeUnknown, 504, exitUnknown, true, false, "the answer to the commit was lost: the transfer may or may not be posted", "ask again with the same id: it posts at most once"},
	{CodeVerificationFailed, 500, exitCorrupt, false, false, "verify found what must not be", "stop writing, keep a copy, and look at the first bad position that it names"},
	{CodeCorrupt, 500, exitCorrupt, false, false, "stored money contradicts itself; nothing was written", "stop writing and run bursar verify"},
	{CodeInternal, 500, exitInternal, false, false, "an error that has no code of its own", "report it with the message"},
}
