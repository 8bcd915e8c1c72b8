package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/bursar-ledger/bursar"
)

// describe says where and what is measured.
func (r *run) describe() {
	r.report.Build = r.Build
	r.report.Machine = machine()
	r.report.Rows, r.report.Verified = []Row{}, []Verified{}
	r.report.Notes = append([]string{}, r.report.Notes...)
	r.report.Setup = Setup{
		Workload: r.Workload, Clients: r.Clients, Hot: r.Hot, Batch: r.Batch, Seconds: r.Time.Seconds(),
		Warmup: r.warmup().Seconds(), Rounds: r.Rounds, Growth: r.Growth, Share: LoadShare, Error: HistogramError,
		Books: []string{}, Ran: r.clock.Now().UTC(),
	}
}

// verify compares what is stored with what callers were answered: in every book by replaying its journal, and in the
// run's own tables.
func (r *run) verify(ctx context.Context) error {
	if err := r.checkTables(ctx); err != nil {
		return err
	}
	for _, b := range r.beds {
		r.step("verifying %s", b.name)
		at, total := r.done-1, r.steps
		v, err := b.verify(ctx, func(done, entries int64) {
			r.progress(fmt.Sprintf("verifying %s: %d of %d entries", b.name, done, entries), at, total)
		})
		if v.Book != "" {
			r.report.Verified = append(r.report.Verified, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkTables compares the run's own tables with what was answered.
func (r *run) checkTables(ctx context.Context) error {
	var inTextbook, inIn int64
	for _, c := range r.cells {
		switch c.subject {
		case SubjectTextbook:
			inTextbook += c.posted
		case SubjectIn:
			inIn += c.posted
		}
	}
	if err := r.books.check(ctx, inTextbook); err != nil {
		return err
	}
	for _, b := range r.beds {
		if b.name != SubjectIn {
			continue
		}
		rows, err := b.place.number(ctx, "SELECT COUNT(*) FROM bursar_bench_"+r.name+"_purchase")
		if err != nil {
			return err
		}
		if rows != inIn {
			return bursar.Errorf(bursar.CodeVerificationFailed,
				"the application's table has %d rows, and %d were answered", rows, inIn)
		}
	}
	return nil
}

func machine() Machine {
	return Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), Memory: memoryTotal(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(),
	}
}
