// Package httpapi serves a ledger over HTTP: JSON in, JSON out, errors as RFC 9457 problems, and an OpenAPI 3.1
// document of it all at /openapi.json.
//
// [New] makes the handler, [Options] says who may use it and within which bounds. A request passes through these
// steps in this order; the first that objects answers it:
//
//	host or token       guard.go     who may ask at all
//	path and method     server.go    404 and 405 as problems
//	a free place        server.go    busy when too many requests are under way
//	content type, body  server.go    JSON only, bounded in size
//	fields              decode.go    nothing unknown, nothing twice, no number where money is meant
//	the ledger          accounts.go, transfers.go, journal.go
//
// The router and the document are huma's. Its reading of bodies is not used: it turns every JSON number into a
// float and keeps the last of two equal keys, and a ledger may do neither.
//
// The package opens no port, terminates no TLS and knows no users: one token opens everything.
package httpapi
