package exchange

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// jsonlSource reads one JSON object a line.
type jsonlSource struct {
	lines *bufio.Scanner
	line  int
}

func newJSONL(r io.Reader) *jsonlSource {
	lines := bufio.NewScanner(bufio.NewReaderSize(r, readBytes))
	lines.Buffer(nil, rowBytesMax)
	return &jsonlSource{lines: lines}
}

func (s *jsonlSource) next(r *record) error {
	for s.lines.Scan() {
		s.line++
		text := bytes.TrimSpace(s.lines.Bytes())
		if len(text) == 0 {
			continue
		}
		r.line = s.line
		return s.object(text, r)
	}
	if err := s.lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = &fault{line: s.line + 1, err: tooLong()}
		}
		return err
	}
	return io.EOF
}

func (s *jsonlSource) object(text []byte, r *record) error {
	var seen [columnCount]bool
	err := members(text, func(key string, value json.RawMessage) error {
		c, known := columnOf(key)
		var err error
		switch {
		case !known:
			err = unknownColumn()
		case seen[c]:
			err = bursar.Errorf(bursar.CodeMalformed, "the key is there twice")
		default:
			seen[c] = true
			r.fields[c], err = fieldText(c, value)
		}
		if err != nil {
			return &fault{line: s.line, column: key, err: err}
		}
		return nil
	})
	var placed *fault
	if err != nil && !errors.As(err, &placed) {
		return &fault{line: s.line, err: err}
	}
	return err
}

// fieldText is a value as a CSV file would have it. Amounts have to be strings, because a JSON number is a float to
// many programs on its way.
func fieldText(c column, value json.RawMessage) (string, error) {
	switch {
	case string(value) == "null":
		return "", nil
	case value[0] == '"':
		var s string
		err := json.Unmarshal(value, &s)
		return s, err
	case c == columnMetadata && value[0] == '{',
		(c == columnLeg || c == columnSeq) && value[0] != '[' && value[0] != '{':
		return string(value), nil
	case c == columnAmount || c == columnFromBalance || c == columnToBalance:
		return "", bursar.Errorf(bursar.CodeAmountInvalid, `%s is not a string: write it like "25.00 USD"`,
			brief.Text(string(value)))
	default:
		return "", bursar.Errorf(bursar.CodeMalformed, "%s is not a string", brief.Text(string(value)))
	}
}
