package ledger

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/chain"
)

// judgement is a batch being decided: what was read, and what is to be written.
type judgement struct {
	book       bursar.Book
	remembers  bool // refusals of attempts; else the first refusal undoes all
	now        bursar.Instant
	head       bursar.Head    // as it was read
	stored     bursar.Instant // what the database's clock said after the locks were taken
	accounts   map[string]*driver.AccountRow
	blocked    map[string]bool // accounts that somebody else has locked
	call       *job
	waiting    map[string]string // accounts of this call's jobs that wait for a blocked one: for which
	known      map[bursar.ID]*driver.RequestRecord
	seen       map[bursar.ID]*job // decided in this batch
	references map[string]bool
	entryKey   int64
	accountKey int64

	changed  []*driver.AccountRow
	opened   []driver.AccountRecord
	openings []*driver.AccountRow // rows of opened accounts, in the same order
	requests []driver.RequestRecord
	entries  []driver.EntryRow
	posted   []postedJob
	repeats  []repeatedJob
	buf      []byte
}

// empty reports whether nothing is to be written.
func (j *judgement) empty() bool { return len(j.requests) == 0 && len(j.entries) == 0 }

// postedJob is a job with the index of its last entry.
type postedJob struct {
	job  *job
	last int
}

// repeatedJob is a job with the one before it in the batch that has its id and content.
type repeatedJob struct{ job, first *job }

// judge reads what the jobs need as the mode of the database transaction says, and decides them one after the other.
func (w *writer) judge(
	ctx context.Context, tx driver.Tx, remembers bool, await string, jobs []*job,
) (*judgement, error) {
	j := &judgement{book: w.book, remembers: remembers, seen: make(map[bursar.ID]*job, len(jobs))}
	if err := j.read(ctx, tx, await, jobs); err != nil {
		return nil, err
	}
	now, err := w.time.now(j.stored)
	if err != nil {
		return nil, err
	}
	j.now = max(now, j.head.At)
	for _, job := range jobs {
		j.judge(job)
	}
	return j, nil
}

func (j *judgement) read(ctx context.Context, tx driver.Tx, await string, jobs []*job) error {
	wanted, entries, openings := wants(jobs)
	wanted.Await = await
	found, err := tx.Gather(ctx, j.book.Number, wanted)
	if err != nil {
		return err
	}
	j.head, j.stored, j.accounts = found.Head, found.Now, found.Accounts
	if err := owns(&j.book, &j.head); err != nil {
		return err
	}
	j.blocked = setOf(found.Blocked)
	j.references = setOf(found.References)
	j.known = make(map[bursar.ID]*driver.RequestRecord, len(found.Requests))
	for i := range found.Requests {
		j.known[found.Requests[i].ID] = &found.Requests[i]
	}
	j.entryKey, j.accountKey, err = tx.Keys(ctx, j.book.Number, entries, openings)
	return err
}

// wants is what the jobs name, and how many entries and accounts they may make.
func wants(jobs []*job) (w *driver.Wanted, entries, openings int) {
	w = &driver.Wanted{IDs: make([]bursar.ID, 0, len(jobs)), Paths: make([]string, 0, 2*len(jobs))}
	named := make(map[string]bool, 2*len(jobs))
	for _, job := range jobs {
		r := job.Request
		w.IDs = append(w.IDs, r.id)
		entries += r.entries()
		if r.opening != nil {
			openings++
		} else if r.transfer.Reference != "" {
			w.References = append(w.References, r.transfer.Reference)
		}
		r.paths(func(path string) {
			if !named[path] {
				named[path] = true
				w.Paths = append(w.Paths, path)
			}
		})
	}
	return w, entries, openings
}

func setOf(values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}

