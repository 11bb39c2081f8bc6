package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/client"
)

func TestKeyLife(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()

	made := h.createKey(t, api.KeyInput{
		Name: api.Set("ci"), Tags: api.Set([]string{"a", "b"}),
		AllowedModels: api.Set([]string{"gpt-4o*"}), AllowedIPs: api.Set([]string{"203.0.113.0/24"}),
		BudgetLimitCents: api.Set[int64](500), RateLimitPerDay: api.Null[int64](),
	})
	k := made.APIKey
	if !strings.HasPrefix(made.SecretKey, "tg_") || !strings.HasPrefix(made.SecretKey, k.KeyPrefix) || len(k.KeyPrefix) != 8 {
		t.Errorf("secret %q, prefix %q", made.SecretKey, k.KeyPrefix)
	}
	if k.Kind != "service" || k.Status != "active" || !k.IsActive || k.UserID != nil || k.Version != 1 {
		t.Errorf("fresh key: %+v", k)
	}
	if *k.RateLimitPerMinute != 60 || *k.RateLimitPerHour != 3600 || k.RateLimitPerDay != nil {
		t.Errorf("rates: %v %v %v, want the defaults and an explicit null", *k.RateLimitPerMinute, *k.RateLimitPerHour, k.RateLimitPerDay)
	}
	if k.IsUnlimited || *k.BudgetLimitCents != 500 || *k.BudgetType != "total" || *k.BudgetMode != "hard" || k.TotalCostUSD != "0.00" {
		t.Errorf("budget: %+v", k)
	}

	k, err := h.UpdateKey(ctx, k.ID, api.KeyInput{Name: api.Set("ci 2"), AllowedModels: api.Null[[]string]()}, client.IfVersion(1))
	must(t, err)
	if k.Name != "ci 2" || k.AllowedModels != nil || k.Version != 2 || *k.BudgetLimitCents != 500 {
		t.Errorf("after PATCH: %+v", k)
	}
	k, err = h.ReplaceKey(ctx, k.ID, api.KeyInput{Name: api.Set("ci 3")})
	must(t, err)
	if k.Name != "ci 3" || *k.BudgetLimitCents != 500 || k.AllowedIPs == nil || k.RateLimitPerDay != nil {
		t.Errorf("after PUT: %+v", k)
	}

	k, err = h.DeactivateKey(ctx, k.ID)
	must(t, err)
	if k.Status != "disabled" || k.IsActive {
		t.Errorf("after deactivate: %s", k.Status)
	}
	k, err = h.ActivateKey(ctx, k.ID)
	must(t, err)
	if k.Status != "active" {
		t.Errorf("after activate: %s", k.Status)
	}
	k, err = h.RevokeKey(ctx, k.ID)
	must(t, err)
	if k.Status != "revoked" || k.IsActive {
		t.Errorf("after revoke: %s", k.Status)
	}
	if _, err = h.ActivateKey(ctx, k.ID); err == nil {
		t.Error("a revoked key was activated")
	}

	got, err := h.Key(ctx, k.ID)
	must(t, err)
	if got.Version != k.Version {
		t.Errorf("GET has version %d, the last change answered %d", got.Version, k.Version)
	}
	must(t, h.DeleteKey(ctx, k.ID))
	for _, r := range []request{
		{method: "GET", path: "/api/v1/api-keys/" + k.ID},
		{method: "DELETE", path: "/api/v1/api-keys/" + k.ID},
		{method: "GET", path: "/api/v1/api-keys/" + k.ID + "/usage"},
	} {
		if code := h.code(t, r); code != "not_found" {
			t.Errorf("%s %s after deletion: %s", r.method, r.path, code)
		}
	}
}

