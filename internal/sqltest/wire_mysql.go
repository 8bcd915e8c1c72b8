package sqltest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// mysqlWire reads the protocol of MySQL and MariaDB, without compression. A client sends a command and waits for
// the whole answer before it sends the next one. Only the server knows the number of a prepared statement. So both
// directions share what they have read.
type mysqlWire struct {
	mu         sync.Mutex
	greeted    bool              // the server has sent its first message
	ready      bool              // the client is logged in
	brief      bool              // a set of rows has no packet between its columns and its rows
	statements map[uint32]string // SQL by number of the prepared statement
	preparing  string            // SQL that is about to get its number
	answer     mysqlAnswer
}

// Commands of a client, and first bytes of messages of a server.
const (
	mysqlQuit     = 0x01
	mysqlQuery    = 0x03
	mysqlPrepare  = 0x16
	mysqlExecute  = 0x17
	mysqlLongData = 0x18
	mysqlClose    = 0x19

	mysqlOK   = 0x00
	mysqlFile = 0xfb
	mysqlEOF  = 0xfe
	mysqlErr  = 0xff

	mysqlCapabilityTLS   = 1 << 11
	mysqlCapabilityBrief = 1 << 24 // CLIENT_DEPRECATE_EOF

	mysqlMoreResults = 1 << 3 // a status flag
)

func (w *mysqlWire) client(r *bufio.Reader) (message, error) {
	sequence, raw, body, err := readMySQL(r)
	if err != nil {
		return message{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.ready:
		return message{raw: raw}, w.login(sequence, body)
	case sequence != 0 || len(body) == 0: // the earlier command goes on
		return message{raw: raw}, nil
	}
	m := message{raw: raw, asks: true}
	w.answer = mysqlAnswer{command: body[0], brief: w.brief}
	switch command, rest := body[0], body[1:]; command {
	case mysqlQuit, mysqlLongData, mysqlClose:
		m.asks = false
	case mysqlQuery:
		m.statement = string(rest)
	case mysqlPrepare:
		w.preparing = string(rest)
	case mysqlExecute:
		if len(rest) >= 4 {
			m.statement = w.statements[binary.LittleEndian.Uint32(rest)]
		}
	}
	return m, nil
}

// login reads the capabilities of the client, which are in the first four bytes that it sends.
func (w *mysqlWire) login(sequence byte, body []byte) error {
	if sequence != 1 || len(body) < 4 {
		return nil
	}
	capabilities := binary.LittleEndian.Uint32(body)
	if capabilities&mysqlCapabilityTLS != 0 {
		return errTLS
	}
	w.brief = capabilities&mysqlCapabilityBrief != 0
	return nil
}

func (w *mysqlWire) server(r *bufio.Reader) (message, error) {
	_, raw, body, err := readMySQL(r)
	if err != nil {
		return message{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.greeted:
		w.greeted = true
	case !w.ready:
		w.ready = len(body) > 0 && body[0] == mysqlOK
	default:
		if w.answer.command == mysqlPrepare && !w.answer.begun && len(body) >= 5 && body[0] == mysqlOK {
			w.statements[binary.LittleEndian.Uint32(body[1:])] = w.preparing
		}
		return message{raw: raw, ends: w.answer.packet(body)}, nil
	}
	return message{raw: raw}, nil
}

// mysqlAnswer finds the end of an answer.
type mysqlAnswer struct {
	command byte
	brief   bool
	begun   bool // the first packet of a result was read
	left    int  // packets to come after a statement is prepared
	marks   int  // packets so far that mark an end: a set of rows has two, or one if it is brief
}

// packet reads the next packet of the answer and reports whether it is the last.
func (a *mysqlAnswer) packet(body []byte) bool {
	if len(body) == 0 {
		return false
	}
	if !a.begun {
		return a.first(body)
	}
	switch {
	case a.command == mysqlPrepare:
		a.left--
		return a.left == 0
	case body[0] == mysqlErr:
		return true
	case body[0] == mysqlEOF && (len(body) < 9 || a.brief && len(body) < 0xffffff):
		a.marks++
		if a.marks == 1 && !a.brief {
			return false
		}
		*a = mysqlAnswer{command: a.command, brief: a.brief}
		return !moreResults(body, len(body) != 5)
	}
	return false
}

// first reads the first packet of a result.
func (a *mysqlAnswer) first(body []byte) bool {
	rows := a.command == mysqlQuery || a.command == mysqlExecute
	switch {
	case body[0] == mysqlErr:
		return true
	case a.command == mysqlPrepare && len(body) >= 9:
		columns, params := int(binary.LittleEndian.Uint16(body[5:])), int(binary.LittleEndian.Uint16(body[7:]))
		a.begun, a.left = true, columns+params
		if !a.brief {
			a.left += min(columns, 1) + min(params, 1)
		}
		return a.left == 0
	case !rows:
		return true
	case body[0] == mysqlOK:
		return !moreResults(body, true)
	case body[0] == mysqlFile: // the client sends a file, and then the result comes
		return false
	}
	a.begun = true
	return false
}

// moreResults reads from the status in a packet whether another result follows. In an OK packet the status comes
// after two integers of variable length, in the shorter EOF packet after a count of warnings.
func moreResults(body []byte, ok bool) bool {
	at := 3
	if ok {
		at = 1
		for range 2 {
			if at >= len(body) {
				return false
			}
			at += integerSize(body[at])
		}
	}
	return at+2 <= len(body) && binary.LittleEndian.Uint16(body[at:])&mysqlMoreResults != 0
}

// integerSize returns the length of an integer of variable length by its first byte.
func integerSize(first byte) int {
	switch first {
	case 0xfc:
		return 3
	case 0xfd:
		return 4
	case 0xfe:
		return 9
	}
	return 1
}

// readMySQL reads a packet: three bytes of length, one byte that counts packets, and the body. A packet of the
// greatest length goes on in the next one.
func readMySQL(r *bufio.Reader) (sequence byte, raw, body []byte, err error) {
	const most = 1<<24 - 1
	for first := true; ; first = false {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 0, nil, nil, err
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		if len(raw)+n > messageMax {
			return 0, nil, nil, fmt.Errorf("a message of more than %d bytes", messageMax)
		}
		if first {
			sequence = head[3]
		}
		raw = append(raw, head[:]...)
		at := len(raw)
		raw = append(raw, make([]byte, n)...)
		if _, err := io.ReadFull(r, raw[at:]); err != nil {
			return 0, nil, nil, err
		}
		if first {
			body = raw[at:]
		} else {
			body = bytes.Join([][]byte{body, raw[at:]}, nil)
		}
		if n < most {
			return sequence, raw, body, nil
		}
	}
}
