package httpapi

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// pageDefault is how many items a page has when the caller does not say.
const pageDefault = 100

// readQuery reads the parameters of a request. It refuses a parameter that the route does not have, and one that comes
// twice: a misspelt "limt" must not give another answer than was asked for.
func readQuery(r *http.Request, params []param) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("", "the query cannot be read: escape what is not a letter or digit with %%")
	}
	for name, values := range query {
		known := false
		for i := range params {
			known = known || params[i].name == name
		}
		switch {
		case !known:
			return nil, malformed(brief.Text(name), "there is no parameter %q here", brief.Text(name))
		case len(values) > 1:
			return nil, malformed(name, "the parameter comes %d times", len(values))
		case values[0] == "":
			return nil, malformed(name, "the parameter is empty: leave it out")
		}
	}
	return query, nil
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

// instant is a parameter that is a time.
func (c *call) instant(name string) (at bursar.Instant, err error) {
	if err := at.UnmarshalText([]byte(c.query.Get(name))); err != nil {
		e := bursar.Errorf(bursar.CodeTimeInvalid, "%q is not a time in RFC 3339 from 1678 to 2261, "+
			"such as 2026-01-31T12:00:00Z; a + is written %%2B", brief.Text(c.query.Get(name)))
		e.Field = name
		return 0, e
	}
	return at, nil
}
