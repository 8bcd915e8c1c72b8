package ledger

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
)

const (
	// sealChunk is how many entries a sealing reads at once.
	sealChunk = 1_000
	// sealMax is how many entries a sealing that writes nothing else seals before it commits.
	sealMax = 10_000
)

// sealing gives entries their places in the journal, in one database transaction that has locked the head.
//
// An entry may be sealed once the entry before it on each of its accounts is sealed. What others have committed
// unsealed is visible as a whole: an entry was written under the locks of its accounts, so the entries before it were
// committed earlier and are visible too, or sealed already. An entry therefore waits only for entries of Unsealed that
// are not sealed yet; these are open. The legs of a request are sealed together or not at all, which keeps their places
// consecutive.
//
// Row keys say nothing about the order, because every program draws them from a block of its own. So a request may be
// read before the one that it builds on. It stays in waiting, under the key of the open entry, until that is sealed.
type sealing struct {
	book    *bursar.Book
	now     bursar.Instant
	batch   *driver.Batch
	head    bursar.Head
	open    map[int64]bool                // nil while others have left nothing
	waiting map[int64][][]driver.EntryRow // likewise
	buf     []byte
}

func newSealing(book *bursar.Book, now bursar.Instant, batch *driver.Batch, head bursar.Head) *sealing {
	s := &sealing{}
	s.begin(book, now, batch, head)
	return s
}

// begin forgets all but its scratch space.
func (s *sealing) begin(book *bursar.Book, now bursar.Instant, batch *driver.Batch, head bursar.Head) {
	batch.From, batch.To = head, head
	*s = sealing{book: book, now: now, batch: batch, head: head, buf: s.buf}
}

// others seals the unsealed entries with these keys, request by request. It stops after the request that passes limit
// entries, and says so with more; 0 means no limit.
func (s *sealing) others(ctx context.Context, tx driver.Tx, keys []int64, limit int) (more bool, err error) {
	if len(keys) > 0 {
		s.open, s.waiting = make(map[int64]bool, len(keys)), make(map[int64][][]driver.EntryRow)
	}
	for _, key := range keys {
		s.open[key] = true
	}
	var request []driver.EntryRow
	whole := true
	for len(keys) > 0 {
		n := min(len(keys), sealChunk)
		entries, locked, err := tx.LockEntries(ctx, s.book.Number, keys[:n])
		if err != nil {
			return false, err
		}
		keys = keys[n:]
		for i := range entries {
			if len(request) > 0 && request[0].Transfer != entries[i].Transfer {
				s.offer(request, whole)
				request, whole = nil, true
			}
			request = append(request, entries[i])
			whole = whole && locked[entries[i].Key]
		}
		if limit > 0 && len(s.batch.Sealed) >= limit && len(keys) > 0 {
			return true, nil
		}
	}
	if len(request) > 0 {
		s.offer(request, whole)
	}
	return false, nil
}

// offer seals a request of others, and all that waited for it, unless it has to wait itself.
func (s *sealing) offer(request []driver.EntryRow, whole bool) {
	if !whole {
		return // somebody else has locked a row of it; it stays open, and so does what builds on it
	}
	ready := [][]driver.EntryRow{request}
	for len(ready) > 0 {
		request, ready = ready[len(ready)-1], ready[:len(ready)-1]
		if key := s.buildsOn(request); key != 0 {
			s.waiting[key] = append(s.waiting[key], request)
			continue
		}
		s.place(request)
		s.batch.Sealed = append(s.batch.Sealed, request...)
		for i := range request {
			key := request[i].Key
			delete(s.open, key)
			ready = append(ready, s.waiting[key]...)
			delete(s.waiting, key)
		}
	}
}

// own seals the batch's own requests in the order in which they were decided. A request that builds on an open entry is
// written unsealed, for a later sealing.
func (s *sealing) own() {
	entries := s.batch.Entries
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Transfer == entries[0].Transfer {
			n++
		}
		if s.buildsOn(entries[:n]) == 0 {
			s.place(entries[:n])
		} else {
			for i := range n {
				s.open[entries[i].Key] = true
			}
		}
		entries = entries[n:]
	}
}

// buildsOn is the row key of an open entry that the request builds on, 0 when there is none. The keys of a request
// follow one another.
func (s *sealing) buildsOn(request []driver.EntryRow) int64 {
	if len(s.open) == 0 {
		return 0
	}
	first, last := request[0].Key, request[len(request)-1].Key
	for i := range request {
		for _, prev := range [2]int64{request[i].FromPrev, request[i].ToPrev} {
			if s.open[prev] && (prev < first || prev > last) {
				return prev
			}
		}
	}
	return 0
}

