//go:build !bursar_no_modernc

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestTheLogIsCopiedInTheBackground writes more pages than wait to be copied, and fewer than a commit copies itself.
func TestTheLogIsCopiedInTheBackground(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(f.db.Close(), f.writes.Close()) })
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	run(t, f.writes, `CREATE TABLE pages (page BLOB)`)
	run(t, f.writes, `BEGIN IMMEDIATE`)
	run(t, f.writes, `INSERT INTO pages VALUES (zeroblob(?))`, 4096*(walPages+1))
	select {
	case <-f.written:
		t.Fatal("pages of an open database transaction are to be copied")
	default:
	}
	run(t, f.writes, `COMMIT`)
	if got := size(); got > 4096*walPages/2 {
		t.Fatalf("the commit has copied the log: the file has %d bytes", got)
	}
	select {
	case <-f.written:
	default:
		t.Fatal("nothing is to be copied")
	}
	(&copier{db: f.db}).copy(t.Context())
	if got := size(); got < 4096*walPages {
		t.Errorf("the file has %d bytes after copying %d pages", got, walPages)
	}
	run(t, f.writes, `BEGIN IMMEDIATE`)
	run(t, f.writes, `INSERT INTO pages VALUES (zeroblob(4096))`)
	run(t, f.writes, `COMMIT`)
	select {
	case <-f.written:
		t.Error("one page is to be copied")
	default:
	}
}

func TestCloseEndsTheCopying(t *testing.T) {
	t.Parallel()
	store, err := Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-store.copier.done:
		default:
			t.Error("it goes on")
		}
	}
}
