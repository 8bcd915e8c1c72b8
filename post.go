package bursar

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// checkpointEvery is how many entries of an account lie between two checkpoints of it. More makes "as of" slower,
// fewer makes the table larger.
const checkpointEvery = 64

// Job is one request on its way and, once written, its result. A Writer fills Posted and Err.
type Job struct {
	Request *Request
	Posted  Posted
	Err     error
}

// Writer writes requests. Every strategy, and a ledger without one, changes money only through it. It is safe for
// concurrent use.
type Writer struct {
	store    Store
	book     Book
	clock    clock.Clock
	observer *Observer
	logger   *slog.Logger
}

// Write judges the jobs in order, each alone, in one database transaction of the store's own, and fills in their
// results: a refused job does not touch the others. Refusals that depend on the state of the ledger are remembered
// under the job's id. The error is about the whole batch: then no job has a result and nothing is known to be
// written. Writing the same jobs again is safe: those already written are replayed.
func (w *Writer) Write(ctx context.Context, jobs []*Job) error {
	began := w.clock.Now()
	err := w.store.Write(ctx, w.observer.retried, func(ctx context.Context, tx Tx) error {
		batch, err := w.judge(ctx, tx, jobs)
		if err != nil || batch == nil {
			return err
		}
		return tx.Insert(ctx, batch)
	})
	if err != nil {
		w.note(ctx, len(jobs), err)
		return err
	}
	w.observer.wrote(jobs, w.clock.Now().Sub(began))
	return nil
}

// note tells the operator of a batch that was not written for a reason that concerns an operator. Callers get the
// same error; but they may be many, or gone.
func (w *Writer) note(ctx context.Context, requests int, err error) {
	level := slog.LevelWarn
	switch CodeOf(err) {
	case Canceled, Closed, Busy, UnsafeTransaction, InTransaction:
		return
	case Corrupt, Internal:
		level = slog.LevelError
	}
	w.logger.Log(ctx, level, "a batch was not written", "book", w.book.Name, "requests", requests,
		"code", string(CodeOf(err)), "error", err)
}

// writeIn is all or nothing over its jobs inside the caller's database transaction. The first refusal is
// returned, and then nothing has been written and nothing is remembered.
func (w *Writer) writeIn(ctx context.Context, tx Tx, jobs []*Job) error {
	batch, err := w.judge(ctx, tx, jobs)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if job.Err != nil {
			return job.Err
		}
	}
	if batch == nil {
		return nil
	}
	return tx.Insert(ctx, batch)
}

// judge reads what the jobs need under locks, decides them one after the other, and returns what to write; nil
// when there is nothing to write.
func (w *Writer) judge(ctx context.Context, tx Tx, jobs []*Job) (*Batch, error) {
	j := &judgement{book: w.book, seen: make(map[ID]*Job, len(jobs))}
	if err := j.read(ctx, tx, jobs); err != nil {
		return nil, err
	}
	now, err := InstantOf(w.clock.Now())
	if err != nil {
		return nil, err
	}
	j.now = max(now, j.head.At)
	for _, job := range jobs {
		job.Posted, job.Err = Posted{}, nil
		if !j.replay(job) {
			j.decide(job)
		}
	}
	return j.batch(), nil
}

// judgement is a batch being decided: what was read, and what is to be written.
type judgement struct {
	book       Book
	now        Instant
	head       Head // moves with each entry
	from       Head
	accounts   map[string]*AccountRow
	known      map[ID]*RequestRecord
	seen       map[ID]*Job // decided in this batch
	references map[string]bool
	entryKey   int64
	accountKey int64

	changed     []*AccountRow
	opened      []AccountRecord
	openings    []*AccountRow // rows of opened accounts, in the same order
	requests    []RequestRecord
	entries     []EntryRow
	checkpoints []Checkpoint
	buf         []byte
}

func (j *judgement) read(ctx context.Context, tx Tx, jobs []*Job) error {
	var entries, openings int
	ids := make([]ID, 0, len(jobs))
	var references []string
	paths := make([]string, 0, 2*len(jobs))
	named := make(map[string]bool, 2*len(jobs))
	for _, job := range jobs {
		r := job.Request
		ids = append(ids, r.id)
		entries += r.Entries()
		if r.opening != nil {
			openings++
		} else if r.transfer.Reference != "" {
			references = append(references, r.transfer.Reference)
		}
		r.paths(func(path string) {
			if !named[path] {
				named[path] = true
				paths = append(paths, path)
			}
		})
	}
	var err error
	if j.accounts, err = tx.Lock(ctx, j.book.Number, paths); err != nil {
		return err
	}
	records, taken, err := tx.Known(ctx, j.book.Number, ids, references)
	if err != nil {
		return err
	}
	j.known = make(map[ID]*RequestRecord, len(records))
	for i := range records {
		j.known[records[i].ID] = &records[i]
	}
	j.references = make(map[string]bool, len(references))
	for _, reference := range taken {
		j.references[reference] = true
	}
	if j.head, err = tx.Head(ctx, j.book.Number); err != nil {
		return err
	}
	if err := j.book.owns(&j.head); err != nil {
		return err
	}
	j.from = j.head
	j.entryKey, j.accountKey, err = tx.Keys(ctx, entries, openings)
	return err
}

