package verify

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"

	"github.com/bursar-ledger/bursar/driver"
)

// checkUnsealed replays the entries that are committed and not sealed, after the journal.
func (a *audit) checkUnsealed(ctx context.Context) error {
	entries, err := a.unsealed(ctx)
	if err != nil {
		return err
	}
	entries = a.inOrder(entries)
	for len(entries) > 0 {
		page := entries[:min(len(entries), pageSize)]
		entries = entries[len(page):]
		known, err := a.requestsOf(ctx, page)
		if err != nil {
			return err
		}
		for i := range page {
			e := &page[i]
			if e.Seq != 0 || e.At != 0 || e.Hash != [32]byte{} {
				a.findIn(e, Gapless, "it has no place in the journal, but part of one")
				e.Seq = 0
			}
			a.checkRequest(e, known)
			a.content(e, false)
		}
		a.progress()
	}
	a.endRequest()
	return nil
}

// unsealed reads all entries that are not sealed and reports those that cannot be read.
func (a *audit) unsealed(ctx context.Context) (entries []driver.AuditedEntry, err error) {
	for key := int64(math.MinInt64); ; {
		page, err := a.source.AuditUnsealed(ctx, a.book.Number, key, pageSize)
		if err != nil {
			return nil, err
		}
		a.report.Entries += int64(len(page))
		a.report.Unsealed += int64(len(page))
		for i := range page {
			e := &page[i]
			key = e.Key
			if e.Fault != nil {
				a.findAt(spot{row: e.Key}, Readable, "%v", e.Fault)
				continue
			}
			entries = append(entries, *e)
		}
		if len(page) < pageSize {
			return entries, nil
		}
	}
}

// request is the entries of one request, whose row keys follow one another.
type request struct {
	entries  []driver.AuditedEntry
	missing  int        // links to entries of requests that do not stand before it yet
	awaiting []*request // the requests that build on it, once for each link
	astray   bool       // it builds on an entry that is neither unsealed nor its account's last in the journal
	placed   bool
}

// inOrder orders entries so that each stands after the entries that it points back at. They come by row key, which
// gives no such order, because every program draws its keys from a block of its own.
//
// Where links are missing or go in a circle, everything else is placed first, and then the request that comes next by
// time. So the replay reports the place where the links are wrong, and not every entry after it.
func (a *audit) inOrder(entries []driver.AuditedEntry) []driver.AuditedEntry {
	requests := a.linked(requestsIn(entries), len(entries))
	ready := make(queue, 0, len(requests))
	for _, r := range requests {
		if r.missing == 0 {
			ready = append(ready, r)
		}
	}
	heap.Init(&ready)
	slices.SortFunc(requests, sooner)
	ordered := make([]driver.AuditedEntry, 0, len(entries))
	for len(ordered) < len(entries) {
		if len(ready) == 0 { // a circle
			for requests[0].placed {
				requests = requests[1:]
			}
			ready = append(ready, requests[0])
		}
		r := heap.Pop(&ready).(*request)
		if r.placed {
			continue
		}
		r.placed = true
		ordered = append(ordered, r.entries...)
		for _, next := range r.awaiting {
			if next.missing--; next.missing == 0 {
				heap.Push(&ready, next)
			}
		}
	}
	return ordered
}

// requestsIn splits entries into requests.
func requestsIn(entries []driver.AuditedEntry) (requests []*request) {
	for begin := 0; begin < len(entries); {
		end := begin + 1
		for end < len(entries) && entries[end].Transfer == entries[begin].Transfer {
			end++
		}
		requests = append(requests, &request{entries: entries[begin:end]})
		begin = end
	}
	return requests
}

// linked finds for every request the requests that it builds on.
func (a *audit) linked(requests []*request, entries int) []*request {
	owner := make(map[int64]*request, entries)
	for _, r := range requests {
		for i := range r.entries {
			owner[r.entries[i].Key] = r
		}
	}
	for _, r := range requests {
		for i := range r.entries {
			e := &r.entries[i]
			for _, link := range [2]struct{ account, prev int64 }{{e.FromAccount, e.FromPrev}, {e.ToAccount, e.ToPrev}} {
				switch before := owner[link.prev]; {
				case before == nil:
					r.astray = r.astray || link.prev != a.lastKey(link.account)
				case before != r:
					before.awaiting = append(before.awaiting, r)
					r.missing++
				}
			}
		}
	}
	return requests
}

// lastKey is the row key of an account's last entry so far, 0 when there is none.
func (a *audit) lastKey(account int64) int64 {
	if acc := a.accounts[account]; acc != nil {
		return acc.key
	}
	return 0
}

// queue is a heap of requests that may be placed. They come by time, but requests that are astray come last.
type queue []*request

func sooner(x, y *request) int {
	if x.astray != y.astray {
		if x.astray {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(x.entries[0].Decided, y.entries[0].Decided), cmp.Compare(x.entries[0].Key, y.entries[0].Key))
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return sooner(q[i], q[j]) < 0 }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(r any)        { *q = append(*q, r.(*request)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	*q = (*q)[:last]
	return r
}
