// Package sqlstore keeps a ledger in a SQL database. It is driver.Store written once over database/sql; what an engine
// does its own way is a [Dialect].
//
// The names to know: [New] makes a [Store], [Dialect], [Capabilities] and [Statements] are what a room such as
// store/sqlite fills in.
//
// It opens no databases, knows no engine by name, and decides nothing about money: it reads what a decision needs,
// writes what was decided, and turns database errors into the ledger's codes, once.
//
// # Reading it
//
// Each file uses only those before it:
//
//  1. The words for an engine: caps.go, places.go, columns.go, arrays.go, template.go, statements.go.
//  2. Running statements: executor.go, private.go, pipeline.go, dialect.go, errors.go,
//     memory.go, session.go.
//  3. Rows on their way between Go and the database: amounts.go, account.go, entry.go, request.go, bulk.go.
//  4. A database transaction, part by part: find.go, keys.go, read.go, guard.go, lock.go with recall.go, steps.go,
//     write.go, seal.go, audit.go, and all of it in tx.go.
//  5. The store: handle.go, migrate.go, book.go, transactor.go, store.go.
package sqlstore
