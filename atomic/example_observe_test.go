package atomic_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// With Prometheus, commits and retries would be a CounterVec and the duration a HistogramVec.
func ExampleObserver() {
	pool, closeShop := openPool()
	defer closeShop()

	commits, rollbacks := map[string]int{}, map[string]int{}
	db := atomic.Open(pool, sqlite.Dialect{}, &atomic.OpenOptions{Observer: atomic.Observer{
		Committed:  func(_ context.Context, name string, _ time.Duration) { commits[name]++ },
		RolledBack: func(_ context.Context, name, code string, _ time.Duration) { rollbacks[name+" "+code]++ },
	}})
	for range 3 {
		err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = pieces - 1 WHERE item = 'cards'`)
			return err
		}, &atomic.Options{Name: "sell"})
		if err != nil {
			fmt.Println("sold out")
		}
	}
	fmt.Println(commits, rollbacks)
	// Output:
	// sold out
	// map[sell:2] map[sell SQLITE_CONSTRAINT(275):1]
}

// tracing is all that OpenTelemetry needs, here with a printer in its place: Start calls tracer.Start(ctx, name), and
// end calls span.RecordError and span.SetStatus for an error, and then span.End.
type tracing struct{}

func (tracing) Start(ctx context.Context, name string) (context.Context, func(error)) {
	fmt.Println("span", name)
	return ctx, func(err error) {
		if err != nil {
			fmt.Println("error:", err)
		}
		fmt.Println("end", name)
	}
}

func ExampleTracer() {
	pool, closeShop := openPool()
	defer closeShop()

	db := atomic.Open(pool, sqlite.Dialect{}, &atomic.OpenOptions{Tracer: tracing{}})
	err := atomic.Do(context.Background(), db, func(ctx context.Context, _ *atomic.Tx) error {
		_ = atomic.Do(ctx, db, func(context.Context, *atomic.Tx) error {
			return errors.New("no cards left")
		}, &atomic.Options{Name: "cards"})
		return nil
	}, &atomic.Options{Name: "order"})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// span order
	// span cards
	// error: no cards left
	// end cards
	// end order
}
