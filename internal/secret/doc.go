// Package secret holds text that must not be shown. A secret.Text prints as
// "[redacted]" through every formatter and encoder, so that a log line, an error
// or a JSON answer cannot spill it by accident; Reveal is the one way out, and
// easy to search for.
package secret
