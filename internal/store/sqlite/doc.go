// Package sqlite keeps everything in one SQLite file: the authority's rows and
// the ledger's. It does transactions and nothing else: what a field may hold and
// who may change it is decided above, in the keepers.
//
// The invariant: there is one writer connection, whose transactions take the
// write lock when they begin, so a change is read, decided and written without
// another change between; readers have connections of their own, cannot write,
// and never wait for the writer (WAL).
//
// The server opens it and hands it to the keepers through the interfaces they
// declare. Its tests are the suites of internal/store/storetest.
package sqlite
