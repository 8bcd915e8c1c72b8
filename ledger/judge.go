package ledger

import (
	"bytes"
	"cmp"
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/internal/chain"
)

// judge reads what the jobs need as the mode of the database transaction says, and decides them one after the other. It
// begins anew whatever was in the judgement.
func (w *writer) judge(
	ctx context.Context, tx driver.Tx, j *judgement, remembers bool, await string, jobs []*job,
) error {
	j.begin(&w.book, remembers)
	if err := j.read(ctx, tx, await, jobs); err != nil {
		return err
	}
	now, err := w.time.now(j.stored)
	if err != nil {
		return err
	}
	j.now = max(now, j.head.At)
	j.judgeAll(jobs)
	return nil
}

// judgeAll gives every job its result.
func (j *judgement) judgeAll(jobs []*job) {
	named := j.named
	for _, job := range jobs {
		n := job.Request.accounts()
		j.judge(job, named[:n])
		named = named[n:]
	}
}

// judge gives a job its result: what its id has already, a place to wait, or a decision.
func (j *judgement) judge(job *job, named []int) {
	job.Posted, job.Err, job.Blocked = bursar.Posted{}, nil, ""
	id, blocker := job.Request.id, j.blocker(job)
	if record := j.known[id]; record != nil {
		job.replay(record)
		return
	}
	if blocker != "" {
		j.block(job, blocker)
		return
	}
	if !j.rising {
		if first := j.seen[id]; first != nil && !first.undecided() {
			j.repeat(job, first)
			return
		}
		j.seen[id] = job
	}
	j.decide(job, named)
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
func (j *judgement) blocker(job *job) (blocker string) {
	if j.blocked == nil {
		return ""
	}
	if job.call != j.call || j.waiting == nil {
		j.call, j.waiting = job.call, make(map[string]string)
	}
	r := job.Request
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

// decide applies a job whose id is new and collects what it writes. named are its accounts.
func (j *judgement) decide(job *job, named []int) {
	r, now := job.Request, j.now
	j.own = j.own[:0]
	for _, slot := range named {
		account := j.accounts[slot]
		j.own = append(j.own, account)
		if account != nil {
			now = max(now, account.Decided)
		}
	}
	if err := j.try(r, now); err != nil {
		job.Err = j.refused(r, err, now)
		return
	}
	if j.draft.opened != nil {
		j.accounts[named[0]] = j.open(r, now)
	}
	j.keep()
	last := len(j.draft.entries) - 1
	record := driver.RequestRecord{ID: r.id, Content: r.bytes, Decided: now, Metadata: r.metadata,
		LastEntry: j.draft.entries[last].Key}
	if r.transfer != nil && r.transfer.Reference != "" {
		record.Reference = r.transfer.Reference
		if j.references == nil {
			j.references = make(map[string]bool)
		}
		j.references[record.Reference] = true
	}
	if !j.saidBy(j.draft.entries[last+1-r.entries():], r) {
		j.requests = append(j.requests, record)
	}
	j.entryKey += int64(r.entries())
	job.Posted = bursar.Posted{ID: r.id, Decided: now}
	j.posted = append(j.posted, postedJob{job, last})
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
func (j *judgement) try(r *request, now bursar.Instant) error {
	if r.transfer != nil && j.references[r.transfer.Reference] {
		return &bursar.Error{Code: bursar.CodeReferenceTaken, Field: "reference",
			Message: "another transfer has the reference " + brief.Text(r.transfer.Reference)}
	}
	return apply(&j.draft, j.own, r, now, j.entryKey)
}

// open gives the account that the draft opens its number.
func (j *judgement) open(r *request, now bursar.Instant) *driver.AccountRow {
	row := j.draft.opened
	row.Number = j.accountKey
	j.accountKey++
	j.draft.entries[len(j.draft.entries)-1].ToAccount = row.Number
	j.openings = append(j.openings, row)
	j.opened = append(j.opened, driver.AccountRecord{Opened: now, Metadata: r.metadata})
	return row
}

// keep makes the accounts what the draft has made of them.
func (j *judgement) keep() {
	for i := range j.draft.changes {
		c := &j.draft.changes[i]
		if c.account.Locked > 0 && c.account.Version == c.account.Locked {
			j.changed = append(j.changed, c.account)
		}
		c.keep()
	}
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
