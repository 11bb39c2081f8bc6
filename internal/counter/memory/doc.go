// Package memory keeps the limits' state of one process: a State for each
// subject in use, under a lock of its own.
//
// The locks of a chain are taken in the order of the chain, which is the order
// of the kinds of subject, so that no two requests wait for each other; Decide
// and Take run under all of them, which makes a request's limits one atomic
// step. A subject is loaded from the ledger when it is first asked for, and then
// stays. Callers without a key, by their addresses, are counted here alone, from
// when they come until others have taken their place: there are as many as
// somebody likes, and what may not be passed is limited elsewhere in their chains.
//
// It is the counter store of an installation with one process. The ledger calls
// it, nobody else.
package memory
