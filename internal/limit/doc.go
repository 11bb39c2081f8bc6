// Package limit is the arithmetic of allowances: windows, meters, and the one
// decision whether a request's upper bound fits on every limit of every subject
// in its chain.
//
// It holds no clock, no lock and no storage. A counter store keeps a State for
// each subject, locks those of a chain, and calls Decide, then Take; later
// Settle with what was really used. The store tests run the same suite over each
// of them.
//
// The invariant: after Take, used + held ≤ max on every hard limit, and Settle
// with an amount no greater than the hold keeps it so.
package limit
