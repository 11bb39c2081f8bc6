// Package upstream carries requests to the providers: it knows each provider's
// base URL, where a canonical path lies under it, which header takes the
// credential, and it keeps the pool of connections.
//
// It does not choose a provider, read or change a body, retry a request that may
// have been served, follow a redirect, or meter anything.
//
// Two invariants. The caller's credential never reaches a provider and the
// provider's never leaves in an error. And an error that is ErrNotSent means that
// no byte of the body left this process, so that what was held for the request
// may be given back; every other error means that the provider may have served
// it.
//
// The proxy calls it for each request; the server builds it from the
// configuration.
package upstream
