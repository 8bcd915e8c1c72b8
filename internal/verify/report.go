package verify

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/bursar-ledger/bursar"
)

// Check names one thing that verify looks at.
type Check string

// The checks, in the order in which they are named for one position.
const (
	Storage     Check = "storage"      // the engine finds its own tables and indexes sound
	Schema      Check = "schema"       // tables, and what guards and shows them, are as the migrations make them
	Readable    Check = "readable"     // every row can be understood
	Genesis     Check = "genesis"      // the book's genesis hash comes from its UUID, and the book is the one asked for
	Gapless     Check = "gapless"      // positions are 1, 2, 3 and so on
	Chain       Check = "chain"        // every hash is that of the entry and the hash before it
	Anchored    Check = "anchor"       // the hashes at positions that the caller kept elsewhere are what they were
	Time        Check = "time"         // ledger time rises; effective <= decided <= at; on an account decided never falls
	Versions    Check = "versions"     // an account's versions are 1, 2, 3 and so on
	Balances    Check = "balances"     // both balances after an entry follow from those before it and its amount
	Pointers    Check = "pointers"     // an entry points back at each account's entry before it
	Limits      Check = "limits"       // no account left the limits it was opened with, at any position
	Requests    Check = "requests"     // entries are exactly what was asked for under their id; refusals are of attempts
	Accounts    Check = "accounts"     // accounts are what their opening said
	BalanceRows Check = "balance rows" // balances are what the journal comes to
	Heads       Check = "head"         // the head is the last entry, or has its hash and a later time
	Checkpoints Check = "checkpoints"  // every 64th version of an account has one, and no other
	Backdated   Check = "backdated"    // exactly the backdated entries are indexed by effective time
	Conserved   Check = "conserved"    // the balances in a currency sum to zero
	Strays      Check = "strays"       // no row belongs to nothing
)

// order is how checks sort at one position.
var order = [...]Check{
	Storage, Schema, Readable, Genesis, Gapless, Chain, Anchored, Time, Versions, Balances, Pointers, Limits, Requests,
	Accounts, BalanceRows, Heads, Checkpoints, Backdated, Conserved, Strays,
}

// All returns every check in order.
func All() []Check { return slices.Clone(order[:]) }

// Finding is one thing that is not as it must be.
type Finding struct {
	// Seq is the lowest position of the journal that is affected. The row of a balance has the position of the account's
	// last entry, the row of an account that of its opening. The head has the first position at which it and the journal
	// differ. Seq is 0 when the finding has no place in the journal. For an entry that is not sealed, Detail names the
	// row key.
	Seq    int64  `json:"seq"`
	Check  Check  `json:"check"`
	Detail string `json:"detail"`
}

// String is "position 7: chain: detail".
func (f Finding) String() string {
	if f.Seq == 0 {
		return fmt.Sprintf("%s: %s", f.Check, f.Detail)
	}
	return fmt.Sprintf("position %d: %s: %s", f.Seq, f.Check, f.Detail)
}

// Report is the outcome of [Run].
type Report struct {
	Book bursar.Book
	Head bursar.Head // the journal's last position as it was read, whatever the head's row says

	Entries, Accounts, Requests, Refusals int64 // checked; Requests includes the refused ones
	Unsealed                              int64 // of Entries: committed, and without a place in the journal so far

	// Findings are the first ones by position. Findings without a position come last.
	Findings []Finding
	// Found is how many there are in all. After the first breaks of the chain, further ones are not counted.
	Found int64
	// Warnings say what of the schema could not be compared, and why.
	Warnings []string
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return r.Found == 0 }

// Err is nil when nothing was found, and otherwise bursar.CodeVerificationFailed naming the first finding.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	first := "a finding"
	if len(r.Findings) > 0 {
		first = r.Findings[0].String()
	}
	return bursar.Errorf(bursar.CodeVerificationFailed, "book %s: %s (findings: %d)", r.Book.Name, first, r.Found)
}

// HeadHash is the hash of the journal's last position in hexadecimal digits: what to keep outside the database.
func (r *Report) HeadHash() string { return hex.EncodeToString(r.Head.Hash[:]) }

// add collects a finding, keeping the first most of them.
func (r *Report) add(f Finding, most int) {
	r.Found++
	r.Findings = append(r.Findings, f)
	if len(r.Findings) >= 4*most {
		r.trim(most)
	}
}

func (r *Report) trim(most int) {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(uint64(a.Seq-1), uint64(b.Seq-1)), // 0 sorts last
			cmp.Compare(slices.Index(order[:], a.Check), slices.Index(order[:], b.Check)))
	})
	r.Findings = r.Findings[:min(len(r.Findings), most)]
}
