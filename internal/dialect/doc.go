// Package dialect speaks the providers' wire formats: OpenAI's, Anthropic's,
// Google's (Gemini) and Cohere's. It reads what a request asks for, splices the few values the
// gate must change into its body, watches the answer pass for the usage the
// provider reports, and writes errors and model lists as the caller's SDK expects
// them.
//
// All formats share one scanner, one way to cut streams and one table of routes.
// What is a format's own, its names and what they mean, lies in files that begin
// with its name; OpenAI's is where nothing is said.
//
// It does not forward, price, limit or store anything, and it never decodes a
// body: one strict pass over the bytes finds the places that matter, and all
// other bytes reach the provider as the caller wrote them.
//
// The invariants its callers rely on: the fields of a Call are those that any
// parser of the same body finds, because a body in which two parsers may
// disagree on a field that matters (duplicate or re-cased names) is refused;
// what InputBound says is never less than what the provider counts; and what
// a Tap tallies and relays does not depend on how the bytes were cut.
//
// The proxy calls Read, Rewrite and NewTap once for each request; the doors
// call WriteError.
package dialect
