package sqltest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// wire reads the messages of one connection. One goroutine calls client, another one server.
type wire interface {
	// client reads the next message of the client.
	client(r *bufio.Reader) (message, error)
	// server reads the next message of the server.
	server(r *bufio.Reader) (message, error)
}

// message is one message, and what the proxy needs to know of it.
type message struct {
	raw []byte

	// statement is the SQL that the client's message runs, or empty.
	statement string

	// asks says that this message of the client completes a request: the server answers it.
	asks bool

	// ends says that this message of the server ends its answer.
	ends bool
}

func newWire(e Engine) wire {
	if e.speaksMySQL() {
		return &mysqlWire{statements: map[uint32]string{}}
	}
	return &postgresWire{statements: map[string]string{}, portals: map[string]string{}}
}

// messageMax is more than a test sends at once. Without it the proxy would believe any length that it reads.
const messageMax = 256 << 20

var errTLS = errors.New("the proxy cannot read an encrypted connection: use sslmode=disable, or no tls")

// postgresWire reads version 3 of PostgreSQL's protocol.
type postgresWire struct {
	started    bool
	statements map[string]string // SQL by name of the prepared statement
	portals    map[string]string // SQL by name of the portal
}

// Codes with which a connection may begin in place of a version.
const (
	postgresCancel = 80877102
	postgresSSL    = 80877103
	postgresGSS    = 80877104
)

func (w *postgresWire) client(r *bufio.Reader) (message, error) {
	if !w.started {
		return w.startup(r)
	}
	kind, raw, err := readPostgres(r)
	if err != nil {
		return message{}, err
	}
	m, body := message{raw: raw}, raw[5:]
	switch kind {
	case 'Q':
		m.statement, _ = cutString(body)
		m.asks = true
	case 'F', 'S':
		m.asks = true
	case 'P':
		name, rest := cutString(body)
		w.statements[name], _ = cutString(rest)
	case 'B':
		portal, rest := cutString(body)
		name, _ := cutString(rest)
		w.portals[portal] = w.statements[name]
	case 'E':
		portal, _ := cutString(body)
		m.statement = w.portals[portal]
	}
	return m, nil
}

// startup reads the first message, which has no letter before its length.
func (w *postgresWire) startup(r *bufio.Reader) (message, error) {
	raw, err := readSized(r, nil)
	if err != nil {
		return message{}, err
	}
	if len(raw) < 8 {
		return message{}, fmt.Errorf("a first message of %d bytes is not PostgreSQL's protocol", len(raw))
	}
	w.started = true
	switch binary.BigEndian.Uint32(raw[4:]) {
	case postgresSSL, postgresGSS:
		return message{}, errTLS
	case postgresCancel:
		return message{raw: raw}, nil
	}
	return message{raw: raw, asks: true}, nil
}

func (w *postgresWire) server(r *bufio.Reader) (message, error) {
	kind, raw, err := readPostgres(r)
	return message{raw: raw, ends: kind == 'Z'}, err
}

// readPostgres reads a message: a letter, then a length that counts itself but not the letter.
func readPostgres(r *bufio.Reader) (byte, []byte, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	raw, err := readSized(r, []byte{kind})
	return kind, raw, err
}

// readSized reads a length and the bytes that it counts, and appends both to before.
func readSized(r *bufio.Reader, before []byte) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(length[:]))
	if n < 4 || n > messageMax {
		return nil, fmt.Errorf("a message of %d bytes is not PostgreSQL's protocol", n)
	}
	raw := append(before, length[:]...)
	head := len(raw)
	raw = append(raw, make([]byte, n-4)...)
	_, err := io.ReadFull(r, raw[head:])
	return raw, err
}

// cutString splits a string that ends with a zero byte from what follows it.
func cutString(b []byte) (string, []byte) {
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), b[i+1:]
		}
	}
	return string(b), nil
}
