//go:build !bursar_no_modernc

package sqlite

import (
	"database/sql"
	"testing"
)

// Ways are ways in which the ledger's own connection can be had less than whole. The zero value is what Open does.
type Ways struct {
	Guarded bool // the guard triggers stay on
	Bound   bool // rows are bound as parameters, not fed
	Forgets bool // nothing is remembered of what was written
	Waits   bool // the write-ahead log is copied by commits alone
}

// OpenIn is Open with another connection of the ledger's own.
func OpenIn(t *testing.T, path string, w Ways) *Store {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.writes.Close(); err != nil { // it has not been used
		t.Fatal(err)
	}
	p := newPrivately(path)
	p.guarded = w.Guarded
	f.writes, f.written = p.pool(), p.written
	if w.Waits {
		f.written = nil
	}
	d := dialect()
	if w.Bound {
		d.Feeds = ""
	}
	if w.Forgets {
		d.Can.Remembers = false
	}
	store := f.store(d)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Privately is a pool of one connection such as the ledger's own writes use.
func Privately(t *testing.T, path string, w Ways) *sql.DB {
	t.Helper()
	p := newPrivately(path)
	p.guarded = w.Guarded
	db := p.pool()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// IsPrivate reports whether a connection of the driver's is one that is never lent.
func IsPrivate(driverConn any) bool {
	_, ok := driverConn.(*privateConn)
	return ok
}

// Unguard switches the triggers of a driver's connection off.
func Unguard(driverConn any) bool { return unguard(driverConn) }
