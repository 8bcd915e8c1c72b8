package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/schollz/progressbar/v3"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
)

// dryRun says what an import would do, and writes nothing.
func (e *env) dryRun(
	ctx context.Context, rows *exchange.Rows, openers []exchange.Opener, bar *progressbar.ProgressBar,
) error {
	return e.withKnown(ctx, func(known exchange.Known) error {
		out := e.list(left("finding"), right("line"), left("path"), left("currency"), right("min"), right("max"),
			left("code"), left("detail"))
		var first, printing error
		plan, err := exchange.DryRun(ctx, known, rows, &exchange.DryOptions{
			Open:    openers,
			Opening: func(line int, o bursar.Opening) { printing = errors.Join(printing, out.addOpening(line, &o)) },
			Fault: func(err error) {
				if first == nil {
					first = err
				}
				printing = errors.Join(printing, out.addFault(err))
			},
		})
		_ = bar.Clear() // a bar that cannot be wiped off a terminal is no reason to fail
		if printing == nil {
			printing = e.printPlan(out, plan)
		}
		switch {
		case err != nil || printing != nil:
			return errors.Join(err, printing)
		case first != nil:
			return bursar.Errorf(bursar.CodeOf(first), "%s: nothing was written, and an import would not post it all",
				count(plan.Faults, "fault", "faults"))
		}
		return nil
	})
}

// withKnown runs fn over the ledger that the flags name, or over nil where an import would make one first.
func (e *env) withKnown(ctx context.Context, fn func(exchange.Known) error) (err error) {
	if e.absent() {
		return fn(nil)
	}
	s, err := e.connect(ctx, reads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	switch {
	case s.have == 0 && !isFile(e.db):
		return e.noLedger()
	case s.have == 0, s.have == s.want && e.lacksBook(ctx, s):
		return fn(nil)
	}
	l, err := e.openBook(ctx, s, reads)
	if err != nil {
		return err
	}
	return errors.Join(fn(l), closeLedger(ctx, l))
}

// The records of -o json: one object for each account that would be opened and for each fault, and the plan as the last.
type (
	openingView struct {
		Finding  string `json:"finding"`
		Line     int    `json:"line"`
		Path     string `json:"path"`
		Currency string `json:"currency"`
		Min      string `json:"min,omitempty"`
		Max      string `json:"max,omitempty"`
	}
	faultView struct {
		Finding string      `json:"finding"`
		Code    bursar.Code `json:"code"`
		Detail  string      `json:"detail"`
	}
	planView struct {
		Finding string `json:"finding"`
		exchange.Plan
	}
)

func (l *listing) addOpening(line int, o *bursar.Opening) error {
	v := openingView{Finding: "open", Line: line, Path: o.Path, Currency: o.Currency.String()}
	switch {
	case o.NoMin:
		v.Min = "none"
	case o.Min != nil:
		v.Min = o.Min.String()
	}
	if o.Max != nil {
		v.Max = o.Max.String()
	}
	return l.add(v, v.Finding, strconv.Itoa(line), v.Path, v.Currency, v.Min, v.Max, "", "")
}

// addFault adds what is wrong. The text names the file, the line and the column.
func (l *listing) addFault(err error) error {
	v := faultView{Finding: "fault", Code: bursar.CodeOf(err), Detail: err.Error()}
	return l.add(v, v.Finding, "", "", "", "", "", string(v.Code), v.Detail)
}

func (e *env) printPlan(out *listing, plan exchange.Plan) error {
	if e.output == formatJSON {
		if err := out.add(planView{"plan", plan}); err != nil {
			return err
		}
	}
	if plan.Opened+plan.Faults > 0 || e.output != formatTable {
		if err := out.flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "bursar: dry run: %s in %s: %d would be posted, %d known, %s would be opened, %s\n",
		count(plan.Transfers, "transfer", "transfers"), count(plan.Rows, "row", "rows"), plan.Fresh, plan.Known,
		count(plan.Opened, "account", "accounts"), count(plan.Faults, "fault", "faults"))
	return nil
}
