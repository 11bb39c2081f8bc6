// Package foreign reads the keys that other gateways export (LiteLLM, new-api,
// Enclava, Aether, Smarter) and says them in Tollgate's words: rows of CSV, JSON or
// JSON lines become rows of an import.
//
// It sends nothing and decides nothing about keys that are here already; the
// management API does. It holds no clock: now is an argument.
//
// The invariants:
//
//   - A key that stands in a file as it is leaves this package as its hash only; no
//     value of a file is in an error or a note, so none of a secret is.
//   - Nothing restricts less here than there. What has no equivalent is said more
//     strictly and noted, or refuses its row until the caller gives it up by name.
//   - A column that is not known and not empty may be a restriction, and counts as
//     one.
//
// The command line calls it.
package foreign
