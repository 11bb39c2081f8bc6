// Package chaos holds tests that load the whole program, break it and kill it,
// and then compare three books: what the simulated provider billed, what the
// ledger's rows say, and what the counters and totals say.
//
// It has no code of its own. Everything runs on the loopback interface, with
// children that are ended by their process id. Short by default, it grows with
// TOLLGATE_CHAOS_ROUNDS, the number of rounds of the tests that go in rounds.
//
// The invariants it is after: no hard limit is ever passed by what the provider
// billed; each request that reached the provider has exactly one entry; and no
// secret and no prompt leaves the memory of the process.
package chaos
