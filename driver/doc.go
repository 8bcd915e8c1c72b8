// Package driver is the contract between a ledger and the store that keeps it, and promises no compatibility between
// versions: programs that only use a ledger never import it.
//
// [Store] is what a store is: package store and those below it make one. [Tx] is one database transaction that
// writes, [Reader] one snapshot that is read, [Auditor] what verify reads besides. The rows that they exchange are
// [AccountRow], [EntryRow] and [RequestRecord]; a [Batch] is what one decision, or many decided together, write.
//
// The package decides nothing and runs no SQL. Decisions are made in package ledger, and package store/storetest says
// what every store must do.
package driver
