package exchange

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// Ack is a file that says which transfers of an import are durably in the ledger, so that a later run need not ask for
// them again. Its first line names the book. Every other line is a transfer: its id, its journal position or the code
// of its final refusal, and a digest of its content. A line is written after the commit and is itself on disk before
// the import goes on, so the file never says more than the ledger. A refusal that is not final has no line.
//
// One import at a time may use a file. It is not safe for concurrent use.
type Ack struct {
	path  string
	file  *os.File
	known map[bursar.ID]acked
	last  acked // with the highest position
	owner bursar.ID
	buf   []byte
}

// acked is what a line says. The digest keeps an edited row from passing for the one that was posted.
type acked struct {
	id      bursar.ID
	seq     int64       // 0 when refused
	refusal bursar.Code // final
	content digest
}

const ackForm = "bursar-ack 1 "

// OpenAck opens the file, or makes it for this book. A last line that was cut short is dropped: its transfer is asked
// for again. Errors: malformed for a file of another kind, of another book, or damaged in the middle.
func OpenAck(path string, book bursar.Book) (*Ack, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	a := &Ack{path: path, file: file, known: make(map[bursar.ID]acked), owner: bursar.ID(book.UUID)}
	if err := a.load(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return a, nil
}

// Close closes the file.
func (a *Ack) Close() error { return a.file.Close() }

func (a *Ack) load() error {
	header := ackForm + a.owner.String() + "\n"
	reader := bufio.NewReader(a.file)
	first, err := reader.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && strings.HasPrefix(header, first):
		return a.begin(header)
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case !strings.HasPrefix(first, ackForm):
		return bursar.Errorf(bursar.CodeMalformed,
			"%s is not an ack file: name one that an import made, or a new one", a.path)
	case first != header:
		return bursar.Errorf(bursar.CodeMalformed, "%s belongs to another book, %s: this one is %v", a.path,
			brief.Text(strings.TrimSpace(first[len(ackForm):])), a.owner)
	}
	return a.lines(reader, int64(len(header)))
}

// begin writes the header of a new file, or of one that was cut short within it, and has the file's name on disk too.
func (a *Ack) begin(header string) error {
	if _, err := a.file.WriteAt([]byte(header), 0); err != nil {
		return err
	}
	if _, err := a.file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if err := a.file.Sync(); err != nil {
		return err
	}
	return syncFolder(a.path)
}

// lines reads what follows the header, and cuts the file after the last whole line.
func (a *Ack) lines(reader *bufio.Reader, sound int64) error {
	for number := 2; ; number++ {
		line, err := reader.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == "" {
			break
		}
		entry, fault := parseAcked(line)
		if fault != nil {
			if _, err := reader.Peek(1); errors.Is(err, io.EOF) {
				break // the line that a crash cut short
			}
			return bursar.Errorf(bursar.CodeMalformed,
				"%s:%d: %w: take the file away to go on; what is posted stays posted", a.path, number, fault)
		}
		a.note(entry)
		sound += int64(len(line))
	}
	if err := a.file.Truncate(sound); err != nil {
		return err
	}
	_, err := a.file.Seek(sound, io.SeekStart)
	return err
}

func (a *Ack) note(entry acked) {
	a.known[entry.id] = entry
	if entry.seq > a.last.seq {
		a.last = entry
	}
}

func parseAcked(line string) (acked, error) {
	bad := func() (acked, error) { return acked{}, fmt.Errorf("%q is not an acknowledgement", brief.Text(line)) }
	text, whole := strings.CutSuffix(line, "\n")
	fields := strings.Split(text, " ")
	if !whole || len(fields) != 3 {
		return bad()
	}
	var entry acked
	var err error
	if entry.id, err = bursar.ParseID(fields[0]); err != nil {
		return bad()
	}
	if entry.seq, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		entry.seq, entry.refusal = 0, bursar.Code(fields[1])
	}
	known := entry.seq > 0 || entry.refusal != "" && bursar.Describe(entry.refusal).Code == entry.refusal
	content, err := hex.DecodeString(fields[2])
	if !known || err != nil || len(content) != len(entry.content) {
		return bad()
	}
	entry.content = digest(content)
	return entry, nil
}

// posted is what the file says of a transfer, if it says that it was posted. What was refused is asked for again: a
// thing may happen now, and the refusal of an attempt is to be told again.
func (a *Ack) posted(it *item) (seq int64, ok bool) {
	if a == nil {
		return 0, false
	}
	entry := a.known[it.transfer.ID]
	return entry.seq, entry.seq > 0 && entry.content == it.content
}

// write puts lines on disk that the file does not have yet.
func (a *Ack) write(entries []acked) error {
	a.buf = a.buf[:0]
	for _, entry := range entries {
		open := entry.seq == 0 && entry.refusal == "" // refused, and not for ever, or not sealed
		if open || a.known[entry.id] == entry {
			continue
		}
		outcome := string(entry.refusal)
		if entry.seq > 0 {
			outcome = strconv.FormatInt(entry.seq, 10)
		}
		a.buf = fmt.Appendf(a.buf, "%v %s %x\n", entry.id, outcome, entry.content)
		a.note(entry)
	}
	if len(a.buf) == 0 {
		return nil
	}
	if _, err := a.file.Write(a.buf); err != nil {
		return err
	}
	return a.file.Sync()
}

// check refuses a file that knows more than the ledger, as after a backup was restored: skipping what it lists would
// lose transfers.
func (a *Ack) check(entries []bursar.Entry) error {
	if a.last.seq == 0 || len(entries) == 1 && entries[0].Seq == a.last.seq && entries[0].Transfer == a.last.id {
		return nil
	}
	return bursar.Errorf(bursar.CodeMalformed, "%s says that %v is at position %d, where the ledger does not have it: "+
		"was a backup restored? Take the file away; what is posted is not posted twice", a.path, a.last.id, a.last.seq)
}

// syncFolder has a file's name on disk. Where folders cannot be synced, as on Windows, the system does without.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = folder.Sync()
	for _, cannot := range []error{errors.ErrUnsupported, os.ErrPermission, os.ErrInvalid} {
		if errors.Is(err, cannot) {
			err = nil
		}
	}
	return errors.Join(err, folder.Close())
}
