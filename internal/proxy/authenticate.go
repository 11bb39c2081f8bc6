package proxy

import (
	"net/http"
	"strings"

	"tollgate/internal/fault"
)

// presented finds the key that a request presents, in any of the headers that
// the providers' SDKs use. Two that differ are an error: which one was meant
// must not depend on who looks.
func presented(h http.Header) (string, error) {
	key := ""
	for _, name := range [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		for _, value := range h[name] {
			if name == "Authorization" {
				value = bearer(value)
			}
			switch {
			case value == "" || value == key:
			case key == "":
				key = value
			default:
				return "", fault.New(fault.KeyAmbiguous, "The request presents two different keys. Send one, in one header.")
			}
		}
	}
	if key == "" {
		return "", fault.New(fault.KeyMissing, "No API key was sent. Put it in the header \"Authorization: Bearer tg_…\".")
	}
	return key, nil
}

// bearer is the token of "Bearer token" (RFC 6750); the scheme's case does not
// matter. What is no bearer token is taken whole, and will not be a known key.
func bearer(v string) string {
	const scheme = "bearer"
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return v
	}
	token := v[len(scheme):]
	if token != "" && token[0] != ' ' {
		return v
	}
	return strings.TrimSpace(token)
}
