package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Opener says which accounts may be opened, and with which limits.
type Opener struct {
	pattern  string
	segments []string
	rest     bool // the pattern ends with **
	noMin    bool
	min, max string // amounts as written; empty: the ledger's default
}

// ParseOpener reads PATTERN[=OPTION[,OPTION]]. The pattern is a path in which * stands for one segment and ** at the
// end for one or more. The options are min:none, min:AMOUNT and max:AMOUNT. An amount such as "-100.00 USD" makes the
// pattern one for accounts in that currency alone. An amount such as "-100.00" is in the currency of the row that the
// account is opened for. Errors: malformed.
func ParseOpener(text string) (Opener, error) {
	pattern, options, given := strings.Cut(text, "=")
	o := Opener{pattern: pattern, segments: strings.Split(pattern, ":")}
	for i, segment := range o.segments {
		last := i == len(o.segments)-1
		switch {
		case segment == "**" && last:
			o.rest, o.segments = true, o.segments[:i]
		case segment == "*":
		case strings.Contains(segment, "*"):
			return Opener{}, bursar.Errorf(bursar.CodeMalformed,
				"%q: * stands for a whole segment, and ** for the rest at the end", text)
		case bursar.CheckPath(segment) != nil:
			return Opener{}, bursar.Errorf(bursar.CodeMalformed, "%q: %q is not a segment of an account path", text, segment)
		}
	}
	if !given {
		return o, nil
	}
	for option := range strings.SplitSeq(options, ",") {
		if err := o.set(option); err != nil {
			return Opener{}, bursar.Errorf(bursar.CodeMalformed, "%q: %w", text, err)
		}
	}
	return o, nil
}

func (o *Opener) set(option string) error {
	name, value, _ := strings.Cut(option, ":")
	switch {
	case name == "min" && o.min == "" && !o.noMin && value == "none":
		o.noMin = true
		return nil
	case name == "min" && o.min == "" && !o.noMin:
		o.min = value
	case name == "max" && o.max == "":
		o.max = value
	default:
		return fmt.Errorf("the options are min:none, min:AMOUNT and max:AMOUNT, each once, not %q", option)
	}
	if !strings.Contains(value, " ") { // a bare number: see whether it is one, in a currency that has its decimals
		_, decimals, _ := strings.Cut(value, ".")
		value = fmt.Sprintf("%s X/%d", value, len(decimals))
	}
	_, err := money.Parse(value)
	return err
}

// matches reports whether the pattern covers a path.
func (o *Opener) matches(path string) bool {
	segments := strings.Split(path, ":")
	if len(segments) < len(o.segments) || (len(segments) > len(o.segments)) != o.rest {
		return false
	}
	for i, want := range o.segments {
		if want != "*" && want != segments[i] {
			return false
		}
	}
	return true
}

// opening is the request for an account at path in a currency.
func (o *Opener) opening(path string, currency money.Currency) (bursar.Opening, error) {
	opening := bursar.Opening{Path: path, Currency: currency, NoMin: o.noMin}
	for _, limit := range []struct {
		text  string
		field **money.Amount
	}{{o.min, &opening.Min}, {o.max, &opening.Max}} {
		if limit.text == "" {
			continue
		}
		amount, err := amountIn(limit.text, currency)
		if err != nil {
			return opening, bursar.Errorf(bursar.CodeLimitsInvalid,
				"%s would be opened after the pattern %s, whose limit does not fit: %w", path, o.pattern, err)
		}
		*limit.field = &amount
	}
	return opening, nil
}

// open opens the accounts of the fresh transfers that do not exist. It looks at all of them before it opens the first,
// because an attempt that is posted without its account is refused for ever.
func (im *importer) open(ctx context.Context, batch []*item, fresh []int) error {
	var openings []bursar.Opening
	named := make(map[string]bool)
	for _, place := range fresh {
		for i := range batch[place].rows {
			row := &batch[place].rows[i]
			for _, side := range [2]struct {
				column column
				path   string
			}{{columnFrom, row.From}, {columnTo, row.To}} {
				if im.exists[side.path] || named[side.path] {
					continue
				}
				named[side.path] = true
				opening, err := im.opening(ctx, side.path, row.Amount.Currency())
				if err != nil {
					return im.groups.fault(row, side.column, err)
				}
				if opening != nil {
					openings = append(openings, *opening)
				}
			}
		}
	}
	if err := im.openAll(ctx, openings); err != nil {
		return err
	}
	for path := range named {
		im.exists[path] = true
	}
	return nil
}

// opening is how to open an account. It is nil when the account exists.
func (im *importer) opening(ctx context.Context, path string, currency money.Currency) (*bursar.Opening, error) {
	_, missing := im.ledger.Account(ctx, path)
	if !errors.Is(missing, bursar.ErrAccountNotFound) {
		return nil, missing
	}
	for i := range im.options.Open {
		if o := &im.options.Open[i]; o.matches(path) {
			opening, err := o.opening(path, currency)
			return &opening, err
		}
	}
	return nil, bursar.Errorf(bursar.CodeAccountNotFound,
		"no account %s: open it first, or say with --open that it may be opened", path)
}

// openTogether is how many openings are on their way at once, so that a queue can write them with one commit.
const openTogether = 64

// openAll opens accounts. If somebody else has opened one meanwhile, it is taken as it is, whatever its limits.
func (im *importer) openAll(ctx context.Context, openings []bursar.Opening) error {
	for part := range slices.Chunk(openings, openTogether) {
		errs := make([]error, len(part))
		var all sync.WaitGroup
		for i := range part {
			all.Go(func() { _, errs[i] = im.ledger.OpenAccount(ctx, part[i]) })
		}
		all.Wait()
		for i, err := range errs {
			switch {
			case err == nil:
				im.summary.Opened++
			case !errors.Is(err, bursar.ErrAccountExists):
				return fmt.Errorf("open %s: %w", part[i].Path, err)
			}
		}
	}
	return nil
}
