package sqltest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// postgresMessage builds a message: a letter, or 0 for none, and a body.
func postgresMessage(kind byte, body string) []byte {
	var b []byte
	if kind != 0 {
		b = append(b, kind)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+4))
	return append(b, body...)
}

// mysqlPacket builds a packet.
func mysqlPacket(sequence byte, body string) []byte {
	n := len(body)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, body...)
}

const postgresVersion3 = "\x00\x03\x00\x00"

func TestPostgresStatements(t *testing.T) {
	tests := []struct {
		name  string
		said  [][]byte // after the first message
		run   []string // what the messages run, empty for those that run nothing
		asked int      // how many of them make the server answer
	}{
		{"simple", [][]byte{postgresMessage('Q', "COMMIT\x00")}, []string{"COMMIT"}, 1},
		{
			"prepared, twice", [][]byte{
				postgresMessage('P', "s1\x00COMMIT\x00\x00\x00"), postgresMessage('S', ""),
				postgresMessage('B', "\x00s1\x00\x00\x00\x00\x00\x00\x00"),
				postgresMessage('E', "\x00\x00\x00\x00\x00"), postgresMessage('S', ""),
				postgresMessage('B', "p\x00s1\x00\x00\x00\x00\x00\x00\x00"),
				postgresMessage('E', "p\x00\x00\x00\x00\x00"), postgresMessage('S', ""),
			},
			[]string{"", "", "", "COMMIT", "", "", "COMMIT", ""}, 3,
		},
		{"ended", [][]byte{postgresMessage('X', "")}, []string{""}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWire(PostgresEngine)
			messages := append([][]byte{postgresMessage(0, postgresVersion3)}, test.said...)
			r := bufio.NewReader(bytes.NewReader(bytes.Join(messages, nil)))
			if first, err := w.client(r); err != nil || !first.asks {
				t.Fatalf("first message: %+v, %v", first, err)
			}
			var run []string
			asked := 0
			for i := range test.said {
				m, err := w.client(r)
				if err != nil || !bytes.Equal(m.raw, test.said[i]) {
					t.Fatalf("message %d: %q, %v, want %q", i, m.raw, err, test.said[i])
				}
				run = append(run, m.statement)
				if m.asks {
					asked++
				}
			}
			if diff := cmp.Diff(test.run, run); diff != "" || asked != test.asked {
				t.Errorf("asked %d times, want %d; statements (-want +got):\n%s", asked, test.asked, diff)
			}
		})
	}
}

