// Package journal turns the facts of a ledger into canonical bytes and chains them with SHA-256.
//
// The names to know are [Entry] with [AppendEntry], [Request] with [AppendRequest], and the chain itself,
// [Genesis] and [Link]. The layout of the bytes is a promise: docs/journal.md specifies it field by field so
// that anyone can recompute a chain without this package.
//
// It does not know where bytes are kept, what a transfer may do, or what time it is; it imports only the
// standard library. All functions are pure and safe for concurrent use.
package journal
