// Package secret holds text that must not be shown. A secret.Text prints as
// "[redacted]" through every formatter and encoder, so that a log line, an error
// or a JSON answer cannot spill it by accident; Reveal is the one way out, and
// easy to search for.
//
// What must be kept and shown again lies in the store as a Sealed: sealed with a
// key of a Keyset, whose id it carries, and bound to its Place, so that it opens
// nowhere else. Where the keyset itself lies, and when it changes, is the vault's
// affair.
//
// The invariant: no error of this package, and nothing that it prints, holds a
// secret, a key, or a part of one.
package secret
