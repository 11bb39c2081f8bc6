// Package pricing keeps the catalogue that is in force: the built-in rows, the
// configuration's over them, and over both the versions that are stored, each from
// its instant on.
//
// Who prices a request asks Catalog, which is one atomic load, and the catalogue
// for the instant at which the request was admitted; so a version comes into force
// by itself, and no job and no lock is involved. Set stores versions and swaps the
// catalogue before it returns.
//
// The invariant: what the catalogue says is what is stored. Versions are never
// changed and never taken away; one that was a mistake is followed by another.
//
// It does not know who may change prices, nor what was charged by them. The
// management API calls Set, the doors call Catalog; the store is handed to it.
package pricing
