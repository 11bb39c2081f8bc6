package admin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tollgate/api"
)

// Every kind of fault that the program knows must have a status of its own in the
// table: what is missing would be answered with 500.
func TestEveryKindHasAStatus(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	must(t, err)
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Kind" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		must(t, err)
		if found++; api.Status(code) == http.StatusInternalServerError && code != "internal" {
			t.Errorf("%s has no status", code)
		}
		return true
	})
	if found < 40 {
		t.Errorf("only %d kinds were found in fault.go; has its form changed?", found)
	}
}

func TestAuthentication(t *testing.T) {
	h := newHouse(t)
	dataKey := h.createKey(t, api.KeyInput{}).SecretKey
	for name, tc := range map[string]struct{ header, want string }{
		"none":                    {"", "key_missing"},
		"another scheme":          {"Basic abc", "key_missing"},
		"no token":                {"Bearer ", "key_missing"},
		"unknown":                 {"Bearer tgm_0123456789012345678901234567890123456789", "key_invalid"},
		"a key of the data plane": {"Bearer " + dataKey, "key_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/api/v1/api-keys", "/api/v1/usage", "/api/v1/organization"} {
				resp, p := h.problem(t, request{method: "GET", path: path, header: map[string]string{"Authorization": tc.header}})
				if p.Code != tc.want || resp.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s: %s, WWW-Authenticate %q", path, p.Code, resp.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	if code := h.code(t, request{method: "GET", path: "/api/v1/api-keys", header: map[string]string{"Authorization": "", "x-api-key": rootKey}}); code != "key_missing" {
		t.Errorf("the data plane's header opened the management API: %s", code)
	}
	if resp, _ := h.send(t, request{method: "GET", path: "/api/v1/api-keys", header: map[string]string{"Authorization": "bearer  " + rootKey}}); resp.StatusCode != http.StatusOK {
		t.Errorf("a lower-case scheme: %d", resp.StatusCode)
	}
}

func TestBadRequests(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	post := func(body string) request { return request{method: "POST", path: "/api/v1/api-keys", body: body} }
	typed := func(mediaType string) request {
		return request{method: "POST", path: "/api/v1/api-keys", body: "name=x", header: map[string]string{"Content-Type": mediaType}}
	}
	for name, tc := range map[string]struct {
		request
		want string
	}{
		"empty body":            {post(""), "invalid_json"},
		"white space":           {post(" \n "), "invalid_json"},
		"cut off":               {post(`{"name":`), "invalid_json"},
		"two values":            {post(`{"name":"x"} {}`), "invalid_json"},
		"not UTF-8":             {post("{\"name\":\"\xff\"}"), "invalid_json"},
		"twice":                 {post(`{"name":"x","name":"y"}`), "duplicate_field"},
		"an array":              {post(`[]`), "validation_failed"},
		"unknown field":         {post(`{"name":"x","colour":"red"}`), "validation_failed"},
		"wrong type":            {post(`{"name":7}`), "validation_failed"},
		"negative":              {post(`{"name":"x","tokens_per_day":-1}`), "validation_failed"},
		"past expiry":           {post(`{"name":"x","expires_at":"2001-01-01T00:00:00Z"}`), "validation_failed"},
		"read only":             {post(`{"name":"x","total_requests":0}`), "validation_failed"},
		"would lift":            {request{method: "PATCH", path: "/api/v1/api-keys/" + restricted(t, h), body: `{"allowed_models":[]}`}, "would_lift_restriction"},
		"a form":                {typed("application/x-www-form-urlencoded"), "unsupported_media_type"},
		"text":                  {typed("text/plain"), "unsupported_media_type"},
		"no media type at all":  {typed("/"), "unsupported_media_type"},
		"patch type for create": {typed("application/merge-patch+json"), "unsupported_media_type"},
		"too large":             {post(`{"name":"` + strings.Repeat("x", 1<<20) + `"}`), "body_too_large"},
		"unknown path":          {request{method: "GET", path: "/api/v1/nothing"}, "not_found"},
		"unknown path below":    {request{method: "POST", path: "/api/v1/api-keys/" + id + "/frobnicate"}, "not_found"},
		"not a clean path":      {request{method: "GET", path: "/api/v1//api-keys"}, "not_found"},
		"wrong method":          {request{method: "PATCH", path: "/api/v1/api-keys"}, "method_not_allowed"},
		"get of an action":      {request{method: "GET", path: "/api/v1/api-keys/cleanup"}, "method_not_allowed"},
		"unknown method":        {request{method: "BREW", path: "/api/v1/api-keys/" + id}, "method_not_allowed"},
		"malformed id":          {request{method: "GET", path: "/api/v1/api-keys/1"}, "not_found"},
		"odd id":                {request{method: "GET", path: "/api/v1/api-keys/%00%ff'--"}, "not_found"},
		"long id":               {request{method: "DELETE", path: "/api/v1/api-keys/" + strings.Repeat("k", 4000)}, "not_found"},
		"usage from":            {request{method: "GET", path: "/api/v1/usage?from=yesterday"}, "validation_failed"},
		"unknown user":          {request{method: "GET", path: "/api/v1/users/nobody"}, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, p := h.problem(t, tc.request)
			if p.Code != tc.want {
				t.Errorf("%s, want %s: %s", p.Code, tc.want, p.Detail)
			}
			if p.Code == "method_not_allowed" && resp.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func restricted(t *testing.T, h *house) string {
	t.Helper()
	return h.createKey(t, api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o"})}).APIKey.ID
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	h := newHouse(t)
	_, p := h.problem(t, request{method: "POST", path: "/api/v1/api-keys", body: `{
		"rate_limit_per_minute": 0, "budget_limit_cents": -5, "allowed_ips": ["nowhere"], "scopes": ["everything"],
		"expires_at": "soon", "surprise": "hunter2-hunter2"}`})
	var names []string
	for _, f := range p.Errors {
		names = append(names, f.Field)
		if f.Message == "" {
			t.Errorf("%s: no message", f.Field)
		}
	}
	slices.Sort(names)
	want := []string{"allowed_ips", "budget_limit_cents", "expires_at", "name", "rate_limit_per_minute", "scopes", "surprise"}
	if !slices.Equal(names, want) {
		t.Errorf("fields %v, want %v", names, want)
	}
	_, body := h.send(t, request{method: "POST", path: "/api/v1/api-keys", body: `{"surprise":"hunter2-hunter2"}`})
	if strings.Contains(body, "hunter2") {
		t.Errorf("a submitted value is repeated: %s", body)
	}
	_, body = h.send(t, request{method: "GET", path: "/api/v1/api-keys?page=hunter2&status=hunter2"})
	if strings.Contains(body, "hunter2") {
		t.Errorf("a submitted value is repeated: %s", body)
	}
}

// A body may be as large as the limit and no larger.
func TestBodyLimit(t *testing.T) {
	h := newHouse(t)
	body := func(n int) string {
		head, tail := `{"name":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	for n, want := range map[int]string{1<<20 - 1: "validation_failed", 1 << 20: "validation_failed", 1<<20 + 1: "body_too_large"} {
		if code := h.code(t, request{method: "POST", path: "/api/v1/api-keys", body: body(n)}); code != want {
			t.Errorf("%s bytes: %s, want %s", strconv.Itoa(n), code, want)
		}
	}
}
