package lawtest

import (
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
)

// Delivered says what is wrong with a journal, all of it from its first entry on, or with what readers got of it: positions
// without a gap, times that rise, the legs of a transfer together; each reader got just that; and each id of posted
// is there once if its value is true, and not at all if it is false.
func Delivered(journal []bursar.Entry, readers [][]bursar.Entry, posted map[bursar.ID]bool) error {
	faults := []error{placed(journal), once(journal, posted)}
	for i, read := range readers {
		if err := sameFeed(read, journal); err != nil {
			faults = append(faults, fmt.Errorf("reader %d: %w", i, err))
		}
	}
	return errors.Join(faults...)
}
