package bursar

import "slices"

// Description is one row of the error table.
type Description struct {
	Code       Code   `json:"code"`
	Status     int    `json:"status"`     // HTTP status
	Exit       int    `json:"exit"`       // exit code of the command line
	Retryable  bool   `json:"retryable"`  // the same call may be made again as it is
	Remembered bool   `json:"remembered"` // of an attempt: Post keeps this refusal under its id, and a retry gets it again
	Meaning    string `json:"meaning"`    // what happened
	Remedy     string `json:"remedy"`     // what to do
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
	{
		Code: CodeMalformed, Status: 400, Exit: exitUsage,
		Meaning: "the request cannot be read",
		Remedy:  "correct the request; the message says where it stops making sense",
	},
	{
		Code: CodeAccountInvalid, Status: 422, Exit: exitUsage,
		Meaning: "an account path breaks the rules for paths",
		Remedy:  "use segments of letters, digits and . _ - @ + joined by colons, 255 bytes at most",
	},
	{
		Code: CodeAmountInvalid, Status: 422, Exit: exitUsage,
		Meaning: "an amount is not written as a decimal and its currency",
		Remedy:  `write it like "25.00 USD", as a string`,
	},
	{
		Code: CodeAmountNotPositive, Status: 422, Exit: exitUsage,
		Meaning: "a transfer's amount is zero or negative",
		Remedy:  "send a positive amount; swap from and to for the other direction",
	},
	{
		Code: CodeAmountOutOfRange, Status: 422, Exit: exitUsage,
		Meaning: "an amount has more than 36 digits",
		Remedy:  "amounts are smaller than 10^36 smallest units",
	},
	{
		Code: CodeCurrencyInvalid, Status: 422, Exit: exitUsage,
		Meaning: "a currency is unknown or badly declared",
		Remedy:  `use an ISO 4217 code, or declare an asset with its decimals, such as "CHIP/0"`,
	},
	{
		Code: CodeIDInvalid, Status: 422, Exit: exitUsage,
		Meaning: "an id is not 128 bits in UUID form",
		Remedy:  "send a UUID, best of version 7, or leave it out",
	},
	{
		Code: CodeLegsInvalid, Status: 422, Exit: exitUsage,
		Meaning: "a transfer has no legs, too many, or a leg without a field",
		Remedy:  "send 1 to 256 legs, each with from, to and amount",
	},
	{
		Code: CodeLimitsInvalid, Status: 422, Exit: exitUsage,
		Meaning: "an account's limits contradict each other or its currency",
		Remedy:  "give min and max in the account's currency, min not above max, and a range that holds zero",
	},
	{
		Code: CodeMetadataInvalid, Status: 422, Exit: exitUsage,
		Meaning: "metadata breaks its bounds",
		Remedy:  "send at most 32 pairs, keys of 1 to 64 bytes, values of at most 512 bytes, valid UTF-8",
	},
	{
		Code: CodeReferenceInvalid, Status: 422, Exit: exitUsage,
		Meaning: "a reference breaks its bounds",
		Remedy:  "send 1 to 255 bytes of valid UTF-8 without control characters",
	},
	{
		Code: CodeSameAccount, Status: 422, Exit: exitUsage,
		Meaning: "a leg goes from an account to itself",
		Remedy:  "name two different accounts",
	},
	{
		Code: CodeTimeInvalid, Status: 422, Exit: exitUsage,
		Meaning: "a time cannot be read or lies outside the years 1678 to 2261",
		Remedy:  "write it as RFC 3339, such as 2026-01-31T12:00:00Z",
	},
	{
		Code: CodeTooLarge, Status: 413, Exit: exitUsage,
		Meaning: "the request is larger than the limit",
		Remedy:  "send fewer items in one request",
	},
	{
		Code: CodeUnauthorized, Status: 401, Exit: exitUsage,
		Meaning: "the token is missing or wrong",
		Remedy:  "send Authorization: Bearer with the server's token",
	},
	{
		Code: CodeUnsupported, Status: 501, Exit: exitUsage,
		Meaning: "this database or strategy cannot do that",
		Remedy:  "the message names what can",
	},
	{
		Code: CodeInTransaction, Status: 409, Exit: exitState,
		Meaning: "the call would open a database transaction inside one that is open in this context",
		Remedy:  "use ledger.In(tx) to take part in the open one",
	},
	{
		Code: CodeUnsafeTransaction, Status: 409, Exit: exitState,
		Meaning: "the caller's database transaction would not keep the ledger safe",
		Remedy:  "begin it as the message says",
	},
	{
		Code: CodeSchemaBehind, Status: 503, Exit: exitState,
		Meaning: "the database has an older schema than this program",
		Remedy:  "run bursar migrate, or set Options.Migrate",
	},
	{
		Code: CodeSchemaAhead, Status: 503, Exit: exitState,
		Meaning: "the database has a newer schema than this program",
		Remedy:  "use a program at least as new as the one that migrated the database",
	},
	{
		Code: CodeSchemaChanged, Status: 503, Exit: exitState,
		Meaning: "a migration that was applied has other content than this program's",
		Remedy:  "use the program that applied it, or find out who changed the file",
	},
	{
		Code: CodeNotADatabase, Status: 503, Exit: exitState,
		Meaning: "the file that should be the database is none",
		Remedy:  "name the file of a ledger, or one that is not there yet",
	},
	{
		Code: CodeReadOnly, Status: 503, Exit: exitState,
		Meaning: "the database's file may only be read, so nothing can be written",
		Remedy:  "give the program the right to write to the file and its folder, on a disk mounted for writing",
	},
	{
		Code: CodeBookNotFound, Status: 404, Exit: exitNotFound,
		Meaning: "the database has no book of this name",
		Remedy:  "check the name; bursar migrate --book makes a book, and so does Options.Migrate",
	},
	{
		Code: CodeIDReused, Status: 409, Exit: exitIdentity,
		Meaning: "the id was used for a request with other content",
		Remedy:  "use a new id; the message names the first field that differs",
	},
	{
		Code: CodeReferenceTaken, Status: 409, Exit: exitIdentity, Remembered: true,
		Meaning: "another transfer has this reference",
		Remedy:  "look that transfer up, or use another reference",
	},
	{
		Code: CodeAccountNotFound, Status: 404, Exit: exitNotFound, Remembered: true,
		Meaning: "the account does not exist",
		Remedy:  "open it first",
	},
	{
		Code: CodeTransferNotFound, Status: 404, Exit: exitNotFound,
		Meaning: "no transfer has this id or reference",
		Remedy:  "check the id",
	},
	{
		Code: CodeAsOfAhead, Status: 404, Exit: exitNotFound,
		Meaning: "the point asked for lies beyond the journal's head",
		Remedy:  "ask for a position or time that the journal has reached",
	},
	{
		Code: CodeAccountExists, Status: 409, Exit: exitState, Remembered: true,
		Meaning: "there is an account with this path, opened with other settings or under another id",
		Remedy:  "use it as it is, or choose another path",
	},
	{
		Code: CodeAccountFrozen, Status: 409, Exit: exitState, Remembered: true,
		Meaning: "the account is frozen",
		Remedy:  "unfreeze it first",
	},
	{
		Code: CodeAccountClosed, Status: 409, Exit: exitState, Remembered: true,
		Meaning: "the account is closed",
		Remedy:  "use another account",
	},
	{
		Code: CodeCurrencyMismatch, Status: 409, Exit: exitRule, Remembered: true,
		Meaning: "the amount's currency is not the account's",
		Remedy:  "post in the account's currency",
	},
	{
		Code: CodeEffectiveInFuture, Status: 409, Exit: exitRule, Remembered: true,
		Meaning: "the effective time is later than the time of the decision",
		Remedy:  "post it when that time has come, or leave the effective time out",
	},
	{
		Code: CodeTooLate, Status: 409, Exit: exitRule, Remembered: true,
		Meaning: "the transfer was decided after its not-after time",
		Remedy:  "send a new transfer if it is still wanted",
	},
	{
		Code: CodeVersionChanged, Status: 409, Exit: exitRule, Remembered: true,
		Meaning: "the account's version is not the one the transfer names",
		Remedy:  "read the account again and decide anew",
	},
	{
		Code: CodeConditionFailed, Status: 409, Exit: exitRule, Remembered: true,
		Meaning: "a condition of the transfer does not hold",
		Remedy:  "read the account again and decide anew",
	},
	{
		Code: CodeInsufficientFunds, Status: 409, Exit: exitBalance, Remembered: true,
		Meaning: "the account's available balance would fall below its minimum",
		Remedy:  "fund the account, or send less",
	},
	{
		Code: CodeLimitExceeded, Status: 409, Exit: exitBalance, Remembered: true,
		Meaning: "the account's balance would rise above its maximum",
		Remedy:  "send less, or use another account",
	},
	{
		Code: CodeBalanceOutOfRange, Status: 409, Exit: exitBalance, Remembered: true,
		Meaning: "a balance would need more than 36 digits",
		Remedy:  "split the account",
	},
	{
		Code: CodeBusy, Status: 503, Exit: exitTransient, Retryable: true,
		Meaning: "the queue is full",
		Remedy:  "try again a little later with the same id",
	},
	{
		Code: CodeConflict, Status: 503, Exit: exitTransient, Retryable: true,
		Meaning: "the database was contended until the retry budget was spent; nothing was written",
		Remedy:  "try again with the same id",
	},
	{
		Code: CodeCanceled, Status: 499, Exit: exitTransient, Retryable: true,
		Meaning: "the call was cancelled or its deadline passed before anything was written",
		Remedy:  "try again with the same id",
	},
	{
		Code: CodeClosed, Status: 503, Exit: exitTransient, Retryable: true,
		Meaning: "the ledger is shutting down; nothing was written",
		Remedy:  "send it to another server, or later, with the same id",
	},
	{
		Code: CodeUnavailable, Status: 503, Exit: exitTransient, Retryable: true,
		Meaning: "the database cannot be reached",
		Remedy:  "try again with the same id when it is back",
	},
	{
		Code: CodeClockJumped, Status: 503, Exit: exitTransient,
		Meaning: "the machine's clock jumped while the program ran; nothing was written",
		Remedy:  "set the clock right, or confirm it by a restart",
	},
	{
		Code: CodeOutcomeUnknown, Status: 504, Exit: exitUnknown, Retryable: true,
		Meaning: "the answer to the commit was lost: the transfer may or may not be posted",
		Remedy:  "ask again with the same id: it posts at most once",
	},
	{
		Code: CodeVerificationFailed, Status: 500, Exit: exitCorrupt,
		Meaning: "verify found what must not be",
		Remedy:  "stop writing, keep a copy, and look at the first bad position that it names",
	},
	{
		Code: CodeCorrupt, Status: 500, Exit: exitCorrupt,
		Meaning: "stored money contradicts itself; nothing was written",
		Remedy:  "stop writing and run bursar verify",
	},
	{
		Code: CodeInternal, Status: 500, Exit: exitInternal,
		Meaning: "an error that has no code of its own",
		Remedy:  "report it with the message",
	},
}
