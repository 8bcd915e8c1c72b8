package atomic

import (
	"errors"
	"strings"
)

// Every error below has a method ErrorCode() string, and so has every error that Do makes itself. A program that maps
// errors to its own can find the code with errors.As and need not import this package. The error of an engine has no
// code here: [DB.Classify] tells what it means. docs/atomic.md lists the codes.
var (
	// ErrOutcomeUnknown means that COMMIT was sent and no trustworthy answer came back. The writes may or may not be
	// there. Before doing them again, look for what they would have left behind, by a key that they carry.
	ErrOutcomeUnknown = newSentinel(codeUnknown, "atomic: outcome unknown, the commit may or may not have happened")

	// ErrBudget means that conflicts with other database transactions lasted longer than the retry [Budget]. Nothing
	// was committed. The last conflict is wrapped.
	ErrBudget = newSentinel(codeConflict, "atomic: retry budget is spent")

	// ErrBroken means that an earlier error, which is wrapped, has made the database transaction unusable. Nothing of
	// it can be committed. Every error of the database does that, up to the savepoint that is undone because of it. A
	// function that swallows such an error and returns nil gets ErrBroken from Do.
	ErrBroken = newSentinel(codeUnsafe, "atomic: broken by an earlier error")

	// ErrEnded means that a Tx was used after its function had returned.
	ErrEnded = newSentinel(codeUnsafe, "atomic: the block of this Tx has ended, do not keep a Tx beyond its function")

	// ErrConcurrent means that two goroutines used one database transaction at the same time. Give each goroutine a Do
	// of its own, or let them take turns.
	ErrConcurrent = newSentinel(codeUnsafe, "atomic: the Tx is in use by another goroutine, run one statement at a time")

	// ErrNested means that a block with [Outermost] was started inside an open database transaction of the same DB.
	// Call it outside. If its effects may be undone by the block around it, use another [Nesting].
	//
	// [Outermost] and [Hybrid] are refused in a block of any other DB as well, and so is [Retry].
	ErrNested = newSentinel(codeNested, "atomic: the block must be outermost but a database transaction is open")

	// ErrRequired means that a block with [Required] or [Savepoint] was started where no database transaction of the
	// same DB is open. Call it inside a Do, or use another [Nesting].
	ErrRequired = newSentinel(codeUnsafe, "atomic: the block needs an open database transaction but none is open")

	// ErrControl means that a statement was not sent, because it would begin, end or commit a database transaction
	// without Do's knowledge. The text of the error says what to use instead.
	ErrControl = newSentinel(codeUnsafe, "atomic: a statement that controls the database transaction was not sent")

	// ErrRowsOpen means that rows of an earlier query are still open, on an engine that runs one statement at a time.
	// Read them to the end or close them first. [QueryAll] does that.
	ErrRowsOpen = newSentinel(codeUnsafe,
		"atomic: rows of an earlier query are still open, close them before the next statement")

	// ErrUnsupported means that the engine cannot do what was asked for.
	ErrUnsupported = newSentinel(codeUnsupported, "atomic: not supported by this engine")

	// ErrStale means that the rows are not what the caller decided on: another database transaction has changed them.
	// Nothing is broken. The block may read again and go on. With [Options.RetryStale] Do begins again by itself.
	ErrStale = newSentinel(codeConflict, "atomic: stale, the rows have changed since they were read")

	// ErrNoConnection means that the pool had no connection to give: the server could not be reached, or did not let
	// the client in. Nothing was sent. The error of the driver is wrapped.
	ErrNoConnection = newSentinel(codeUnavailable, "atomic: no connection")

	// ErrNotOne means that a statement concerned no row or several, where it must concern exactly one.
	ErrNotOne = newSentinel(codeCondition, "atomic: not exactly one row")

	// ErrKeyReused means that a key of [DoKeyed] was used before for another request, with another digest. Nothing was
	// done.
	ErrKeyReused = newSentinel(codeReused, "atomic: the key was used for another request")

	// ErrHeld means that another holder has the lease. Wait and try again.
	ErrHeld = newSentinel(codeBusy, "atomic: the lease is held by another")

	// ErrFenced means that the lease was acquired again or released after its token was given out. The holder of the
	// token must stop.
	ErrFenced = newSentinel(codeVersion, "atomic: fenced off, the lease has passed on")

	// ErrMode means that a nested block asked for an isolation level, or for a read-only mode, that the database
	// transaction around it does not have. Ask for it in the outermost block. It also means that [DoKeyed] was asked
	// to be read-only.
	ErrMode = newSentinel(codeUnsafe, "atomic: a nested block cannot change isolation or read-only")

	// ErrReadOnly means that a statement was not sent, because it would write in a read-only block of an engine that
	// does not refuse it ([Traits.WritesReadOnly]). Engines that do refuse it have errors of their own.
	ErrReadOnly = newSentinel(codeUnsafe, "atomic: a statement that writes was not sent")

	// ErrLeftOpen means that a connection from the pool was in the middle of a database transaction that somebody
	// else had left open. It is for [Dialect.Begin]. Do closes such a connection, which rolls back what was left on
	// it, and begins on another one within its [Budget].
	ErrLeftOpen = newSentinel(codeUnavailable, "atomic: somebody left a database transaction open on the connection")

	// ErrHooksUnrun means that a test has not run the hooks that its [Recorder] kept. See [Recorder.Check].
	ErrHooksUnrun = newSentinel(codeInternal, "atomic: the test has not run the hooks that a commit would run")
)

// A HookError reports that the database transaction WAS committed and that functions given to [Tx.OnCommit] failed
// afterwards. Find it with errors.As. Doing the work again would do it twice.
//
// It deliberately does not unwrap. The error of a hook may be a conflict in another database, and the committed
// work must not look like something to retry.
type HookError struct {
	// Errs are the errors of the hooks that failed, in the order of the hooks.
	Errs []error

	// Hooks says for each of Errs which function failed and where it was registered, such as
	// "shop.sendReceipt (registered at shop/order.go:41)".
	Hooks []string
}

// Error says that the commit stands, which hooks failed and what they reported.
func (e *HookError) Error() string {
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = err.Error()
		if i < len(e.Hooks) && e.Hooks[i] != "" {
			texts[i] = e.Hooks[i] + ": " + texts[i]
		}
	}
	return "atomic: committed, but hooks failed: " + strings.Join(texts, "; ")
}

// ErrorCode is "hook_failed".
func (e *HookError) ErrorCode() string { return codeHook }

func isHookError(err error) bool {
	var hook *HookError
	return errors.As(err, &hook)
}
