package bursar

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// newID is a UUID of version 7: milliseconds, then twelve bits of the fraction of a millisecond, so that ids made in
// one burst sort too, then 62 random bits.
func newID(now time.Time) (ID, error) {
	var id ID
	if _, err := rand.Read(id[8:]); err != nil {
		return ID{}, fmt.Errorf("random bits for an id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	fraction := uint64(now.Nanosecond()) % 1_000_000 * 4096 / 1_000_000
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	binary.BigEndian.PutUint16(id[6:], uint16(fraction))
	return id.stamp(7), nil
}
