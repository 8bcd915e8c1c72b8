package ledger_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// refusalOf is err as a refusal.
func refusalOf(t *testing.T, err error) *bursar.Error {
	t.Helper()
	var refusal *bursar.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refusal
}

func TestARefusalSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	l := bursartest.New(t, bursartest.Funded("a", "5.00 USD"), bursartest.Funded("b", "1.00 USD"))
	_, err := l.Post(t.Context(),
		bursar.Transfer{Legs: []bursar.Leg{{From: "a", To: "b", Amount: money.MustParse("7.00 USD")}}})
	refusal := refusalOf(t, err)
	if refusal.Account != "a" || refusal.Available.String() != "5.00 USD" || refusal.Needed.String() != "7.00 USD" ||
		refusal.Limit.String() != "0.00 USD" || refusal.Decided < bursar.Instant(l.Clock.Now().UnixNano()) {
		t.Errorf("got %+v", refusal)
	}
	if !refusal.Final || refusal.Replayed {
		t.Errorf("the first refusal of an attempt: final %v, replayed %v", refusal.Final, refusal.Replayed)
	}
}

// TestTheObserverSeesPostsUnderIn posts once and is refused once, in the caller's own database transaction.
func TestTheObserverSeesPostsUnderIn(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	type key struct{}
	posted, refused := 0, 0
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true, Observer: &ledger.Observer{
		Posted: func(ctx context.Context, n int) {
			if ctx.Value(key{}) != nil {
				posted += n
			}
		},
		Refused: func(ctx context.Context, code bursar.Code) {
			if ctx.Value(key{}) != nil && code == bursar.CodeInsufficientFunds {
				refused++
			}
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(t.Context())
	usd := money.MustParse("0 USD").Currency()
	for _, o := range []bursar.Opening{{Path: "world", Currency: usd, NoMin: true}, {Path: "a", Currency: usd}} {
		if _, err := l.OpenAccount(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.WithValue(t.Context(), key{}, true)
	one := money.MustParse("1.00 USD")
	err = atomic.Do(ctx, store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		in := l.In(tx)
		if _, err := in.Post(ctx, bursar.Transfer{Legs: []bursar.Leg{{From: "world", To: "a", Amount: one}}}); err != nil {
			return err
		}
		_, err := in.PostAll(ctx, []bursar.Transfer{
			{Legs: []bursar.Leg{{From: "a", To: "world", Amount: one}}},
			{Legs: []bursar.Leg{{From: "a", To: "world", Amount: one}}},
		})
		if refusal := refusalOf(t, err); refusal.Final || refusal.Replayed {
			t.Errorf("a refusal under In: final %v, replayed %v", refusal.Final, refusal.Replayed)
		}
		return nil
	}, nil)
	if err != nil || posted != 1 || refused != 1 {
		t.Errorf("%d posted and %d refused, %v; want one each", posted, refused, err)
	}
}
