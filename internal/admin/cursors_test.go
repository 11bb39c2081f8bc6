package admin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/llm"
)

// Every list of the document gives the same by pages as by its cursor, each line
// once, and does not take what it does not know for the end.
func TestEveryListIsWalked(t *testing.T) {
	c, walked := newHouse(t).contract(t), 0
	for _, op := range c.ops {
		if !strings.HasPrefix(op.id, "list-") || op.id == "list-audit-events" { // that one grows by being read
			continue
		}
		walked++
		t.Run(op.id, func(t *testing.T) {
			h := newHouse(t)
			th := things{h, c}
			path := th.at(t, op)
			th.fill(t, op, path)
			pages := th.lines(t, path, func(n int, _ string) string { return fmt.Sprintf("size=2&page=%d", n) })
			cursor := th.lines(t, path, func(_ int, last string) string { return "size=2&after=" + url.QueryEscape(last) })
			if !slices.Equal(pages, cursor) || len(pages) < 3 {
				t.Errorf("by pages %v, by cursor %v", pages, cursor)
			}
			if slices.Sort(pages); len(slices.Compact(pages)) != len(cursor) {
				t.Errorf("a line comes twice: %v", cursor)
			}
			for _, after := range []string{"x", "key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99", "' OR 1=1"} {
				r := request{method: "GET", path: path + "?after=" + url.QueryEscape(after)}
				if _, p := h.problem(t, r); p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Field != "after" {
					t.Errorf("after %s: %+v", after, p)
				}
			}
		})
	}
	if walked < 8 {
		t.Errorf("only %d lists", walked)
	}
}

// fill makes what a list shows.
func (th things) fill(t *testing.T, op *described, path string) {
	t.Helper()
	switch op.id {
	case "list-usage":
		k := th.h.createKey(t, keyNamed("spender"))
		for range 5 {
			th.h.spend(t, k.SecretKey, llm.Usage{Input: 1}, 1)
		}
	case "list-unpriced-models":
		k := th.h.createKey(t, keyNamed("spender"))
		for i := range 5 {
			th.h.use(t, k.SecretKey, fmt.Sprintf("new-%d", i), "", llm.Usage{Input: 1}, 0)
		}
	case "list-rerates":
		for range 5 {
			if _, err := th.h.Rerate(t.Context(), api.RerateInput{Apply: true}, nil); err != nil {
				t.Fatal(err)
			}
		}
	case "list-price-versions":
		for i := range 5 {
			th.h.priced(t, "openai/gpt-4o-mini", fmt.Sprint(i+1), nil)
		}
	case "list-api-key-ledger":
		id := strings.Split(path, "/")[4]
		for i := range 5 {
			th.h.change(t, id, []string{"open", "grant"}[min(i, 1)], "1")
		}
	}
	for _, create := range th.c.ops {
		if create.method == http.MethodPost && create.path == op.path {
			for range 5 {
				th.call(t, create, path, least(create))
			}
		}
	}
}

// lines reads a whole list, 40 parts at most; next is the query of a part, by its number from 1 and
// the last line before it.
func (th things) lines(t *testing.T, path string, next func(n int, last string) string) (all []string) {
	t.Helper()
	last := ""
	for n := 1; n <= 40; n++ {
		query := next(n, last)
		if n == 1 {
			query = "size=2"
		}
		resp, body := th.h.send(t, request{method: "GET", path: path + "?" + query})
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", query, resp.StatusCode, body)
		}
		part := namesIn(t, body)
		if len(part) == 0 {
			return all
		}
		all, last = append(all, part...), part[len(part)-1]
	}
	return all
}
