// Package key is the format of Tollgate's own keys: how one is made, told from a
// typing error, hashed and hinted at.
//
// A key is a prefix, 32 base62 characters from the operating system's random
// source (190 bits) and 6 base62 check digits:
//
//	tg_ 4fK9…(32)…q0 1a2B3c
//
// The check digits are the CRC-32 (IEEE) of all that precedes them. They let a
// mistyped key be refused without a look-up, and let scanners of leaked secrets
// recognise one. They prove nothing: whether a key opens anything is decided by
// looking up its hash, never by its shape.
//
// The package knows no store and no clock. The authority and the CLI use it.
package key
