package atomic

import (
	"context"
	"errors"
)

// The codes of errors. They are the words of package bursar where that has one for the same thing.
const (
	codeUnknown     = "outcome_unknown"
	codeConflict    = "conflict"
	codeUnsafe      = "unsafe_transaction"
	codeNested      = "in_transaction"
	codeUnsupported = "unsupported"
	codeUnavailable = "unavailable"
	codeCondition   = "condition_failed"
	codeReused      = "id_reused"
	codeBusy        = "busy"
	codeVersion     = "version_changed"
	codeCanceled    = "canceled"
	codeInternal    = "internal"
	codeHook        = "hook_failed"
)

// A sentinel is an error that callers compare with, and its code.
type sentinel struct{ code, text string }

func newSentinel(code, text string) error { return &sentinel{code, text} }

func (e *sentinel) Error() string     { return e.text }
func (e *sentinel) ErrorCode() string { return e.code }

// A codedError is an error whose code is not that of the first sentinel inside it.
type codedError struct {
	err  error
	code string
}

func (e *codedError) Error() string     { return e.err.Error() }
func (e *codedError) Unwrap() error     { return e.err }
func (e *codedError) ErrorCode() string { return e.code }

// A doneError is the end of a context: ctx.Err() and its cause. err is what the end has brought about, or nil.
type doneError struct{ done, cause, err error }

// Error says what was cut short, and why.
func (e *doneError) Error() string {
	text := e.done.Error()
	if e.err != nil {
		text = e.err.Error()
		if !errors.Is(e.err, e.done) {
			text = e.done.Error() + ": " + text
		}
	}
	if e.cause != nil {
		text += " (" + e.cause.Error() + ")"
	}
	return text
}

// Unwrap returns all of it.
func (e *doneError) Unwrap() (all []error) {
	for _, err := range []error{e.err, e.done, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// ErrorCode is "canceled".
func (e *doneError) ErrorCode() string { return codeCanceled }

// contextError is the error for a context that is done. It matches both ctx.Err() and the cause. It is nil if ctx
// is not done.
func contextError(ctx context.Context) error { return caused(ctx, nil) }

// caused adds to err, which the end of ctx has brought about, ctx.Err() and its cause. It returns err itself if ctx is
// not done or if err matches both already.
func caused(ctx context.Context, err error) error {
	done := ctx.Err()
	if done == nil {
		return err
	}
	cause := context.Cause(ctx)
	var told *doneError
	if errors.As(err, &told) && errors.Is(err, done) && errors.Is(err, cause) {
		return err
	}
	if errors.Is(cause, done) {
		done, cause = cause, nil
	}
	return &doneError{done, cause, err}
}

// told adds the end of ctx and its cause to an error of a block, if it was the end of ctx that made the block fail.
func (s *session) told(ctx context.Context, err error) error {
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	if err == nil || s.outcome == outcomeUnknown || !cut && !isContextError(err) {
		return err
	}
	return caused(ctx, err)
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
