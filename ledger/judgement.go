package ledger

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// judgement is a batch being decided: what was read, and what is to be written. Its memory is used again for another
// batch, so nothing of it may be kept when its database transaction is over.
type judgement struct {
	book      *bursar.Book
	remembers bool // refusals of attempts; else the first refusal undoes all
	now       bursar.Instant
	head      bursar.Head    // as it was read
	stored    bursar.Instant // what the database's clock said after the locks were taken

	wanted   driver.Wanted
	named    []int // the accounts that the jobs name, in the order of request.paths, as indices of wanted.Paths
	slots    slots
	accounts []*driver.AccountRow // by index of wanted.Paths, nil where there is none
	mine     []*driver.AccountRow // memory for them, where the store has found them by path
	own      []*driver.AccountRow // those of the job that is being decided

	blocked    map[string]bool // accounts that somebody else has locked; nil when there are none
	call       *job
	waiting    map[string]string // accounts of this call's jobs that wait for a blocked one: for which
	known      map[bursar.ID]*driver.RequestRecord
	rising     bool               // each job's id is above that of the job before it, so none comes twice
	seen       map[bursar.ID]*job // decided in this batch, unless ids are rising
	memory     table[bursar.ID, *job]
	references map[string]bool
	entryKey   int64
	accountKey int64

	draft    draft
	changed  []*driver.AccountRow
	opened   []driver.AccountRecord
	openings []*driver.AccountRow // rows of opened accounts, in the same order
	requests []driver.RequestRecord
	posted   []postedJob
	repeats  []repeatedJob
	written  driver.Batch
	sorter   sorter
	sealing  sealing
	buf      []byte
}

// empty reports whether nothing is to be written.
func (j *judgement) empty() bool { return len(j.requests) == 0 && len(j.draft.entries) == 0 }

// postedJob is a job with the index of its last entry.
type postedJob struct {
	job  *job
	last int
}

// repeatedJob is a job with the one before it in the batch that has its id and content.
type repeatedJob struct{ job, first *job }

// begin forgets the last batch.
func (j *judgement) begin(book *bursar.Book, remembers bool) {
	j.book, j.remembers = book, remembers
	j.call, j.waiting, j.blocked, j.known, j.references = nil, nil, nil, nil, nil
	j.changed, j.opened, j.openings, j.requests = j.changed[:0], j.opened[:0], j.openings[:0], j.requests[:0]
	j.posted, j.repeats, j.draft.entries = j.posted[:0], j.repeats[:0], j.draft.entries[:0]
}

func (j *judgement) read(ctx context.Context, tx driver.Tx, await string, jobs []*job) error {
	entries, openings := j.want(jobs)
	j.wanted.Await = await
	found, err := tx.Gather(ctx, j.book.Number, &j.wanted)
	if err != nil {
		return err
	}
	j.head, j.stored = found.Head, found.Now
	if err := owns(j.book, &j.head); err != nil {
		return err
	}
	j.take(found)
	j.entryKey, j.accountKey, err = tx.Keys(ctx, j.book.Number, entries, openings)
	return err
}

// want collects what the jobs name, and counts how many entries and accounts they may make.
func (j *judgement) want(jobs []*job) (entries, openings int) {
	j.slots.begin(j.wanted.Paths, 2*len(jobs))
	j.named = slices.Grow(j.named[:0], 2*len(jobs))
	j.rising = true
	ids, references := slices.Grow(j.wanted.IDs[:0], len(jobs)), j.wanted.References[:0]
	name := func(path string) { j.named = append(j.named, j.slots.of(path)) }
	for i, job := range jobs {
		r := job.Request
		j.rising = j.rising && (i == 0 || bytes.Compare(ids[i-1][:], r.id[:]) < 0)
		ids = append(ids, r.id)
		entries += r.entries()
		if r.opening != nil {
			openings++
		} else if r.transfer.Reference != "" {
			references = append(references, r.transfer.Reference)
		}
		r.paths(name)
	}
	j.wanted = driver.Wanted{Paths: j.slots.paths, IDs: ids, References: references}
	j.requests = slices.Grow(j.requests, len(jobs))
	j.posted = slices.Grow(j.posted, len(jobs))
	j.draft.entries = slices.Grow(j.draft.entries, entries)
	return entries, openings
}

// take sorts what was found for what was wanted.
func (j *judgement) take(found *driver.Gathered) {
	j.accounts = found.Rows
	if found.Rows == nil {
		j.accounts = slices.Grow(j.mine[:0], len(j.wanted.Paths))
		for _, path := range j.wanted.Paths {
			j.accounts = append(j.accounts, found.Accounts[path])
		}
		j.mine = j.accounts
	}
	j.blocked, j.references = setOf(found.Blocked), setOf(found.References)
	if len(found.Requests) > 0 {
		j.known = make(map[bursar.ID]*driver.RequestRecord, len(found.Requests))
	}
	for i := range found.Requests {
		j.known[found.Requests[i].ID] = &found.Requests[i]
	}
	if !j.rising {
		j.seen = j.memory.empty(len(j.wanted.IDs))
	}
}

// setOf is nil when there are no values.
func setOf(values []string) map[string]bool {
	if len(values) == 0 {
		return nil
	}
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}

// batch is what is to be written. What is locked by being written is in an order that everybody keeps.
func (j *judgement) batch() *driver.Batch {
	for i, row := range j.openings {
		j.opened[i].AccountRow = *row
	}
	b := &j.written
	*b = driver.Batch{
		Book: j.book.Number, Requests: j.requests, Opened: j.opened, Changed: j.changed, Relied: b.Relied[:0],
		Entries: j.draft.entries, Checkpoints: b.Checkpoints[:0],
	}
	for _, account := range j.accounts {
		if account != nil && account.Locked > 0 && account.Version == account.Locked {
			b.Relied = append(b.Relied, account)
		}
	}
	if !slices.IsSortedFunc(b.Requests, byReference) {
		slices.SortFunc(b.Requests, byReference)
	}
	slices.SortFunc(b.Opened, func(a, b driver.AccountRecord) int { return cmp.Compare(a.Path, b.Path) })
	j.sorter.byNumber(b.Changed)
	j.sorter.byNumber(b.Relied)
	return b
}

// byReference orders requests by reference, and those without one by id.
func byReference(a, b driver.RequestRecord) int {
	return cmp.Or(cmp.Compare(a.Reference, b.Reference), bytes.Compare(a.ID[:], b.ID[:]))
}
