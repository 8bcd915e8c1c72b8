package store_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// BenchmarkReportIndexes posts the same batches, in turn, into databases with none of the indexes for reports, with
// some and with all. What it measures is how many times as long a batch takes, in the median, as without any of them.
func BenchmarkReportIndexes(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres", "mariadb"} {
		desks := []*desk{
			{name: "none"}, {name: "lines", files: []string{"report_from", "report_to"}},
			{name: "request", files: []string{"report_request"}}, {name: "at", files: []string{"report_at"}},
			{name: "all", files: []string{"report_"}},
		}
		for _, d := range desks {
			d.open(b, planners()[engine](b))
		}
		for _, transfers := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/transfers=%d", engine, transfers), func(b *testing.B) { inTurn(b, desks, transfers) })
		}
	}
}

// desk is a ledger with some of the indexes.
type desk struct {
	name   string
	files  []string // parts of the names of the files that make them
	ledger *ledger.Ledger
	posted int             // transfers
	spent  []time.Duration // on each batch
}

const deskAccounts = 2000

func (d *desk) open(b *testing.B, p planner) {
	b.Helper()
	s, err := store.Open(p.url)
	if err != nil {
		b.Fatal(err)
	}
	d.ledger, err = ledger.New(b.Context(), s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.ledger.Close(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for n := worker; n < deskAccounts; n += 16 {
				o := bursar.Opening{Path: deskPath(n), Currency: money.USD{}.Currency(), NoMin: true}
				if _, err := d.ledger.OpenAccount(b.Context(), o); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	d.index(b, p, s)
}

func (d *desk) index(b *testing.B, p planner, s store.Store) {
	b.Helper()
	folder, err := store.ReportIndexes(p.url)
	if err != nil {
		b.Fatal(err)
	}
	files, err := fs.Glob(folder, "*.up.sql")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.IndexReports(b.Context()); err != nil {
		b.Fatal(err)
	}
	for i, drop := range undone(b, p.url) {
		if !d.has(files[i]) {
			p.exec(b, drop)
		}
	}
}

func (d *desk) has(file string) bool {
	for _, part := range d.files {
		if strings.Contains(file, part) {
			return true
		}
	}
	return false
}

func deskPath(n int) string { return fmt.Sprintf("users:%d", n%deskAccounts) }

// post posts a batch between accounts in no order.
func (d *desk) post(b *testing.B, transfers int) {
	batch := make([]bursar.Transfer, transfers)
	for i := range batch {
		d.posted++
		n := d.posted
		batch[i].Legs = []bursar.Leg{{From: deskPath(n * 1_299_709), To: deskPath(n*15_485_863 + 1), Amount: aCent}}
		if batch[i].Legs[0].From == batch[i].Legs[0].To {
			batch[i].Legs[0].To = deskPath(n*15_485_863 + 2)
		}
	}
	began := time.Now()
	results, err := d.ledger.PostBatch(b.Context(), batch)
	d.spent = append(d.spent, time.Since(began))
	if err != nil || results[0].Err != nil {
		b.Fatal(err, results)
	}
}

var aCent = money.MustParse("0.01 USD")

func inTurn(b *testing.B, desks []*desk, transfers int) {
	for _, d := range desks {
		d.spent = nil
	}
	for n := 0; b.Loop(); n++ {
		for i := range desks {
			desks[(n+i)%len(desks)].post(b, transfers)
		}
	}
	b.ReportMetric(0, "ns/op") // of five batches in five databases
	per := time.Duration(transfers) * time.Microsecond
	b.ReportMetric(median(desks[0].spent, func(int) time.Duration { return per }), "µs/transfer")
	for _, d := range desks[1:] {
		b.ReportMetric(median(d.spent, func(i int) time.Duration { return desks[0].spent[i] }), d.name+"/none")
	}
}

// median is of ratios, each of two times that were measured one after the other. A mean would tell of the few that
// waited for a disk.
func median(spent []time.Duration, by func(i int) time.Duration) float64 {
	ratios := make([]float64, len(spent))
	for i := range spent {
		ratios[i] = float64(spent[i]) / float64(by(i))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}
