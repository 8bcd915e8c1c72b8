package httpapi

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// The header Idempotency-Key names an attempt by a text of the caller's. It is never ignored: where it cannot be
// followed, the request is refused.

const (
	keyHeader   = "Idempotency-Key"
	keyBytesMax = 255
	keyDomain   = "bursar idempotency key v1\n"
)

// readKey is the request's Idempotency-Key, and empty where there is none. Characters outside ASCII are refused:
// clients write them in different ways, and the same words would then be two keys.
func readKey(r *http.Request, route *route) (string, error) {
	values := r.Header.Values(keyHeader)
	if len(values) == 0 {
		return "", nil
	}
	outside := func(c rune) bool { return c < ' ' || c > '~' }
	switch key := values[0]; {
	case !route.handler.creates:
		return "", malformed(keyHeader, "one key cannot name many transfers: leave it out and give each one an id")
	case len(values) > 1:
		return "", malformed(keyHeader, "the header comes %d times: send one", len(values))
	case key == "":
		return "", malformed(keyHeader, "the key is empty: leave the header out, or send 1 to %d bytes", keyBytesMax)
	case len(key) > keyBytesMax:
		return "", keyInvalid("the key has %d bytes, more than %d", len(key), keyBytesMax)
	case strings.ContainsFunc(key, outside):
		return "", keyInvalid("the key %q has a character that is not printable ASCII", brief.Text(key))
	default:
		return key, nil
	}
}

func keyInvalid(format string, args ...any) error {
	e := bursar.Errorf(bursar.CodeIDInvalid, format, args...)
	e.Field = keyHeader
	return e
}

// identified is a body that may have an id.
type identified interface{ identity() *bursar.ID }

func (t *transferRequest) identity() *bursar.ID { return &t.ID }
func (a *accountRequest) identity() *bursar.ID  { return &a.ID }

// keyed gives a body the id that the key stands for. A body that has an id of its own needs no key, and takes no other.
func (c *call) keyed(body identified) error {
	id := body.identity()
	switch {
	case c.key == "":
		return nil
	case id.IsZero():
		*id = idOfKey(c.key)
		return nil
	}
	if named, err := bursar.ParseID(c.key); err != nil || named != *id {
		return keyInvalid("the body has the id %v and the key is %q: send that id as the key, or one of them only",
			*id, brief.Text(c.key))
	}
	return nil
}

// idOfKey is the id that a key stands for. It depends on nothing else, so that all servers of a ledger agree. The
// version 4 makes it the id of an attempt.
func idOfKey(key string) bursar.ID {
	sum := sha256.Sum256([]byte(keyDomain + key))
	id := bursar.ID(sum[:16])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// keyParam is what the document says of the header.
func keyParam() *huma.Param {
	least, most := 1, keyBytesMax
	return &huma.Param{Name: keyHeader, In: "header", Description: "Names this attempt, in place of an id in the body: " +
		"sent again with the same content it gets the first answer again, a refusal too. The id is then SHA-256 over " +
		`"bursar idempotency key v1", a line feed and the key: its first 16 bytes as a UUID of version 4. ` +
		"Beside an id in the body the key must be that id.",
		Schema: &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: "^[ -~]+$"}}
}
