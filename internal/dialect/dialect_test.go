package dialect_test

import (
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

// read reads a body that must be accepted.
func read(t testing.TB, path, body string) *dialect.Call {
	t.Helper()
	call, err := dialect.Read(find(t, path), nil, []byte(body))
	if err != nil {
		t.Fatalf("Read(%.200s): %v", body, err)
	}
	return call
}
