package sqltest

import (
	"bufio"
	"net"
	"sync"
)

// link is one connection through a proxy. Answers come in the order of what was asked, so a number tells which answer
// belongs to a trapped statement.
type link struct {
	proxy          *Proxy
	wire           wire
	client, server net.Conn
	lost           chan struct{} // closed when the connection is
	once           sync.Once

	mu       sync.Mutex
	asked    int           // how often the client has asked
	answered int           // how many answers have been sent to it, the one that is about to be included
	trapped  map[int]*Trap // by the number of the question
	sprung   []*Trap
	last     *Trap // that stands after its answer, or stood there
}

func newLink(p *Proxy, client, server net.Conn) *link {
	return &link{
		proxy: p, wire: newWire(p.engine), client: client, server: server,
		lost: make(chan struct{}), trapped: map[int]*Trap{},
	}
}

// close closes both sides. What was written before arrives.
func (l *link) close() {
	l.once.Do(func() {
		close(l.lost)
		_ = l.server.Close()
		_ = l.client.Close()
	})
}

// pass holds the connection in a trap, and reports whether it goes on.
func (l *link) pass(t *Trap) bool {
	defer t.finish()
	close(t.caught)
	if t.passes(l.lost) {
		return true
	}
	select {
	case <-l.lost: // on its own
	default:
		l.proxy.countCut()
	}
	l.close()
	return false
}

// up hands on what the client says. It returns when the connection is closed.
func (l *link) up() error {
	defer l.close()
	var waiting *Trap // for the message that makes the server answer
	for r := bufio.NewReader(l.client); ; {
		m, err := l.wire.client(r)
		if err != nil {
			return err
		}
		if t := l.standing(); t != nil && !t.passes(l.lost) {
			return nil
		}
		if m.statement != "" {
			waiting = l.spring(m.statement, waiting)
		}
		if waiting != nil && waiting.point == BeforeSend {
			if !l.pass(waiting) {
				return nil
			}
			waiting = nil
		}
		sent := waiting
		if m.asks {
			l.ask(waiting)
			waiting = nil
		}
		if _, err := l.server.Write(m.raw); err != nil {
			return err
		}
		if m.asks && sent != nil && sent.point == AfterSend && !l.pass(sent) {
			return nil
		}
	}
}

// spring looks for the trap of a statement. One that waits already stays.
func (l *link) spring(statement string, waiting *Trap) *Trap {
	t := l.proxy.spring(statement, waiting != nil)
	if t == nil {
		return waiting
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sprung = append(l.sprung, t)
	return t
}

// finish tells the traps that have not had their effect that they will not.
func (l *link) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.sprung {
		t.finish()
	}
}

// ask numbers a question, before it is sent, so that its answer finds the trap.
func (l *link) ask(t *Trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered >= l.asked {
		l.proxy.countRoundTrip()
	}
	l.asked++
	if t != nil {
		l.trapped[l.asked] = t
	}
}

// answer notes that an answer is complete, before the client has it and can ask again.
func (l *link) answer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered++
}

// stand keeps what the client says from the server until the trap is decided.
func (l *link) stand(t *Trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = t
}

func (l *link) standing() *Trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// trapOf returns the trap that an answer belongs to, or nil.
func (l *link) trapOf(number int) *Trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trapped[number]
}

// down hands on what the server says. It returns when the connection is closed.
func (l *link) down() error {
	defer l.close()
	var kept []byte // an answer that waits for its end
	answer := 1
	for r := bufio.NewReader(l.server); ; {
		m, err := l.wire.server(r)
		if err != nil {
			return err
		}
		t := l.trapOf(answer)
		if t != nil && t.point == AfterSend && !t.passes(l.lost) {
			return nil
		}
		if t != nil && t.point == BeforeAnswer {
			kept = append(kept, m.raw...)
			if !m.ends {
				continue
			}
			if !l.pass(t) {
				return nil
			}
			m.raw, kept = kept, nil
		}
		if m.ends && t != nil && t.point == AfterAnswer {
			l.stand(t) // before the client knows the answer and can say more
		}
		if m.ends {
			l.answer()
		}
		if _, err := l.client.Write(m.raw); err != nil {
			return err
		}
		if m.ends {
			answer++
		}
		if m.ends && t != nil && t.point == AfterAnswer && !l.pass(t) {
			return nil
		}
	}
}
