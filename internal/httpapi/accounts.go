package httpapi

import (
	"context"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// accountRequest is a bursar.Opening as it is sent.
type accountRequest struct {
	ID       bursar.ID       `json:"id,omitzero"`
	Path     string          `json:"path" doc:"Names the account." example:"players:alice"`
	Currency money.Currency  `json:"currency"`
	Min      *minimum        `json:"min,omitempty"`
	Max      *money.Amount   `json:"max,omitempty" doc:"The most that the balance may be. No maximum when absent."`
	Metadata bursar.Metadata `json:"metadata,omitempty"`
}

// opening is what the ledger is asked for.
func (a *accountRequest) opening() bursar.Opening {
	o := bursar.Opening{ID: a.ID, Path: a.Path, Currency: a.Currency, Max: a.Max, Metadata: a.Metadata}
	if a.Min != nil {
		o.NoMin = a.Min.none
		if !o.NoMin {
			o.Min = &a.Min.amount
		}
	}
	return o
}

// minimum is an amount, or the word none.
type minimum struct {
	none   bool
	amount money.Amount
}

const noMinimum = "none"

func (m *minimum) read(d *decoder) (err error) {
	m.amount, m.none, err = d.amountOr(noMinimum)
	return err
}

// Schema is what the document shows for it.
func (minimum) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{enum(noMinimum), amountText{}.Schema(nil)},
		Description: "The least that the available balance may be: zero when absent, none for no minimum."}
}

func openAccount(ctx context.Context, c *call, sent *accountRequest) (bursar.Posted, string, error) {
	posted, err := c.ledger.OpenAccount(ctx, sent.opening())
	return posted, "/v1/accounts/" + url.PathEscape(sent.Path), about(sent.ID, err)
}

// accountPage is a page of accounts in order of path.
type accountPage struct {
	Accounts []bursar.Account `json:"accounts"`
	Next     string           `json:"next,omitempty"`
}

func listAccounts(ctx context.Context, c *call) (page accountPage, err error) {
	q := bursar.AccountQuery{Prefix: c.query.Get("prefix"), After: c.query.Get("after")}
	if q.Limit, err = c.limit(); err != nil {
		return page, err
	}
	accounts, err := c.ledger.Accounts(ctx, q)
	if err != nil {
		return page, err
	}
	page.Accounts = listed(accounts)
	more, err := further(accounts, q.Limit, func(last *bursar.Account) ([]bursar.Account, error) {
		return c.ledger.Accounts(ctx, bursar.AccountQuery{Prefix: q.Prefix, After: last.Path, Limit: 1})
	})
	if more {
		page.Next = accounts[len(accounts)-1].Path
	}
	return page, err
}

func getAccount(ctx context.Context, c *call) (bursar.Account, error) {
	return c.ledger.Account(ctx, c.r.PathValue("path"))
}

func getBalance(ctx context.Context, c *call) (bursar.Balance, error) {
	asOf, err := c.asOf()
	if err != nil {
		return bursar.Balance{}, err
	}
	return c.ledger.Balance(ctx, c.r.PathValue("path"), asOf)
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

// statementPage is a page of an account's history, latest first.
type statementPage struct {
	Path  string                 `json:"path"`
	Lines []bursar.StatementLine `json:"lines"`
	Next  int64                  `json:"next,omitempty" doc:"The before of the next page. Absent on the last page."`
}

func getStatement(ctx context.Context, c *call) (page statementPage, err error) {
	var q bursar.StatementQuery
	if q.Limit, err = c.limit(); err != nil {
		return page, err
	}
	if q.Before, err = c.count("before", 1, 0); err != nil {
		return page, err
	}
	page.Path = c.r.PathValue("path")
	lines, err := c.ledger.Statement(ctx, page.Path, q)
	if err != nil {
		return page, err
	}
	page.Lines = listed(lines)
	if n := len(lines); n > 0 && lines[n-1].Version > 1 {
		page.Next = lines[n-1].Version
	}
	return page, nil
}

// listed makes an empty list of none, which JSON writes as [] and not as null.
func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
