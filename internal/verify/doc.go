// Package verify checks a ledger against itself: it replays the journal from genesis, and after it the entries that are
// committed and not sealed, and compares every row that is stored with what the replay says.
//
// [Run] is the one function to know; it answers with a [Report] whose [Finding]s name a position of the journal and
// the [Check] that failed there. The checks need no clock and no network, and change nothing.
//
// What it cannot see from inside: a journal whose tail was cut off and whose head, balances and requests were put
// back to fit, and one that was rewritten from some position on with all hashes computed anew. Both change the
// head's hash, so keep that hash outside the database (Report.Head has it) and give it back as an anchor. Refusals are outside the chain:
// their form is checked, but not whether they happened, nor the words of their messages.
package verify