func TestListKeys(t *testing.T) {
	h := newHouse(t)
	var ids []string
	for _, name := range []string{"alpha", "beta", "gamma 100%"} {
		ids = append(ids, h.createKey(t, api.KeyInput{Name: api.Set(name)}).APIKey.ID)
	}
	_, err := h.DeactivateKey(t.Context(), ids[0])
	must(t, err)
	yes, no := true, false
	for name, tc := range map[string]struct {
		q    client.KeyQuery
		want []string
	}{
		"newest first":     {client.KeyQuery{}, []string{ids[2], ids[1], ids[0]}},
		"a page":           {client.KeyQuery{Page: 2, Size: 2}, []string{ids[0]}},
		"beyond the last":  {client.KeyQuery{Page: 9}, nil},
		"active":           {client.KeyQuery{IsActive: &yes}, []string{ids[2], ids[1]}},
		"inactive":         {client.KeyQuery{IsActive: &no}, []string{ids[0]}},
		"search":           {client.KeyQuery{Search: "BET"}, []string{ids[1]}},
		"escaped wildcard": {client.KeyQuery{Search: "0%"}, []string{ids[2]}},
		"of nobody":        {client.KeyQuery{UserID: "user_none"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := h.Keys(t.Context(), tc.q)
			must(t, err)
			var got []string
			for _, k := range list.APIKeys {
				got = append(got, k.ID)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v (total %d)", got, tc.want, list.Total)
			}
		})
	}
	for _, query := range []string{"page=0", "size=0", "size=101", "page=x", "is_active=maybe", "sise=3", "page=1&size=200&status=odd"} {
		if code := h.code(t, request{method: "GET", path: "/api/v1/api-keys?" + query}); code != "validation_failed" {
			t.Errorf("?%s: %s", query, code)
		}
	}
}

func TestVersions(t *testing.T) {
	h := newHouse(t)
	k := h.createKey(t, api.KeyInput{}).APIKey
	path := "/api/v1/api-keys/" + k.ID
	resp, _ := h.send(t, request{method: "GET", path: path})
	if tag := resp.Header.Get("ETag"); tag != `"1"` {
		t.Fatalf("ETag = %s", tag)
	}
	for _, stale := range []string{`"2"`, `"0"`, `W/"1"`, `1`, `"2", "3"`, `"x"`, `W/"1", "2"`, `"1,2"`, `*, "2"`, `"01"`, `"+1"`, ` , `} {
		if code := h.code(t, request{method: "PATCH", path: path, body: `{"name":"x"}`, header: map[string]string{"If-Match": stale}}); code != "precondition_failed" {
			t.Errorf("If-Match: %s: %s", stale, code)
		}
		if code := h.code(t, request{method: "DELETE", path: path, header: map[string]string{"If-Match": stale}}); code != "precondition_failed" {
			t.Errorf("DELETE with If-Match: %s: %s", stale, code)
		}
	}
	for i, fresh := range []string{`"9", "1"`, `"x" ,"2"`, `W/"7", "3", "8"`, "*", ""} {
		resp, body := h.send(t, request{method: "PATCH", path: path, body: `{"description":"` + strings.Repeat("x", i+1) + `"}`, header: map[string]string{"If-Match": fresh}})
		if resp.StatusCode != http.StatusOK {
			t.Errorf("If-Match: %s: %d %s", fresh, resp.StatusCode, body)
		}
	}
}

func TestSecretIsShownOnce(t *testing.T) {
	h := newHouse(t)
	resp, body := h.send(t, request{method: "POST", path: "/api/v1/api-keys/", body: `{"name":"x"}`})
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Location") == "" {
		t.Fatalf("create: %d, headers %v, %s", resp.StatusCode, resp.Header, body)
	}
	_, secretKey, _ := strings.Cut(body, `"secret_key":"`)
	secretKey, _, _ = strings.Cut(secretKey, `"`)
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/api/v1/api-keys/")
	for _, r := range []request{
		{method: "GET", path: "/api/v1/api-keys"},
		{method: "GET", path: "/api/v1/api-keys/" + id},
		{method: "PATCH", path: "/api/v1/api-keys/" + id, body: `{"name":"y"}`},
		{method: "PUT", path: "/api/v1/api-keys/" + id, body: `{"name":"y"}`},
		{method: "POST", path: "/api/v1/api-keys/" + id + "/deactivate"},
		{method: "POST", path: "/api/v1/explain", body: `{"key":"` + secretKey + `"}`},
	} {
		resp, body := h.send(t, r)
		if resp.StatusCode != http.StatusOK || strings.Contains(body, secretKey) || strings.Contains(body, secretKey[8:]) {
			t.Errorf("%s %s: %d, %s", r.method, r.path, resp.StatusCode, body)
		}
	}
}
