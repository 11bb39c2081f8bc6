package dialect_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

func TestWriteError(t *testing.T) {
	for _, c := range []struct {
		fault  fault.Error
		status int
		kind   string // "type"
		again  string // X-Should-Retry
		after  string // Retry-After
	}{
		{fault.Error{Kind: fault.InvalidField, Public: "no \"good\"\n", Param: "n"}, 400, "invalid_request_error", "false", ""},
		{fault.Error{Kind: fault.KeyInvalid, Public: "no"}, 401, "authentication_error", "false", ""},
		{fault.Error{Kind: fault.BudgetExceeded, Public: "no"}, 402, "insufficient_quota", "false", ""},
		{fault.Error{Kind: fault.BalanceExhausted, Public: "no"}, 402, "insufficient_quota", "false", ""},
		{fault.Error{Kind: fault.ModelDenied, Public: "no"}, 403, "permission_error", "false", ""},
		{fault.Error{Kind: fault.ModelNotFound, Public: "no"}, 404, "invalid_request_error", "false", ""},
		{fault.Error{Kind: fault.RequestTimeout, Public: "no"}, 408, "invalid_request_error", "", ""},
		{fault.Error{Kind: fault.RateLimited, Public: "no", RetryAfter: time.Millisecond}, 429, "requests", "", "1"},
		{fault.Error{Kind: fault.RateLimited, Public: "no", RetryAfter: time.Second}, 429, "requests", "", "1"},
		{fault.Error{Kind: fault.TokensLimited, Public: "no", RetryAfter: time.Minute}, 429, "tokens", "", "60"},
		{fault.Error{Kind: fault.TokensLimited, Public: "no", RetryAfter: time.Minute + 1}, 429, "tokens", "false", "61"},
		{fault.Error{Kind: fault.BudgetHeld, Public: "no"}, 429, "requests", "", ""},
		{fault.Error{Kind: fault.Internal, Public: "no", Err: errors.New("secret cause")}, 500, "server_error", "", ""},
		{fault.Error{Kind: fault.StoreUnavailable, Public: "no"}, 503, "server_error", "", ""},
		{fault.Error{Kind: fault.ProviderUnconfigured, Public: "no"}, 503, "server_error", "false", ""},
	} {
		w := httptest.NewRecorder()
		dialect.WriteError(w, llm.OpenAI, &c.fault, c.status, "req_1")
		h := w.Header()
		if w.Code != c.status || h.Get("X-Should-Retry") != c.again || h.Get("Retry-After") != c.after ||
			h.Get("X-Request-Id") != "req_1" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: status %d, headers %v", c.fault.Kind, w.Code, h)
		}
		if (h.Get("Www-Authenticate") != "") != (c.status == 401) {
			t.Errorf("%s: headers %v", c.fault.Kind, h)
		}
		var param any
		if c.fault.Param != "" {
			param = c.fault.Param
		}
		want := map[string]any{"error": map[string]any{
			"message": c.fault.Public, "type": c.kind, "param": param, "code": string(c.fault.Kind),
		}}
		if diff := cmp.Diff(want, decode(t, w.Body.Bytes())); diff != "" {
			t.Errorf("%s:\n%s", c.fault.Kind, diff)
		}
	}
}

func TestErrorEventIsOneEventThatATapKnows(t *testing.T) {
	tap := dialect.NewTap(find(t, chat), dialect.Events, false)
	event := string(tap.Broken(fault.New(fault.UpstreamUnavailable, "It broke\noff."), "req_1"))
	data, ok := strings.CutPrefix(event, "data: ")
	if data, ok2 := strings.CutSuffix(data, "\n\n"); !ok || !ok2 || !json.Valid([]byte(data)) || strings.Contains(data, "\n") {
		t.Errorf("%q", event)
	}
	if got := tapped(t, chat, event, true, true, 0); !got.failed {
		t.Errorf("%+v", got)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{"POST", chat, chat},
		{"POST", completions, completions},
		{"POST", embeddings, embeddings},
		{"GET", "/v1/models", "/v1/models"},
		{"GET", "/v1/models/gpt-4o", "/v1/models/{id}"},
		{"GET", "/v1/models/openai/gpt-4o", "/v1/models/{id}"},
	} {
		r, err := dialect.Find(c.method, c.path, nil)
		if err != nil || r.Path != c.want {
			t.Errorf("%s %s: %v, %v", c.method, c.path, r, err)
		}
	}
	for _, c := range []struct {
		method, path string
		want         fault.Kind
	}{
		{"GET", chat, fault.MethodNotAllowed},
		{"post", chat, fault.MethodNotAllowed},
		{"POST", "/v1/models", fault.MethodNotAllowed},
		{"DELETE", "/v1/models/ft:x", fault.MethodNotAllowed},
		{"GET", "/v1/models/", fault.NotFound},
		{"POST", "/v1/chat/completions/", fault.NotFound},
		{"POST", "/chat/completions", fault.NotFound},
		{"GET", "/", fault.NotFound},
	} {
		if _, err := dialect.Find(c.method, c.path, nil); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v, want %s", c.method, c.path, err, c.want)
		}
	}
	if got := find(t, "/v1/models/{id}").ModelID("/v1/models/openai/gpt-4o"); got != "openai/gpt-4o" {
		t.Error(got)
	}
	if got := find(t, "/v1/models").ModelID("/v1/models"); got != "" {
		t.Error(got)
	}
}

func TestModelBodies(t *testing.T) {
	one := dialect.ModelInfo{ID: "openai/gpt-4o", OwnedBy: "openai", Created: 1_700_000_000}
	body := map[string]any{"id": "openai/gpt-4o", "object": "model", "created": json.Number("1700000000"), "owned_by": "openai"}
	if diff := cmp.Diff(body, decode(t, dialect.ModelBody(llm.OpenAI, one))); diff != "" {
		t.Error(diff)
	}
	other := dialect.ModelInfo{ID: "x\"y", OwnedBy: "custom"}
	want := map[string]any{"object": "list", "data": []any{
		body,
		map[string]any{"id": "x\"y", "object": "model", "created": json.Number("0"), "owned_by": "custom"},
	}}
	list, err := dialect.ModelList(llm.OpenAI, []dialect.ModelInfo{one, other}, "limit=x")
	if diff := cmp.Diff(want, decode(t, list)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, _ := dialect.ModelList(llm.OpenAI, nil, ""); string(got) != `{"object":"list","data":[]}` {
		t.Errorf("%s", got)
	}
}