// What the proxy cannot read is an error that says why, and not a statement that goes by unseen.
func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		engine Engine
		said   []byte
		want   error // nil for any
	}{
		{"postgres asks for TLS", PostgresEngine, postgresMessage(0, "\x04\xd2\x16\x2f"), errTLS},
		{"postgres asks for GSS", PostgresEngine, postgresMessage(0, "\x04\xd2\x16\x30"), errTLS},
		{"mysql asks for TLS", MariaDBEngine, mysqlPacket(1, "\x00\x08\x00\x00"), errTLS},
		{"another protocol", PostgresEngine, []byte("GET / HTTP/1.1\r\n"), nil},
		{"half a message", PostgresEngine, []byte{0, 0, 0, 9, 1}, io.ErrUnexpectedEOF},
		{"a short first message", PostgresEngine, postgresMessage(0, "ab"), nil},
		{"half a packet", MariaDBEngine, []byte{9, 0, 0, 0, 1}, io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		_, err := newWire(test.engine).client(bufio.NewReader(bytes.NewReader(test.said)))
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// mysqlSession returns the wire of a client that has logged in, with the capabilities given.
func mysqlSession(t *testing.T, capabilities uint32) *mysqlWire {
	t.Helper()
	w := newWire(MariaDBEngine).(*mysqlWire)
	login := mysqlPacket(1, string(binary.LittleEndian.AppendUint32(nil, capabilities))+"and more")
	for i, step := range [][]byte{
		mysqlPacket(0, "\x0a10.11"), login, mysqlPacket(2, "\xfe"), mysqlPacket(3, "again"), mysqlPacket(4, "\x00"),
	} {
		read := w.server
		if i%2 == 1 {
			read = w.client
		}
		m, err := read(bufio.NewReader(bytes.NewReader(step)))
		if err != nil || m.asks || m.ends || m.statement != "" {
			t.Fatalf("login, step %d: %+v, %v", i, m, err)
		}
	}
	return w
}

// Only the last packet of an answer ends it.
func TestMySQLAnswers(t *testing.T) {
	const (
		ok   = "\x00\x01\x00\x02\x00\x00\x00"
		more = "\x00\xfc\x01\x01\x00\x0a\x00\x00\x00" // another result follows
		eof  = "\xfe\x00\x00\x02\x00"
		eofM = "\xfe\x00\x00\x0a\x00"
		last = "\xfe\x00\x00\x02\x00\x00\x00" // an OK packet at the end of rows
		fail = "\xff\x28\x04#42000wrong"
		col  = "\x03def"
	)
	long := "\xfe" + strings.Repeat("x", 20)
	tests := []struct {
		name    string
		command string
		brief   bool
		answer  []string
	}{
		{"ok", "\x03COMMIT", true, []string{ok}},
		{"an error", "\x03COMMIT", true, []string{fail}},
		{"two results", "\x03CALL x", true, []string{more, ok}},
		{"rows", "\x03SELECT", true, []string{"\x01", col, "\x011", "\xfb", last}},
		{"rows, with marks", "\x03SELECT", false, []string{"\x01", col, eof, "\x011", long, eof}},
		{"rows and another result", "\x03CALL x", false, []string{"\x01", col, eof, "\x011", eofM, ok}},
		{"no rows", "\x17\x07\x00\x00\x00", true, []string{"\x01\x00", last}},
		{"rows that break off", "\x03SELECT", true, []string{"\x01", col, "\x011", fail}},
		{"a file is asked for", "\x03LOAD DATA", true, []string{"\xfbname", ok}},
		{"prepared", "\x16SELECT ?", true, []string{"\x00\x07\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00", col, col}},
		{
			"prepared, with marks", "\x16SELECT ?", false,
			[]string{"\x00\x07\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00", col, eof, col, eof},
		},
		{"prepared, of nothing", "\x16COMMIT", true, []string{"\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}},
		{"not prepared", "\x16SELEC", true, []string{fail}},
		{"ping", "\x0e", true, []string{ok}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var capabilities uint32
			if test.brief {
				capabilities = mysqlCapabilityBrief
			}
			w := mysqlSession(t, capabilities)
			if m, err := w.client(bufio.NewReader(bytes.NewReader(mysqlPacket(0, test.command)))); err != nil || !m.asks {
				t.Fatalf("the command: %+v, %v", m, err)
			}
			for i, body := range test.answer {
				m, err := w.server(bufio.NewReader(bytes.NewReader(mysqlPacket(byte(i+1), body))))
				if err != nil {
					t.Fatal(err)
				}
				if want := i == len(test.answer)-1; m.ends != want {
					t.Errorf("packet %d of %d ends the answer: %t", i+1, len(test.answer), m.ends)
				}
			}
		})
	}
}

// A prepared statement is known by the number that the server gives it.
func TestMySQLStatements(t *testing.T) {
	w := mysqlSession(t, mysqlCapabilityBrief)
	say := func(sequence byte, body string) message {
		m, err := w.client(bufio.NewReader(bytes.NewReader(mysqlPacket(sequence, body))))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	say(0, "\x16COMMIT")
	prepared := mysqlPacket(1, "\x00\x07\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	if _, err := w.server(bufio.NewReader(bytes.NewReader(prepared))); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		body, statement string
		sequence        byte
		asks            bool
	}{
		{body: "\x03BEGIN", statement: "BEGIN", asks: true},
		{body: "\x17\x07\x01\x00\x00\x00", statement: "COMMIT", asks: true},
		{body: "\x17\x08\x01\x00\x00\x00", asks: true},
		{body: "\x03of a file", sequence: 2},
		{body: "\x19\x07\x01\x00\x00"},
		{body: "\x18\x07\x01\x00\x00"},
		{body: "\x01"},
	} {
		if m := say(test.sequence, test.body); m.statement != test.statement || m.asks != test.asks {
			t.Errorf("%q: statement %q, asks %t; want %q, %t", test.body, m.statement, m.asks, test.statement, test.asks)
		}
	}
}

// A message that does not fit into one packet goes on in the next.
func TestMySQLLongPackets(t *testing.T) {
	const most = 1<<24 - 1
	for _, size := range []int{most - 1, most, most + 10} {
		body := "\x03" + strings.Repeat("x", size-1)
		raw := mysqlPacket(0, body[:min(size, most)])
		if size >= most {
			raw = append(raw, mysqlPacket(1, body[most:])...)
		}
		w := mysqlSession(t, mysqlCapabilityBrief)
		m, err := w.client(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil || len(m.statement) != size-1 || len(m.raw) != len(raw) {
			t.Errorf("%d bytes: a statement of %d in %d, %v", size, len(m.statement), len(m.raw), err)
		}
	}
}

func TestParseWantsAServer(t *testing.T) {
	tests := map[Engine]map[string]string{
		PostgresEngine: {
			"postgres://u:p@h:1/d?sslmode=disable": "postgres://u:p@h:1/d?sslmode=disable",
			"postgresql://u@h:1/d":                 "postgres://u@h:1/d",
			"mysql://u@h:1/d":                      "",
			"postgres://u@h/d":                     "", "postgres://h:1/d": "", "h:1": "", "": "", "://": "",
		},
		CockroachEngine: {"cockroach://root@h:26257/d": "postgres://root@h:26257/d", "tidb://root@h:1/d": ""},
		MariaDBEngine: {
			"mysql://u:p@h:1/d":    "u:p@tcp(h:1)/d",
			"mysql://u:p@h:1/?a=b": "u:p@tcp(h:1)/?a=b",
			"postgresql://u@h:1/d": "",
		},
		TiDBEngine: {"tidb://root@h:4000/": "root@tcp(h:4000)/"},
	}
	for e, urls := range tests {
		for text, want := range urls {
			at, err := parse(e, text)
			switch {
			case want == "" && err == nil:
				t.Errorf("%s: %q is taken", e, text)
			case want != "" && err != nil:
				t.Errorf("%s: %q: %v", e, text, err)
			case want != "" && at.DSN() != want:
				t.Errorf("%s: %q is %q for the driver, want %q", e, text, at.DSN(), want)
			}
		}
	}
}
