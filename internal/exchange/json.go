package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// members calls yield for every member of a JSON object, in order and with repeats, which encoding/json would drop.
func members(text []byte, yield func(key string, value json.RawMessage) error) error {
	if !utf8.Valid(text) {
		return bursar.Errorf(bursar.CodeMalformed, "it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil {
		return notObject(err)
	}
	if open != json.Delim('{') {
		return bursar.Errorf(bursar.CodeMalformed, "it is not a JSON object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return notObject(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notObject(err)
		}
		if err := yield(key.(string), value); err != nil { // a key of an object is a string
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return notObject(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bursar.Errorf(bursar.CodeMalformed, "something follows the JSON object")
	}
	return nil
}

func notObject(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bursar.Errorf(bursar.CodeMalformed, "the JSON object has no end")
	}
	return bursar.Errorf(bursar.CodeMalformed, "it is not a JSON object: %w", err)
}

// metadataIn reads an object of strings.
func metadataIn(text string) (bursar.Metadata, error) {
	m := bursar.Metadata{}
	err := members([]byte(text), func(key string, value json.RawMessage) error {
		if _, twice := m[key]; twice {
			return bursar.Errorf(bursar.CodeMetadataInvalid, "the key %q is there twice", brief.Text(key))
		}
		if value[0] != '"' {
			return bursar.Errorf(bursar.CodeMetadataInvalid, "the value of %q is not a string", brief.Text(key))
		}
		var s string
		err := json.Unmarshal(value, &s)
		m[key] = s
		return err
	})
	var coded *bursar.Error
	if errors.As(err, &coded) && coded.Code == bursar.CodeMalformed {
		err = bursar.Errorf(bursar.CodeMetadataInvalid, "%s", coded.Message)
	}
	return m, err
}
