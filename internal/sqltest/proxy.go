package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A Proxy stands between clients and a server, on a port of 127.0.0.1 of its own, and passes on their messages. It
// reads both wire protocols, so it knows which statement goes by, prepared or not, and where an answer ends. It
// does not read encrypted or compressed connections, nor COPY inside a pipeline. Its methods may be called from any
// goroutine.
type Proxy struct {
	Endpoint
	target string
	listen net.Listener
	closed chan struct{}
	wg     sync.WaitGroup

	mu     sync.Mutex
	links  map[*link]struct{}
	traps  []*Trap
	counts Counts
	errs   []error // what the proxy could not read
}

// Counts is what a proxy has seen so far.
type Counts struct {
	Connections int // accepted
	Statements  int // sent by clients; a prepared statement counts each time that it is executed
	Commits     int // statements that [Commit] matches
	RoundTrips  int // requests that a client sent after the answers to all its earlier ones
	Cuts        int // connections that a trap has cut
}

// NewProxy starts a proxy before a server, for the length of the test. Its [Endpoint] is the server's database at the
// proxy's address. While the server is down, connections to the proxy are closed at once.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	listen, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Endpoint: s.at(listen.Addr().String()),
		target:   net.JoinHostPort(s.Host(), strconv.Itoa(s.Port())),
		listen:   listen,
		closed:   make(chan struct{}),
		links:    map[*link]struct{}{},
	}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Errorf("proxy before %s: %v", s.Engine(), err)
		}
	})
	return p
}

// Trap waits for the next statement that matches, on any connection, and holds that connection at the point.
// Nothing more passes on it, in either direction, until [Trap.Cut] or [Trap.Release]. Every trap catches one
// statement. If several match a statement, the one that was set first catches it.
//
//	trap := proxy.Trap(sqltest.AfterSend, sqltest.Commit)
//	go transfer(db)
//	<-trap.Caught()
//	err := server.Kill9()
//	trap.Cut()
func (p *Proxy) Trap(point Point, m Match) *Trap {
	trap := newTrap(point, m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = append(p.traps, trap)
	return trap
}

// CutNext cuts the connection of the next statement that matches when it reaches the point.
func (p *Proxy) CutNext(point Point, m Match) *Trap {
	trap := p.Trap(point, m)
	trap.Cut()
	return trap
}

// CutAll closes every connection that goes through the proxy now and returns how many.
func (p *Proxy) CutAll() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
	return len(p.links)
}

// Counts returns what the proxy has seen so far.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// close ends everything and returns what the proxy could not read.
func (p *Proxy) close() error {
	close(p.closed)
	err := p.listen.Close()
	p.CutAll()
	p.wg.Wait()
	return errors.Join(append(p.errs, err)...)
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			select {
			case <-p.closed:
			default:
				p.note(err)
			}
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

// serve connects a client with the server until one of them ends the connection.
func (p *Proxy) serve(client net.Conn) {
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		_ = client.Close() // the server is down, and the client must see that
		return
	}
	l := newLink(p, client, server)
	if p.enter(l) {
		var both sync.WaitGroup
		both.Go(func() { p.note(l.up()) })
		both.Go(func() { p.note(l.down()) })
		both.Wait()
	}
	l.close()
	l.finish()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// enter notes a new connection. It refuses one after the proxy was closed, because CutAll would not reach it.
func (p *Proxy) enter(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		return false
	default:
	}
	p.counts.Connections++
	p.links[l] = struct{}{}
	return true
}

// spring counts a statement and returns the trap that catches it, or nil. taken means that a trap has caught it
// already.
func (p *Proxy) spring(statement string, taken bool) *Trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Statements++
	if Commit(statement) {
		p.counts.Commits++
	}
	for i, t := range p.traps {
		if !taken && t.match(statement) {
			p.traps = append(p.traps[:i:i], p.traps[i+1:]...)
			return t
		}
	}
	return nil
}

func (p *Proxy) countRoundTrip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.RoundTrips++
}

func (p *Proxy) countCut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Cuts++
}

// note remembers an error, unless it says only that a connection has ended.
func (p *Proxy) note(err error) {
	var network net.Error
	isEnd := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &network) || errors.Is(err, net.ErrClosed)
	if err == nil || isEnd {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, fmt.Errorf("a connection was closed: %w", err))
}
