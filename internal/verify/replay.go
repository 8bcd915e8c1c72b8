package verify

import (
	"errors"
	"math"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// breaksMax is the most breaks of the chain that are reported. When a fact that many hashes cover was changed, every
// one of them breaks.
const breaksMax = 10

// account is an account as the journal has made it so far.
type account struct {
	number   int64
	path     string
	currency money.Currency
	after    bursar.After
	min, max driver.Limit
	metadata string // canonical JSON
	opened   bursar.Instant
	decided  bursar.Instant
	key      int64 // row key of its last entry
	first    spot  // of its opening
	last     spot  // of its last entry
	seen     bool  // among the stored accounts
}

// replay checks one entry and goes on from what it says, not from what it should say. So an error is reported where it
// is, and once more at most where something builds on it, but not at every entry after it.
func (a *audit) replay(e *driver.AuditedEntry, known records) {
	a.position(e.Seq)
	if e.Fault != nil {
		a.find(max(e.Seq, 1), Readable, "entry %d: %v", e.Key, e.Fault)
		a.last.broken = true
		if r := &a.request; r.open && r.known && r.next < r.entries() {
			r.next, r.last = r.next+1, spotOf(e)
		}
		return
	}
	a.checkRequest(e, known)
	a.link(e)
	if anchor, kept := a.options.Anchors[e.Seq]; kept && anchor != e.Hash {
		a.find(e.Seq, Anchored, "the entry has another hash than the anchor")
	}
	a.times(e)
	a.content(e, true)
}

// content checks and applies what an entry says of everything but its request and its place in the journal.
func (a *audit) content(e *driver.AuditedEntry, sealed bool) {
	if e.Backdated && e.Effective > e.Decided {
		a.findIn(e, Time, "it is effective from %v, after %v when it was decided", e.Effective, e.Decided)
	}
	marks := a.apply(e)
	if !sealed {
		marks = 0 // they are written when it is sealed
	}
	if e.Checkpoints != marks {
		a.findIn(e, Checkpoints, "%d checkpoints point at the entry, not %d", e.Checkpoints, marks)
	}
	dates := int64(0)
	if e.Backdated {
		dates = 2
	}
	if e.Backdatings != dates {
		a.findIn(e, Backdated, "%d rows of the index point at the entry, not %d", e.Backdatings, dates)
	}
}

// position checks that seq is the next one.
func (a *audit) position(seq int64) {
	next := a.last.seq + 1
	switch {
	case seq < 1:
		a.find(1, Gapless, "an entry has the position %d", seq)
		return
	case seq < next:
		a.find(seq, Gapless, "two entries have this position")
	case seq > next:
		a.find(next, Gapless, "positions %d to %d are missing", next, seq-1)
		a.last.broken = true
	}
	a.last.seq = seq
}

// link recomputes the hash. After a missing entry there is nothing to build on.
func (a *audit) link(e *driver.AuditedEntry) {
	if !a.last.broken && a.breaks < breaksMax {
		var hash [32]byte
		hashable := hashable(e)
		if hashable {
			hash, a.buf = chain.Link(&e.Entry, a.book.UUID, a.last.hash, a.buf)
		}
		if !hashable || hash != e.Hash {
			a.breaks++
			a.find(e.Seq, Chain, "the hash is not that of the entry and the hash before it")
		}
	}
	a.last.hash = e.Hash
}

// hashable reports whether an entry has paths that have bytes in the journal.
func hashable(e *driver.AuditedEntry) bool {
	return len(e.From) <= math.MaxUint16 && len(e.To) <= math.MaxUint16
}

func (a *audit) times(e *driver.AuditedEntry) {
	if !a.last.broken && a.last.seq > 1 && e.At <= a.last.at {
		a.find(e.Seq, Time, "its time %v is not later than %v, that of the entry before", e.At, a.last.at)
	}
	if e.Decided > e.At {
		a.find(e.Seq, Time, "it was decided at %v, after its time %v", e.Decided, e.At)
	}
	a.last.at, a.last.broken = e.At, false
}

// apply replays the entry on its accounts and returns how many checkpoints must point at it.
func (a *audit) apply(e *driver.AuditedEntry) (marks int64) {
	if e.Kind == bursar.EntryOpen {
		a.open(e)
		return 0
	}
	if e.FromAccount == e.ToAccount {
		a.findIn(e, Accounts, "both sides are account %d", e.ToAccount)
	}
	if e.Amount.Sign() <= 0 {
		a.findIn(e, Balances, "the amount %v is not more than zero", e.Amount)
	}
	for _, s := range [2]side{
		{e.FromAccount, e.From, e.Amount.Neg(), e.FromAfter, e.FromPrev},
		{e.ToAccount, e.To, e.Amount, e.ToAfter, e.ToPrev},
	} {
		a.move(e, &s)
		if s.after.Version%driver.CheckpointEvery == 0 {
			marks++
		}
	}
	return marks
}

// side is an entry as one of its accounts sees it.
type side struct {
	number int64
	path   string
	change money.Amount
	after  bursar.After
	prev   int64
}

// open begins an account.
func (a *audit) open(e *driver.AuditedEntry) {
	zero := money.Zero(e.Amount.Currency())
	first := bursar.After{Version: 1, Balance: zero, Held: zero}
	switch {
	case e.FromAccount != 0 || e.From != "" || e.FromAfter.Version != 0 || e.Leg != 0:
		a.findIn(e, Accounts, "an opening has one account")
	case a.accounts[e.ToAccount] != nil || a.paths[e.To] != nil:
		a.findIn(e, Accounts, "%s is opened a second time", e.To)
	}
	if e.ToAfter.Version != first.Version {
		a.findIn(e, Versions, "%s opens with version %d", e.To, e.ToAfter.Version)
	}
	if !e.Amount.IsZero() || e.ToAfter.Balance != zero || e.ToAfter.Held != zero {
		a.findIn(e, Balances, "%s opens with a balance of %v and %v held", e.To, e.ToAfter.Balance, e.ToAfter.Held)
	}
	if e.FromPrev != 0 || e.ToPrev != 0 {
		a.findIn(e, Pointers, "the opening of %s points back at an entry", e.To)
	}
	acc := a.enter(e, &side{number: e.ToAccount, path: e.To, after: e.ToAfter})
	acc.opened = e.Decided
	acc.min, acc.max, acc.metadata = a.request.limits(acc.currency)
	if err := withinLimits(acc, first); err != nil {
		a.findIn(e, Limits, "%s: %v", e.To, err)
	}
	a.leave(e, acc, e.ToAfter)
}

// enter makes an account that the journal names for the first time.
func (a *audit) enter(e *driver.AuditedEntry, s *side) *account {
	acc := &account{
		number: s.number, path: s.path, currency: e.Amount.Currency(), after: s.after,
		first: spotOf(e), decided: e.Decided,
	}
	a.accounts[s.number], a.paths[s.path] = acc, acc
	return acc
}

// move replays one side of a leg.
func (a *audit) move(e *driver.AuditedEntry, s *side) {
	acc := a.accounts[s.number]
	if acc == nil {
		a.findIn(e, Accounts, "account %d %q was never opened", s.number, s.path)
		a.leave(e, a.enter(e, s), s.after)
		return
	}
	if acc.path != s.path || acc.currency != e.Amount.Currency() {
		a.findIn(e, Accounts, "account %d was opened as %s in %v, and is now %s in %v",
			s.number, acc.path, acc.currency, s.path, e.Amount.Currency())
	}
	if s.after.Version != acc.after.Version+1 {
		a.findIn(e, Versions, "%s has version %d after version %d", s.path, s.after.Version, acc.after.Version)
	}
	balance, err := acc.after.Balance.Add(s.change)
	if err != nil || balance != s.after.Balance || acc.after.Held != s.after.Held {
		a.findIn(e, Balances, "%s had %v with %v held; after %v it has %v with %v held",
			s.path, acc.after.Balance, acc.after.Held, s.change, s.after.Balance, s.after.Held)
	}
	if s.prev != acc.key {
		a.findIn(e, Pointers, "the entry of %s before is %d, not %d", s.path, acc.key, s.prev)
	}
	if e.Decided < acc.decided {
		a.findIn(e, Time, "it was decided at %v, before the last entry of %s was, at %v", e.Decided, s.path, acc.decided)
	}
	if err := withinLimits(acc, s.after); err != nil {
		a.findIn(e, Limits, "%s: %v", s.path, err)
	}
	a.leave(e, acc, s.after)
}

// leave goes on from what the entry says.
func (a *audit) leave(e *driver.AuditedEntry, acc *account, after bursar.After) {
	acc.after, acc.key, acc.last = after, e.Key, spotOf(e)
	acc.decided = max(acc.decided, e.Decided)
}

var (
	errBelowMin = errors.New("what is available is below the minimum")
	errAboveMax = errors.New("the balance is above the maximum")
)

func withinLimits(acc *account, after bursar.After) error {
	available, err := after.Balance.Sub(after.Held)
	if err != nil {
		return err
	}
	if acc.min.Set {
		if order, err := available.Cmp(acc.min.Amount); err != nil || order < 0 {
			return errors.Join(err, errBelowMin)
		}
	}
	if acc.max.Set {
		if order, err := after.Balance.Cmp(acc.max.Amount); err != nil || order > 0 {
			return errors.Join(err, errAboveMax)
		}
	}
	return nil
}

// limitOf is a bound of an opening in the account's currency.
func limitOf(b journal.Bound, c money.Currency) driver.Limit {
	if !b.Set {
		return driver.Limit{}
	}
	amount, err := money.FromParts(b.Amount.Hi, b.Amount.Lo, c)
	if err != nil {
		return driver.Limit{}
	}
	return driver.Limit{Set: true, Amount: amount}
}
