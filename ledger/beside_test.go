package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/bursartest/sqlitetest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestAPostBesideDoNamesTheRemedy posts with the ledger itself inside the function of Do, which waits for itself.
func TestAPostBesideDoNamesTheRemedy(t *testing.T) {
	t.Parallel()
	db := sqlitetest.New(t)
	l := bursartest.With(t, db.Store, bursartest.Funded("a", "5.00 USD"), bursartest.Funded("b", "1.00 USD"))
	pay := bursar.Transfer{
		ID:   bursar.IDOf("pay", 1),
		Legs: []bursar.Leg{{From: "a", To: "b", Amount: money.MustParse("1.00 USD")}},
	}
	var beside error
	err := ledger.Do(t.Context(), l.Ledger, sqlite.On(db.DB), func(_ *sql.Tx, in *ledger.Joined) error {
		if _, err := in.Post(t.Context(), pay); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, beside = l.Post(ctx, pay)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(beside, bursar.ErrCanceled) || !strings.Contains(beside.Error(), "post with the Joined") {
		t.Errorf("a post that waits for the block around it ends with %v", beside)
	}
	if posted, err := l.Post(t.Context(), pay); err != nil || !posted.Replayed {
		t.Errorf("after the block: %+v, %v", posted, err)
	}
}
