package atomic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// KeyedOptions are the choices of one [DoKeyed]. The zero value is the usual case.
type KeyedOptions struct {
	// Options are those of Do. Nesting is always [Outermost]; ReadOnly is refused with [ErrMode].
	Options

	// Digest, if given, is a hash of the request. The same key with another digest is [ErrKeyReused], so that a key used
	// by mistake for two requests does not answer one with the other's result. At most 64 bytes.
	Digest []byte
}

const (
	keyLengthMax    = 255
	digestLengthMax = 64
)

// DoKeyed runs fn in a database transaction as [Do] does, exactly once for each key: its result is stored under key in the same
// database transaction, and a later call with that key, of this process or another, returns the stored result with replayed = true
// and does not run fn. It needs the table of [Setup].
//
// A commit whose answer was lost is resolved here: the whole is run again, and the insertion of the key, which comes first,
// waits for the earlier one to end and finds its row if it was committed. Looking for the row alone would not do, because
// the earlier commit may still be on its way. If the budget of o.Retry ends before the answer is known, the error is
// [ErrOutcomeUnknown]: call again with the same key.
//
// fn MAY RUN MORE THAN ONCE; its effects in the database happen once. If fn fails, nothing is stored and
// the key is free again. An empty result comes back as nil, the first time and replayed. Hooks given to [Tx.OnCommit] run only if this call saw the commit, not with a
// replayed result.
//
// key is 1 to 255 bytes of UTF-8 without zero bytes. DoKeyed must be the outermost block. Errors: those of [Do], [ErrKeyReused]. With a
// [*HookError] the result is valid. o may be nil. DoKeyed is safe for concurrent use: of several calls with one key, one runs and
// the others wait for it.
func DoKeyed(
	ctx context.Context, db *DB, key string, fn func(ctx context.Context, tx *Tx) ([]byte, error), o *KeyedOptions,
) (result []byte, replayed bool, err error) {
	k, err := newKeyed(ctx, db, key, fn, o)
	if err != nil {
		return nil, false, err
	}
	for {
		k.options.Retry = k.r.left()
		k.settled = false
		err := Do(ctx, db, k.block, &k.options)
		var hook *HookError
		switch {
		case err == nil, errors.As(err, &hook):
			return k.result, k.replayed, err
		case errors.Is(err, ErrOutcomeUnknown):
			k.unknown = err
		case k.unknown == nil || k.settled:
			return nil, false, err
		}
		// The fate of an earlier commit is open, and this attempt did not come as far as to settle it.
		if waitErr := k.r.wait(ctx, "outcome_unknown", err); waitErr != nil {
			return nil, false, k.stillUnknown(waitErr)
		}
	}
}

// keyed is one call of DoKeyed.
type keyed struct {
	key     string
	digest  []byte
	fn      func(ctx context.Context, tx *Tx) ([]byte, error)
	options Options
	r       *retrier
	st      *Statements

	result   []byte
	replayed bool
	// settled means that the last attempt holds the key or has found its result, so every earlier one is known to have failed or
	// succeeded.
	settled bool
	// unknown is the last commit that was not answered.
	unknown error
}

func newKeyed(
	ctx context.Context, db *DB, key string, fn func(context.Context, *Tx) ([]byte, error), o *KeyedOptions,
) (*keyed, error) {
	if o == nil {
		o = &KeyedOptions{}
	}
	k := &keyed{key: key, digest: o.Digest, fn: fn, options: outermost(&o.Options), st: db.statements}
	if key == "" || len(key) > keyLengthMax || !utf8.ValidString(key) || strings.Contains(key, "\x00") {
		return nil, fmt.Errorf("atomic: key %q is not 1 to %d bytes of UTF-8 without zero bytes", key, keyLengthMax)
	}
	if len(o.Digest) > digestLengthMax {
		return nil, fmt.Errorf("atomic: key %q: a digest of %d bytes, at most %d are kept", key, len(o.Digest), digestLengthMax)
	}
	if o.ReadOnly {
		return nil, fmt.Errorf("atomic: key %q: %w", key, ErrMode)
	}
	if k.digest == nil {
		k.digest = []byte{}
	}
	k.r = newRetrier(db, &k.options)
	return k, nil
}

// stillUnknown is the error of a call that gives up: whatever stopped it, an earlier commit may have happened.
func (k *keyed) stillUnknown(err error) error {
	if errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("atomic: key %q: %w; then %w", k.key, k.unknown, err)
}

// block claims the key, runs fn and stores its result, or takes the result that is there.
func (k *keyed) block(ctx context.Context, tx *Tx) error {
	k.result, k.replayed, k.settled = nil, false, false
	if _, err := tx.ExecContext(ctx, k.st.KeyInsert, k.key, k.digest); err != nil {
		return fmt.Errorf("atomic: claim key %q: %w", k.key, err)
	}
	stored, err := QueryOne(ctx, tx, scanKey, k.st.KeyRead, k.key)
	if err != nil {
		return fmt.Errorf("atomic: read key %q: %w", k.key, err)
	}
	k.settled = true
	if stored.done {
		if !bytes.Equal(stored.digest, k.digest) {
			return fmt.Errorf("%w: key %q", ErrKeyReused, k.key)
		}
		if len(stored.result) > 0 {
			k.result = stored.result
		}
		k.replayed = true
		return nil
	}
	result, err := k.fn(ctx, tx)
	if err != nil {
		return err
	}
	if len(result) == 0 {
		result = nil
	}
	if err := ExecOne(ctx, tx, k.st.KeyWrite, result, k.key); err != nil {
		return fmt.Errorf("atomic: store the result of key %q: %w", k.key, err)
	}
	k.result = result
	return nil
}

type storedKey struct {
	done           bool
	digest, result []byte
}

func scanKey(row Row) (k storedKey, err error) {
	var done int64
	err = row.Scan(&done, &k.digest, &k.result)
	k.done = done != 0
	return k, err
}
