// Package api holds the wire types of the management API under /api/v1 and its
// error codes. The server, the Go client, the command line and the tests all
// read and write these types, so a field has one name everywhere.
//
// It does nothing: no network, no validation, no storage. It imports the
// standard library only, and may be vendored by other programs.
//
// The invariants: amounts of money are decimal strings of US dollars in fields
// that end in _usd (cents are a rounded view), instants are RFC 3339 in UTC and
// end in _at, a null list or limit means "no restriction", and 0 denies.
package api
