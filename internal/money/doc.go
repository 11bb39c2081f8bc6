// Package money holds amounts and prices, and the only arithmetic that may be
// done on them.
//
// Amounts are whole nano-US-dollars, prices whole micro-US-dollars per million
// units. Products are taken in 128 bits and rounded once. No float ever touches
// an amount: a package that needs one is asking the wrong question.
//
// The invariant every caller relies on: for any n and p,
// p.Cost(n) ≤ p.CostUp(n), so what was held for a use is never less than what
// the use is charged.
package money
