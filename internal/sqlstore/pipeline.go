package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

// Call is one statement of several that are sent together.
type Call struct {
	Query string
	Args  []any
	// Row is called for each row; it is nil for a statement that returns none.
	Row func(scan func(...any) error) error
	// Touched is how many rows a statement that returns none has written: the answer.
	Touched int64

	step  string
	rows  int64        // how many it must write; any number if it is negative
	after func() error // looks at what its rows said
}

// Piper is an Executor that sends several statements at once and then reads their answers, so that all of them cost
// one round trip. They run in order, each seeing what those before it have done.
type Piper interface {
	Executor
	// Pipe runs calls and returns how many of them went well. The first error ends the rest.
	Pipe(ctx context.Context, calls []*Call) (done int, err error)
}

// ErrNoPipe is the error of a Piper whose connection turns out to take one statement at a time. Nothing was sent.
var ErrNoPipe = errors.New("the connection takes one statement at a time")

// errStale means that somebody else changed, in between, a row that is guarded by its version, or the head.
var errStale = fmt.Errorf("changed by another database transaction: %w", atomic.ErrStale)

// pipeline is statements that need not know each other's answers. Where the executor is a Piper, flush sends them
// together; elsewhere each runs when it is added.
type pipeline struct {
	ctx   context.Context
	db    Executor
	piper Piper // nil where each runs when it is added
	// private is the connection, where nobody else is given it; else nil.
	private Private
	calls   []*Call
	step    string // what the statement was for that was added last or, after an error, that failed
}

func newPipeline(ctx context.Context, db Executor) *pipeline {
	p := &pipeline{ctx: ctx, db: db}
	p.piper, _ = db.(Piper)
	return p
}

// query adds a statement that returns rows.
func (p *pipeline) query(statement string, args []any, row func(scanner) error) error {
	return p.add(&Call{Query: statement, Args: args, Row: row})
}

// exec adds a statement that must write so many rows, or any number of them if it is negative.
func (p *pipeline) exec(statement string, args []any, rows int64) error {
	return p.add(&Call{Query: statement, Args: args, rows: rows})
}

// then calls fn when the statement that was added last has been answered.
func (p *pipeline) then(fn func() error) error {
	if len(p.calls) == 0 {
		return fn()
	}
	p.calls[len(p.calls)-1].after = fn
	return nil
}

func (p *pipeline) add(c *Call) error {
	c.step = p.step
	if p.piper == nil {
		return p.run(c)
	}
	p.calls = append(p.calls, c)
	return nil
}

// flush sends what was added. More may be added afterwards.
func (p *pipeline) flush() error {
	calls := p.calls
	p.calls = nil
	switch len(calls) {
	case 0:
		return nil
	case 1:
		return p.oneByOne(calls)
	}
	done, err := p.piper.Pipe(p.ctx, calls)
	if errors.Is(err, ErrNoPipe) {
		p.piper = nil
		return p.oneByOne(calls)
	}
	for _, c := range calls[:done] {
		p.step = c.step
		if err := c.judge(); err != nil {
			return err // which is earlier than the database's
		}
	}
	if err != nil {
		p.step = calls[min(done, len(calls)-1)].step
	}
	return err
}

func (p *pipeline) oneByOne(calls []*Call) error {
	for _, c := range calls {
		p.step = c.step
		if err := p.run(c); err != nil {
			return err
		}
	}
	return nil
}

// run runs one statement by itself.
func (p *pipeline) run(c *Call) (err error) {
	if c.Row != nil {
		err = query(p.ctx, p.db, c.Query, c.Args, c.Row)
	} else {
		c.Touched, err = p.db.Exec(p.ctx, c.Query, c.Args...)
	}
	if err != nil {
		return err
	}
	return c.judge()
}

// judge looks at the answer to a statement.
func (c *Call) judge() error {
	switch {
	case c.after != nil:
		return c.after()
	case c.Row == nil && c.rows >= 0 && c.Touched != c.rows:
		return fmt.Errorf("%w: %d rows of %d were written", errStale, c.Touched, c.rows)
	}
	return nil
}

// piped is a Piper over a connection whose driver can send several statements at once.
type piped struct {
	std
	block *atomic.Tx
	pipe  func(ctx context.Context, driverConn any, calls []*Call) (done int, err error)
}

// Pipe implements Piper. An adopted database transaction does not lend its connection.
func (p piped) Pipe(ctx context.Context, calls []*Call) (done int, err error) {
	var refused error
	err = p.block.Raw(ctx, func(ctx context.Context, driverConn any) (err error) {
		done, err = p.pipe(ctx, driverConn, calls)
		if errors.Is(err, ErrNoPipe) {
			refused, err = err, nil // which breaks nothing
		}
		return err
	})
	if errors.Is(err, atomic.ErrUnsupported) {
		return 0, ErrNoPipe
	}
	return done, cmp.Or(err, refused)
}
