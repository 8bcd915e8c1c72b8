package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// run is one run of the benchmark.
type run struct {
	*Config
	clock  clock.Clock
	name   string // of this run: nothing that it makes has the name of something that is there
	places places
	paths  []string
	beds   []*bed
	cells  []*cell
	books  *baseline
	report Report

	done, steps int
	saying      sync.Mutex
	cleanup     []func(context.Context) error // last first
}

// Run measures what c asks for, and removes what it made but for books in the database of a URL. When ctx is done it
// ends early, with what was measured so far and without replaying the journals.
//
// Errors: those of Config.Check; bursar.CodeVerificationFailed, next to the report, when a book does not have what was
// answered; those of the database.
func Run(ctx context.Context, c *Config) (Report, error) {
	if err := c.Check(); err != nil {
		return Report{}, err
	}
	r := newRun(c)
	err := r.all(ctx)
	r.report.Interrupted = ctx.Err() != nil
	_, r.report.PeakMemory = processUsage()
	for _, undo := range slices.Backward(r.cleanup) {
		err = errors.Join(err, undo(context.WithoutCancel(ctx)))
	}
	if r.report.Interrupted && bursar.CodeOf(err) == bursar.CodeCanceled {
		err = nil
	}
	if err == nil {
		err = r.report.Err()
	}
	return r.report, err
}

func newRun(c *Config) *run {
	r := &run{Config: c, clock: c.Clock}
	if r.clock == nil {
		r.clock = punctual{clock.System()}
	}
	return r
}

