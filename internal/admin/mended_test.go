package admin_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/admin"
	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/llm"
)

// An instant that JSON cannot write, however it came into the store, breaks no
// list.
func TestABadInstantBreaksNoList(t *testing.T) {
	h := newHouse(t)
	k := h.createKey(t, api.KeyInput{}).APIKey
	who, err := h.authority.AuthenticateManagement(t.Context(), rootKey)
	must(t, err)
	keys := h.db.Authority().Keys
	row, err := keys.KeyByID(t.Context(), who.OrganizationID(), k.ID)
	must(t, err)
	row.ExpiresAt, row.Version = time.Date(10000, 1, 1, 11, 59, 59, 0, time.UTC), 2
	must(t, keys.UpdateKey(t.Context(), row, authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: row.UpdatedAt, ActorID: "mk_1", Action: "test"}}))
	list, err := h.Keys(t.Context(), client.KeyQuery{})
	must(t, err)
	if at := list.APIKeys[0].ExpiresAt; at == nil || at.Year() != 9999 {
		t.Errorf("expires_at is %v", at)
	}
}

// What GET answered can be put back, as it is or changed.
func TestWhatWasReadCanBeWritten(t *testing.T) {
	h := newHouse(t)
	user, err := h.CreateUser(t.Context(), api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	plain := h.createKey(t, api.KeyInput{UserID: api.Set(user.ID)})
	h.spend(t, plain.SecretKey, llm.Usage{Input: 1}, 1)
	full := h.createKey(t, api.KeyInput{
		Tags: api.Set([]string{"<a>"}), Permissions: api.Set(map[string]bool{"read": true}), AllowedIPs: api.Set([]string{"10.0.0.0/8"}),
		ExpiresAt: api.Set(time.Now().Add(time.Hour)), BudgetLimitCents: api.Set[int64](5), BudgetType: api.Set("daily"),
	})
	revoked := h.createKey(t, api.KeyInput{})
	_, err = h.RevokeKey(t.Context(), revoked.APIKey.ID)
	must(t, err)
	for path, methods := range map[string][]string{
		"/api/v1/api-keys/" + plain.APIKey.ID: {"PUT", "PATCH"}, "/api/v1/api-keys/" + full.APIKey.ID: {"PUT", "PATCH"},
		"/api/v1/api-keys/" + revoked.APIKey.ID: {"PUT"}, "/api/v1/users/" + user.ID: {"PATCH"}, "/api/v1/organization": {"PATCH"},
	} {
		for _, method := range methods {
			got, read := h.send(t, request{method: "GET", path: path})
			tag := map[string]string{"If-Match": got.Header.Get("ETag")}
			put, answer := h.send(t, request{method: method, path: path, body: read, header: tag})
			if put.StatusCode != http.StatusOK || answer != read {
				t.Errorf("%s %s: %d\n%s\nwas\n%s", method, path, put.StatusCode, answer, read)
			}
			if _, p := h.problem(t, request{method: method, path: path, body: `{"version":99,"id":"x"}`}); p.Code != "validation_failed" || len(p.Errors) != 2 {
				t.Errorf("%s %s of other read-only values: %s %v", method, path, p.Code, p.Errors)
			}
		}
	}
	if code := h.code(t, request{method: "PUT", path: "/api/v1/api-keys/" + full.APIKey.ID, body: `{"allowed_ips":[]}`}); code != "would_lift_restriction" {
		t.Errorf("PUT of an empty list: %s", code)
	}
	if code := h.code(t, request{method: "PUT", path: "/api/v1/api-keys/key_none", body: `{"version":1}`}); code != "not_found" {
		t.Errorf("PUT of nothing: %s", code)
	}
}

func TestKeyUsageNeedsOnePermission(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	row, err := h.db.Authority().Management.RootKey(t.Context())
	must(t, err)
	reader := key.New(key.ManagementPrefix).Reveal()
	row.Permissions, row.Hash, row.Version = []string{"platform:api-keys:read"}, key.HashOf(reader), row.Version+1
	must(t, h.db.Authority().Credentials.UpdateManagementKey(t.Context(), row, authority.Act{Event: authority.Event{OrganizationID: row.OrganizationID, At: row.UpdatedAt, ActorID: row.ID, Action: "test"}}))
	_, err = client.New(h.url, reader).KeyUsage(t.Context(), id)
	must(t, err)
}

func TestIfMatchOnSeveralLines(t *testing.T) {
	h := newHouse(t)
	path := "/api/v1/api-keys/" + h.createKey(t, api.KeyInput{}).APIKey.ID
	req, err := http.NewRequestWithContext(t.Context(), "DELETE", h.url+path, nil)
	must(t, err)
	req.Header = http.Header{"Authorization": {"Bearer " + rootKey}, "If-Match": {`"7"`, `"1"`}}
	resp, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// calls is the "management call" lines.
func (l *lines) calls(t *testing.T) (calls []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.buf.Bytes()) {
		var call map[string]any
		must(t, json.Unmarshal(line, &call))
		if call["msg"] == "management call" {
			calls = append(calls, call)
		}
	}
	return calls
}

func TestTheLogOfCalls(t *testing.T) {
	h := newHouse(t)
	log := &lines{}
	// Called directly: over a connection an answer can arrive before its log line.
	handler := admin.New(admin.Options{Authority: h.authority, Ledger: h.ledger, Logger: slog.New(slog.NewJSONHandler(log, nil))})
	call := func(method, path, token, body string) int {
		w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(w, r)
		return w.Code
	}
	var want []float64
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/api-keys", ""},
		{"GET", "/api-keys?page=0", ""},
		{"GET", "/api-keys/x", ""},
		{"POST", "/api-keys", `{"name":"x"}`},
		{"POST", "/api-keys", `{}`},
		{"POST", "/api-keys", `[`},
	} {
		want = append(want, float64(call(c.method, c.path, rootKey, c.body)))
	}
	var got []float64
	for _, c := range log.calls(t) {
		got = append(got, c["status"].(float64))
	}
	if !slices.Equal(got, want) {
		t.Errorf("logged %v, answered %v", got, want)
	}

	const flood = 200
	began := time.Now()
	for range flood {
		call("GET", "/api-keys", key.New(key.ManagementPrefix).Reveal(), "")
		call("GET", "/api-keys", "", "")
	}
	most := 2 * (int(time.Since(began)/time.Second) + 1)
	refused := log.calls(t)[len(want):]
	if len(refused) < 2 || len(refused) > most {
		t.Fatalf("%d lines of %d refusals, want 2 to %d", len(refused), 2*flood, most)
	}
	for _, c := range refused[:2] {
		if c["status"] != 401.0 || c["refusals"] != 1.0 || c["code"] == "" {
			t.Errorf("line %v", c)
		}
	}
}

