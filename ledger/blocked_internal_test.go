package ledger

import (
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// TestBlocked judges jobs of several calls while somebody else has locked the account b.
func TestBlocked(t *testing.T) {
	pay := func(from, to string) *job {
		return &job{Request: &request{transfer: &bursar.Transfer{Legs: []bursar.Leg{{From: from, To: to}}}}}
	}
	j := &judgement{}
	for _, test := range []struct {
		call []*job
		want []string // which account each waits for
	}{
		{[]*job{pay("x", "y"), pay("a", "b"), pay("a", "c"), pay("c", "d"), pay("x", "y")}, []string{"", "b", "b", "b", ""}},
		{[]*job{pay("a", "c"), pay("c", "d")}, []string{"", ""}},
		{[]*job{pay("b", "e"), pay("e", "f")}, []string{"b", "b"}},
		{[]*job{pay("e", "f")}, []string{""}},
	} {
		j.begin(&bursar.Book{}, false)
		j.want(test.call)
		j.take(&driver.Gathered{Blocked: []string{"b"}})
		for _, job := range test.call {
			job.call = test.call[0]
		}
		j.judgeAll(test.call)
		var got []string
		for _, job := range test.call {
			got = append(got, job.Blocked)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("jobs wait for %q, want %q", got, test.want)
		}
	}
}
