package sqltest

import (
	"bufio"
	"net"
	"sync"
)

// link is one connection through a proxy. Answers come in the order of the requests, so a number tells which answer
// belongs to a trapped statement.
type link struct {
	proxy          *Proxy
	wire           wire
	client, server net.Conn
	lost           chan struct{} // closed when the connection is
	once           sync.Once

	mu       sync.Mutex
	requests int           // that the client has sent
	answers  int           // that are complete, including one that is about to be sent to the client
	trapped  map[int]*Trap // by the number of the request
	sprung   []*Trap       // all traps that have caught a statement of this connection
	barrier  *Trap         // the last one at AfterAnswer: the client's next message waits for its end
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

// pass holds the connection in a trap. It reports whether the connection goes on.
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

// up passes on the messages of the client. It returns when the connection is closed.
func (l *link) up() error {
	defer l.close()
	var waiting *Trap // for the message that completes the request
	for r := bufio.NewReader(l.client); ; {
		m, err := l.wire.client(r)
		if err != nil {
			return err
		}
		if t := l.lastBarrier(); t != nil && !t.passes(l.lost) {
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
			l.request(waiting)
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

// spring looks for the trap of a statement. A trap that waits already is kept.
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

// finish ends the traps that have not had their effect, which they cannot have any more.
func (l *link) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.sprung {
		t.finish()
	}
}

// request numbers a request before it is sent, so its answer finds the trap.
func (l *link) request(t *Trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers >= l.requests {
		l.proxy.countRoundTrip()
	}
	l.requests++
	if t != nil {
		l.trapped[l.requests] = t
	}
}

// answer notes that an answer is complete, before the client has it and can send the next request.
func (l *link) answer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers++
}

// bar keeps the next messages of the client from the server until the trap is decided.
func (l *link) bar(t *Trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.barrier = t
}

func (l *link) lastBarrier() *Trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.barrier
}

// trapOf returns the trap that an answer belongs to, or nil.
func (l *link) trapOf(number int) *Trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trapped[number]
}

// down passes on the messages of the server. It returns when the connection is closed.
func (l *link) down() error {
	defer l.close()
	var kept []byte // the answer so far, if it is held until its end
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
			l.bar(t) // before the client has the answer and can send more
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
