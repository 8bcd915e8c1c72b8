package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// A time that cannot be reached is ahead where one may only read. Whatever else went wrong while the head's time was to
// be moved is told as it is: it may be over when the same is asked again, or an operator must know.
func TestATimeThatIsNotReachedIsAheadOrTellsTheCause(t *testing.T) {
	ahead := &bursar.Error{Code: bursar.CodeAsOfAhead, Field: "to",
		Err: &aheadError{at: bursar.Instant(2 * time.Second), head: bursar.Head{Seq: 7, At: bursar.Instant(time.Second)}}}
	read := func(context.Context, func(context.Context, driver.Reader) error) error { return ahead }
	stays := map[bursar.Code]bool{
		bursar.CodeUnavailable: true, bursar.CodeInTransaction: true, bursar.CodeReadOnly: true,
		bursar.CodeUnsupported: true,
	}
	for _, d := range bursar.Catalogue() {
		cause := bursar.Errorf(d.Code, "because of %s", d.Code)
		v := &view{read: read, reach: func(context.Context, bursar.Instant) error { return cause }}
		err := v.asOf(t.Context(), nil)
		if !stays[d.Code] {
			if err != error(cause) {
				t.Errorf("%s: %v, want the cause itself", d.Code, err)
			}
			continue
		}
		var told *bursar.Error
		if !errors.As(err, &told) || told.Code != bursar.CodeAsOfAhead || told.Field != "to" {
			t.Fatalf("%s: %v, want as_of_ahead of the field to", d.Code, err)
		}
		for _, part := range []string{"later than the journal's head, which is 7 at ", "because of " + string(d.Code),
			"as somebody who may write"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %q", d.Code, err, part)
			}
		}
	}
}
