// Package pricelist reads price lists that others collect, LiteLLM's
// model_prices_and_context_window.json and models.dev's api.json, and says them in
// Tollgate's words: rows that can be set.
//
// It sends nothing and fetches nothing, and does not know which providers there are
// here; the management API does.
//
// The invariants: a number is read digit by digit, never through a float; what the
// prices here cannot hold exactly is rounded up, and said; what a list has and
// cannot be carried over is said too, and a model of which nothing can be carried
// over is left out with its reason. Nothing is swallowed.
//
// The command line calls it.
package pricelist
