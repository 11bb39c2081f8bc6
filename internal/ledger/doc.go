// Package ledger is the book of what was used and what may still be used:
// Reserve takes a hold, Settle or Release ends it and writes the entry.
//
// Holds and entries are first written to a journal, an append-only file that
// survives the death of the process; only then is a request forwarded, or an
// answer closed. A follower reads the journal and books the entries in the
// database, in transactions that also store how far it has read, so that each
// is booked exactly once however often either side dies. While the database is
// away the journal simply grows. Holds that a dead process left open are swept
// into entries at the next start.
//
// Prepaid balances are limits of the same kind: what is paid in is their Max. Their
// changes are rows of their own; what requests cost is in the entries alone, and
// a statement puts both together. Statistics are sums of entries by quarter of an
// hour, kept in the transaction that books them.
//
// Entries are never changed. Where a period is rated anew, what changes is booked as
// entries of their own, without usage, at the instants and for the subjects of those
// that they correct.
//
// The invariants: granted = spent + held + available; a request that reached a provider has exactly one entry; an
// entry is in every sum; no hard limit is ever passed by what is used and held.
//
// The ledger does not know keys, prices or formats. Doors call it, with a chain
// of subjects and an upper bound; stores and counters are handed to it.
package ledger
