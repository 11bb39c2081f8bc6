// Package fault is how an error crosses floors: a Kind for programs, a public
// text for people, and a cause for the log. Whatever is not a *fault.Error is
// internal: doors log it once and show nothing of it.
package fault
