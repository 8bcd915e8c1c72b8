package journal

import (
	"crypto/sha256"
	"encoding/binary"
)

// Refusal is what is remembered of a request that was refused for ever.
type Refusal struct {
	Book, Request        [16]byte
	RequestHash          [32]byte // of the content
	Decided              int64
	Code, Field, Message string
}

// refusalPrefix separates the hash of a refusal from every other use of SHA-256.
const refusalPrefix = "bursar refusal v1\n"

// HashRefusal is the hash that is stored beside a refusal. No link of the journal covers it: it shows damage, and not
// what somebody wrote who can compute it.
func HashRefusal(r *Refusal) [32]byte {
	b := append([]byte(refusalPrefix), r.Book[:]...)
	b = append(append(b, r.Request[:]...), r.RequestHash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Decided))
	for _, text := range []string{r.Code, r.Field, r.Message} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(text))), text...)
	}
	return sha256.Sum256(b)
}
