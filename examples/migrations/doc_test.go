// Package migrations_test keeps what docs/schema.md says of other migration tools: goose, golang-migrate and Atlas
// apply the schema of a ledger beside the migrations of an application, whose first one is number 1 too. It is a
// module of its own, so that no application gets these tools by importing Bursar. Run it by `go test ./...` in its
// folder; `make test` runs it, too.
package migrations_test
