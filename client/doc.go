// Package client speaks the management API of a Tollgate server: keys, users,
// the organization, usage and explain. The command line and the tests go through
// this same door.
//
// It does not send requests to language models (any OpenAI SDK does that), does
// not retry, and keeps nothing. A Client is safe for concurrent use.
//
// The invariant: the token leaves only in the Authorization header of requests
// to the base URL. It is in no error, no String and no redirected request.
package client