// judge gives a job its result: what its id has already, a place to wait, or a decision.
func (j *judgement) judge(job *job) {
	job.Posted, job.Err, job.Blocked = bursar.Posted{}, nil, ""
	if job.call != j.call || j.waiting == nil {
		j.call, j.waiting = job.call, make(map[string]string)
	}
	record, first, blocker := j.known[job.Request.id], j.seen[job.Request.id], j.blocker(job.Request)
	switch {
	case record != nil:
		job.replay(record)
	case blocker != "":
		j.block(job, blocker)
	case first != nil && !first.undecided():
		j.repeat(job, first)
	default:
		j.seen[job.Request.id] = job
		j.decide(job)
	}
}

// replay answers a job whose id is known from before.
func (j *job) replay(record *driver.RequestRecord) {
	r := j.Request
	switch {
	case !bytes.Equal(record.Content, r.bytes):
		j.Err = reused(r, record.Content)
	case record.Refusal != nil:
		refusal := *record.Refusal
		refusal.Final, refusal.Replayed, refusal.Decided = true, true, record.Decided
		j.Err = &refusal
	default:
		j.Posted = bursar.Posted{ID: r.id, Seq: record.Seq, At: record.At, Decided: record.Decided, Replayed: true}
	}
}

// blocker is the blocked account that a request has to wait for; empty: none. Either it is one of the request's own, or
// an earlier request of the same call waits for it and shares an account with this one: the transfers of a call are
// judged in order. Those of other calls need not wait for them. They might as well have come before.
func (j *judgement) blocker(r *request) (blocker string) {
	if len(j.blocked) == 0 {
		return ""
	}
	r.paths(func(path string) {
		if blocker == "" && j.blocked[path] {
			blocker = path
		}
		blocker = cmp.Or(blocker, j.waiting[path])
	})
	return blocker
}

// block lets a job wait for a blocked account.
func (j *judgement) block(job *job, blocker string) {
	job.Blocked = blocker
	job.Request.paths(func(path string) { j.waiting[path] = cmp.Or(j.waiting[path], blocker) })
}

// undecided reports whether a job was refused without that being remembered. Its id is then free for another try.
func (j *job) undecided() bool {
	refusal, ok := j.Err.(*bursar.Error)
	return j.Err != nil && !(ok && refusal.Final)
}

// repeat answers a job whose id came earlier in the batch.
func (j *judgement) repeat(job, first *job) {
	r := job.Request
	switch {
	case !bytes.Equal(first.Request.bytes, r.bytes):
		job.Err = reused(r, first.Request.bytes)
	case first.Err != nil:
		again := *first.Err.(*bursar.Error)
		again.Replayed = true
		again.Account, again.Available, again.Needed, again.Limit = "", nil, nil, nil // as from the database
		job.Err = &again
	default:
		job.Posted.ID = r.id
		j.repeats = append(j.repeats, repeatedJob{job, first})
	}
}

// decide applies a job whose id is new and collects what it writes.
func (j *judgement) decide(job *job) {
	r, now := job.Request, j.now
	r.paths(func(path string) {
		if account := j.accounts[path]; account != nil {
			now = max(now, account.Decided)
		}
	})
	record := driver.RequestRecord{ID: r.id, Content: r.bytes, Decided: now, Metadata: r.metadata}
	rows, entries, err := j.try(r, now)
	if err != nil {
		job.Err = j.refused(r, err, now)
		return
	}
	for i := range rows {
		j.keep(&rows[i], r)
	}
	for i := range entries {
		if e := &entries[i]; e.ToAccount == 0 {
			e.ToAccount = j.accounts[e.To].Number
		}
	}
	j.entries = append(j.entries, entries...)
	if r.transfer != nil && r.transfer.Reference != "" {
		record.Reference = r.transfer.Reference
		j.references[record.Reference] = true
	}
	record.LastEntry = entries[len(entries)-1].Key
	j.entryKey += int64(len(entries))
	if !j.saidBy(entries, r) {
		j.requests = append(j.requests, record)
	}
	job.Posted = bursar.Posted{ID: r.id, Decided: now}
	j.posted = append(j.posted, postedJob{job, len(j.entries) - 1})
}

