// Package verify checks a ledger against itself. It replays the journal from genesis, and after it the entries that are
// committed and not sealed. It compares every row that is stored with the replay.
//
// [Run] is the one function to know. It returns a [Report] whose [Finding]s name a position of the journal and the
// [Check] that failed there. The checks need no clock and no network, and change nothing.
//
// Two changes cannot be seen from inside. Either the tail of the journal was cut off, and the head, balances and
// requests were made to fit. Or the journal was rewritten from some position on, and all hashes were computed anew.
// Both change the head's hash. So keep that hash outside the database (Report.Head has it) and give it back as an
// anchor.
//
// Refusals are outside the chain. Each is stored with a hash of its own, which shows damage. Whether it happened,
// nothing says: who can compute a hash can write one, or remove one.
//
// The schema is compared as well: see [Schema]. What of it could not be compared, because the user may not see it or
// because the program does not know the engine's version, is in Report.Warnings.
package verify
