package sqlstore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bursar-ledger/bursar/driver"
)

// guard compares the versions of accounts with those that were decided on, and locks the accounts with that.
type guard struct {
	*session
	bulks *bulks
}

// check makes sure that what was read without a lock is still so, and locks it. It goes through the accounts in order
// of number. Where they were locked first there is nothing to do.
func (g guard) check(p *pipeline, b *driver.Batch) error {
	switch g.locking {
	case lockLate:
		return g.lockVersions(p, slices.Concat(b.Changed, b.Relied))
	case lockBySwap:
		return g.swap(p, b.Changed, b.Relied)
	case lockByEngine:
		return g.swap(p, b.Changed, nil)
	default:
		return nil
	}
}

// swap writes balances one by one, so that locks are taken in order. Accounts that were merely relied on are locked
// between them.
func (g guard) swap(p *pipeline, changed, relied []*driver.AccountRow) error {
	for i, a := range changed {
		for len(relied) > 0 && relied[0].Number < a.Number {
			if err := g.lockVersions(p, relied[:1]); err != nil {
				return err
			}
			relied = relied[1:]
		}
		if err := g.bulks.change.run(p, 1, changeOf(changed[i:])); err != nil {
			return err
		}
	}
	return g.lockVersions(p, relied)
}

// hold makes sure that accounts which are locked, and perhaps not written, stay as they are until the commit. A lock
// does that, except among the nodes of a cluster: there the account is written and so changed back, and whoever
// writes it on another node meanwhile is too late, or this database transaction is.
func (g guard) hold(p *pipeline, accounts []*driver.AccountRow) error {
	if !g.dialect.Can.LocalLocks || len(accounts) == 0 {
		return nil
	}
	numbers := make([]any, len(accounts))
	for i, a := range accounts {
		numbers[i] = a.Number
	}
	for _, statement := range [2]Many{g.sql.Touch, g.sql.Untouch} {
		if err := g.touch(p, statement, numbers); err != nil {
			return err
		}
	}
	return nil
}

func (g guard) touch(p *pipeline, statement Many, numbers []any) error {
	for len(numbers) > 0 {
		n := g.lookedUp(statement, len(numbers))
		text, args := statement.over(nil, numbers[:n])
		if err := p.exec(text, args, int64(n)); err != nil {
			return err
		}
		numbers = numbers[n:]
	}
	return nil
}

// changeOf sets the row of a changed account, for bulks.changes.
func changeOf(changed []*driver.AccountRow) func(i int, into *account) {
	return func(i int, into *account) {
		into.AccountRow = changed[i]
		into.encode()
	}
}

// lockVersions locks accounts and compares their versions with those that were read.
func (g guard) lockVersions(p *pipeline, accounts []*driver.AccountRow) error {
	slices.SortFunc(accounts, func(a, b *driver.AccountRow) int { return cmp.Compare(a.Number, b.Number) })
	return g.sameVersions(p, g.sql.LockVersions, accounts)
}

// sameVersions compares the versions that a statement reads with those that were read before.
func (g guard) sameVersions(p *pipeline, statement Many, accounts []*driver.AccountRow) error {
	if len(accounts) == 0 {
		return nil
	}
	numbers := make([]any, len(accounts))
	for i, a := range accounts {
		numbers[i] = a.Number
	}
	found := make(map[int64]int64, len(accounts))
	err := g.lookUp(p, statement, nil, numbers, func(scan scanner) error {
		var number, version int64
		err := scan(&number, &version)
		found[number] = version
		return err
	})
	if err != nil {
		return err
	}
	return p.then(func() error {
		for _, a := range accounts {
			if found[a.Number] != a.Locked {
				return fmt.Errorf("%w: %s has version %d, not %d", errStale, a.Path, found[a.Number], a.Locked)
			}
		}
		return nil
	})
}