func TestExplainNamesAllThatIsWrong(t *testing.T) {
	h := newHouse(t)
	_, p := h.problem(t, request{method: "POST", path: "/api/v1/explain", body: `{"key":"a","surprise":1,"model":7,"ip":"nowhere","input_tokens":-1,"endpoint":"/v9"}`})
	var names []string
	for _, f := range p.Errors {
		names = append(names, f.Field)
	}
	slices.Sort(names)
	if want := []string{"endpoint", "input_tokens", "ip", "model", "surprise"}; !slices.Equal(names, want) {
		t.Errorf("fields %v, want %v", names, want)
	}
}

func TestExplainTakesNullForAbsent(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	body := `{"key_id":"` + id + `","key":null,"model":null,"endpoint":null,"ip":null,"api_format":null,"chatbot":null,"input_tokens":null,"max_output_tokens":null}`
	if resp, text := h.send(t, request{method: "POST", path: "/api/v1/explain", body: body}); resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

func TestWrongParametersAreToldInWords(t *testing.T) {
	h := newHouse(t)
	for query, want := range map[string]string{
		"/api-keys?page=0":                          "page: must be a whole number from 1 to 1000000.",
		"/api-keys?size=101":                        "size: must be a whole number from 1 to 100.",
		"/usage?size=x":                             "size: must be a whole number from 1 to 1000.",
		"/api-keys?status=odd&page=x":               "page: must be a whole number from 1 to 1000000; status: must be one of active, disabled, revoked, expired.",
		"/usage?from=yesterday":                     "from: must be an instant like 2030-01-31T23:59:59Z.",
		"/users?search=" + strings.Repeat("x", 201): "search: must have at most 200 characters.",
		"/users?sise=3":                             "sise: is not a known parameter; there are page, size, status, search, after.",
		"/organization?x=1":                         "x: is not a known parameter; this operation takes none.",
	} {
		if _, p := h.problem(t, request{method: "GET", path: "/api/v1" + query}); p.Code != "validation_failed" || p.Detail != want {
			t.Errorf("%.40s: %s\n got %s\nwant %s", query, p.Code, p.Detail, want)
		}
	}
}
