package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/bursar-ledger/bursar"
)

// exactStatuses are the statuses that a problem may have besides that of its code's row. HTTP has a word of its own for
// each of these cases, which proxies and clients act on. For a program that reads the code, they are no kinds of their
// own: a request with a wrong path is corrected like any other that cannot be read. The document lists them.
var exactStatuses = [...]struct {
	status int
	code   bursar.Code
	when   string
}{
	{http.StatusNotFound, bursar.CodeMalformed, "there is no such path"},
	{http.StatusMethodNotAllowed, bursar.CodeMalformed, "the path has other methods, which Allow names"},
	{http.StatusUnsupportedMediaType, bursar.CodeMalformed, "the body is not declared as JSON"},
	{http.StatusMisdirectedRequest, bursar.CodeMalformed, "a server without a token is asked for a host of the network"},
	{http.StatusUnprocessableEntity, bursar.CodeMalformed, "a number in the query is out of its bounds"},
	{http.StatusForbidden, bursar.CodeUnauthorized, "a web page of another site asks for a change"},
	{http.StatusRequestTimeout, bursar.CodeCanceled, "the body did not arrive in time"},
	{http.StatusServiceUnavailable, bursar.CodeCanceled, "the server gave up; 499 is for a client that went away"},
}

// statusNote is what the document says of a problem's status.
func statusNote() string {
	var b strings.Builder
	b.WriteString("The HTTP status. It is that of the code's row in the table of errors, or a more exact one:")
	for i, e := range exactStatuses {
		if i > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, " %d %s: %s", e.status, e.code, e.when)
	}
	b.WriteByte('.')
	return b.String()
}

// statusError is an error with one of the exact statuses, or with a header to go with its status.
type statusError struct {
	status        int
	header, value string
	err           error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }
