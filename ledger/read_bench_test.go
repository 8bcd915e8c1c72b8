package ledger_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// BenchmarkJournal reads a journal of 20,000 entries in the largest pages. The time is for all of it.
func BenchmarkJournal(b *testing.B) {
	for name, url := range map[string]string{
		"sqlite": "sqlite:" + filepath.Join(b.TempDir(), "bursar.db"), "postgres": sqltest.Postgres(b).URL(),
		"mariadb": sqltest.MariaDB(b).URL(),
	} {
		b.Run(name, func(b *testing.B) { benchmarkJournal(b, url) })
	}
}

func benchmarkJournal(b *testing.B, url string) {
	books, err := store.Open(url)
	if err != nil {
		b.Fatal(err)
	}
	defer books.Close()
	l, err := ledger.New(b.Context(), books, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close(b.Context())
	fillJournal(b, l)
	for b.Loop() {
		read := 0
		for after := int64(0); ; {
			page, err := l.Journal(b.Context(), after, bursar.PageMax)
			if err != nil {
				b.Fatal(err)
			}
			if read += len(page); len(page) == 0 {
				break
			}
			after = page[len(page)-1].Seq
		}
		if read < 20_000 {
			b.Fatalf("read %d entries", read)
		}
	}
}

// fillJournal posts 20,000 transfers of one leg, each with a reference and metadata, unless the ledger has them.
func fillJournal(b *testing.B, l *ledger.Ledger) {
	head, err := l.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if head.Seq > 0 {
		return
	}
	one := money.MustParse("0.01 USD")
	for i := range 100 {
		opening := bursar.Opening{Path: fmt.Sprintf("users:%d", i), Currency: one.Currency(), NoMin: true}
		if _, err := l.OpenAccount(b.Context(), opening); err != nil {
			b.Fatal(err)
		}
	}
	for n := range 20 {
		batch := make([]bursar.Transfer, 1_000)
		for i := range batch {
			leg := bursar.Leg{From: fmt.Sprintf("users:%d", i%100), To: fmt.Sprintf("users:%d", (i+1)%100), Amount: one}
			batch[i] = bursar.Transfer{Legs: []bursar.Leg{leg}, Reference: fmt.Sprintf("order %d/%d", n, i),
				Metadata: bursar.Metadata{"order": fmt.Sprint(i)}}
		}
		results, err := l.PostBatch(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		for i := range results {
			if results[i].Err != nil {
				b.Fatal(results[i].Err)
			}
		}
	}
}
