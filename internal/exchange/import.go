package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Ledger is what an import needs of a ledger. A *ledger.Ledger has it.
type Ledger interface {
	// Account is one account, or account_not_found.
	Account(ctx context.Context, path string) (bursar.Account, error)
	// OpenAccount opens an account.
	OpenAccount(ctx context.Context, o bursar.Opening) (bursar.Posted, error)
	// PostBatch posts transfers, each judged alone.
	PostBatch(ctx context.Context, transfers []bursar.Transfer) ([]bursar.Result, error)
	// Journal lists entries after a position.
	Journal(ctx context.Context, after int64, limit int) ([]bursar.Entry, error)
}

// ImportOptions says how an import goes. The zero value, and nil, are the defaults.
type ImportOptions struct {
	// Open says which accounts may be opened when they do not exist. The first that matches counts. Defaults to none.
	Open []Opener
	// Ack remembers what is posted. Defaults to nothing: then a later run asks the ledger for every row.
	Ack *Ack
	// Batch is how many transfers are read, checked and posted together, at most bursar.BatchMax. Defaults to 4,096.
	Batch int
	// Refused is told of every transfer that the ledger refused.
	Refused func(Refusal)
	// Mismatch is told of every expected balance that did not come out.
	Mismatch func(Mismatch)
	// Progress is told how things stand after every batch.
	Progress func(Summary)
}

const batchDefault = 4_096

// Summary is how far an import came.
type Summary struct {
	Line         int            `json:"line"`         // of the last row that was dealt with
	Rows         int64          `json:"rows"`         // dealt with
	Transfers    int64          `json:"transfers"`    // that these rows make: the sum of the four below
	Posted       int64          `json:"posted"`       // for the first time
	Replayed     int64          `json:"replayed"`     // the ledger had them
	Acknowledged int64          `json:"acknowledged"` // the ack file had them
	Refused      int64          `json:"refused"`
	Opened       int64          `json:"opened"`     // accounts
	Mismatches   int64          `json:"mismatches"` // expected balances that did not come out
	Net          []money.Amount `json:"net"`        // sum of Mismatch.Off for each currency
}

// Refusal is a transfer that the ledger refused, with its answer. If that is final, every later run is refused too,
// because the id is that of an attempt.
type Refusal struct {
	Line int // of its first row
	ID   bursar.ID
	*bursar.Error
}

// Import posts the rows in order. It reads a batch, checks it, opens the accounts it needs, posts it, has the ack file
// say so, compares the balances that the rows expect, and goes on with the next.
//
// A row that cannot be read, or that names an account that does not exist and may not be opened, ends the import before
// anything of its batch is done. A transfer that the ledger refuses does not: the rest goes on. When ctx ends, the
// import stops between two batches with canceled. After any error it may be run again from the start: what is posted
// is not posted twice.
//
// A row without an id is a thing, and so is one whose id says so: what was refused of it, a later run asks for again
// and may post. The refusal of an attempt is final.
func Import(ctx context.Context, l Ledger, rows *Rows, o *ImportOptions) (Summary, error) {
	if o == nil {
		o = &ImportOptions{}
	}
	im := &importer{
		ledger: l, options: *o, groups: newGroups(rows), exists: make(map[string]bool),
		balances: balances{ledger: l, off: make(map[string]money.Amount), report: o.Mismatch},
	}
	if im.options.Batch <= 0 {
		im.options.Batch = batchDefault
	}
	im.options.Batch = min(im.options.Batch, bursar.BatchMax)
	if err := im.checkAck(ctx); err != nil {
		return Summary{}, err
	}
	for {
		batch, err := im.read(ctx)
		if err != nil || len(batch) == 0 {
			return im.summary, err
		}
		// A batch that has begun is brought to its end: cutting off the wait for a commit would only hide its outcome.
		if err := im.batch(context.WithoutCancel(ctx), batch); err != nil {
			return im.summary, err
		}
		if o.Progress != nil {
			o.Progress(im.summary)
		}
	}
}

// importer is an Import under way.
type importer struct {
	ledger   Ledger
	options  ImportOptions
	groups   *groups
	exists   map[string]bool // accounts
	balances balances
	summary  Summary
}

// checkAck compares the ack file with the ledger.
func (im *importer) checkAck(ctx context.Context) error {
	a := im.options.Ack
	if a == nil || a.last.seq == 0 {
		return nil
	}
	entries, err := im.ledger.Journal(ctx, a.last.seq-1, 1)
	if err != nil {
		return err
	}
	return a.check(entries)
}

