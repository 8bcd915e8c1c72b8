package bursar

import (
	"slices"
	"testing"
)

// TestHold judges jobs of several calls while somebody holds the account b.
func TestHold(t *testing.T) {
	job := func(from, to string) *Job {
		return &Job{Request: &Request{transfer: &Transfer{Legs: []Leg{{From: from, To: to}}}}}
	}
	j := &judgement{held: map[string]bool{"b": true}}
	for _, test := range []struct {
		call []*Job
		want []string // which account each waits for
	}{
		{[]*Job{job("x", "y"), job("a", "b"), job("a", "c"), job("c", "d"), job("x", "y")}, []string{"", "b", "b", "b", ""}},
		{[]*Job{job("a", "c"), job("c", "d")}, []string{"", ""}},
		{[]*Job{job("b", "e"), job("e", "f")}, []string{"b", "b"}},
		{[]*Job{job("e", "f")}, []string{""}},
	} {
		var got []string
		for _, job := range test.call {
			job.call = test.call[0]
			if held := j.hold(job); held != (job.Held != "") {
				t.Errorf("hold says %v of a job that waits for %q", held, job.Held)
			}
			got = append(got, job.Held)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("jobs wait for %q, want %q", got, test.want)
		}
	}
}
