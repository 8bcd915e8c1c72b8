//go:build unix

package ledger

import (
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// processor is the time that this process has spent on the machine's processors. Unlike the time that passes, it hardly
// depends on what else the machine does.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportProcessor(b *testing.B, spent time.Duration) {
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkCore is the ledger alone, without a database, from the call to the answer. The times are per transfer.
func BenchmarkCore(b *testing.B) {
	for name, sides := range map[string]func(int) (int, int){"even": evenly(coreAccounts), "hot": onto(coreAccounts)} {
		b.Run("batch/"+name, func(b *testing.B) {
			l := memoryLedger(b, coreAccounts)
			b.ReportAllocs()
			b.ResetTimer()
			spent := time.Duration(0)
			for done := 0; done < b.N; done += coreBatch {
				b.StopTimer()
				batch := transfersFrom(done, min(coreBatch, b.N-done), sides)
				b.StartTimer()
				began := processor(b)
				for _, result := range must(l.PostBatch(b.Context(), batch)) {
					if result.Err != nil {
						b.Fatal(result.Err)
					}
				}
				spent += processor(b) - began
			}
			reportProcessor(b, spent)
		})
	}
	for _, callers := range []int{1, 256} {
		b.Run("single/callers="+strconv.Itoa(callers), func(b *testing.B) { benchmarkCallers(b, callers) })
	}
}

func benchmarkCallers(b *testing.B, callers int) {
	l, each := memoryLedger(b, coreAccounts), make([][]bursar.Transfer, callers)
	for c := range each {
		each[c] = transfersFrom(c*b.N, (b.N+callers-1-c)/callers, evenly(coreAccounts))
	}
	b.ReportAllocs()
	b.ResetTimer()
	began := processor(b)
	var wg sync.WaitGroup
	for _, own := range each {
		wg.Go(func() {
			for _, transfer := range own {
				if _, err := l.Post(b.Context(), transfer); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	reportProcessor(b, processor(b)-began)
}

// benchmarkPart runs a part that handles coreBatch transfers.
func benchmarkPart(b *testing.B, run func()) {
	run()
	b.ReportAllocs()
	b.ResetTimer()
	began := processor(b)
	for done := 0; done < b.N; done += coreBatch {
		run()
	}
	reportProcessor(b, processor(b)-began)
}

// BenchmarkParts is what the parts of the ledger cost. The time is per transfer.
func BenchmarkParts(b *testing.B) {
	p, asked, j, w := parts(b, coreBatch)
	m := w.store.(*memory)
	if err := w.judge(b.Context(), &m.tx, j, true, "", p.jobs); err != nil {
		b.Fatal(err)
	}
	s := newSealing(&w.book, 1, j.batch(), j.head)
	var d draft
	var row [2]*driver.AccountRow
	for _, part := range []struct {
		name string
		run  func()
	}{
		{"encode", func() {
			p.begin(asked)
			for i := range asked {
				if err := p.ask(i, &asked[i], nil); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"want", func() { j.want(p.jobs) }},
		{"apply", func() {
			d.entries = d.entries[:0]
			named := j.named
			for i, job := range p.jobs {
				row[0], row[1] = j.accounts[named[2*i]], j.accounts[named[2*i+1]]
				if err := apply(&d, row[:], job.Request, 1, int64(i)); err != nil {
					b.Fatal(err)
				}
			}
		}},
		{"judge", func() {
			if err := w.judge(b.Context(), &m.tx, j, true, "", p.jobs); err != nil {
				b.Fatal(err)
			}
		}},
		{"batch", func() { j.batch() }},
		{"link", func() {
			s.batch.Checkpoints = s.batch.Checkpoints[:0]
			s.own()
		}},
	} {
		b.Run(part.name, func(b *testing.B) { benchmarkPart(b, part.run) })
	}
}
