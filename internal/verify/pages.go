package verify

import (
	"context"
	"math"

	"github.com/bursar-ledger/bursar/driver"
)

// page is entries of the journal, in order, with the requests that have their ids.
type page struct {
	entries []driver.AuditedEntry
	known   records
	err     error // ends the reading
}

// pagesAhead is how many pages are read at most before they are replayed.
const pagesAhead = 2

// replayAll reads the journal in one goroutine and replays it in another, page by page. While it runs, the reading one
// alone asks the database.
func (a *audit) replayAll(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan page, pagesAhead)
	go func() {
		defer close(pages)
		a.readPages(ctx, pages)
	}()
	defer func() {
		stop()
		for range pages { // until nothing reads any more
		}
	}()
	for p := range pages {
		if p.err != nil {
			return p.err
		}
		for i := range p.entries {
			a.replay(&p.entries[i], p.known)
		}
		a.report.Entries += int64(len(p.entries))
		a.source.AuditReuse(p.entries)
		a.progress()
	}
	return ctx.Err()
}

// readPages reads the journal until its end, an error or that of ctx.
func (a *audit) readPages(ctx context.Context, pages chan<- page) {
	seq, key := int64(math.MinInt64), int64(math.MinInt64)
	for {
		p := a.readPage(ctx, seq, key)
		select {
		case pages <- p:
		case <-ctx.Done():
			return
		}
		n := len(p.entries)
		if p.err != nil || n < pageSize {
			return
		}
		seq, key = p.entries[n-1].Seq, p.entries[n-1].Key
	}
}

func (a *audit) readPage(ctx context.Context, seq, key int64) (p page) {
	if p.entries, p.err = a.source.AuditEntries(ctx, a.book.Number, seq, key, pageSize); p.err != nil {
		return page{err: p.err}
	}
	p.known, p.err = a.requestsOf(ctx, p.entries)
	return p
}
