package bench

import (
	"fmt"
	"math/rand/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Workload says between which accounts money moves.
type Workload struct {
	Accounts int     `json:"accounts"`
	Zipf     float64 `json:"zipf"` // exponent; 0: every account is as likely as another
	Seed     uint64  `json:"seed"`
}

// hotAccount is the one that a share of the transfers touches.
const hotAccount = 0

// amountMax bounds a transfer's amount, in cents.
const amountMax = 1000

// Move is one transfer before anybody gives it a form: the numbers of two accounts, from 0, and cents.
type Move struct {
	From, To int
	Cents    int64
}

// source draws the moves of one caller. It is not safe for concurrent use.
type source struct {
	random   *rand.Rand
	zipf     *zipf // nil: uniform
	accounts int
	stride   int // scatters ranks, so that accounts that are often drawn do not lie side by side
	hot      int // percent of the moves that touch hotAccount
}

// source is the same for the same seed and caller.
func (w *Workload) source(caller, hot int) *source {
	s := &source{random: rand.New(rand.NewPCG(w.Seed, uint64(caller))), accounts: w.Accounts, hot: hot}
	if w.Zipf > 0 {
		s.zipf = newZipf(w.Accounts, w.Zipf)
	}
	s.stride = coprime(w.Accounts)
	return s
}

// coprime is a number near the golden section of n that has no divisor in common with n, so that its multiples visit
// every remainder.
func coprime(n int) int {
	for s := max(1, n*618/1000); ; s++ {
		a, b := s, n
		for b != 0 {
			a, b = b, a%b
		}
		if a == 1 {
			return s
		}
	}
}

// account draws one.
func (s *source) account() int {
	if s.zipf == nil {
		return s.random.IntN(s.accounts)
	}
	return int(uint64(s.zipf.draw(s.random)) * uint64(s.stride) % uint64(s.accounts))
}

// next draws a move between two accounts.
func (s *source) next() Move {
	m := Move{From: s.account(), Cents: 1 + s.random.Int64N(amountMax)}
	if s.hot > 0 && s.random.IntN(100) < s.hot {
		m.From = hotAccount
	}
	for m.To = s.account(); m.To == m.From; {
		m.To = (m.To + 1 + s.random.IntN(s.accounts-1)) % s.accounts
	}
	if s.random.IntN(2) == 0 {
		m.From, m.To = m.To, m.From
	}
	return m
}

// pathsOf are the accounts of a book.
func pathsOf(n int) []string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("bench:%07d", i)
	}
	return paths
}

// transfer gives a move the form of the ledger.
func (m Move) transfer(id bursar.ID, paths []string, currency money.Currency) bursar.Transfer {
	return bursar.Transfer{ID: id, Legs: []bursar.Leg{
		{From: paths[m.From], To: paths[m.To], Amount: money.FromUnits(m.Cents, currency)},
	}}
}
