package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
)

// newID is a UUID of version 7: milliseconds, then twelve bits of the fraction of a millisecond, so that ids made in
// one burst sort too, then 62 random bits.
func newID(now time.Time) (bursar.ID, error) {
	var id bursar.ID
	if _, err := rand.Read(id[8:]); err != nil {
		return bursar.ID{}, fmt.Errorf("random bits for an id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	fraction := uint64(now.Nanosecond()) % 1_000_000 * 4096 / 1_000_000
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	binary.BigEndian.PutUint16(id[6:], uint16(fraction))
	return stamp(id, 7), nil
}

// stamp marks 128 bits as a UUID of this version.
func stamp(id [16]byte, version byte) [16]byte {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return id
}
