package sqlstore

import "github.com/bursar-ledger/bursar/driver"

// tx is one database transaction with all its parts. It implements driver.Tx, and driver.Auditor for those who read.
type tx struct {
	reader
	locker
	allocator
	writer
	sealer
	auditor
}

var (
	_ driver.Tx      = (*tx)(nil)
	_ driver.Auditor = (*tx)(nil)
)

// newTx puts a tx together over a session.
func newTx(s *session, b *bulks, k *keyStock) *tx {
	g := guard{s, b}
	a := allocator{s, k}
	w := writer{s, steps{s, g, b, a}, k}
	return &tx{
		reader: reader{s}, locker: locker{s, g}, allocator: a,
		writer: w, sealer: sealer{s, w}, auditor: auditor{s, newAuditNames()},
	}
}