// place gives the entries of a request the next places.
func (s *sealing) place(request []driver.EntryRow) {
	for i := range request {
		e := &request[i]
		e.Seq = s.head.Seq + 1
		e.At = max(s.now, e.Decided, s.head.At+1)
		e.Hash, s.buf = chain.Link(&e.Entry, s.book.UUID, s.head.Hash, s.buf)
		s.head.Seq, s.head.At, s.head.Hash = e.Seq, e.At, e.Hash
		s.checkpoint(e, e.FromAccount, e.FromAfter.Version)
		s.checkpoint(e, e.ToAccount, e.ToAfter.Version)
	}
	s.batch.To = s.head
}

// checkpoint makes the account's checkpoint at the entry if this version has one. An act on one account has no other,
// whose number is then 0.
func (s *sealing) checkpoint(e *driver.EntryRow, account, version int64) {
	if account != 0 && version%driver.CheckpointEvery == 0 {
		s.batch.Checkpoints = append(s.batch.Checkpoints,
			driver.Checkpoint{Account: account, Version: version, Seq: e.Seq, Key: e.Key})
	}
}

// seal gives the entries of a batch their places, after those that others have left unsealed, and returns what writes
// the batch then. On an engine with one writer nobody leaves any, and nobody else can take the head.
func (w *writer) seal(ctx context.Context, tx driver.Tx, j *judgement, batch *driver.Batch) (insert, error) {
	insert, taken := tx.Insert, driver.Taken{Head: j.head}
	if w.store.SealsLater() {
		var err error
		if taken, err = tx.Claim(ctx, batch); err != nil {
			return nil, err
		}
		if err := owns(&w.book, &taken.Head); err != nil {
			return nil, err
		}
		insert = tx.InsertClaimed
	}
	now, err := w.time.now(taken.Now)
	if err != nil {
		return nil, err
	}
	s := &j.sealing
	s.begin(&w.book, now, batch, taken.Head)
	if _, err := s.others(ctx, tx, taken.Unsealed, 0); err != nil {
		return nil, err
	}
	s.own()
	return insert, nil
}

// insert is Tx.Insert or Tx.InsertClaimed.
type insert = func(context.Context, *driver.Batch) error

// sealOnce seals what is committed unsealed. more says that there is more of it. Without wait nothing is done while
// somebody else has locked the head, who seals the same entries.
func (w *writer) sealOnce(ctx context.Context, wait bool) (more bool, err error) {
	sealed := 0
	err = w.store.Write(ctx, driver.ModeSealing, w.observer.retried(ctx), func(ctx context.Context, tx driver.Tx) error {
		sealed, more = 0, false
		keys, err := tx.Unsealed(ctx, w.book.Number)
		if err != nil || len(keys) == 0 {
			return err
		}
		taken, err := tx.TakeHead(ctx, w.book.Number, wait)
		if err != nil || taken == nil {
			return err
		}
		if err := owns(&w.book, &taken.Head); err != nil {
			return err
		}
		now, err := w.time.now(taken.Now)
		if err != nil {
			return err
		}
		batch := &driver.Batch{Book: w.book.Number}
		s := newSealing(&w.book, now, batch, taken.Head)
		if more, err = s.others(ctx, tx, taken.Unsealed, sealMax); err != nil || len(batch.Sealed) == 0 {
			return err
		}
		sealed = len(batch.Sealed)
		return tx.Insert(ctx, batch)
	})
	if err == nil {
		w.observer.sealed(ctx, sealed)
	}
	return more, err
}

// reach seals what is committed and then moves the head's time to at, unless it is there already, without an entry.
// So what is asked as of at is final: every later entry is later. more says that there is more to seal first. The
// time must be past by the ledger's clock, which is read while the head is locked: entries that were committed before
// are sealed with later times, and so are those to come.
func (w *writer) reach(ctx context.Context, at bursar.Instant) (more bool, err error) {
	sealed := 0
	err = w.store.Write(ctx, driver.ModeSealing, w.observer.retried(ctx), func(ctx context.Context, tx driver.Tx) error {
		sealed, more = 0, false
		taken, err := tx.TakeHead(ctx, w.book.Number, true)
		if err != nil {
			return err
		}
		if err := owns(&w.book, &taken.Head); err != nil {
			return err
		}
		now, err := w.time.now(taken.Now)
		if err != nil {
			return err
		}
		if at > now {
			return bursar.Errorf(bursar.CodeAsOfAhead, "%v has not come yet: it is %v by the ledger's clock", at, now)
		}
		batch := &driver.Batch{Book: w.book.Number}
		s := newSealing(&w.book, now, batch, taken.Head)
		if more, err = s.others(ctx, tx, taken.Unsealed, sealMax); err != nil {
			return err
		}
		if !more {
			batch.To.At = max(batch.To.At, at)
		}
		sealed = len(batch.Sealed)
		if batch.To == batch.From {
			return nil
		}
		return tx.Insert(ctx, batch)
	})
	if err == nil {
		w.observer.sealed(ctx, sealed)
	}
	return more, err
}
