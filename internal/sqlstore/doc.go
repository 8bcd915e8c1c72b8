// Package sqlstore keeps a ledger in a SQL database. It is driver.Store written once over database/sql; what an
// engine does its own way is a [Dialect].
//
// The names to know: [New] makes a [Store], [Dialect] and [Statements] are what a room such as store/sqlite fills in.
//
// It opens no databases, knows no engine by name, and decides nothing about money: it reads what a decision needs,
// writes what was decided, and turns database errors into the ledger's codes, once.
package sqlstore
