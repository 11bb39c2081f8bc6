// Package proxy is the data plane: it takes a caller's request to a provider and
// the answer back, and lets nothing through that was not admitted.
//
// A request walks through one file per step: authenticate (whose key), read (what
// is asked), admit (is it allowed, and a hold for it), forward (to the provider),
// meter (the answer, passing by), settle (the entry). A step that refuses ends
// the walk with a fault, and the caller reads it in its own format.
//
// The invariants: nothing is forwarded without a ledger.Hold, every hold ends
// exactly once whatever happens to caller, provider or handler, and neither
// prompts nor answers are kept or logged.
//
// It holds no rules of its own: policy says what a key may ask for, limits and
// ledger how much, dialect how a format is read.
package proxy
