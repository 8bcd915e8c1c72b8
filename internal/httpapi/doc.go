// Package httpapi serves a ledger over HTTP: JSON in, JSON out, errors as RFC 9457 problems, and an OpenAPI 3.1
// document of it all at /openapi.json.
//
// [New] makes the handler, [Options] says who may use it and within which bounds. routes.go lists the endpoints: each
// row names a handler, which stands beside the types of its bodies in the file of its subject.
//
// A request passes through these steps in this order. The first that objects answers it:
//
//	host or token       guard.go        who may ask at all
//	path and method     server.go       404 and 405 as problems
//	a free place        call.go         busy when too many requests are under way
//	parameters          query.go        nothing unknown, nothing twice
//	Idempotency-Key     idempotency.go  one text, for one transfer or account
//	content type, body  call.go         JSON only, bounded in size
//	fields              decode.go       nothing unknown, nothing twice, no number where money is meant
//	the ledger          accounts.go, transfers.go, journal.go
//
// Answers are the words of package bursar in their own JSON, alone or in a page. openapi.go and schema.go make the
// document from the types that are read and written. The schemas are huma's; requests are not read by it, because it
// turns every JSON number into a float and keeps the last of two equal keys, and a ledger may do neither.
//
// The package opens no port, terminates no TLS and knows no users: one token opens everything.
package httpapi
