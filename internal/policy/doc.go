// Package policy says what a key may ask for. A key's restrictions are compiled
// once into Rules; each rule can only deny, so adding one never opens anything,
// and a request goes on only when every rule lets it.
//
// It knows no clock, no store and no network: time, address and all else come in
// the Ask. It does not count: allowances are package limit's.
//
// The invariant: one table holds the rules, and deciding and explaining both walk
// it, so an explanation cannot differ from a decision. The zero Rules deny
// everything.
//
// The authority compiles Rules; the proxy and the explain operation ask them.
package policy
