package atomic

import "context"

// blockContext is the context given to the function of a block. It answers fromKey and anyKey.
type blockContext struct {
	context.Context
	tx *Tx
}

// fromKey asks for the open Tx of one DB, anyKey for that of any DB.
type (
	fromKey struct{ db *DB }
	anyKey  struct{}
)

func (c *blockContext) Value(key any) any {
	switch key := key.(type) {
	case fromKey:
		if key.db == c.tx.s.db && !c.tx.ended.Load() {
			return c.tx
		}
	case anyKey:
		if !c.tx.ended.Load() && !c.tx.outside() {
			return c.tx
		}
	}
	return c.Context.Value(key)
}

// From returns the innermost open Tx of db in ctx, and whether there is one. A block that has ended is not found,
// even if its context is still in use.
func From(ctx context.Context, db *DB) (*Tx, bool) {
	tx, ok := ctx.Value(fromKey{db}).(*Tx)
	return tx, ok
}

// InTransaction reports whether ctx has an open block of any DB. A block that a test records as
// [RecordOptions.Outside] does not count.
func InTransaction(ctx context.Context) bool {
	return ctx.Value(anyKey{}) != nil
}
