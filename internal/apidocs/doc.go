// Package apidocs makes a page for people of an OpenAPI document: every operation
// with its parameters, fields, examples, a line for curl and its errors, every type
// and every error code. Style and script are beside it, embedded in the binary:
// the page asks nobody else for anything, and is whole without its script, which
// adds the search and buttons to copy.
//
// It knows nothing of the operations but what the document says, and of OpenAPI
// what the documents of this program use. It serves nothing.
//
// The invariant: everything that comes from the document is escaped, so that no
// description can become markup, and the page needs no inline script or style.
//
// Package admin renders its document here once, and serves what comes of it.
package apidocs
