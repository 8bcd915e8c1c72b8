package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// pageDefault is how many items a page has when the caller does not say.
const pageDefault = 100

// readQuery reads the parameters of a request. It refuses a parameter that the route does not have, one that comes
// twice where it is no list, and a required one that is not there: a misspelt "limt" must not give another answer
// than was asked for.
func readQuery(r *http.Request, route *route) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("", "the query cannot be read: escape what is not a letter or digit with %%")
	}
	for name, values := range query {
		param := route.param(name)
		switch {
		case param == nil:
			return nil, malformed(brief.Text(name), "there is no parameter %q here", brief.Text(name))
		case len(values) > 1 && param.schema.Type != huma.TypeArray:
			return nil, malformed(name, "the parameter comes %d times", len(values))
		case slices.Contains(values, ""):
			return nil, malformed(name, "the parameter is empty: leave it out")
		}
	}
	if route.required != "" && !query.Has(route.required) {
		return nil, malformed(route.required, "the parameter is missing")
	}
	return query, nil
}

// param is the route's parameter with a name; nil when there is none.
func (r *route) param(name string) *param {
	for i := range r.query {
		if r.query[i].name == name {
			return &r.query[i]
		}
	}
	return nil
}

// count is a parameter that is a whole number, not below least. It is otherwise when the parameter is absent.
func (c *call) count(name string, least, otherwise int64) (int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, malformed(name, "%q is not a whole number", brief.Text(text))
	case n < least:
		return 0, &statusError{status: http.StatusUnprocessableEntity, err: malformed(name, "%d is less than %d", n, least)}
	}
	return n, nil
}

// limit is the size of a page.
func (c *call) limit() (int, error) {
	n, err := c.count("limit", 1, pageDefault)
	if err == nil && n > bursar.PageMax {
		err = &statusError{status: http.StatusUnprocessableEntity,
			err: malformed("limit", "a page has at most %d items, not %d", bursar.PageMax, n)}
	}
	return int(n), err
}

// further reports whether a list goes on after a page. Only a full page may be followed by another; then read is asked
// for the first item after its last one.
func further[T any](page []T, limit int, read func(last *T) ([]T, error)) (bool, error) {
	if len(page) < limit {
		return false, nil
	}
	more, err := read(&page[len(page)-1])
	return len(more) > 0, err
}

// time is a parameter that is a time, zero when it is absent.
func (c *call) time(name string) (time.Time, error) {
	if !c.query.Has(name) {
		return time.Time{}, nil
	}
	var at bursar.Instant
	if err := at.UnmarshalText([]byte(c.query.Get(name))); err != nil {
		e := bursar.Errorf(bursar.CodeTimeInvalid, "%q is not a time in RFC 3339 from 1678 to 2261, "+
			"such as 2026-01-31T12:00:00Z; a + is written %%2B", brief.Text(c.query.Get(name)))
		e.Field = name
		return time.Time{}, e
	}
	return at.Time(), nil
}
