package ledger

import (
	"testing"

	"github.com/bursar-ledger/bursar"
)

// allocations is how often f allocates, once its memory has grown.
func allocations(f func()) float64 {
	f()
	return testing.AllocsPerRun(20, f)
}

// Memory is allocated for what a part has never seen as large. After that a transfer costs none, whatever the batch.
func TestTransfersAllocateNothing(t *testing.T) {
	p, asked, j, w := parts(t, 300)
	m := w.store.(*memory)
	judge := func() {
		if err := w.judge(t.Context(), &m.tx, j, true, "", p.jobs); err != nil {
			t.Fatal(err)
		}
	}
	judge()
	batch := j.batch()
	s := newSealing(&w.book, 1, batch, j.head)
	var d draft
	one, row := p.jobs[0].Request, m.named(p.jobs[0].Request)
	for name, f := range map[string]func(){
		"encode": func() {
			p.begin(asked)
			for i := range asked {
				if err := p.ask(i, &asked[i], nil); err != nil {
					t.Fatal(err)
				}
			}
		},
		"apply": func() {
			d.entries = d.entries[:0]
			if err := apply(&d, row, one, 1, 1); err != nil {
				t.Fatal(err)
			}
		},
		"judge": judge,
		"batch": func() { j.batch() },
		"link": func() {
			s.batch.Checkpoints = s.batch.Checkpoints[:0]
			s.own()
		},
		"settle": func() { j.settle(batch) },
	} {
		if n := allocations(f); n > 0 {
			t.Errorf("%s: %v allocations for %d transfers", name, n, len(asked))
		}
	}
	for _, job := range p.jobs {
		if job.Err != nil {
			t.Fatal(job.Err)
		}
	}
}

// A refusal may cost something, but leaves no trace in what the next request is judged with.
func TestJudgementsAreUsedAgain(t *testing.T) {
	p, _, j, w := parts(t, 40)
	m := w.store.(*memory)
	for _, account := range m.accounts {
		account.State = bursar.AccountFrozen
	}
	for _, remembers := range []bool{true, false} {
		if err := w.judge(t.Context(), &m.tx, j, remembers, "", p.jobs); err != nil {
			t.Fatal(err)
		}
		if b := j.batch(); len(b.Entries)+len(b.Changed) > 0 || (len(b.Requests) == 40) != remembers {
			t.Errorf("frozen accounts: %d entries, %d accounts, %d requests", len(b.Entries), len(b.Changed), len(b.Requests))
		}
	}
	for _, account := range m.accounts {
		account.State = bursar.AccountOpen
	}
	if err := w.judge(t.Context(), &m.tx, j, true, "", p.jobs[:1]); err != nil {
		t.Fatal(err)
	}
	b := j.batch()
	if len(b.Entries) != 1 || len(b.Changed) != 2 || len(b.Requests) != 0 || len(b.Relied) != 0 || p.jobs[0].Err != nil {
		t.Errorf("one transfer makes %d entries, %d accounts, %d requests: %v", len(b.Entries), len(b.Changed),
			len(b.Requests), p.jobs[0].Err)
	}
}
