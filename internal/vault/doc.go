// Package vault keeps the keyset that secrets are sealed with: it makes it once,
// sees at the start that it opens what is sealed, and gives the program the one
// Sealer that everybody seals and opens with.
//
// It does not know what is sealed, nor who may see it: rows, owners and
// permissions are the authority's. Where the keyset lies (a file, the environment,
// wrapped by a key service) is gear's affair, behind Keysets; where the sealed
// values lie is a store's, behind Seals.
//
// The invariant: every sealed value can be opened at every moment. A key leaves
// the keyset only after the store has said that nothing is sealed with it and
// will take nothing that is.
//
// Package server calls it once, at the start.
package vault
