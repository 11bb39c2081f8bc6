package admin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/admin"
)

func TestC8_TheAuditOverTheAPI(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{Name: api.Set("before")})
	id := made.APIKey.ID
	resp, _ := h.send(t, request{method: "PATCH", path: "/api/v1/api-keys/" + id, body: `{"name":"after"}`, header: map[string]string{"User-Agent": "tester/1"}})
	if code := h.code(t, request{method: "PATCH", path: "/api/v1/api-keys/" + id, body: `{"name":""}`}); code != "validation_failed" {
		t.Fatal(code)
	}
	list, err := h.Audit(t.Context(), client.AuditQuery{ResourceID: id, Action: "api_key.update"})
	must(t, err)
	if len(list.AuditEvents) != 2 || list.NextBefore != nil {
		t.Fatalf("%+v", list)
	}
	refusal, done := list.AuditEvents[0], list.AuditEvents[1]
	if refusal.Outcome != "refused" || *refusal.Code != "validation_failed" {
		t.Errorf("%+v", refusal)
	}
	if done.Outcome != "done" || *done.IP != "127.0.0.1" || *done.UserAgent != "tester/1" || *done.RequestID != resp.Header.Get("X-Request-Id") || !strings.HasPrefix(done.ActorID, "mk_") {
		t.Errorf("%+v", done)
	}
	if len(done.Changes) != 1 || done.Changes[0].Field != "name" || string(done.Changes[0].From) != `"before"` || string(done.Changes[0].To) != `"after"` {
		t.Errorf("changes: %+v", done.Changes)
	}
	for name, q := range map[string]client.AuditQuery{
		"outcome": {Outcome: "replayed"}, "actor": {ActorID: "mk_nobody"}, "type": {ResourceType: "user"}, "to": {To: made.APIKey.CreatedAt.AddDate(-1, 0, 0)},
	} {
		none, err := h.Audit(t.Context(), q)
		must(t, err)
		if len(none.AuditEvents) != 0 {
			t.Errorf("by %s: %+v", name, none.AuditEvents)
		}
	}
	if code := h.code(t, request{method: "GET", path: "/api/v1/audit-events?outcome=odd"}); code != "validation_failed" {
		t.Errorf("an unknown outcome: %s", code)
	}
}

func TestC8_TheAuditIsPagedExportedAndVerified(t *testing.T) {
	h := newHouse(t)
	for range 7 {
		h.createKey(t, api.KeyInput{})
	}
	q, seen := client.AuditQuery{Action: "api_key.create", Size: 3}, 0
	for {
		list, err := h.Audit(t.Context(), q)
		must(t, err)
		seen += len(list.AuditEvents)
		if list.NextBefore == nil {
			break
		}
		q.Before = *list.NextBefore
	}
	var lines bytes.Buffer
	must(t, h.AuditExport(t.Context(), client.AuditQuery{Action: "api_key.create"}, &lines))
	exported := 0
	for d := json.NewDecoder(&lines); d.More(); exported++ {
		var e api.AuditEvent
		must(t, d.Decode(&e))
		if e.Action != "api_key.create" || len(e.Hash) != 64 {
			t.Errorf("%+v", e)
		}
	}
	if seen != 7 || exported != 7 {
		t.Errorf("%d were listed and %d exported of 7", seen, exported)
	}
	v, err := h.VerifyAudit(t.Context(), "")
	must(t, err)
	if v.Events < 7 || len(v.Head) != 64 || len(v.Broken) != 0 {
		t.Errorf("%+v", v)
	}
}

// Behind a proxy the address is the one that the proxy's setting says.
func TestC8_TheAddressIsTheCallers(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewServer(admin.New(admin.Options{
		Authority: h.authority, Ledger: h.ledger,
		Address: func(*http.Request) netip.Addr { return netip.MustParseAddr("203.0.113.9") },
	}))
	defer server.Close()
	_, err := client.New(server.URL, rootKey).CreateKey(t.Context(), api.KeyInput{Name: api.Set("x")})
	must(t, err)
	list, err := h.Audit(t.Context(), client.AuditQuery{Action: "api_key.create"})
	must(t, err)
	if len(list.AuditEvents) != 1 || *list.AuditEvents[0].IP != "203.0.113.9" {
		t.Errorf("%+v", list.AuditEvents)
	}
}

func TestC8_VerifyingAgainstAKeptHead(t *testing.T) {
	h := newHouse(t)
	v, err := h.VerifyAudit(t.Context(), "")
	must(t, err)
	head := client.KeptHead(v)
	h.createKey(t, api.KeyInput{})
	v, err = h.VerifyAudit(t.Context(), head)
	if must(t, err); len(v.Broken) != 0 {
		t.Errorf("%+v", v)
	}
	v, err = h.VerifyAudit(t.Context(), "1000:"+head[strings.Index(head, ":")+1:])
	if must(t, err); len(v.Broken) != 1 || v.Broken[0].Sequence != v.Events+1 {
		t.Errorf("%+v", v)
	}
	for _, wrong := range []string{"x", "1", "1:", "0:" + strings.Repeat("0", 64), "-1:" + strings.Repeat("0", 64), "1:" + strings.Repeat("0", 63), "1:" + strings.Repeat("g", 64)} {
		if _, err := h.VerifyAudit(t.Context(), wrong); refused(err) != "validation_failed" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
