package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// world is a small database in memory with row locks, READ COMMITTED and SKIP LOCKED, and its clients. They run one at
// a time, each from one call of the database to the next, in an order that someone else decides.
type world struct {
	book     bursar.Book
	rows                         // what is committed
	locks    map[string]*session // who has locked what
	clients  []*client
	mutate   func(*session) driver.Tx // what the clients get instead of a session
	seed     maphash.Seed
	digest   uint64            // of what is committed
	journal  []driver.EntryRow // as it was when it was looked at last
	versions map[string]int64  // of the accounts in it
	broken   error             // the first law that was broken
}

type rows struct {
	head     bursar.Head
	accounts map[string]driver.AccountRow // by path
	requests map[bursar.ID]driver.RequestRecord
	entries  map[int64]driver.EntryRow
}

func newRows() rows {
	return rows{
		accounts: make(map[string]driver.AccountRow),
		requests: make(map[bursar.ID]driver.RequestRecord),
		entries:  make(map[int64]driver.EntryRow),
	}
}

// client is a program with its own clock and row keys.
type client struct {
	driver.Store // what is not modelled
	*world
	name    string
	writer  *writer
	key     int64
	trace   uint64 // of all that it has seen: what it will do depends on nothing else
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool // nil while nobody decides
	waits   func() bool         // nil when it can go on
	done    bool
	posted  map[bursar.ID]bursar.Posted // what it was told
	reads   bool
	journal []driver.EntryRow // as far as it has read it
}

// session is one database transaction of a client.
type session struct {
	driver.Tx // what is not modelled
	*client
	rows   // written, and not committed; no head when it is not moved
	mode   driver.Mode
	joined bool
	locked []string // names of locks
	began  []int64  // what was unsealed when it began
}

var (
	errCut   = errors.New("the history ends here")
	errStale = errors.New("changed by another database transaction")
)

// join adds a client. Row keys of one that comes later are smaller, and clocks go wrong either way.
func (w *world) join(name string, run func(*client)) *client {
	n := len(w.clients)
	c := &client{world: w, name: name, key: int64(40-n) << 24, posted: make(map[bursar.ID]bursar.Posted)}
	fake := clock.NewFake(time.Unix(int64(n*5%7), 0))
	c.writer = &writer{
		store: c,
		book:  w.book,
		clock: fake, time: newTimekeeper(fake, true),
		logger: slog.New(slog.DiscardHandler),
	}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if what := recover(); what != nil && what != any(errCut) {
				panic(what)
			}
		}()
		c.yield = yield
		run(c)
		c.yield = nil
	})
	w.clients = append(w.clients, c)
	return c
}

func (w *world) breach(format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf(format, args...)
	}
}

func (c *client) saw(what any) { c.trace = maphash.Comparable(c.seed, [2]any{c.trace, what}) }

// step lets others go first.
func (c *client) step() {
	c.saw(nil)
	if c.yield != nil && !c.yield(struct{}{}) {
		panic(errCut)
	}
}

// wait lets others go on while it must.
func (c *client) wait(must func() bool) {
	for c.waits = must; must(); {
		c.step()
	}
	c.waits = nil
}

func (c *client) SealsLater() bool { return true }

func (c *client) begin(mode driver.Mode) *session {
	return &session{client: c, rows: newRows(), mode: mode, began: c.unsealed()}
}

func (s *session) tx() driver.Tx {
	if s.mutate != nil {
		return s.mutate(s)
	}
	return s
}

func (c *client) Write(
	ctx context.Context, mode driver.Mode, _ func(string), fn func(context.Context, driver.Tx) error,
) error {
	for {
		s := c.begin(mode)
		err := fn(ctx, s.tx())
		if err == nil {
			s.commit()
			return nil
		}
		s.release(0)
		if !errors.Is(err, driver.ErrOvertaken) { // what is locked does not get stale
			return err
		}
	}
}

// commit makes everything visible at once, and lets go of the locks only then.
func (s *session) commit() {
	s.step()
	w := s.world
	maps.Copy(w.accounts, s.accounts)
	maps.Copy(w.requests, s.requests)
	maps.Copy(w.entries, s.entries)
	if s.head.Seq > 0 {
		w.head = s.head
	}
	w.look()
	s.step()
	s.release(0)
}

