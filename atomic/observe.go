package atomic

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// An Observer is told what happens to database transactions, for counters and histograms. Any of its functions may
// be nil. They get Do's context and the name of the block ([Options.Name]). They run in Do's goroutine, must be
// safe for concurrent use and should be quick. Each database transaction that began ends with exactly one call:
// Committed, RolledBack or Unknown. Blocks inside another are not counted.
type Observer struct {
	// Began is called when a database transaction has begun: once for each attempt.
	Began func(ctx context.Context, name string)

	// Retried is called before each wait that precedes another attempt. It gets the code of the error ([Class.Code])
	// and the number of attempts so far.
	Retried func(ctx context.Context, name, code string, attempt int)

	// Committed is called after a commit, before the hooks. took runs from BEGIN.
	Committed func(ctx context.Context, name string, took time.Duration)

	// RolledBack is called after a rollback. code is that of the error behind it, or empty if the error did not come
	// from the engine.
	RolledBack func(ctx context.Context, name, code string, took time.Duration)

	// Unknown is called when it cannot be known whether a commit happened.
	Unknown func(ctx context.Context, name string, took time.Duration)
}

func (o *Observer) any() bool {
	return o.Began != nil || o.Retried != nil || o.Committed != nil || o.RolledBack != nil || o.Unknown != nil
}

// A Tracer makes spans. It must be safe for concurrent use.
type Tracer interface {
	// Start begins the span of one Do. The outermost Do has one span for all its attempts; a Do inside it has a span
	// of its own. The block runs with spanContext. end is called once with what Do returns.
	Start(ctx context.Context, name string) (spanContext context.Context, end func(err error))
}

// traced is do inside a span.
func (db *DB) traced(ctx context.Context, fn func(context.Context, *Tx) error, o *Options) (err error) {
	ctx, end := db.tracer.Start(ctx, o.Name)
	returned := false
	defer func() {
		if !returned {
			end(errUnwound)
			return
		}
		end(err)
	}()
	err = db.do(ctx, fn, o)
	returned = true
	return err
}

func (s *session) noteBegan(ctx context.Context) {
	db := s.db
	if !db.observed {
		return
	}
	s.started = db.clock.Now()
	if db.observer.Began != nil {
		db.observer.Began(ctx, s.name)
	}
}

func (db *DB) noteRetried(ctx context.Context, name, code string, attempt int) {
	if db.retried != nil {
		db.retried(ctx, name, code, attempt)
	}
	if db.observer.Retried != nil {
		db.observer.Retried(ctx, name, code, attempt)
	}
	if db.logger != nil {
		db.logger.InfoContext(ctx, "atomic: trying again", "block", name, "code", code, "attempt", attempt)
	}
}

// noteEnd tells how the database transaction ended.
func (s *session) noteEnd(ctx context.Context, err error) {
	db := s.db
	if !db.observed {
		return
	}
	took := db.clock.Now().Sub(s.started)
	ob := &db.observer
	level, event, code := slog.LevelDebug, "atomic: rolled back", ""
	switch {
	case s.outcome == outcomeCommitted:
		event = "atomic: committed"
		if ob.Committed != nil {
			ob.Committed(ctx, s.name, took)
		}
	case s.outcome == outcomeUnknown:
		level, event = slog.LevelError, "atomic: outcome unknown"
		if ob.Unknown != nil {
			ob.Unknown(ctx, s.name, took)
		}
	default:
		code = db.rollbackCode(err)
		if ob.RolledBack != nil {
			ob.RolledBack(ctx, s.name, code, took)
		}
	}
	if db.logger == nil {
		return
	}
	if s.suspect {
		db.logger.WarnContext(ctx, "atomic: closed a connection in doubt", "block", s.name)
	}
	if !db.logger.Enabled(ctx, level) {
		return
	}
	attrs := []any{"block", s.name, "took", took}
	if err != nil {
		attrs = append(attrs, "code", code, "err", err)
	}
	db.logger.Log(ctx, level, event, attrs...)
}

// rollbackCode is the engine's code behind a rollback, if there is one.
func (db *DB) rollbackCode(err error) string {
	if err == nil {
		return ""
	}
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.code
	}
	return db.dialect.Classify(err).Code
}

// afterCommit runs the hooks after COMMIT.
func (db *DB) afterCommit(ctx context.Context, hooks []hook, o *Options) error {
	err := commitHooks(ctx, hooks)
	var failed *HookError
	if errors.As(err, &failed) && db.logger != nil {
		for i, name := range failed.Hooks {
			db.logger.ErrorContext(ctx, "atomic: committed, but a hook failed", "block", o.Name, "hook", name,
				"err", failed.Errs[i])
		}
	}
	return err
}