// saidBy reports whether the entries of a request say all that was asked for, so that it is stored without a row of its
// own. What reading will rebuild is compared byte by byte.
func (j *judgement) saidBy(entries []driver.EntryRow, r *request) bool {
	if r.transfer == nil || len(entries) != 1 {
		return false
	}
	j.buf = chain.Content(j.buf[:0], &entries[0].Entry)
	return bytes.Equal(j.buf, r.bytes)
}

// refused is the answer to a request that may not happen. The refusal of an attempt is remembered, where this judgement
// remembers any.
func (j *judgement) refused(r *request, err error, now bursar.Instant) error {
	refusal, ok := err.(*bursar.Error)
	if !ok || !bursar.Describe(refusal.Code).Remembered {
		return err
	}
	refusal.Decided = now
	if j.remembers && !r.id.Thing() {
		refusal.Final = true
		record := driver.RequestRecord{
			ID: r.id, Content: r.bytes, Decided: now, Metadata: r.metadata,
			Refusal: &bursar.Error{Code: refusal.Code, Field: refusal.Field, Message: refusal.Message},
		}
		record.RefusalHash = chain.Refusal(j.book.UUID, r.id, r.bytes, now, record.Refusal)
		j.requests = append(j.requests, record)
	}
	return refusal
}

// try applies a request unless its reference is taken, which no account knows.
func (j *judgement) try(r *request, now bursar.Instant) ([]driver.AccountRow, []driver.EntryRow, error) {
	if r.transfer != nil && j.references[r.transfer.Reference] {
		return nil, nil, &bursar.Error{Code: bursar.CodeReferenceTaken, Field: "reference",
			Message: "another transfer has the reference " + brief.Text(r.transfer.Reference)}
	}
	return apply(j.accounts, r, now, j.entryKey)
}

// keep puts an account as apply left it in the place of the one it was applied to.
func (j *judgement) keep(row *driver.AccountRow, r *request) {
	account := j.accounts[row.Path]
	if account == nil {
		account = row
		account.Number = j.accountKey
		j.accountKey++
		j.accounts[row.Path] = account
		j.openings = append(j.openings, account)
		j.opened = append(j.opened, driver.AccountRecord{Opened: row.Decided, Metadata: r.metadata})
		return
	}
	if account.Version == account.Locked && account.Locked > 0 {
		j.changed = append(j.changed, account)
	}
	*account = *row
}

// batch is what is to be written. What is locked by being written is in an order that everybody keeps.
func (j *judgement) batch() *driver.Batch {
	for i, row := range j.openings {
		j.opened[i].AccountRow = *row
	}
	b := &driver.Batch{
		Book: j.book.Number, Requests: j.requests, Opened: j.opened, Changed: j.changed, Entries: j.entries,
	}
	slices.SortFunc(b.Requests, func(a, b driver.RequestRecord) int {
		return cmp.Or(cmp.Compare(a.Reference, b.Reference), bytes.Compare(a.ID[:], b.ID[:]))
	})
	slices.SortFunc(b.Opened, func(a, b driver.AccountRecord) int { return cmp.Compare(a.Path, b.Path) })
	for _, account := range j.accounts {
		if account.Locked > 0 && account.Version == account.Locked {
			b.Relied = append(b.Relied, account)
		}
	}
	for _, rows := range [][]*driver.AccountRow{b.Changed, b.Relied} {
		slices.SortFunc(rows, func(a, b *driver.AccountRow) int { return cmp.Compare(a.Number, b.Number) })
	}
	return b
}

// settle fills in the places of what was written, and the results of what was asked for twice.
func (j *judgement) settle(b *driver.Batch) {
	for _, p := range j.posted {
		last := &b.Entries[p.last]
		p.job.Posted.Seq, p.job.Posted.At = last.Seq, last.At
	}
	for _, r := range j.repeats {
		r.job.Posted = r.first.Posted
		r.job.Posted.Replayed = true
	}
}
