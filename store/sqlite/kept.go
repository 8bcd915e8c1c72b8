package sqlite

import (
	"context"
	sqldriver "database/sql/driver"
	"fmt"
	"strings"
)

// keptMax is how many prepared statements one connection keeps: all that a ledger uses, several times over.
const keptMax = 96

// connector opens connections that keep their prepared statements. Parsing a statement that writes many rows costs as
// much as running it, and database/sql prepares anew whenever a connection is taken from the pool.
type connector struct{ sqldriver.Connector }

// Connect opens a connection.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	base, ok := opened.(baseConn)
	if !ok {
		return nil, fmt.Errorf("sqlite: the driver's %T lacks what database/sql may ask of it", opened)
	}
	return &conn{baseConn: base, kept: make(map[string]*kept)}, nil
}

// baseConn is the driver's connection. All but running statements and closing is passed on to it.
type baseConn interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.QueryerContext
	sqldriver.SessionResetter
	sqldriver.Validator
	sqldriver.Pinger
}

// keptStmt is the driver's prepared statement.
type keptStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
}

// conn is a connection with its statements. database/sql uses it from one goroutine at a time.
type conn struct {
	baseConn
	kept map[string]*kept
	uses uint64
}

// kept is a prepared statement and its use.
type kept struct {
	stmt keptStmt
	last uint64 // the use that was its latest
	open bool   // rows of it are being read
}

// ExecContext runs a statement that returns no rows.
func (c *conn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.baseConn.ExecContext(ctx, query, args)
	}
	result, err := k.stmt.ExecContext(ctx, args)
	if err != nil {
		c.drop(query, k)
	}
	return result, err
}

// QueryContext runs a statement that returns rows.
func (c *conn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.baseConn.QueryContext(ctx, query, args)
	}
	rows, err := k.stmt.QueryContext(ctx, args)
	if err != nil {
		c.drop(query, k)
		return nil, err
	}
	k.open = true
	return &keptRows{rows, k}, nil
}

// keptRows lets its statement be used again when it is closed.
type keptRows struct {
	sqldriver.Rows
	k *kept
}

// Close ends the reading.
func (r *keptRows) Close() error {
	r.k.open = false
	return r.Rows.Close()
}

// statement is the kept statement of a query, prepared if need be; nil for a query that is not worth keeping or whose
// rows are being read.
func (c *conn) statement(ctx context.Context, query string) (*kept, error) {
	c.uses++
	if k := c.kept[query]; k != nil {
		if k.open {
			return nil, nil
		}
		k.last = c.uses
		return k, nil
	}
	if !keepable(query) {
		return nil, nil
	}
	prepared, err := c.baseConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(keptStmt)
	if !ok {
		return nil, prepared.Close()
	}
	if len(c.kept) >= keptMax {
		c.evict()
	}
	k := &kept{stmt: stmt, last: c.uses}
	c.kept[query] = k
	return k, nil
}

// keepable reports whether a query is one statement that reads or writes rows. What controls the database transaction
// or the connection is cheap to parse, and scripts have no one statement to keep.
func keepable(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "WITH":
		return !strings.Contains(query, ";")
	}
	return query == fileVersion
}

// evict makes room by closing the statement that has not been used for longest.
func (c *conn) evict() {
	var oldest string
	for query, k := range c.kept {
		if !k.open && (oldest == "" || k.last < c.kept[oldest].last) {
			oldest = query
		}
	}
	if oldest != "" {
		c.drop(oldest, c.kept[oldest])
	}
}

// drop closes a statement. What it answers is of no use: the statement is gone either way.
func (c *conn) drop(query string, k *kept) {
	delete(c.kept, query)
	_ = k.stmt.Close()
}

// Close closes the statements and the connection.
func (c *conn) Close() error {
	for query, k := range c.kept {
		c.drop(query, k)
	}
	return c.baseConn.Close()
}
