// Package keyset is where the vault's keyset lies: in a file for the owner's eyes
// only, in the clear or wrapped by a key service, or given by the environment.
//
// It makes no keys and opens no secrets. The invariant: a file is there whole or
// not at all, it is on the disk when a call returns, and no error holds a part of
// a keyset or the key service's token.
//
// Package server makes one of its types and hands it to the vault.
package keyset
