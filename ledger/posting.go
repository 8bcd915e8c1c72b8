package ledger

import (
	"bytes"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/journal"
)

// posting is what one call asks for: its requests, and the jobs that carry them. All of it lies in a few pieces of
// memory, which are used again for another call when all of its jobs were answered. A call that was given up may still
// be being written.
type posting struct {
	asked []asked
	jobs  []*job // of those asked that are well formed, in order

	made  bursar.ID     // the last id that was made for the call
	legs  []bursar.Leg  // the copies of all transfers' legs
	bytes []byte        // the canonical bytes of all requests
	facts []journal.Leg // scratch space
}

// asked is one transfer with its request and its job.
type asked struct {
	job      job
	request  request
	transfer bursar.Transfer
}

// bytesUsual is more than the canonical bytes of most transfers with one leg.
const bytesUsual = 96

// begin makes room for transfers.
func (p *posting) begin(transfers []bursar.Transfer) {
	legs := 0
	for i := range transfers {
		legs += len(transfers[i].Legs)
	}
	p.made = bursar.ID{}
	p.asked = slices.Grow(p.asked[:0], len(transfers))[:len(transfers)]
	p.jobs = slices.Grow(p.jobs[:0], len(transfers))
	p.legs = slices.Grow(p.legs[:0], legs)
	p.bytes = slices.Grow(p.bytes[:0], bytesUsual*len(transfers))
}

// ask makes the request and the job of the nth transfer. When t is malformed the job has no request.
func (p *posting) ask(n int, t *bursar.Transfer, newID func() (bursar.ID, error)) error {
	a := &p.asked[n]
	a.job = job{}
	if err := p.request(a, t); err != nil {
		return err
	}
	if a.request.id.IsZero() {
		id, err := newID()
		if err != nil {
			return err
		}
		a.request.id = above(id, p.made)
		p.made = a.request.id
	}
	a.job.Request = &a.request
	p.jobs = append(p.jobs, &a.job)
	a.job.call = p.jobs[0]
	return nil
}

// above is id, or where that does not come after the last one, the next after the last, whose random bits are counted
// up. So the ids that are made for one call rise, however fast it is.
func above(id, last bursar.ID) bursar.ID {
	if bytes.Compare(id[:], last[:]) > 0 {
		return id
	}
	for i := len(last) - 1; i > 8; i-- {
		if last[i]++; last[i] != 0 {
			break
		}
	}
	return last
}
