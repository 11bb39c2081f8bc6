package admin_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// newest is the newest event, as it was written: reading over the API would make
// another one.
func (h *house) newest(t *testing.T) authority.Event {
	t.Helper()
	list := h.events(t, authority.EventFilter{Size: 1})
	if len(list) == 0 {
		t.Fatal("the audit is empty")
	}
	return list[0]
}

func (h *house) events(t *testing.T, f authority.EventFilter) []authority.Event {
	t.Helper()
	o, err := h.db.Authority().Management.RootKey(t.Context())
	must(t, err)
	list, err := h.db.Authority().Audit.ListEvents(t.Context(), o.OrganizationID, f)
	must(t, err)
	return list
}

// Whatever refuses a call, the door or a keeper, for whatever reason: the audit
// says so, once, and of what it was.
func TestC8_EveryRefusalIsKept(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	id := made.APIKey.ID
	organization := h.newest(t)
	weak := h.token(t, "platform:usage:read")
	large := `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, c := range []struct {
		request
		as             string
		action, code   string
		resource, kind string
	}{
		{request{method: "GET", path: "/api/v1/api-keys?page=0"}, rootKey, "api_key.list", "validation_failed", "", "api_key"},
		{request{method: "GET", path: "/api/v1/api-keys?nonsense=1"}, rootKey, "api_key.list", "validation_failed", "", "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys", body: large}, rootKey, "api_key.create", "body_too_large", "", "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys"}, rootKey, "api_key.create", "invalid_json", "", "api_key"},
		{request{method: "PATCH", path: "/api/v1/api-keys/" + id, body: "{}", header: map[string]string{"Content-Type": "text/plain"}}, rootKey, "api_key.update", "unsupported_media_type", id, "api_key"},
		{request{method: "PUT", path: "/api/v1/api-keys/" + id, body: `{"name":"x"}`, header: map[string]string{"If-Match": "nonsense"}}, rootKey, "api_key.update", "precondition_failed", id, "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys/" + id + "/revoke", header: map[string]string{"Idempotency-Key": "two words"}}, rootKey, "api_key.revoke", "validation_failed", id, "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: `{"type":"steal"}`}, rootKey, "api_key.balance.change", "validation_failed", id, "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: `{"type":"grant","amount_usd":"1"}`}, rootKey, "api_key.balance.grant", "unlimited_balance", id, "api_key"},
		{request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: `{"type":"grant","amount_usd":"1"}`}, weak, "api_key.balance.change", "not_found", id, "api_key"},
		{request{method: "GET", path: "/api/v1/api-keys/" + id + "/usage"}, weak, "api_key.usage.read", "not_found", id, "api_key"},
		{request{method: "GET", path: "/api/v1/api-keys/" + id + "/stats?start=never"}, rootKey, "api_key.stats.read", "", id, "api_key"},
		{request{method: "GET", path: "/api/v1/usage?from=never"}, rootKey, "usage.read", "validation_failed", "", "usage"},
		{request{method: "POST", path: "/api/v1/explain", body: `{"key_id":"` + id + `"}`}, weak, "api_key.explain", "permission_denied", "", "api_key"},
		{request{method: "GET", path: "/api/v1/roles"}, weak, "role.list", "permission_denied", "", "role"},
		{request{method: "GET", path: "/api/v1/organization"}, weak, "organization.get", "permission_denied", organization.OrganizationID, "organization"},
		{request{method: "GET", path: "/api/v1/audit-events?size=0"}, rootKey, "audit.read", "validation_failed", "", "audit"},
		{request{method: "GET", path: "/api/v1/audit-events/verify"}, weak, "audit.verify", "permission_denied", "", "audit"},
		{request{method: "DELETE", path: "/api/v1/management-keys/mk_none"}, rootKey, "management_key.delete", "not_found", "", "management_key"},
		{request{method: "PATCH", path: "/api/v1/users/" + made.SecretKey, body: `{}`}, rootKey, "user.update", "not_found", "", "user"},
	} {
		r := c.request
		r.header = map[string]string{"Authorization": "Bearer " + c.as}
		for name, value := range c.header {
			r.header[name] = value
		}
		before := h.newest(t).Sequence
		resp, p := h.problem(t, r)
		e := h.newest(t)
		if c.code == "" { // what was read before is the event
			continue
		}
		if e.Sequence != before+1 || e.Outcome != "refused" || e.Action != c.action || e.Code != c.code || p.Code != c.code || e.ResourceType != c.kind || e.ResourceID != c.resource {
			t.Errorf("%s %s: %d %s; %d events, the newest is %s of %s %q: %s %s", r.method, r.path[:min(len(r.path), 80)], resp.StatusCode, p.Code,
				e.Sequence-before, e.Action, e.ResourceType, e.ResourceID, e.Outcome, e.Code)
		}
		if e.RequestID != p.RequestID || e.IP != "127.0.0.1" {
			t.Errorf("%s: the event is of the request %s from %s", c.action, e.RequestID, e.IP)
		}
	}
}

// token makes a management key of the permissions.
func (h *house) token(t *testing.T, permissions ...string) string {
	t.Helper()
	made, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("test"), Permissions: api.Set(permissions)})
	must(t, err)
	return made.SecretKey
}

func TestC8_ReadsOfOthersUsageAreKept(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	for action, read := range map[string]func() error{
		"usage.read":      func() error { return second(h.Usage(t.Context(), client.UsageQuery{KeyID: made.APIKey.ID})) },
		"api_key.explain": func() error { return second(h.Explain(t.Context(), api.ExplainRequest{Key: made.SecretKey})) },
	} {
		must(t, read())
		if e := h.newest(t); e.Action != action || e.Outcome != "done" || e.ResourceID != made.APIKey.ID {
			t.Errorf("%s: the newest event is %+v", action, e)
		}
	}
	user, err := h.CreateUser(t.Context(), api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	own := h.as(t, user)
	before := h.newest(t).Sequence
	must(t, second(own.Usage(t.Context(), client.UsageQuery{})))
	must(t, second(own.Usage(t.Context(), client.UsageQuery{UserID: user.ID})))
	if e := h.newest(t); e.Sequence != before {
		t.Errorf("of reading one's own the audit says %+v", e)
	}
	_, err = h.Explain(t.Context(), api.ExplainRequest{Key: key.New("tg_").Reveal()})
	must(t, err)
	if e := h.newest(t); e.Action != "api_key.explain" || e.Code != "key_invalid" {
		t.Errorf("a guessed key: %+v", e)
	}
}

// A management key that was given little gives its user's own things no more.
func TestC7_OwningNeedsThePermissionOfTheManagementKey(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	user, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	made := h.createKey(t, api.KeyInput{UserID: api.Set(user.ID), InitialBalanceUSD: api.Set("5")})
	id := made.APIKey.ID
	h.spend(t, made.SecretKey, llm.Usage{Input: 1}, money.Cent)
	for permission, can := range map[string][]string{
		"platform:api-keys:read":   {"get", "ledger"},
		"platform:api-keys:update": {"deduct"},
		"platform:usage:read":      {"usage"},
		"platform:api-keys:*":      {"get", "ledger", "deduct"},
		"platform:*":               {"get", "ledger", "deduct", "usage"},
		"other:thing":              {},
	} {
		token, err := h.CreateManagementKey(ctx, api.ManagementKeyInput{Name: api.Set("x"), UserID: api.Set(user.ID), Permissions: api.Set([]string{permission})})
		must(t, err)
		own := client.New(h.url, token.SecretKey)
		for what, err := range map[string]error{
			"get":    second(own.Key(ctx, id)),
			"ledger": second(own.KeyLedger(ctx, id, client.LedgerQuery{})),
			"deduct": second(own.ChangeBalance(ctx, id, api.BalanceChange{Type: "deduct", AmountUSD: "0.01"})),
			"usage":  second(own.Usage(ctx, client.UsageQuery{})),
		} {
			want := ""
			if !strings.Contains(fmt.Sprint(can), what) {
				want = "not_found permission_denied"
			}
			// To change a key one must see it.
			if what == "deduct" && permission == "platform:api-keys:update" {
				want = "not_found"
			}
			if got := refused(err); (want == "") != (err == nil) || !strings.Contains(want, got) {
				t.Errorf("with %s, %s is %q", permission, what, got)
			}
		}
	}
}

// Failed log-ins are kept, where they came from and why, and of what was sent
// nothing; a flood is a line a minute.
func TestC8_FailedLogInsAreKept(t *testing.T) {
	h := newHouse(t)
	dead, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("dead"), Permissions: api.Set([]string{"platform:*"})})
	must(t, err)
	_, err = h.RevokeManagementKey(t.Context(), dead.ManagementKey.ID)
	must(t, err)
	dataKey := h.createKey(t, api.KeyInput{}).SecretKey
	guessed := key.New(key.ManagementPrefix).Reveal()
	try := func(token string) string {
		return h.code(t, request{method: "GET", path: "/api/v1/api-keys", header: map[string]string{"Authorization": "Bearer " + token, "User-Agent": "tried with " + token}})
	}
	before := h.newest(t).Sequence
	for range 30 {
		for _, token := range []string{guessed, dataKey, "hunter2", dead.SecretKey} {
			try(token)
		}
	}
	kept := h.events(t, authority.EventFilter{Action: "management_key.log_in", Size: 100})
	if len(kept) != 2 || h.newest(t).Sequence != before+2 {
		t.Fatalf("%d events of 120 attempts of two sorts: %+v", len(kept), kept)
	}
	revoked, unknown := kept[0], kept[1]
	if unknown.Code != "key_invalid" || unknown.ActorID != "" || unknown.Outcome != "refused" || netip.MustParseAddr(unknown.IP) != netip.MustParseAddr("127.0.0.1") || unknown.RequestID == "" {
		t.Errorf("an unknown key: %+v", unknown)
	}
	if revoked.Code != "key_revoked" || revoked.ActorID != dead.ManagementKey.ID || revoked.ResourceID != dead.ManagementKey.ID || revoked.ActorName != "dead" {
		t.Errorf("a revoked key: %+v", revoked)
	}
	for _, e := range h.events(t, authority.EventFilter{Size: 1000}) {
		for _, secret := range []string{guessed, guessed[4:12], dataKey, dead.SecretKey} {
			if strings.Contains(fmt.Sprintf("%+v", e), secret) {
				t.Errorf("the audit holds a secret that was tried: %+v", e)
			}
		}
	}
	if resp, _ := h.send(t, request{method: "GET", path: "/api/v1/api-keys"}); resp.StatusCode != http.StatusOK {
		t.Errorf("a good key afterwards: %d", resp.StatusCode)
	}
}

// A secret that was put in the wrong place is not repeated in the answer, and asking
// about a key is not to use it.
func TestSecretsInTheWrongPlaceAreNotRepeated(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	for _, path := range []string{"/api-keys/", "/users/", "/management-keys/"} {
		_, body := h.send(t, request{method: "GET", path: "/api/v1" + path + made.SecretKey})
		if strings.Contains(body, made.SecretKey) || !strings.Contains(body, "of this id") {
			t.Errorf("%s: %s", path, body)
		}
		_, body = h.send(t, request{method: "GET", path: "/api/v1" + path + strings.Replace(made.APIKey.ID, "key_0", "key_f", 1)})
		if !strings.Contains(body, "key_f") {
			t.Errorf("%s: %s", path, body)
		}
	}
	_, err := h.Explain(t.Context(), api.ExplainRequest{Key: made.SecretKey})
	must(t, err)
	must(t, h.authority.FlushUse(t.Context()))
	k, err := h.Key(t.Context(), made.APIKey.ID)
	if must(t, err); k.Secrets[0].LastUsedAt != nil {
		t.Errorf("explaining used the secret at %v", k.Secrets[0].LastUsedAt)
	}
}
