// Package reach says which network addresses may be reached because a user said
// so: public ones, and those that the operator allows. Base URLs that the operator
// configures are not its affair.
//
// It resolves no names and opens no connections; it is asked twice: about a URL
// when somebody sets it, to tell them early, and about each address at the moment
// at which it is dialled, which is what counts. A name can mean another address
// each time it is looked up.
//
// The invariant: an address that is not known to be public is not.
package reach
