package lawtest

import (
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
)

// Delivered returns the violations in a whole journal and in what readers got of it. Positions have no gap, times rise,
// and the legs of a transfer stand together. Each reader got the whole journal. Each id in posted is there once if its
// value is true, and not at all if it is false.
func Delivered(journal []bursar.Entry, readers [][]bursar.Entry, posted map[bursar.ID]bool) error {
	violations := []error{placed(journal), once(journal, posted)}
	for i, read := range readers {
		if err := sameFeed(read, journal); err != nil {
			violations = append(violations, fmt.Errorf("reader %d: %w", i, err))
		}
	}
	return errors.Join(violations...)
}