// replay answers a job whose id is known, from before or from earlier in the batch.
func (j *judgement) replay(job *Job) bool {
	r := job.Request
	if record := j.known[r.id]; record != nil {
		switch {
		case !bytes.Equal(record.Content, r.bytes):
			job.Err = reused(r, record.Content)
		case record.Refusal != nil:
			refusal := *record.Refusal
			job.Err = &refusal
		default:
			job.Posted = Posted{ID: r.id, Seq: record.Seq, At: record.At, Decided: record.Decided, Replayed: true}
		}
		return true
	}
	first := j.seen[r.id]
	if first == nil {
		j.seen[r.id] = job
		return false
	}
	if !bytes.Equal(first.Request.bytes, r.bytes) {
		job.Err = reused(r, first.Request.bytes)
		return true
	}
	job.Posted, job.Err = first.Posted, first.Err
	job.Posted.Replayed = job.Err == nil
	return true
}

// decide applies a job whose id is new and collects what it writes.
func (j *judgement) decide(job *Job) {
	r, now := job.Request, j.now
	r.paths(func(path string) {
		if account := j.accounts[path]; account != nil {
			now = max(now, account.Decided)
		}
	})
	record := RequestRecord{ID: r.id, Content: r.bytes, Decided: now, Metadata: r.metadata}
	rows, entries, err := j.apply(r, now)
	if err != nil {
		job.Err = err
		// An id made of an account's path stands for opening that account, whatever the settings: a refusal of some
		// settings says nothing of others.
		if refusal := refusalOf(err); refusal != nil && !r.derived {
			record.Refusal = refusal
			j.requests = append(j.requests, record)
		}
		return
	}
	for i := range rows {
		j.keep(&rows[i], r)
	}
	for i := range entries {
		j.seal(&entries[i])
	}
	if r.transfer != nil && r.transfer.Reference != "" {
		record.Reference = r.transfer.Reference
		j.references[record.Reference] = true
	}
	record.LastEntry, record.Seq, record.At = entries[len(entries)-1].Key, j.head.Seq, j.head.At
	j.entryKey += int64(len(entries))
	j.requests = append(j.requests, record)
	job.Posted = Posted{ID: r.id, Seq: j.head.Seq, At: j.head.At, Decided: now}
}

func (j *judgement) apply(r *Request, now Instant) ([]AccountRow, []EntryRow, error) {
	if r.transfer != nil && j.references[r.transfer.Reference] {
		return nil, nil, &Error{Code: ReferenceTaken, Field: "reference",
			Message: "another transfer has the reference " + shorten(r.transfer.Reference)}
	}
	return apply(j.accounts, r, now, j.entryKey)
}

// keep puts an account as apply left it in the place of the one it was applied to.
func (j *judgement) keep(row *AccountRow, r *Request) {
	account := j.accounts[row.Path]
	if account == nil {
		account = row
		account.Number = j.accountKey
		j.accountKey++
		j.accounts[row.Path] = account
		j.openings = append(j.openings, account)
		j.opened = append(j.opened, AccountRecord{Opened: row.Decided, Metadata: r.metadata})
		return
	}
	if account.Version == account.Locked && account.Locked > 0 {
		j.changed = append(j.changed, account)
	}
	*account = *row
}

// seal gives an entry its place in the journal.
func (j *judgement) seal(e *EntryRow) {
	e.Seq = j.head.Seq + 1
	e.At = max(j.now, e.Decided, j.head.At+1)
	if e.ToAccount == 0 {
		e.ToAccount = j.accounts[e.To].Number
	}
	e.Hash, j.buf = e.Link(j.book.UUID, j.head.Hash, j.buf)
	j.head.Seq, j.head.At, j.head.Hash = e.Seq, e.At, e.Hash
	j.entries = append(j.entries, *e)
	for _, side := range [2]struct{ account, version int64 }{{e.FromAccount, e.FromAfter.Version}, {e.ToAccount, e.ToAfter.Version}} {
		if side.account != 0 && side.version%checkpointEvery == 0 {
			j.checkpoints = append(j.checkpoints, Checkpoint{Account: side.account, Version: side.version, Seq: e.Seq, Key: e.Key})
		}
	}
}

func (j *judgement) batch() *Batch {
	if len(j.requests) == 0 {
		return nil
	}
	for i, row := range j.openings {
		j.opened[i].AccountRow = *row
	}
	return &Batch{Book: j.book.Number, Requests: j.requests, Opened: j.opened, Changed: j.changed,
		Entries: j.entries, Checkpoints: j.checkpoints, From: j.from, To: j.head}
}

// refusalOf is err as it is remembered, or nil when it must not be.
func refusalOf(err error) *Error {
	e, ok := err.(*Error)
	if !ok || !Describe(e.Code).Remembered {
		return nil
	}
	return &Error{Code: e.Code, Field: e.Field, Message: e.Message}
}
