package verify

import (
	"context"
	"encoding/binary"
	"math/bits"

	"github.com/bursar-ledger/bursar"
)

// filter says of most ids that no request has them, without asking the database. It takes two bytes for each request,
// and no more than filterMost: from then on it is wrong more often, and never about an id that it was given.
type filter struct {
	bits []uint64
	mask uint64
}

// The least and the most words of eight bytes of a filter.
const (
	filterLeast = 1 << 10
	filterMost  = 1 << 22
)

// newFilter makes a filter for so many ids.
func newFilter(ids int64) filter {
	words := uint64(filterLeast)
	for words < filterMost && int64(words)*4 < ids {
		words *= 2
	}
	return filter{bits: make([]uint64, words), mask: words*64 - 1}
}

// places are the two bits of an id.
func (f *filter) places(id *bursar.ID) (one, two uint64) {
	hi, lo := bits.Mul64(binary.BigEndian.Uint64(id[:8])^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	h := (hi ^ lo ^ binary.BigEndian.Uint64(id[8:])) * 0xff51afd7ed558ccd
	h = (h ^ h>>32) * 0xc4ceb9fe1a85ec53
	h ^= h >> 29
	return h & f.mask, h >> 32 * 0x9e3779b97f4a7c15 >> 20 & f.mask
}

func (f *filter) add(id bursar.ID) {
	one, two := f.places(&id)
	f.bits[one/64] |= 1 << (one % 64)
	f.bits[two/64] |= 1 << (two % 64)
}

// may reports whether an id may have been given to the filter.
func (f *filter) may(id *bursar.ID) bool {
	one, two := f.places(id)
	return f.bits[one/64]>>(one%64)&1 != 0 && f.bits[two/64]>>(two%64)&1 != 0
}

// readIDs fills the filter with the ids of all requests.
func (a *audit) readIDs(ctx context.Context) error {
	count := int64(0)
	if err := a.source.AuditRequestIDs(ctx, a.book.Number, func(bursar.ID) { count++ }); err != nil {
		return err
	}
	a.filter = newFilter(count)
	return a.source.AuditRequestIDs(ctx, a.book.Number, a.filter.add)
}
