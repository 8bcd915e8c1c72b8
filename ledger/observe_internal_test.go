package ledger

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// failingStore cannot write.
type failingStore struct {
	driver.Store
	err error
}

func (s failingStore) Write(
	_ context.Context, _ driver.Mode, retried func(string), _ func(context.Context, driver.Tx) error,
) error {
	if retried != nil {
		retried("SQLITE_BUSY")
	}
	return s.err
}

func (s failingStore) SealsLater() bool { return false }

func TestTheOperatorIsToldOfBatchesThatWereNotWritten(t *testing.T) {
	t.Parallel()
	for code, want := range map[bursar.Code]string{
		bursar.CodeCorrupt:        "level=ERROR",
		bursar.CodeInternal:       "level=ERROR",
		bursar.CodeOutcomeUnknown: "level=WARN",
		bursar.CodeConflict:       "level=WARN",
		bursar.CodeUnavailable:    "level=WARN",
		bursar.CodeCanceled:       "",
		bursar.CodeClosed:         "",
	} {
		var said bytes.Buffer
		w := &writer{
			store:  failingStore{err: bursar.Errorf(code, "because")},
			book:   bursar.Book{Name: "main"},
			clock:  clock.System(),
			logger: slog.New(slog.NewTextHandler(&said, nil)),
		}
		if err := w.post(t.Context(), driver.ModeLocks, "", []*job{{}, {}}); bursar.CodeOf(err) != code {
			t.Errorf("%s: the caller gets %v", code, err)
		}
		text := said.String()
		if want == "" && text != "" || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", code, text, want)
		}
		if want != "" &&
			!(strings.Contains(text, "requests=2") && strings.Contains(text, "code="+string(code)) &&
				strings.Contains(text, "book=main")) {
			t.Errorf("%s: %q does not say which batch", code, text)
		}
	}
}

func TestTheObserverIsToldOfEachOutcomeOnce(t *testing.T) {
	t.Parallel()
	var told []string
	o := &Observer{
		Posted:  func(_ context.Context, n int) { told = append(told, "posted "+strings.Repeat("x", n)) },
		Refused: func(_ context.Context, code bursar.Code) { told = append(told, "refused "+string(code)) },
		Retried: func(_ context.Context, code string) { told = append(told, "retried "+code) },
		Batch: func(_ context.Context, n int, took time.Duration) {
			told = append(told, "batch "+strings.Repeat("x", n)+" "+took.String())
		},
	}
	jobs := []*job{
		{}, {Posted: bursar.Posted{Replayed: true}}, {Err: bursar.Errorf(bursar.CodeInsufficientFunds, "")}, {},
		{Blocked: "a"},
	}
	o.committed(t.Context(), jobs, time.Second)
	o.retried(t.Context())("SQLITE_BUSY")
	want := []string{"refused insufficient_funds", "posted xx", "batch xxxx 1s", "retried SQLITE_BUSY"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, nothing := range []*Observer{nil, {}} { // costs nothing and asks for nothing
		nothing.committed(t.Context(), []*job{{}, {Err: errors.New("refused")}}, time.Second)
		nothing.refused(t.Context(), errors.New("refused"))
		if nothing.retried(t.Context()) != nil {
			t.Error("who is told of nothing is asked for retries")
		}
	}
}
