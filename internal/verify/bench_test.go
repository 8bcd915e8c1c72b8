package verify_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// The journal that is verified for speed. Most transfers are plain. Every hundredth says what an entry alone cannot.
const (
	benchTransfers = 250_000
	benchAccounts  = 10_000
	benchBatch     = 8_190
)

func benchPath(n int) string { return fmt.Sprintf("users:%d", n%benchAccounts) }

// benchTransfer is the nth transfer.
func benchTransfer(n int, unit money.Amount) bursar.Transfer {
	var id bursar.ID // a UUID of version 7 without chance in it
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	id[6], id[8] = 7<<4, 0x80
	leg := bursar.Leg{From: benchPath(n * 7919), To: benchPath(n*7919 + 1 + n%97), Amount: unit}
	transfer := bursar.Transfer{ID: id, Legs: []bursar.Leg{leg}}
	switch n % 400 {
	case 100:
		transfer.Reference = fmt.Sprintf("order %d", n)
	case 200:
		transfer.Metadata = bursar.Metadata{"memo": "second of four"}
	case 300:
		transfer.Legs = append(transfer.Legs, bursar.Leg{From: leg.To, To: leg.From, Amount: unit})
	case 0:
		transfer.Effective = start.AddDate(0, 0, -1)
	}
	return transfer
}

// buildLarge writes that journal into a file.
func buildLarge(b *testing.B, path string) {
	b.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	l, err := ledger.New(context.Background(), store, &ledger.Options{Book: "main", Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	unit := amount(b, "0.01 USD")
	var wait sync.WaitGroup
	for begin := range 64 {
		wait.Go(func() {
			for n := begin; n < benchAccounts; n += 64 {
				opening := bursar.Opening{Path: benchPath(n), Currency: unit.Currency(), NoMin: true}
				if _, err := l.OpenAccount(context.Background(), opening); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for done := 0; done < benchTransfers; {
		var batch []bursar.Transfer
		for ; len(batch) < benchBatch && done < benchTransfers; done++ {
			batch = append(batch, benchTransfer(done, unit))
		}
		results, err := l.PostBatch(context.Background(), batch)
		if err != nil {
			b.Fatal(err)
		}
		for _, result := range results {
			if result.Err != nil {
				b.Fatal(result.Err)
			}
		}
	}
}

// BenchmarkVerify verifies a file, and reads it with a plain SELECT * in between, so that both see the same machine.
func BenchmarkVerify(b *testing.B) {
	path := filepath.Join(b.TempDir(), "large.db")
	if kept := os.Getenv("BURSAR_BENCH_FILE"); kept != "" {
		path = kept // of a run before
	}
	if _, err := os.Stat(path); err != nil {
		buildLarge(b, path)
	}
	store, err := sqlite.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	book, err := verify.Book(b.Context(), store, "main")
	if err != nil {
		b.Fatal(err)
	}
	plain, err := sql.Open("sqlite", sqlite.DSN(path))
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	var entries int64
	var selecting time.Duration
	b.ReportAllocs()
	for b.Loop() {
		report, err := verify.Run(b.Context(), store, book, nil)
		if err != nil || !report.OK() {
			b.Fatalf("%v%s", err, summary(&report))
		}
		b.StopTimer()
		begin := time.Now()
		selected := selectAll(b, plain)
		selecting += time.Since(begin)
		if selected != report.Entries {
			b.Fatalf("%d entries were selected, and %d verified", selected, report.Entries)
		}
		entries += report.Entries
		b.StartTimer()
	}
	verified, selected := float64(entries)/b.Elapsed().Seconds(), float64(entries)/selecting.Seconds()
	b.ReportMetric(verified, "entries/s")
	b.ReportMetric(selected, "selected/s")
	b.ReportMetric(verified/selected, "of-select")
}

// selectAll reads the journal as a program does that knows nothing of its columns.
func selectAll(b *testing.B, db *sql.DB) (entries int64) {
	b.Helper()
	rows, err := db.Query("SELECT * FROM bursar_entry")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	values, targets := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			b.Fatal(err)
		}
		entries++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return entries
}
