package proxy

import (
	"net/http"
	"strings"
)

// longContext is what Anthropic's beta context-1m makes of the context window of
// some models that have less.
const longContext = 1_000_000

// extended is a context window as the headers of a request ask for it; 0 stays
// unknown.
func extended(tokens int64, h http.Header) int64 {
	for _, betas := range h["Anthropic-Beta"] {
		if tokens > 0 && strings.Contains(betas, "context-1m") {
			return max(tokens, longContext)
		}
	}
	return tokens
}
