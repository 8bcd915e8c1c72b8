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

	// Digest, if given, is a hash of the request, of at most 64 bytes. The same key with another digest is
	// [ErrKeyReused]. So if a key is used for two requests by mistake, the second does not get the result of the
	// first.
	Digest []byte
}

const (
	keyLengthMax    = 255
	digestLengthMax = 64
)

// DoKeyed runs fn in a database transaction as [Do] does, but exactly once for each key. The result of fn is stored
// under key in the same database transaction. A later call with that key, by this process or another, does not run
// fn: it returns the stored result and replayed = true. DoKeyed needs the table of [Setup].
//
// DoKeyed finds out whether a commit happened whose answer was lost: it runs everything again. The first statement
// inserts the key. It waits for the earlier database transaction to end and finds the stored row if that one was
// committed. Looking for the row alone would not do, because the earlier commit may still be on its way. If the
// budget of o.Retry ends before the answer is known, the error is [ErrOutcomeUnknown]: call again with the same
// key.
//
// fn MAY RUN MORE THAN ONCE; its effects in the database happen once. If fn fails, nothing is stored and the key is
// free again. An empty result comes back as nil, the first time and replayed. Hooks given to [Tx.OnCommit] run only
// if this call saw the commit, not with a replayed result.
//
// key is 1 to 255 bytes of UTF-8 without zero bytes. DoKeyed must be the outermost block of db. It may stand in a block
// of another DB, because that finds the result when it runs again. Of several calls with one key, one runs and the
// others wait for it. Errors are those of [Do] and [ErrKeyReused]. With a [*HookError] the result is valid. o may be
// nil. DoKeyed is safe for concurrent use.
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
		// It is still unknown whether an earlier commit happened: this attempt failed before it could settle that.
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
	// settled means that the last attempt holds the key or has found its result. All earlier attempts have then ended.
	settled bool
	// unknown is the error of the last commit that was not answered.
	unknown error
}

func newKeyed(
	ctx context.Context, db *DB, key string, fn func(context.Context, *Tx) ([]byte, error), o *KeyedOptions,
) (*keyed, error) {
	need(db != nil, "DoKeyed", "the *DB")
	need(fn != nil, "DoKeyed", "the function")
	if o == nil {
		o = &KeyedOptions{}
	}
	k := &keyed{key: key, digest: o.Digest, fn: fn, options: outermost(&o.Options), st: db.statements}
	if key == "" || len(key) > keyLengthMax || !utf8.ValidString(key) || strings.Contains(key, "\x00") {
		return nil, fmt.Errorf("atomic: key %q is not 1 to %d bytes of UTF-8 without zero bytes", key, keyLengthMax)
	}
	if len(o.Digest) > digestLengthMax {
		return nil, fmt.Errorf("atomic: key %q: a digest of %d bytes, at most %d are kept",
			key, len(o.Digest), digestLengthMax)
	}
	if o.ReadOnly {
		return nil, fmt.Errorf("atomic: key %q: %w", key, ErrMode)
	}
	if k.digest == nil {
		k.digest = []byte{}
	}
	k.options.replayable = true
	k.r = newRetrier(db, &k.options)
	return k, nil
}

// stillUnknown is the error of a call that gives up while an earlier commit may have happened. err says why the
// call gives up.
func (k *keyed) stillUnknown(err error) error {
	if errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("atomic: key %q: %w; then %w", k.key, k.unknown, err)
}

// block inserts the key, runs fn and stores its result. If a result is stored already, block takes that.
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
