// Package credential is the form of a provider's credential that somebody brings
// along: for which providers there are some, which settings each of them has, what
// of a secret may be shown, and what a provider's answer says about it.
//
// It stores, seals and sends nothing, and knows no owners.
//
// The invariant: nothing in a Verdict comes from the provider's answer but its
// kind; codes and their texts are those of this package.
package credential
