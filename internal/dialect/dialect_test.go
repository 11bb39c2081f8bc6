package dialect_test

import (
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

// find is the route of a path.
func find(t testing.TB, path string) *dialect.Route {
	t.Helper()
	for _, r := range dialect.Routes() {
		if r.Path == path {
			return r
		}
	}
	t.Fatalf("no route %s", path)
	return nil
}

// address is the URL of a request to a route's path, for the model "m" where the
// path names one.
func address(path string) *url.URL {
	path, _, _ = strings.Cut(path, "?")
	return &url.URL{Path: strings.NewReplacer("{model}", "m", "{id}", "m").Replace(path)}
}

// read reads a body that must be accepted.
func read(t testing.TB, path, body string) *dialect.Call {
	t.Helper()
	call, err := dialect.Read(find(t, path), address(path), []byte(body))
	if err != nil {
		t.Fatalf("Read(%.200s): %v", body, err)
	}
	return call
}