func (r *run) all(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	err := r.measureAll(ctx)
	r.show()
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := r.grow(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	return r.verify(ctx)
}

// later has something done at the end of the run, whatever happens.
func (r *run) later(undo func(context.Context) error) { r.cleanup = append(r.cleanup, undo) }

// prepare makes books, accounts and tables.
func (r *run) prepare(ctx context.Context) error {
	var letters [4]byte
	if _, err := rand.Read(letters[:]); err != nil {
		return err
	}
	r.name = hex.EncodeToString(letters[:])
	r.places = places{url: r.Database, opened: map[string]*place{}}
	if r.Database == "" {
		folder, err := os.MkdirTemp("", "bursar-bench-")
		if err != nil {
			return err
		}
		r.places.folder = folder
		r.later(func(context.Context) error { return os.RemoveAll(folder) })
		if inMemory(folder) {
			r.note("%s is in memory, so syncing costs nothing: name a folder on a disk with TMPDIR, or a file with --db",
				os.TempDir())
		}
	}
	r.later(func(context.Context) error { return r.places.close() })
	r.paths = pathsOf(r.Workload.Accounts)
	r.describe()
	r.steps = r.stepsInAll()
	return r.plan(ctx)
}

func (r *run) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// progress says how far the run is. Goroutines take turns.
func (r *run) progress(what string, done, total int) {
	r.saying.Lock()
	defer r.saying.Unlock()
	if r.Progress != nil {
		r.Progress(what, done, total)
	}
}

// step says what is done next.
func (r *run) step(format string, args ...any) {
	r.progress(fmt.Sprintf(format, args...), r.done, r.steps)
	r.done++
}

// stepsInAll counts the calls of step: beds are opened and replayed, cells are measured in rounds and once more.
func (r *run) stepsInAll() int {
	strategies := len(slices.DeleteFunc(slices.Clone(r.Strategies), func(s string) bool { return s == SubjectIn }))
	beds, loads := strategies+1, len(r.Strategies)
	if r.Handler != nil {
		beds, loads = beds+1, loads+2
	}
	cells := len(r.Hot) * (loads*len(r.Clients) + 1 + len(textbookConnections()))
	latencies := len(r.Hot) * (loads*len(r.Clients) + 2)
	steps := 2*beds + 1 + cells*r.Rounds + latencies
	if r.Growth > 0 {
		steps += 2 + len(marks(r.Growth))
	}
	return steps
}

// bed opens a book for a subject.
func (r *run) bed(ctx context.Context, subject string) (*bed, error) {
	p, err := r.places.at(ctx, subject)
	if err != nil {
		return nil, err
	}
	r.step("%s: opening %d accounts", subject, len(r.paths))
	book := "bench:" + r.name + ":" + subject
	b, err := openBed(ctx, p, book, subject, r.paths, func(done int) {
		r.progress(fmt.Sprintf("%s: %d of %d accounts", subject, done, len(r.paths)), r.done-1, r.steps)
	})
	if err != nil {
		return nil, err
	}
	r.later(b.ledger.Close)
	r.beds = append(r.beds, b)
	if r.Database != "" {
		r.report.Setup.Books = append(r.report.Setup.Books, book)
	}
	return b, nil
}

// add plans a cell for every number of clients.
func (r *run) add(template cell, clients ...int) {
	for _, hot := range r.Hot {
		for _, n := range clients {
			c := template
			c.clients, c.hot, c.retries, c.latency = n, hot, map[string]int64{}, new(Histogram)
			r.cells = append(r.cells, &c)
		}
	}
}

// plan makes the cells in the order in which they are measured and shown.
func (r *run) plan(ctx context.Context) error {
	for _, name := range r.Strategies {
		if name == SubjectIn {
			continue
		}
		b, err := r.bed(ctx, name)
		if err != nil {
			return err
		}
		r.add(cell{subject: name, batch: r.Batch, place: b.place, bed: b, again: b.again,
			begin: func(_ context.Context, sources []*source) ([]task, func() error, error) {
				return tasksOf(sources, func(s *source) task { return b.posting(s, r.Batch) }), nothing, nil
			}}, r.Clients...)
	}
	if r.Handler != nil {
		if err := r.planHTTP(ctx); err != nil {
			return err
		}
	}
	if err := r.planIn(ctx); err != nil {
		return err
	}
	return r.planTextbook(ctx)
}

func nothing() error { return nil }

func tasksOf(sources []*source, each func(*source) task) []task {
	tasks := make([]task, len(sources))
	for i, s := range sources {
		tasks[i] = each(s)
	}
	return tasks
}

// planHTTP plans the interface and the handler that it is compared with.
func (r *run) planHTTP(ctx context.Context) error {
	b, err := r.bed(ctx, "http-queue")
	if err != nil {
		return err
	}
	for _, s := range []struct {
		subject string
		bed     *bed
		handler http.Handler
	}{{SubjectHTTP, b, r.Handler(b.ledger)}, {SubjectPlain, nil, plainHandler(r.clock)}} {
		c := cell{subject: s.subject, batch: r.Batch, place: b.place, bed: s.bed, again: b.again}
		c.begin = func(ctx context.Context, sources []*source) ([]task, func() error, error) {
			w, err := serveOn(ctx, s.handler, len(sources))
			if err != nil {
				return nil, nil, err
			}
			return tasksOf(sources, func(s *source) task {
				return w.requesting(s, r.Batch, b.paths, b.ledger.NewID, b.again)
			}), w.close, nil
		}
		r.add(c, r.Clients...)
	}
	return nil
}

// planIn plans In with its own number of callers, and with those of the run when it was named.
func (r *run) planIn(ctx context.Context) error {
	b, err := r.bed(ctx, SubjectIn)
	if err != nil {
		return err
	}
	prefix := r.tables(b.place)
	text := b.place.textbook
	if err := b.place.exec(ctx, fmt.Sprintf(text.purchases, prefix)); err != nil {
		return err
	}
	clients := []int{inCallers}
	if slices.Contains(r.Strategies, SubjectIn) {
		clients = slices.Compact(slices.Sorted(slices.Values(append(clients, r.Clients...))))
	}
	r.add(cell{subject: SubjectIn, batch: 1, place: b.place, bed: b, again: b.again,
		begin: func(_ context.Context, sources []*source) ([]task, func() error, error) {
			insert := fmt.Sprintf(text.purchase, prefix)
			return tasksOf(sources, func(s *source) task { return b.together(s, insert) }), nothing, nil
		}}, clients...)
	return nil
}

// tables is the prefix of the run's own tables, which are dropped at the end.
func (r *run) tables(p *place) string {
	prefix := "bursar_bench_" + r.name + "_"
	r.later(func(ctx context.Context) error { return dropTables(ctx, p, prefix) })
	return prefix
}

func (r *run) planTextbook(ctx context.Context) error {
	p, err := r.places.at(ctx, SubjectTextbook)
	if err != nil {
		return err
	}
	if r.report.Engine, err = p.facts(ctx); err != nil {
		return err
	}
	r.step("textbook: making %d accounts", r.Workload.Accounts)
	ids := r.beds[0].ledger.NewID
	r.books = &baseline{place: p, prefix: r.tables(p), clock: r.clock, ids: ids}
	if err := r.books.create(ctx, r.Workload.Accounts); err != nil {
		return err
	}
	again := new(tally)
	r.add(cell{subject: SubjectTextbook, batch: 1, place: p, again: again,
		begin: func(ctx context.Context, sources []*source) ([]task, func() error, error) {
			return r.books.begin(ctx, sources, again)
		}}, textbookConnections()...)
	return nil
}

// measureAll runs every cell once in each round, so that what else the machine does meets all of them, and measures
// latency afterwards.
func (r *run) measureAll(ctx context.Context) error {
	for round := range r.Rounds {
		for _, c := range r.cells {
			if ctx.Err() != nil {
				return nil
			}
			r.step("round %d of %d: %s, %d clients", round+1, r.Rounds, c.subject, c.clients)
			if err := c.round(ctx, r, round); err != nil {
				return fmt.Errorf("%s with %d clients: %w", c.subject, c.clients, err)
			}
		}
	}
	for _, c := range r.shown() {
		if ctx.Err() != nil {
			return nil
		}
		r.step("latency of %s, %d clients", c.subject, c.clients)
		if err := c.late(ctx, r); err != nil {
			return fmt.Errorf("%s with %d clients: %w", c.subject, c.clients, err)
		}
	}
	return nil
}

// ofTextbook are the textbook's cells under one share of hot transfers.
func (r *run) ofTextbook(hot int) (cells []*cell) {
	for _, c := range r.cells {
		if c.subject == SubjectTextbook && c.hot == hot {
			cells = append(cells, c)
		}
	}
	return cells
}

// shown are the cells that are measured further: of the textbook's the best.
func (r *run) shown() (cells []*cell) {
	for _, c := range r.cells {
		chosen := c
		if c.subject == SubjectTextbook {
			chosen, _ = best(r.ofTextbook(c.hot))
		}
		if chosen == c {
			cells = append(cells, c)
		}
	}
	return cells
}

// show makes the rows of the report.
func (r *run) show() {
	plain := map[[2]int]float64{}
	for _, c := range r.cells {
		if c.subject == SubjectPlain {
			plain[[2]int{c.clients, c.hot}] = spreadOf(c.rates).Median
		}
	}
	for _, c := range r.shown() {
		if len(c.rates) == 0 {
			continue
		}
		row := c.row()
		textbook, tried := best(r.ofTextbook(c.hot))
		if textbook != nil && c.subject != SubjectPlain {
			row.ToTextbook = rounded(ratio(spreadOf(c.rates).Median, spreadOf(textbook.rates).Median))
		}
		if base := plain[[2]int{c.clients, c.hot}]; base > 0 && c.subject == SubjectHTTP {
			row.ToPlain = rounded(ratio(spreadOf(c.rates).Median, base))
		}
		if c.subject == SubjectTextbook {
			row.Tried = tried
		}
		r.report.Rows = append(r.report.Rows, row)
	}
}
