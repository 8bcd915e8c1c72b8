package sqltest

import (
	"strings"
	"sync"
	"unicode"
)

// A Point is a place in the life of a statement, where a [Trap] holds its connection.
type Point uint8

const (
	// BeforeSend is when the client has sent the statement and the server has not got it. It will not be executed.
	BeforeSend Point = iota + 1
	// AfterSend is when the server has got the statement and the client has no answer. It is open whether the
	// statement is executed: a cut does not stop it, but a server that is killed here may not have begun it.
	AfterSend
	// BeforeAnswer is when the server has executed the statement and has answered, and the client has got nothing of
	// the answer.
	BeforeAnswer
	// AfterAnswer is when the client has been sent the whole answer.
	AfterAnswer
)

// String returns the point in words.
func (p Point) String() string {
	switch p {
	case BeforeSend:
		return "before the statement is sent"
	case AfterSend:
		return "after it is sent"
	case BeforeAnswer:
		return "before the answer comes back"
	case AfterAnswer:
		return "after the answer"
	}
	return "no point"
}

// A Match picks a statement by its text. A proxy asks for one statement at a time, in the order in which they come,
// so a Match may count. It is not asked about a statement that an earlier trap has caught. It must not call the
// proxy.
type Match func(statement string) bool

// Commit matches the statement that commits.
func Commit(statement string) bool {
	end := strings.IndexFunc(strings.TrimSpace(statement), func(r rune) bool { return !unicode.IsLetter(r) })
	word := strings.TrimSpace(statement)
	if end >= 0 {
		word = word[:end]
	}
	return strings.EqualFold(word, "commit")
}

// Containing matches statements that contain a text, with the same capitals.
func Containing(text string) Match {
	return func(statement string) bool { return strings.Contains(statement, text) }
}

// Nth matches the nth of the statements that another Match matches, counted from 1.
func Nth(n int, m Match) Match {
	return func(statement string) bool {
		if !m(statement) {
			return false
		}
		n--
		return n == 0
	}
}

// A Trap holds one connection when a statement reaches a point: see [Proxy.Trap]. Its methods may be called from any
// goroutine.
type Trap struct {
	point  Point
	match  Match
	caught chan struct{}
	done   chan struct{}
	end    sync.Once

	decide  sync.Once
	decided chan struct{}
	cut     bool // to be read after decided
}

func newTrap(p Point, m Match) *Trap {
	return &Trap{point: p, match: m, caught: make(chan struct{}), done: make(chan struct{}), decided: make(chan struct{})}
}

// Caught returns a channel that is closed when a connection stands at the point.
func (t *Trap) Caught() <-chan struct{} { return t.caught }

// Done returns a channel that is closed when the trap has had its effect: the connection is cut or goes on. It is
// also closed if the connection is lost by itself after the statement has come, even before the point.
func (t *Trap) Done() <-chan struct{} { return t.done }

// Cut closes the caught connection on both sides. If none is caught yet, the next one that is caught is cut at
// once. Only the first call of Cut or Release counts.
func (t *Trap) Cut() { t.resolve(true) }

// Release lets the caught connection go on. If none is caught yet, the next one that is caught goes on at once.
func (t *Trap) Release() { t.resolve(false) }

func (t *Trap) resolve(cut bool) {
	t.decide.Do(func() {
		t.cut = cut
		close(t.decided)
	})
}

// passes waits for Cut or Release, and reports whether the connection goes on. It does not if it is lost before.
func (t *Trap) passes(lost <-chan struct{}) bool {
	select {
	case <-t.decided:
		return !t.cut
	case <-lost:
		return false
	}
}

func (t *Trap) finish() { t.end.Do(func() { close(t.done) }) }
