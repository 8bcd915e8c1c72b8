package httpapi

import (
	"context"
	"net/url"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// accountRequest is the body of an opening as the document shows it; readOpening reads it.
type accountRequest struct {
	ID        string          `json:"id" doc:"The path." example:"players:alice"`
	Currency  money.Currency  `json:"currency"`
	Min       lowest          `json:"min,omitempty"`
	Max       money.Amount    `json:"max,omitzero" doc:"The most that the balance may be. No maximum when absent."`
	Metadata  bursar.Metadata `json:"metadata,omitempty"`
	RequestID bursar.ID       `json:"request_id,omitzero" doc:"Makes the opening idempotent. Made of the path when absent."`
}

// accountPage is a page of accounts in order of path.
type accountPage struct {
	Accounts []bursar.Account `json:"accounts"`
	Next     string           `json:"next,omitempty" doc:"The after of the next page. Absent on the last page; the page may turn out empty."`
}

// statementPage is a page of an account's history, latest first.
type statementPage struct {
	Account string                 `json:"account"`
	Lines   []bursar.StatementLine `json:"lines"`
	Next    int64                  `json:"next,omitempty" doc:"The before of the next page. Absent on the last page."`
}

func openAccount(ctx context.Context, c *call) (answer, error) {
	var o bursar.Opening
	err := decode(c.body, func(d *decoder) (err error) {
		o, err = readOpening(d)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	posted, err := c.ledger.OpenAccount(ctx, o)
	if err != nil {
		return answer{}, err
	}
	return answer{body: posted, created: !posted.Replayed, replayed: posted.Replayed, location: "/v1/accounts/" + url.PathEscape(o.Path)}, nil
}

func readOpening(d *decoder) (o bursar.Opening, err error) {
	err = d.object(func(key string) (err error) {
		switch key {
		case "id":
			o.Path, err = d.text()
		case "currency":
			o.Currency, err = readCurrency(d)
		case "min":
			err = readMin(d, &o)
		case "max":
			var a money.Amount
			a, err = d.amount()
			o.Max = &a
		case "metadata":
			o.Metadata, err = d.metadata()
		case "request_id":
			o.ID, err = d.uuid()
		default:
			err = errUnknown
		}
		return err
	})
	return o, err
}

func readCurrency(d *decoder) (currency money.Currency, err error) {
	text, err := d.text()
	if err != nil {
		return currency, err
	}
	currency, err = money.ParseCurrency(text)
	if err != nil {
		d.reject(bursar.Errorf(bursar.CodeCurrencyInvalid, "%w", err))
	}
	return currency, nil
}

// readMin reads the word none or an amount.
func readMin(d *decoder, o *bursar.Opening) error {
	a, none, err := d.amountOr("none")
	if o.NoMin = none; !none {
		o.Min = &a
	}
	return err
}

func listAccounts(ctx context.Context, c *call) (answer, error) {
	limit, err := c.limit()
	if err != nil {
		return answer{}, err
	}
	accounts, err := c.ledger.Accounts(ctx, bursar.AccountQuery{Prefix: c.query.Get("prefix"), After: c.query.Get("after"), Limit: limit})
	if err != nil {
		return answer{}, err
	}
	page := accountPage{Accounts: listed(accounts)}
	if len(accounts) == limit {
		page.Next = accounts[limit-1].Path
	}
	return answer{body: page}, nil
}

func getAccount(ctx context.Context, c *call) (answer, error) {
	account, err := c.ledger.Account(ctx, c.r.PathValue("id"))
	return answer{body: account}, err
}

func getBalance(ctx context.Context, c *call) (answer, error) {
	asOf, err := c.asOf()
	if err != nil {
		return answer{}, err
	}
	balance, err := c.ledger.Balance(ctx, c.r.PathValue("id"), asOf)
	return answer{body: balance}, err
}

// asOf is the point in the past that the parameters name.
func (c *call) asOf() (asOf bursar.AsOf, err error) {
	if len(c.query) > 1 {
		return asOf, malformed("", "at, seq and effective exclude each other: send one")
	}
	for _, point := range []struct {
		name string
		time *time.Time
	}{{"at", &asOf.At}, {"effective", &asOf.Effective}} {
		if c.query.Has(point.name) {
			at, err := c.instant(point.name)
			*point.time = at.Time()
			return asOf, err
		}
	}
	asOf.Seq, err = c.count("seq", 1, 0)
	return asOf, err
}

func getStatement(ctx context.Context, c *call) (answer, error) {
	limit, err := c.limit()
	if err != nil {
		return answer{}, err
	}
	before, err := c.count("before", 1, 0)
	if err != nil {
		return answer{}, err
	}
	account := c.r.PathValue("id")
	lines, err := c.ledger.Statement(ctx, account, bursar.StatementQuery{Before: before, Limit: limit})
	if err != nil {
		return answer{}, err
	}
	page := statementPage{Account: account, Lines: listed(lines)}
	if n := len(lines); n > 0 && lines[n-1].Version > 1 {
		page.Next = lines[n-1].Version
	}
	return answer{body: page}, nil
}

// listed makes an empty list of none, which JSON writes as [] and not as null.
func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
