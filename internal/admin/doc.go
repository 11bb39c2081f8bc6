// Package admin is the management API: /api/v1/… and /openapi.json. Each
// operation is a row of a table (routes.go) and a handler of a few lines; what
// every operation needs, the caller's identity, permission, media type, body
// limit, time-out, errors and log line, is done once around it (operation.go), so
// that no handler can forget one.
//
// It holds no law: which fields a key has and which values they may take is the
// authority's, what was used is the ledger's. It has no data plane; the one place
// where both meet is explain, which asks the same rules and takes nothing.
//
// The invariant: every answer that is no success is a problem document (RFC 9457)
// whose code is in the table of package api, and no answer repeats a submitted
// value of an unknown field, a query or a secret.
//
// Package server mounts the handler; the routes, parameters and the OpenAPI
// document come from huma on net/http's ServeMux.
package admin
