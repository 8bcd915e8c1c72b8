package httpapi

import (
	"context"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
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

// balancesOf is the balances of several accounts at one point, in the order asked.
type balancesOf struct {
	Balances []bursar.Balance `json:"balances"`
}

func getBalances(ctx context.Context, c *call) (balancesOf, error) {
	asOf, err := c.asOf()
	if err != nil {
		return balancesOf{}, err
	}
	balances, err := c.ledger.Balances(ctx, c.query["path"], asOf)
	return balancesOf{balances}, coded.At(err, "path")
}

// asOf is the point in the past that the parameters name.
func (c *call) asOf() (asOf bursar.AsOf, err error) {
	named := 0
	for _, name := range []string{"at", "seq", "effective"} {
		if c.query.Has(name) {
			named++
		}
	}
	if named > 1 {
		return asOf, malformed("", "at, seq and effective exclude each other: send one")
	}
	if asOf.At, err = c.time("at"); err != nil {
		return asOf, err
	}
	if asOf.Effective, err = c.time("effective"); err != nil {
		return asOf, err
	}
	asOf.Seq, err = c.count("seq", 1, 0)
	return asOf, err
}

// getStatement lists the first line first where the caller says after which one.
func getStatement(ctx context.Context, c *call) (s bursar.Statement, err error) {
	q := bursar.StatementQuery{Forward: c.query.Has("after")}
	if q.Forward && c.query.Has("before") {
		return s, malformed("", "before and after exclude each other: send one")
	}
	if q.Limit, err = c.limit(); err != nil {
		return s, err
	}
	if q.From, err = c.time("from"); err != nil {
		return s, err
	}
	if q.To, err = c.time("to"); err != nil {
		return s, err
	}
	if q.After, err = c.count("before", 1, 0); err != nil {
		return s, err
	}
	if q.Forward {
		if q.After, err = c.count("after", 0, 0); err != nil {
			return s, err
		}
	}
	return c.ledger.Statement(ctx, c.r.PathValue("path"), q)
}

// listed makes an empty list of none, which JSON writes as [] and not as null.
func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
