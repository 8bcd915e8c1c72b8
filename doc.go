// Package bursar has the words of a double-entry ledger: what an application asks of it and what it answers.
//
// The names to know: an [Opening] asks for an account, a [Transfer] moves money in one or more [Leg]s, and [IDOf] names
// it so that a retry posts once. An [Account], a [Balance] and an [Entry] are what the ledger answers. Everything that
// can go wrong is an [*Error] with a [Code]; [Catalogue] is the table of them, with what to do.
//
//	transfer := bursar.Transfer{
//		ID:   bursar.IDOf("order.pay", order.ID),
//		Legs: []bursar.Leg{{From: "users:1", To: "shops:7", Amount: money.MustParse("25.00 USD")}},
//	}
//
// The ledger itself is package ledger, next to a store such as package store/sqlite; amounts are those of package
// money.
//
// Name the fields when you write such a value: a later version may add some.
//
// The package has no machinery: it talks to no database, reads no clock, and needs nothing besides the standard library
// and package money.
package bursar
