// Package bursar is a double-entry ledger that keeps money right under concurrency, inside your own database.
//
// The names to know: [New] makes a [Ledger] over a store (see the packages below store), [Ledger.Open] opens
// accounts, [Ledger.Post] moves money, and [Ledger.In] does both inside a database transaction of yours, so
// that your row and the money commit together.
//
//	ledger, err := bursar.New(sqlite.New(db), nil)
//	posted, err := ledger.Post(ctx, bursar.Transfer{
//		ID:   bursar.IDOf("order.pay", order.ID), // a retry posts once
//		Legs: []bursar.Leg{{From: "users:1", To: "shops:7", Amount: money.MustParse("25.00 USD")}},
//	})
//
// What may happen to money is decided by one pure function, in apply.go. When it is decided, and how concurrent
// posts are kept apart, is a [Strategy] (package posting). Where it is kept is a [Store].
//
// Every balance change is an [Entry] in the book's journal: gapless positions, strictly increasing times, each
// entry chained to the one before by SHA-256. The balances of all accounts of a book sum to zero in every
// currency, always.
//
// The package does not talk to databases, serve HTTP, read the wall clock or draw random numbers in the path of
// money, or convert between currencies by itself. It imports only the standard library and its own leaves.
package bursar
