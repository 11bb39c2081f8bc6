package proxy

import (
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/fault"
)

// presented finds the key that a request presents, in any of the headers that
// the providers' SDKs use, or in a query that may hold one; "" = none. Two that differ are an
// error: which one was meant must not depend on who looks.
func presented(h http.Header, query string) (key string, inQuery bool, err error) {
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
				return "", false, ambiguous()
			}
		}
	}
	for _, value := range queryKeys(query) {
		switch {
		case value == "" || value == key:
		case key == "":
			key, inQuery = value, true
		default:
			return "", false, ambiguous()
		}
	}
	return key, inQuery, nil
}

func ambiguous() error {
	return fault.New(fault.KeyAmbiguous, "The request presents two different keys. Send one, in one header.")
}

// queryKeys are the keys in a query, as Google's API takes them.
func queryKeys(query string) []string {
	if query == "" {
		return nil
	}
	values, _ := url.ParseQuery(query) // a pair that cannot be read is none
	return values["key"]
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
