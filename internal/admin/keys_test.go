package admin_test

import (
	"encoding/json"
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

func TestC1_ListsOverTheAPI(t *testing.T) {
	h := newHouse(t)
	ada, err := h.CreateUser(t.Context(), api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	names := map[string]string{} // by id
	id := map[string]string{}    // by name
	for _, in := range []api.KeyInput{
		{Name: api.Set("alpha"), Tags: api.Set([]string{"blue", "a,b"})},
		{Name: api.Set("Beta"), Description: api.Set("the SECOND one")},
		{Name: api.Set("gamma 100%"), UserID: api.Set(ada.ID), Tags: api.Set([]string{"blue"})},
		{Name: api.Set("under_score"), UserID: api.Set(ada.ID)},
		{Name: api.Set(`back\slash`), Preset: api.Set("standalone")},
		{Name: api.Set("ÜBER"), Kind: api.Set("chatbot"), AllowedChatbots: api.Set([]string{"bot_1"})},
	} {
		k := h.createKey(t, in).APIKey
		names[k.ID], id[k.Name] = k.Name, k.ID
	}
	_, err = h.DeactivateKey(t.Context(), id["alpha"])
	must(t, err)
	_, err = h.RevokeKey(t.Context(), id["Beta"])
	must(t, err)
	all := []string{"ÜBER", `back\slash`, "under_score", "gamma 100%", "Beta", "alpha"}
	for query, want := range map[string]struct {
		names []string
		total int
	}{
		"":                             {all, 6},
		"size=100":                     {all, 6},
		"size=1":                       {all[:1], 6},
		"size=4":                       {all[:4], 6},
		"page=2&size=4":                {all[4:], 6},
		"page=2&size=3":                {all[3:], 6},
		"page=6&size=1":                {all[5:], 6},
		"page=3&size=3":                {nil, 6}, // just beyond the end
		"page=7&size=1":                {nil, 6},
		"page=1000000&size=100":        {nil, 6},
		"page=2&size=100&search=alpha": {nil, 1},
		"after=" + id["under_score"]:   {all[3:], 3},
		"size=2&page=9&after=" + id["under_score"]: {all[3:5], 3}, // page means nothing then
		"after=" + id["alpha"]:                     {nil, 0},
		"is_active=true":                           {all[:4], 4},
		"is_active=false":                          {all[4:], 2},
		"status=disabled":                          {[]string{"alpha"}, 1},
		"status=revoked":                           {[]string{"Beta"}, 1},
		"status=expired":                           {nil, 0},
		"status=active&size=2":                     {all[:2], 4},
		"kind=standalone":                          {[]string{`back\slash`}, 1},
		"kind=user":                                {all[2:4], 2},
		"kind=chatbot":                             {[]string{"ÜBER"}, 1},
		"kind=service":                             {all[4:], 2},
		"user_id=" + ada.ID:                        {all[2:4], 2},
		"user_id=user_none":                        {nil, 0},
		"tag=blue":                                 {[]string{"gamma 100%", "alpha"}, 2},
		"tag=blu":                                  {nil, 0},
		"tag=BLUE":                                 {nil, 0},
		"tag=a%2Cb":                                {[]string{"alpha"}, 1},
		"tag=a":                                    {nil, 0},
		"search=BET":                               {[]string{"Beta"}, 1},
		"search=second":                            {[]string{"Beta"}, 1}, // in the description
		"search=0%25":                              {[]string{"gamma 100%"}, 1},
		"search=%25":                               {[]string{"gamma 100%"}, 1},
		"search=_":                                 {[]string{"under_score"}, 1},
		"search=%5C":                               {[]string{`back\slash`}, 1},
		"search=%C3%BCber":                         {[]string{"ÜBER"}, 1},
		"search=a%0Ab":                             {nil, 0},
		"search=beta%0Athe":                        {[]string{"Beta"}, 1}, // an oddity of no harm: a name ends where a description begins
		"search=a&tag=blue&is_active=true&kind=user&status=active&user_id=" + ada.ID: {[]string{"gamma 100%"}, 1},
		"search=a&tag=blue&is_active=true&kind=service":                              {nil, 0},
	} {
		resp, body := h.send(t, request{method: "GET", path: "/api/v1/api-keys?" + query})
		var list api.KeyList
		if err := json.Unmarshal([]byte(body), &list); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("?%s: %d %s", query, resp.StatusCode, body)
			continue
		}
		var got []string
		for _, k := range list.APIKeys {
			got = append(got, names[k.ID])
		}
		if !slices.Equal(got, want.names) || list.Total != want.total || list.APIKeys == nil {
			t.Errorf("?%s: %q of %d, want %q of %d", query, got, list.Total, want.names, want.total)
		}
	}
	for _, query := range []string{
		"page=0", "page=-1", "page=1000001", "page=x", "page=1&page=2", "size=0", "size=101", "size=1.5", "is_active=maybe", "is_active=1",
		"kind=x", "status=odd", "sise=3", "after=key_none", "after=" + ada.ID, "search=" + strings.Repeat("x", 201), "page=1&size=200&status=odd",
	} {
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
