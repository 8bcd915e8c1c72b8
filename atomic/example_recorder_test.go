package atomic_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar/atomic"
)

var errTestIsOver = errors.New("the test is over")

// sell is what is tested: it tells the customer when the cards are really sold.
func sell(ctx context.Context, db *atomic.DB, cards int) error {
	return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(func(context.Context) error {
			fmt.Println("mail:", cards, "cards are on their way")
			return nil
		})
		return take(ctx, db, "cards", cards)
	}, nil)
}

// A test runs the application in a block that is always rolled back, and looks at what would have run after the
// commit.
func ExampleRecord() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		rec := atomic.Record(tx, nil)
		_ = sell(ctx, db, 3) // There are only 2: undone, and its mail with it.
		fmt.Println("hooks after the refused sale:", rec.Len())
		if err := sell(ctx, db, 1); err != nil {
			return err
		}
		fmt.Println("hooks after the other one:", rec.Len())
		return errors.Join(rec.Run(ctx), errTestIsOver)
	}, nil)
	fmt.Println(err)
	show(ctx, db)
	// Output:
	// hooks after the refused sale: 0
	// hooks after the other one: 1
	// mail: 1 cards are on their way
	// the test is over
	// 100 chips, 2 cards
}

func ExampleRecorder_Hooks() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rec := atomic.Record(tx, nil)
		err := atomic.Do(ctx, db, func(ctx context.Context, _ *atomic.Tx) error {
			return sell(ctx, db, 1)
		}, nil)
		for _, hook := range rec.Hooks() {
			fmt.Println("registered", hook.Depth, "blocks inside")
		}
		return errors.Join(err, errTestIsOver)
	}, nil)
	fmt.Println(err)
	// Output:
	// registered 2 blocks inside
	// the test is over
}

func ExampleRecorder_Len() {
	db, closeShop := openShop()
	defer closeShop()

	var rec *atomic.Recorder
	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rec = atomic.Record(tx, nil)
		return errors.Join(sell(ctx, db, 1), sell(ctx, db, 1), errTestIsOver)
	}, nil)
	fmt.Println(err)
	fmt.Println(rec.Len(), "mails would have been sent")
	// Output:
	// the test is over
	// 2 mails would have been sent
}

func ExampleRecorder_Run() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rec := atomic.Record(tx, nil)
		tx.OnCommit(sendMail)
		if err := sell(ctx, db, 1); err != nil {
			return err
		}
		var hook *atomic.HookError
		if errors.As(rec.Run(ctx), &hook) {
			fmt.Println(hook.Errs)
		}
		return errTestIsOver
	}, nil)
	fmt.Println(err)
	// Output:
	// mail: 1 cards are on their way
	// [the mail server is down]
	// the test is over
}

// The application asks for a block of its own, which a test around it would refuse.
func ExampleRecorder_Check() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rec := atomic.Record(tx, &atomic.RecordOptions{Outside: true})
		durable := &atomic.Options{Nesting: atomic.Outermost}
		err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(sendMail)
			return take(ctx, db, "cards", 1)
		}, durable)
		fmt.Println("the durable block:", err)
		fmt.Println("forgotten:", errors.Is(rec.Check(ctx), atomic.ErrHooksUnrun))
		return errTestIsOver
	}, nil)
	fmt.Println(err)
	// Output:
	// the durable block: <nil>
	// forgotten: true
	// the test is over
}

func ExampleRecorder_Drop() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rec := atomic.Record(tx, nil)
		tx.OnCommit(sendMail)
		fmt.Println(rec.Drop()[0].Name != "", rec.Check(ctx))
		return errTestIsOver
	}, nil)
	fmt.Println(err)
	// Output:
	// true <nil>
	// the test is over
}
