package sqlstore

import (
	"cmp"
	"database/sql"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// step is a part of the writing.
type step struct {
	what  string
	write func(*pipeline, *driver.Batch) error
}

// steps are what writing a batch is made of. They stand in the order in which everybody takes locks: accounts, what is
// claimed, and the head last.
type steps struct {
	*session
	guard guard
	bulks *bulks
	keys  allocator
}

// guarding makes sure that what was decided on is still so.
func (s steps) guarding() []step {
	return []step{{"write versions", s.guard.check}, {"hold accounts", s.holdRelied}}
}

// holdRelied holds what a posting was decided on. A refusal changes nothing, so it may be late.
func (s steps) holdRelied(p *pipeline, b *driver.Batch) error {
	if len(b.Entries) == 0 {
		return nil
	}
	return s.guard.hold(p, b.Relied)
}

// claim is what the steps of claiming are called, and taking the one in which entries take their ids: in these others
// may be faster.
const (
	claim  = "write requests"
	taking = "write entries"
)

// claiming writes what others may be writing too, but for entries.
func (s steps) claiming() []step {
	return []step{{claim, s.requests}, {claim, s.refused}, {claim, s.accounts}, {claim, s.balances}}
}

// finishing writes what nobody else has to wait for.
func (s steps) finishing() []step {
	return []step{
		{"write balances", s.changes}, {"write places", s.places},
		{taking, s.entries}, {"write checkpoints", s.checkpoints},
		{"write effective times", s.backdated}, {"write the head", s.moveHead},
	}
}

func (s steps) requests(p *pipeline, b *driver.Batch) error {
	return s.bulks.requests.run(p, len(b.Requests), func(i int, into *request) {
		into.RequestRecord, into.book = &b.Requests[i], b.Book
		into.encode()
	})
}

// refused takes the ids of refusals. An entry takes its id in the unique index of entries. Where several write at
// once, a refusal and a posting of one id may have no lock and no other index in common, so there a refusal takes it
// in the same index: with a row that is no entry, has minus its key as its place, and is never sealed.
func (s steps) refused(p *pipeline, b *driver.Batch) error {
	if !s.dialect.Can.ManyWriters {
		return nil
	}
	var claims []driver.EntryRow
	for i := range b.Requests {
		if r := &b.Requests[i]; r.Refusal != nil {
			claims = append(claims, driver.EntryRow{Entry: bursar.Entry{Transfer: r.ID, Decided: r.Decided}})
		}
	}
	if len(claims) == 0 {
		return nil
	}
	key, err := s.keys.reserve(p.ctx, int64(len(claims)))
	if err != nil {
		return err
	}
	return s.bulks.entries.run(p, len(claims), func(i int, into *entry) {
		claims[i].Key = key + int64(i)
		into.EntryRow, into.book = &claims[i], b.Book
		into.encode()
		into.seq = sql.NullInt64{Int64: -claims[i].Key, Valid: true}
	})
}

func (s steps) accounts(p *pipeline, b *driver.Batch) error {
	return s.bulks.accounts.run(p, len(b.Opened), openedIn(b))
}

func (s steps) balances(p *pipeline, b *driver.Batch) error {
	return s.bulks.balances.run(p, len(b.Opened), openedIn(b))
}

func openedIn(b *driver.Batch) func(i int, into *account) {
	return func(i int, into *account) {
		into.record, into.book = &b.Opened[i], b.Book
		into.AccountRow = &into.record.AccountRow
		into.encode()
	}
}

// changes updates the accounts that a batch changed, each guarded by the version it was decided on. Where that is how
// they are locked, the guard has done so.
func (s steps) changes(p *pipeline, b *driver.Batch) error {
	if s.locking.swaps() {
		return nil
	}
	return s.bulks.changes.run(p, len(b.Changed), changeOf(b.Changed))
}

// places gives entries of others their places.
func (s steps) places(p *pipeline, b *driver.Batch) error {
	return s.bulks.seals.run(p, len(b.Sealed), entryOf(b.Book, b.Sealed))
}

func (s steps) entries(p *pipeline, b *driver.Batch) error {
	return s.bulks.entries.run(p, len(b.Entries), entryOf(b.Book, b.Entries))
}

func entryOf(book int64, entries []driver.EntryRow) func(i int, into *entry) {
	return func(i int, into *entry) {
		into.EntryRow, into.book = &entries[i], book
		into.encode()
	}
}

// checkpoints writes the rows in the order of their table, so that each page of it is visited once.
func (s steps) checkpoints(p *pipeline, b *driver.Batch) error {
	slices.SortFunc(b.Checkpoints, func(a, b driver.Checkpoint) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Version, b.Version))
	})
	return s.bulks.checkpoints.run(p, len(b.Checkpoints), func(i int, into *driver.Checkpoint) {
		*into = b.Checkpoints[i]
	})
}

func (s steps) backdated(p *pipeline, b *driver.Batch) error {
	all := backdatings(b.Entries)
	return s.bulks.backdated.run(p, len(all), func(i int, into *backdating) { *into = all[i] })
}

// moveHead advances the head from exactly where the batch was built.
func (s steps) moveHead(p *pipeline, b *driver.Batch) error {
	if b.From.Seq == b.To.Seq && b.From.At == b.To.At {
		return nil
	}
	args := []any{b.To.Seq, int64(b.To.At), b.To.Hash[:], b.Book, b.From.Seq, int64(b.From.At), b.From.Hash[:]}
	return p.exec(s.sql.UpdateHead, args, 1)
}