// release lets go of all locks but the first ones.
func (s *session) release(keep int) {
	for _, name := range s.locked[keep:] {
		delete(s.locks, name)
	}
	s.locked = s.locked[:keep]
}

func (s *session) free(name string) bool { return s.locks[name] == nil || s.locks[name] == s }

// try takes a lock unless somebody else has it.
func (s *session) try(name string) bool {
	if s.locks[name] == nil {
		s.locks[name] = s
		s.locked = append(s.locked, name)
	}
	return s.locks[name] == s
}

// lock takes a lock, and waits while somebody else has it.
func (s *session) lock(name string) {
	if !s.free(name) && s.locks["head"] == s {
		s.breach("head: %s waits for %s while it has locked the head", s.name, name)
	}
	s.wait(func() bool { return !s.free(name) })
	s.try(name)
}

// account is the latest version of a row that the session can see.
func (s *session) account(path string) (driver.AccountRow, bool) {
	if row, found := s.accounts[path]; found {
		return row, true
	}
	row, found := s.world.accounts[path]
	return row, found
}

func (s *session) Gather(ctx context.Context, book int64, w *driver.Wanted) (*driver.Gathered, error) {
	g := &driver.Gathered{}
	if w.Await != "" {
		s.step()
		s.lock("account " + w.Await)
	}
	g.Accounts, g.Blocked = s.lockAccounts(w.Paths)
	g.Requests = s.known(w.IDs)
	g.Head, _ = s.Head(ctx, book)
	return g, nil
}

func (s *session) lockAccounts(paths []string) (map[string]*driver.AccountRow, []string) {
	s.step()
	if s.mode == driver.ModeQueue {
		s.lock("turn")
		s.step()
	}
	var found []driver.AccountRow
	for _, path := range paths {
		if row, ok := s.account(path); ok {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b driver.AccountRow) int { return cmp.Compare(a.Number, b.Number) })
	locked := make(map[string]*driver.AccountRow)
	for i, row := range found {
		if i > 0 {
			s.step()
		}
		if s.mode != driver.ModeQueue {
			s.lock("account " + row.Path)
		} else if !s.try("account " + row.Path) {
			continue
		}
		row, _ = s.account(row.Path) // as it is now, whatever it was when the statement began
		row.Locked = row.Version
		locked[row.Path] = &row
		s.saw(row)
	}
	var blocked []string
	if s.mode == driver.ModeQueue && len(locked) < len(paths) {
		s.step()
		for _, path := range paths {
			if _, exists := s.account(path); exists && locked[path] == nil {
				blocked = append(blocked, path)
				s.saw(path)
			}
		}
	}
	return locked, blocked
}

func (s *session) known(ids []bursar.ID) (records []driver.RequestRecord) {
	s.step()
	for _, id := range ids {
		record, found := s.requests[id]
		if !found {
			record, found = s.world.requests[id]
			last := s.world.entries[record.LastEntry]
			record.Seq, record.At = last.Seq, last.At
		}
		if found {
			records = append(records, record)
			s.saw([2]int64{record.LastEntry, record.Seq})
		}
	}
	return records
}

func (s *session) Head(context.Context, int64) (bursar.Head, error) {
	s.step()
	s.saw(s.world.head)
	return s.world.head, nil
}

func (s *session) Keys(_ context.Context, _ int64, entries, accounts int) (entry, account int64, _ error) {
	s.key += int64(entries + accounts)
	return s.key - int64(entries+accounts), s.key - int64(accounts), nil
}

// Claim waits where somebody is writing the same, and is overtaken when that was committed.
func (s *session) Claim(ctx context.Context, b *driver.Batch) (driver.Taken, error) {
	if err := s.claim(b); err != nil {
		return driver.Taken{}, err
	}
	taken, err := s.TakeHead(ctx, b.Book, true)
	return *taken, err
}

