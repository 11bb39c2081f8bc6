package tollgate_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestLawsFindWhatBreaksThem plants one fault at a time. A law that finds nothing
// in the house may be kept, or blind.
func TestLawsFindWhatBreaksThem(t *testing.T) {
	tests := []struct {
		law, path, source string
		want              string // in the finding; "" = the source is lawful
	}{
		{"floors", "internal/ledger/a.go", `package ledger; import "tollgate/internal/authority"`, "only lower floors"},
		{"floors", "internal/proxy/a.go", `package proxy; import "tollgate/internal/upstream"`, "only lower floors"},
		{"floors", "internal/limit/a.go", `package limit; import "tollgate/internal/ledger"`, "only lower floors"},
		{"floors", "internal/proxy/a.go", `package proxy; import "tollgate/internal/novel"`, "only lower floors"},
		{"floors", "internal/novel/a.go", `package novel`, "no floor"},
		{"floors", "client/a.go", `package client; import "tollgate/internal/money"`, "may import [api]"},
		{"floors", "api/a.go", `package api; import "tollgate/internal/money"`, "may import []"},
		{"floors", "cmd/tollgate/a.go", `package main; import "tollgate/internal/ledger"`, "may import"},
		{"floors", "internal/proxy/a.go", `package proxy; import ("tollgate/api"; "tollgate/internal/ledger")`, ""},
		{"floors", "internal/proxy/a_test.go", `package proxy; import "tollgate/internal/upstream"`, ""},
		{"floors", "test/load/a.go", `package main; import "tollgate/internal/upstream"`, ""},

		{"rules are pure", "internal/limit/a.go", `package limit; import "time"; func f() { time.Now() }`, "time.Now"},
		{"rules are pure", "internal/foreign/a.go", `package foreign; import "time"; func f() { time.Now() }`, "must be an argument"},
		{"rules are pure", "internal/limit/a.go", `package limit; import clock "time"; func f() { clock.Since(x) }`, "time.Since"},
		{"rules are pure", "internal/key/a.go", `package key; func f() { go g() }`, "goroutine"},
		{"rules are pure", "internal/policy/a.go", `package policy; import _ "database/sql"`, "database/sql"},
		{"rules are pure", "internal/dialect/a.go", `package dialect; import "net/http"; func f() { http.Get("") }`, "net/http.Get"},
		{"rules are pure", "internal/dialect/a.go", `package dialect; import "net/http"; func f(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }`, ""},
		{"rules are pure", "internal/limit/a.go", `package limit; import "time"; var d time.Duration = time.Second`, ""},
		{"rules are pure", "internal/limit/a.go", `package limit; import "time"; func f(time span) { time.Now() }`, ""},
		{"rules are pure", "internal/ledger/a.go", `package ledger; import "time"; func f() { go time.Now() }`, ""},

		{"drivers stay in their gear", "internal/ledger/a.go", `package ledger; import _ "modernc.org/sqlite"`, "modernc.org/sqlite"},
		{"drivers stay in their gear", "internal/store/sqlite/a.go", `package sqlite; import _ "modernc.org/sqlite"`, ""},
		{"drivers stay in their gear", "internal/proxy/a.go", `package proxy; import "github.com/danielgtaylor/huma/v2"`, "huma"},

		{"names say something", "internal/utils/a.go", `package utils`, "says nothing"},
		{"names say something", "internal/proxy/helpers_test.go", `package proxy`, "says nothing"},
		{"names say something", "internal/proxy/a.go", `package door`, "package door"},
		{"names say something", "internal/proxy/a_test.go", `package proxy_test`, ""},

		{"no init", "internal/proxy/a.go", `package proxy; func init() {}`, "init"},
		{"no init", "internal/proxy/a.go", `package proxy; func (t) init() {}`, ""},

		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var n int; func f() { n++ }`, "n is changed"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var n int; func f() { g(&n) }`, "n is changed"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var m = map[string]int{}; func f() { m["a"] = 1 }`, "m is changed"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var m = map[string]int{}; func f() { delete(m, "a") }`, "m is changed"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var m = make(map[string]int)`, "result of make"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; import "sync"; var mu sync.Mutex`, "sync.Mutex"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; import "sync/atomic"; var p atomic.Pointer[int]`, "atomic.Pointer"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var c = &cache{}`, "pointer"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; import "net/http"; func f() { http.DefaultClient = nil }`, "another package"},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; import "errors"; var errGone = errors.New("gone"); var _ door = (*proxy)(nil)`, ""},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var n = 1; func f() { n := 2; n++; var m int; m = n }`, ""},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; var n = 1; func f() { var n int; n = 2 }`, ""},
		{"no mutable state in packages", "internal/proxy/a.go", `package proxy; import "http"; func f(http t) { http.x = 1 }`, ""},

		{"interfaces are small", "internal/ledger/a.go", `package ledger; type t interface { a(); b(); c(); d(); e(); f() }`, "6 methods"},
		{"interfaces are small", "internal/ledger/a.go", `package ledger; type t interface { a(); b(); c(); d(); e() }`, ""},
		{"interfaces are small", "internal/upstream/a.go", `package upstream; type t interface { a(); b(); c(); d(); e(); f() }`, ""},

		{"every package says what it is", "internal/proxy/a.go", `package proxy`, "no doc.go"},
		{"every package says what it is", "internal/proxy/doc.go", `package proxy`, "must begin with Package proxy"},
		{"every package says what it is", "internal/proxy/doc.go", "// Package proxy is the data plane.\npackage proxy", ""},
		{"every package says what it is", "cmd/tollgate/doc.go", "// Command tollgate is the program.\npackage main", ""},

		{"every exported name is documented", "internal/proxy/a.go", `package proxy; func Do() {}`, "Do has no doc"},
		{"every exported name is documented", "internal/proxy/a.go", `package proxy; func (t *T[x]) Do() {}`, "Do has no doc"},
		{"every exported name is documented", "internal/proxy/a.go", `package proxy; func (t t) Do() {}`, ""},
		{"every exported name is documented", "internal/proxy/a.go", `package proxy; type Door struct{}`, "Door has no doc"},
		{"every exported name is documented", "internal/proxy/a.go", "package proxy\n// The ways.\nconst (\nA = 1\nB = 2\n)\nconst C = 3", "C has no doc"},
		{"every exported name is documented", "internal/proxy/a.go", "package proxy\n// The ways.\nconst (\nA = 1\nB = 2\n)", ""},

		{"files are short", "internal/proxy/a_test.go", "package proxy" + strings.Repeat("\n", 501), "501 lines"},
		{"files are short", "internal/proxy/a_test.go", "package proxy" + strings.Repeat("\n", 500), ""},
		{"files are short", "cmd/tollgate/main.go", "package main" + strings.Repeat("\n", 61), "61 lines"},

		{"nothing is left for later", "internal/proxy/a.go", "package proxy // " + "TO" + "DO: more", "TO" + "DO"},

		{"tests do not sleep", "internal/proxy/a_test.go", `package proxy; import "time"; func f() { time.Sleep(1) }`, "time.Sleep"},
		{"tests do not sleep", "internal/proxy/a_test.go", `package proxy; import "time"; func f() { synctest.Test(t, func() { time.Sleep(1) }) }`, ""},
	}
	for _, test := range tests {
		t.Run(test.law, func(t *testing.T) {
			source := strings.TrimSpace(test.source)
			h := readHouse(t, fstest.MapFS{test.path: {Data: []byte(test.source)}})
			var found []string
			for _, law := range laws {
				if law.name == test.law {
					found = law.check(h)
				}
			}
			switch {
			case test.want == "" && len(found) > 0:
				t.Errorf("%s:\n%s\nis lawful, and yet: %v", test.path, source, found)
			case test.want != "" && (len(found) != 1 || !strings.Contains(found[0], test.want)):
				t.Errorf("%s:\n%s\nfound %q, want one finding with %q", test.path, source, found, test.want)
			}
		})
	}
}
