package verify_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// How many bytes TestEveryByteMatters changes.
const (
	bytesChanged = 150
	bytesTorture = 2_000
	bytesSeed    = 12
)

// closedFile is a ledger of two books in one file, as it is when the program has ended.
func closedFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "closed.db")
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	build(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// changed is what became of changed bytes.
type changed struct {
	sync.Mutex

	nothing, comments, found, lost int
	byCheck                        map[verify.Check]int // of the first finding; "" for an error
}

// TestEveryByteMatters changes one byte of a file at a time. Every change that changes what is read is found: a row, a
// value or its type, a statement of the schema, or that something cannot be read any more. A comment in a statement
// gives a warning. BURSAR_TORTURE=1 changes many more.
func TestEveryByteMatters(t *testing.T) {
	t.Parallel()
	clean := closedFile(t)
	want, tables := dump(t, clean, nil)
	rounds := bytesChanged
	if os.Getenv("BURSAR_TORTURE") != "" {
		rounds = bytesTorture
	}
	random := rand.New(rand.NewPCG(bytesSeed, bytesSeed))
	counts := &changed{byCheck: map[verify.Check]int{}}
	work := make(chan [2]int)
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for c := range work {
				text := append([]byte(nil), clean...)
				text[c[0]] ^= byte(c[1])
				counts.one(t, text, want, tables, fmt.Sprintf("byte %d: %#x to %#x", c[0], clean[c[0]], text[c[0]]))
			}
		})
	}
	for range rounds {
		work <- [2]int{random.IntN(len(clean)), 1 + random.IntN(255)}
	}
	close(work)
	done.Wait()
	t.Logf("%d random changes of one byte in a file of %d bytes: %d changed nothing that is read, %d only a comment of "+
		"the schema (warned of), %d changed what is read and were found, %d were not found; first findings: %v",
		rounds, len(clean), counts.nothing, counts.comments, counts.found, counts.lost, counts.byCheck)
	if counts.found < rounds/20 || counts.nothing < rounds/100 {
		t.Errorf("the test sees little: %d of %d changes matter, %d do not", counts.found, rounds, counts.nothing)
	}
}

// one judges one changed file.
func (c *changed) one(t *testing.T, text []byte, want string, tables []string, what string) {
	got, _ := dump(t, text, tables)
	report, err := verifyBytes(t, text)
	c.Lock()
	defer c.Unlock()
	warned := err == nil && len(report.Warnings) > 0
	switch {
	case err != nil || !report.OK():
		first := verify.Check("")
		if err == nil {
			first = report.Findings[0].Check
		}
		c.byCheck[first]++
		if got == want {
			c.nothing++ // found all the same
		} else {
			c.found++
		}
	case got == want:
		c.nothing++
	case warned:
		c.comments++
	default:
		c.lost++
		t.Errorf("%s changes what is read and is not found", what)
	}
}

// verifyBytes verifies all books of a file. The first report that is not sound counts.
func verifyBytes(t *testing.T, text []byte) (report verify.Report, err error) {
	store, err := sqlite.Open(fileOf(t, text))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for _, name := range []string{"main", "other"} {
		book, err := verify.Book(context.Background(), store, name)
		if err != nil {
			return report, err
		}
		report, err = verify.Run(context.Background(), store, book, nil)
		if err != nil || !report.OK() {
			return report, err
		}
	}
	return report, nil
}

func fileOf(t *testing.T, text []byte) string {
	folder, err := os.MkdirTemp(t.TempDir(), "bytes")
	if err != nil {
		t.Error(err)
	}
	path := filepath.Join(folder, "ledger.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Error(err)
	}
	return path
}

// dump is all that can be read of a file, as a hash: the schema, and every value of tables and views with its type.
// Without tables it reads those of the file.
func dump(t *testing.T, text []byte, tables []string) (hash string, all []string) {
	path := fileOf(t, text)
	defer os.RemoveAll(filepath.Dir(path))
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Error(err)
		return "", nil
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	sum := sha256.New()
	read := func(query string) {
		rows, err := db.Query(query)
		if err != nil {
			fmt.Fprintln(sum, "cannot be read", err)
			return
		}
		defer rows.Close()
		names, _ := rows.Columns()
		fmt.Fprintln(sum, query, names)
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				fmt.Fprintln(sum, "cannot be scanned", err)
			}
			for _, v := range values {
				fmt.Fprintf(sum, "%T %[1]q %[1]v,", *v.(*any))
			}
			fmt.Fprintln(sum)
		}
		fmt.Fprintln(sum, rows.Err())
	}
	read("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")
	if tables == nil {
		tables = texts(t, db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
	}
	for _, table := range tables {
		read("SELECT * FROM " + table)
	}
	return string(sum.Sum(nil)), tables
}
