package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// Scanned is a value of a row as [Dialect.Scan] gives it.
type Scanned struct {
	Kind ScannedKind
	Int  int64
	Blob []byte // memory of the engine, until the function returns that the row is given to
}

// ScannedKind says what a Scanned is.
type ScannedKind uint8

// What a Scanned is.
const (
	ScannedNull ScannedKind = iota
	ScannedInt
	ScannedBlob
	ScannedOther // what the caller of Scan has no use for
)

// set sets the place to a value.
func (c *auditCell) set(v *Scanned) error {
	switch v.Kind {
	case ScannedInt:
		return c.setInt(v.Int)
	case ScannedBlob:
		return c.setBytes(v.Blob)
	case ScannedNull:
		return c.setNull()
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "neither a number nor a blob stands in an entry")
	}
}

// scan runs a query whose arguments are whole numbers with Dialect.Scan. False means that it is to be run as any other:
// nothing that it gave is of use.
func (a auditor) scan(ctx context.Context, statement string, args []any, row func([]Scanned)) (done bool) {
	s, ok := a.db.(interface{ overSQL() DBTX })
	if a.dialect.Scan == nil || !ok {
		return false
	}
	block, ok := s.overSQL().(*atomic.Tx)
	if !ok {
		return false
	}
	numbers := make([]int64, len(args))
	for i, arg := range args {
		switch n := arg.(type) {
		case int64:
			numbers[i] = n
		case int:
			numbers[i] = int64(n)
		default:
			return false
		}
	}
	err := block.Raw(ctx, func(_ context.Context, driverConn any) error {
		done = a.dialect.Scan(driverConn, statement, numbers, row)
		return nil
	})
	return done && err == nil
}
