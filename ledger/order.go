package ledger

import (
	"cmp"
	"slices"

	"github.com/bursar-ledger/bursar/driver"
)

// sorter sorts accounts by number. It sorts the numbers, which lie side by side, and not the accounts, which are
// anywhere in memory.
type sorter struct{ numbered []numbered }

type numbered struct {
	number  int64
	account *driver.AccountRow
}

func (s *sorter) byNumber(accounts []*driver.AccountRow) {
	s.numbered = s.numbered[:0]
	for _, account := range accounts {
		s.numbered = append(s.numbered, numbered{account.Number, account})
	}
	slices.SortFunc(s.numbered, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	for i := range s.numbered {
		accounts[i] = s.numbered[i].account
	}
}
