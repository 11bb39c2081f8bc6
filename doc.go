// Package tollgate is the root of the module. It holds no code: the program is
// cmd/tollgate, its public wire types are in api, the client for Go programs is
// in client, and everything else is under internal.
//
// The tests in this directory hold the laws of the house: which package may
// import which, what rules may not know, and that the documents tell the truth.
// docs/ARCHITECTURE.md is the map.
package tollgate