// read is the next batch. After the last it is empty.
func (im *importer) read(ctx context.Context) ([]*item, error) {
	batch := make([]*item, 0, im.options.Batch)
	for len(batch) < cap(batch) {
		it, err := im.groups.next()
		if stop := ctx.Err(); stop != nil {
			after := fmt.Sprintf("stopped after line %d", im.summary.Line)
			return nil, &bursar.Error{Code: bursar.CodeCanceled, Message: after, Err: stop}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, it)
	}
	return batch, nil
}

// outcome is what became of one transfer.
type outcome struct {
	item *item
	seq  int64 // of its last entry; 0 when it was refused
}

func (im *importer) batch(ctx context.Context, batch []*item) error {
	outcomes := make([]outcome, len(batch))
	fresh := make([]int, 0, len(batch)) // what the ack file does not have
	for i, it := range batch {
		seq, ok := im.options.Ack.posted(it)
		outcomes[i] = outcome{item: it, seq: seq}
		if !ok {
			outcomes[i].seq = 0
			fresh = append(fresh, i)
		}
	}
	if err := im.open(ctx, batch, fresh); err != nil {
		return err
	}
	if err := im.post(ctx, outcomes, fresh); err != nil {
		return err
	}
	im.summary.Acknowledged += int64(len(batch) - len(fresh))
	for _, it := range batch {
		im.summary.Transfers++
		im.summary.Rows += int64(len(it.rows))
		im.summary.Line = it.rows[len(it.rows)-1].Line
	}
	err := im.balances.compare(ctx, outcomes)
	im.summary.Mismatches, im.summary.Net = im.balances.count, slices.Clone(im.balances.net)
	return err
}

// post posts what is fresh, notes it in the ack file, and then tells of refusals.
func (im *importer) post(ctx context.Context, outcomes []outcome, fresh []int) error {
	if len(fresh) == 0 {
		return nil
	}
	transfers := make([]bursar.Transfer, len(fresh))
	for i, place := range fresh {
		transfers[i] = outcomes[place].item.transfer
	}
	results, err := im.ledger.PostBatch(ctx, transfers)
	if err != nil {
		return err
	}
	var trouble error
	lines := make([]acked, 0, len(fresh))
	for i, place := range fresh {
		it := outcomes[place].item
		if err := results[i].Err; undecided(err) {
			trouble = cmp.Or(trouble, fmt.Errorf("line %d: %w", it.rows[0].Line, err))
			continue
		}
		line := acked{id: it.transfer.ID, seq: results[i].Posted.Seq, content: it.content}
		if final(results[i].Err) {
			line.refusal = bursar.CodeOf(results[i].Err)
		}
		lines = append(lines, line)
		outcomes[place].seq = line.seq
	}
	if im.options.Ack != nil {
		if err := im.options.Ack.write(lines); err != nil {
			return fmt.Errorf("the transfers up to line %d are posted but not acknowledged: %w",
				lastLine(outcomes), err)
		}
	}
	for i, place := range fresh {
		switch result := &results[i]; {
		case undecided(result.Err):
		case result.Err != nil:
			im.refuse(outcomes[place].item, result.Err)
		case result.Posted.Replayed:
			im.summary.Replayed++
		default:
			im.summary.Posted++
		}
	}
	return trouble
}

// undecided reports whether a transfer failed for a reason that is not its own: then it is no refusal, and the import
// ends.
func undecided(err error) bool {
	d := bursar.Describe(bursar.CodeOf(err))
	return err != nil && (d.Retryable || d.Status >= 500)
}

// final reports whether a refusal is remembered, so that every later run gets it too.
func final(err error) bool {
	var e *bursar.Error
	return errors.As(err, &e) && e.Final
}

func lastLine(outcomes []outcome) int {
	rows := outcomes[len(outcomes)-1].item.rows
	return rows[len(rows)-1].Line
}

func (im *importer) refuse(it *item, err error) {
	im.summary.Refused++
	if im.options.Refused == nil {
		return
	}
	var refusal *bursar.Error
	if !errors.As(err, &refusal) {
		refusal = &bursar.Error{Code: bursar.CodeOf(err), Message: err.Error()}
	}
	im.options.Refused(Refusal{Line: it.rows[0].Line, ID: it.transfer.ID, Error: refusal})
}
