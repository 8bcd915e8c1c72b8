// Package store opens a ledger's store by URL. It is the only room that names every database engine; a program that
// knows which one it uses imports that engine's room instead.
//
// [Open] is the one name to know. The package makes no ledger and migrates nothing.
package store

import (
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// Open opens the store that a URL names:
//
//	sqlite:bursar.db     a SQLite file, created when there is none
//
// The caller closes it. An unknown scheme is bursar.Unsupported.
func Open(url string) (bursar.Store, error) {
	scheme, rest, found := strings.Cut(url, ":")
	if !found || rest == "" {
		return nil, bursar.Errorf(bursar.Malformed, "%q is not a database URL: write one like sqlite:bursar.db", url)
	}
	switch scheme {
	case "sqlite":
		return sqlite.Open(strings.TrimPrefix(rest, "//"))
	default:
		return nil, bursar.Errorf(bursar.Unsupported, "there is no database engine %q here: use sqlite:FILE", scheme)
	}
}
