package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// problem is an error as RFC 9457 writes it. It also has what a bursar.Error says, under the same names.
type problem struct {
	Type      string      `json:"type" format:"uri" doc:"Names the kind of problem: where it is explained."`
	Title     string      `json:"title" doc:"What happened, the same words for every problem of this code."`
	Status    int         `json:"status"`
	Detail    string      `json:"detail" doc:"What happened this time."`
	Code      bursar.Code `json:"code"`
	Field     string      `json:"field,omitempty" doc:"The field or parameter at fault." example:"legs[1].amount"`
	Retryable bool        `json:"retryable" doc:"The same request may be sent again as it is."`
	Request   string      `json:"request,omitempty" doc:"The request's id, as in X-Request-Id and the server's log."`

	ID        bursar.ID      `json:"id,omitzero"`
	Account   string         `json:"account,omitempty" doc:"The account that the refusal is about."`
	Available *money.Amount  `json:"available,omitempty"`
	Needed    *money.Amount  `json:"needed,omitempty"`
	Limit     *money.Amount  `json:"limit,omitempty"`
	Final     bool           `json:"final,omitempty"`
	Replayed  bool           `json:"replayed,omitempty"`
	Decided   bursar.Instant `json:"decided,omitempty"`
}

const errorsURL = "https://github.com/bursar-ledger/bursar/blob/main/docs/errors.md#"

// aboutError is an error about the transfer or act with this id.
type aboutError struct {
	id  bursar.ID
	err error
}

func (e *aboutError) Error() string { return e.err.Error() }
func (e *aboutError) Unwrap() error { return e.err }

// about names the id that an error is about. The zero id, and no error, name nothing.
func about(id bursar.ID, err error) error {
	if err == nil || id.IsZero() {
		return err
	}
	return &aboutError{id, err}
}

// problem describes an error to the caller. What went wrong inside goes to the log, and the caller gets the words of
// the table: messages of databases and file systems are not for the caller.
func (s *server) problem(id string, err error) *problem {
	code := bursar.CodeOf(err)
	row := bursar.Describe(code)
	p := &problem{Type: errorsURL + string(row.Code), Title: row.Meaning, Status: row.Status, Detail: row.Remedy,
		Code: row.Code, Retryable: row.Retryable, Request: id}
	var fixed *statusError
	if errors.As(err, &fixed) {
		p.Status = fixed.status
	}
	var named *aboutError
	if errors.As(err, &named) {
		p.ID = named.id
	}
	var coded *bursar.Error
	if p.Status < http.StatusInternalServerError && errors.As(err, &coded) {
		p.say(coded)
	}
	switch {
	case gone(err) && (row.Retryable || errors.Is(err, context.Canceled)):
		s.logger.Debug("a client went away", "request", id, "code", string(code), "error", err)
	case p.Status >= http.StatusInternalServerError && !expected(code):
		s.logger.Error("a request failed", "request", id, "code", string(code), "error", err)
	}
	return p
}

// goneError is an error of a call whose client went away. That alone breaks calls off in many ways, which are no news.
type goneError struct{ err error }

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

func gone(err error) bool {
	var e *goneError
	return errors.As(err, &e)
}

// say adds what an error says of this one case.
func (p *problem) say(e *bursar.Error) {
	if e.Message != "" {
		p.Detail, p.Field = e.Message, e.Field
	}
	p.Account, p.Available, p.Needed, p.Limit = e.Account, e.Available, e.Needed, e.Limit
	p.Final, p.Replayed, p.Decided = e.Final, e.Replayed, e.Decided
}

// expected reports whether an operator need not hear of each such error. Outage tells of the database.
func expected(code bursar.Code) bool {
	return code == bursar.CodeBusy || code == bursar.CodeClosed || code == bursar.CodeUnavailable
}

// malformed is an error about a field or parameter that cannot be read.
func malformed(field, format string, args ...any) error {
	e := bursar.Errorf(bursar.CodeMalformed, format, args...)
	e.Field = field
	return e
}