func (s *session) claim(b *driver.Batch) error {
	for _, r := range b.Requests {
		if err := s.take(r); err != nil {
			return err
		}
	}
	for _, a := range b.Opened {
		s.step()
		s.lock("path " + a.Path)
		if _, taken := s.world.accounts[a.Path]; taken {
			return driver.ErrOvertaken
		}
		s.accounts[a.Path] = a.AccountRow
	}
	return nil
}

// take takes an id. It waits where somebody else is about to, and is overtaken when that was committed.
func (s *session) take(r driver.RequestRecord) error {
	s.step()
	s.lock("id " + r.ID.String())
	if _, taken := s.world.requests[r.ID]; taken {
		return driver.ErrOvertaken
	}
	s.requests[r.ID] = r
	return nil
}

func (s *session) TakeHead(ctx context.Context, book int64, wait bool) (*driver.Taken, error) {
	s.step()
	if wait {
		s.lock("head")
	} else if !s.try("head") {
		return nil, nil
	}
	head := s.world.head
	s.saw(head)
	keys, err := s.Unsealed(ctx, book)
	return &driver.Taken{Head: head, Unsealed: keys}, err
}

func (w *world) unsealed() (keys []int64) {
	for key, e := range w.entries {
		if e.Seq == 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (s *session) Unsealed(context.Context, int64) ([]int64, error) {
	s.step()
	keys := s.unsealed()
	s.saw(fmt.Sprint(keys))
	return keys, nil
}

func entryLock(key int64) string { return fmt.Sprint("entry ", key) }

func (s *session) LockEntries(
	_ context.Context, _ int64, keys []int64,
) (entries []driver.EntryRow, locked map[int64]bool, _ error) {
	s.step()
	locked = make(map[int64]bool)
	for _, key := range keys {
		e := s.world.entries[key]
		if entries = append(entries, e); e.Seq == 0 && s.try(entryLock(key)) {
			locked[key] = true
			s.saw(key)
		}
	}
	return entries, locked, nil
}

// Insert is all or nothing in a caller's session, as under a savepoint.
func (s *session) Insert(ctx context.Context, b *driver.Batch) error {
	keep, accounts, requests := len(s.locked), maps.Clone(s.accounts), maps.Clone(s.requests)
	err := s.claim(b)
	if err == nil {
		err = s.InsertClaimed(ctx, b)
	}
	if err != nil && s.joined {
		s.release(keep)
		s.accounts, s.requests = accounts, requests
	}
	return err
}

func (s *session) InsertClaimed(_ context.Context, b *driver.Batch) error {
	for _, a := range b.Changed {
		s.lock("account " + a.Path)
		if was, _ := s.account(a.Path); was.Version != a.Locked {
			return errStale
		}
		s.accounts[a.Path] = *a
	}
	for _, e := range b.Sealed {
		s.lock(entryLock(e.Key))
		stored := s.world.entries[e.Key]
		if stored.Seq != 0 {
			return errStale
		}
		stored.Seq, stored.At, stored.Hash = e.Seq, e.At, e.Hash
		s.entries[e.Key] = stored
	}
	for _, e := range b.Entries {
		if _, claimed := s.requests[e.Transfer]; !claimed {
			said := chain.Content(nil, &e.Entry)
			if err := s.take(driver.RequestRecord{
				ID: e.Transfer, Content: said, Decided: e.Decided, LastEntry: e.Key,
			}); err != nil {
				return err
			}
		}
		s.entries[e.Key] = e
	}
	if b.From.Seq < b.To.Seq {
		s.lock("head")
		if s.world.head != b.From {
			return errStale
		}
		s.head = b.To
	}
	return nil
}

// sealed are the entries after a position, in order.
func (w *world) sealed(after int64) (entries []driver.EntryRow) {
	for _, e := range w.entries {
		if e.Seq > after {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b driver.EntryRow) int { return cmp.Compare(a.Seq, b.Seq) })
	return entries
}

// factsOf is an entry without its metadata, which no world has.
func factsOf(e *driver.EntryRow) [12]any {
	return [12]any{e.Key, e.Seq, e.At, e.Hash, e.Transfer, e.Leg, e.From, e.To, e.FromAfter, e.ToAfter,
		[2]int64{e.FromPrev, e.ToPrev}, e.Decided}
}

func sameRow(a, b driver.EntryRow) bool { return factsOf(&a) == factsOf(&b) }

// look checks the laws of the journal on what is committed.
func (w *world) look() {
	known, last := len(w.journal), bursar.Head{Hash: w.book.Genesis, Book: w.book.UUID}
	all := w.sealed(0)
	if known > len(all) || !slices.EqualFunc(w.journal, all[:known], sameRow) {
		w.breach("for ever: a position was changed")
		return
	}
	for i := range all {
		e, before := &all[i], last
		if last.Seq, last.At, last.Hash = e.Seq, e.At, e.Hash; i < known {
			continue
		}
		hash, _ := chain.Link(&e.Entry, w.book.UUID, before.Hash, nil)
		first := e.Leg == 0 || i > 0 && all[i-1].Transfer == e.Transfer && all[i-1].Leg == e.Leg-1
		final := e.Key == w.requests[e.Transfer].LastEntry || i+1 < len(all) && all[i+1].Transfer == e.Transfer
		switch {
		case e.Seq != before.Seq+1:
			w.breach("gapless: position %d follows %d", e.Seq, before.Seq)
		case e.At <= before.At || e.At < e.Decided:
			w.breach("time: %v at position %d follows %v, decided at %v", e.At, e.Seq, before.At, e.Decided)
		case e.Hash != hash:
			w.breach("chain: the hash at position %d is another", e.Seq)
		case !first || !final:
			w.breach("legs: those around position %d are not one after the other", e.Seq)
		}
		w.rise(e.Seq, e.From, e.FromAfter.Version)
		w.rise(e.Seq, e.To, e.ToAfter.Version)
	}
	if w.journal = all; w.head != last {
		w.breach("head: it is %d, and the journal ends with %d", w.head.Seq, last.Seq)
	}
	w.digest = maphash.Comparable(w.seed, w.head)
	for _, a := range w.accounts {
		w.digest += maphash.Comparable(w.seed, a)
	}
	for _, e := range w.entries {
		w.digest += maphash.Comparable(w.seed, factsOf(&e))
	}
	for id, r := range w.requests {
		w.digest += maphash.Comparable(w.seed, [2]any{id, r.LastEntry})
	}
}

// rise checks that an account's versions are in order of position.
func (w *world) rise(seq int64, path string, version int64) {
	if path != "" && version != w.versions[path]+1 {
		w.breach("versions: %s has version %d at position %d, after version %d", path, version, seq, w.versions[path])
	}
	w.versions[path] = version
}

// state is a number for everything that what comes next depends on.
func (w *world) state() uint64 {
	total := w.digest
	for name, holder := range w.locks {
		total += maphash.Comparable(w.seed, [2]string{name, holder.name})
	}
	for _, c := range w.clients {
		total += maphash.Comparable(w.seed, [3]any{c.name, c.trace, c.done})
	}
	return total
}

// run lets the clients go on one by one until all are done. choose decides who is next; less than zero ends it.
func (w *world) run(choose func(ready int) int) error {
	for _, c := range w.clients {
		defer c.stop()
		w.resume(c)
	}
	for range 5_000 {
		ready, done := make([]*client, 0, len(w.clients)), 0
		for _, c := range w.clients {
			if c.done {
				done++
			} else if c.waits == nil || !c.waits() {
				ready = append(ready, c)
			}
		}
		next := 0
		switch {
		case w.broken != nil:
			return w.broken
		case done == len(w.clients):
			w.finish()
			return w.broken
		case len(ready) == 0:
			return fmt.Errorf("deadlock: %d clients wait for one another", len(w.clients)-done)
		case len(ready) > 1:
			next = choose(len(ready))
		}
		if next < 0 {
			return nil
		}
		w.resume(ready[next])
	}
	return errors.New("endless: the history does not come to its end")
}

func (w *world) resume(c *client) {
	_, more := c.next()
	c.done = !more
}

// finish seals what is left, and compares the balances, what the clients were told and what they read with the journal.
func (w *world) finish() {
	for more, err := true, error(nil); more; {
		if more, err = w.clients[0].writer.sealOnce(context.Background(), true); err != nil {
			w.breach("errors: at the end: %w", err)
		}
	}
	balances := make(map[string]int64)
	for _, e := range w.journal {
		balances[e.From] -= e.Amount.Big().Int64()
		balances[e.To] += e.Amount.Big().Int64()
	}
	for path, a := range w.accounts {
		if a.Balance.Big().Int64() != balances[path] || a.Version != w.versions[path] {
			w.breach("balances: %s has %v at version %d, the journal comes to %d at %d", path, a.Balance, a.Version,
				balances[path], w.versions[path])
		}
	}
	if left := w.unsealed(); len(left) > 0 {
		w.breach("sealed: %v are not", left)
	}
	for _, c := range w.clients {
		for id, p := range c.posted {
			if last := w.entries[w.requests[id].LastEntry]; last.Seq == 0 || p.Seq != 0 && p.Seq != last.Seq {
				w.breach("answers: %s was told of position %d, and it is %d", c.name, p.Seq, last.Seq)
			}
		}
		for c.reads && len(c.journal) < len(w.journal) && w.broken == nil {
			c.poll()
		}
		if c.reads && !slices.EqualFunc(c.journal, w.journal, sameRow) {
			w.breach("readers: %s has read another journal", c.name)
		}
	}
}

// poll reads a page of the journal after what was read before.
func (c *client) poll() {
	page := c.sealed(int64(len(c.journal)))
	for _, e := range page[:min(len(page), 2)] {
		c.saw(factsOf(&e))
		if c.journal = append(c.journal, e); e.Seq != int64(len(c.journal)) {
			c.breach("readers: %s reads position %d after %d", c.name, e.Seq, len(c.journal)-1)
		}
	}
}

// must reports an error that no history has.
func (c *client) must(err error) {
	if err != nil {
		c.breach("errors: %s: %w", c.name, err)
	}
}

func reads(c *client) {
	c.reads = true
	for range 3 {
		c.step()
		c.poll()
	}
}

func seals(c *client) {
	for range 2 {
		_, err := c.writer.sealOnce(context.Background(), false)
		c.must(err)
	}
}

// keeps locks a row of an entry for a while, as an application may.
func keeps(c *client) {
	s := c.begin(driver.ModeLocks)
	s.step()
	if keys := c.unsealed(); len(keys) > 0 && s.try(entryLock(keys[0])) {
		s.saw(keys[0])
		s.step()
	}
	s.release(0)
}

// posts writes requests in a database transaction of the caller's, which then commits or not.
func posts(commit bool, requests ...*request) func(*client) {
	return func(c *client) {
		s, jobs := c.begin(driver.ModeLocks), jobsOf(requests)
		s.joined = true
		err := c.writer.postIn(context.Background(), s.tx(), jobs)
		if err != nil && len(s.accounts)+len(s.requests)+len(s.entries) > 0 {
			c.breach("refusals: %s has written something with %w", c.name, err)
		}
		if !bursar.Describe(bursar.CodeOf(err)).Remembered {
			c.must(err)
		}
		if !commit {
			s.step()
			s.release(0)
			return
		}
		s.commit()
		c.told(err == nil, jobs)
	}
}

// queues writes in driver.ModeQueue, and again what was blocked after having waited for it.
func queues(requests ...*request) func(*client) {
	return func(c *client) {
		jobs, await := jobsOf(requests), ""
		for len(jobs) > 0 {
			c.must(c.writer.post(context.Background(), driver.ModeQueue, await, jobs))
			c.told(true, jobs)
			jobs = slices.DeleteFunc(jobs, func(job *job) bool { return job.Blocked == "" })
			if len(jobs) > 0 {
				await = jobs[0].Blocked
			}
		}
	}
}

func (c *client) told(posted bool, jobs []*job) {
	for _, job := range jobs {
		if posted && job.Err == nil && job.Blocked == "" {
			c.posted[job.Request.id] = job.Posted
		}
	}
}

func jobsOf(requests []*request) (jobs []*job) {
	for _, r := range requests {
		jobs = append(jobs, &job{Request: r})
	}
	return jobs
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
