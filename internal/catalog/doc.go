// Package catalog knows the models: which provider lists a model under which
// name, how much a model reads and writes at most, and what its tokens cost.
//
// The built-in rows are models.txt in this directory, a format for people whose
// first lines explain it. The configuration lays further rows and aliases over
// them, in the same format. Load reads both once; a Catalog is immutable, so it
// needs no lock and its Models may be kept.
//
// The package knows prices and nothing else of money: what may be spent is the
// business of package limit, what was spent that of the ledger. It neither
// asks providers for their lists nor knows which of them have a credential:
// Resolve is told.
//
// The invariant that holds rest on: for every usage of at most in input and out
// output tokens,
//
//	Cost(usage) ≤ InputBound(in, reach) + OutputPrice(in).CostUp(out)
//
// to the nano-dollar, whatever the classes and tiers the tokens fall in. A
// property test shows it.
//
// The proxy resolves names and prices holds here, the ledger re-rates entries
// from the Tariff text they carry, and GET /v1/models lists what Models yields.
package catalog
