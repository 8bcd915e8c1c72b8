package atomic_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bursar-ledger/bursar/atomic"
)

// triedKey finds what the runs of one block know of each other. No other package can have this key.
type triedKey struct{}

// A run that begins again knows what the one before met, although the database has forgotten it.
func ExampleTx_AcrossRuns() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		kept, run := tx.AcrossRuns(triedKey{}, func() any { return &[]string{} })
		tried := kept.(*[]string)
		fmt.Println("run", run, "knows of", *tried)
		if run == 1 {
			*tried = append(*tried, "cards")
			return atomic.ErrStale
		}
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces - 1 WHERE item = ?`, (*tried)[0])
	}, &atomic.Options{RetryStale: true})
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output:
	// run 1 knows of []
	// run 2 knows of [cards]
	// 100 chips, 1 cards
}
