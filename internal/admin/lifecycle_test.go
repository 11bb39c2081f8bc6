package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
)

func TestC4_ACreateSentAgainMakesOneKeyAndShowsNoSecret(t *testing.T) {
	h := newHouse(t)
	once := map[string]string{"Idempotency-Key": "order-1"}
	create := request{method: "POST", path: "/api/v1/api-keys", body: `{"name":"x"}`, header: once}
	first, body := h.send(t, create)
	if first.StatusCode != http.StatusCreated || !strings.Contains(body, `"secret_key":"tg_`) || first.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", first.StatusCode, body)
	}
	again, body := h.send(t, create)
	if again.StatusCode != http.StatusCreated || again.Header.Get("Location") != first.Header.Get("Location") || strings.Contains(body, "secret_key") {
		t.Errorf("sent again: %d %s %s", again.StatusCode, again.Header.Get("Location"), body)
	}
	create.body = `{"name":"y"}`
	if code := h.code(t, create); code != "idempotency_conflict" {
		t.Errorf("another body: %s", code)
	}
	list, err := h.Keys(t.Context(), client.KeyQuery{})
	must(t, err)
	if list.Total != 1 {
		t.Errorf("%d keys", list.Total)
	}
	for _, bad := range []string{strings.Repeat("x", 256), "two words", "gr\u00fcn", "tab\tinside"} {
		for _, path := range []string{"/api-keys", "/management-keys", "/users", "/api-keys/key_1/revoke", "/explain"} {
			_, p := h.problem(t, request{method: "POST", path: "/api/v1" + path, body: `{}`, header: map[string]string{"Idempotency-Key": bad}})
			if p.Status != http.StatusUnprocessableEntity || p.Param != "Idempotency-Key" {
				t.Errorf("%s with %q: %+v", path, bad, p)
			}
		}
	}
}

func TestC5_RegenerateOverTheAPI(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](500)})
	id := made.APIKey.ID
	resp, body := h.send(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/regenerate", body: `{"overlap_seconds":60}`})
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" || strings.Contains(body, made.SecretKey) {
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	k, err := h.Key(t.Context(), id)
	must(t, err)
	if len(k.Secrets) != 2 || k.Secrets[0].ExpiresAt != nil || k.Secrets[1].ExpiresAt == nil || k.Secrets[1].LastUsedAt != nil || *k.BudgetLimitCents != 500 {
		t.Errorf("%+v", k)
	}
	again, err := h.RegenerateKey(t.Context(), id, api.RegenerateInput{}, client.Idempotent("one"))
	must(t, err)
	if again.APIKey.ID != id || len(again.APIKey.Secrets) != 1 || !strings.HasPrefix(again.SecretKey, again.APIKey.Secrets[0].Prefix) {
		t.Errorf("%+v", again)
	}
	replayed, err := h.RegenerateKey(t.Context(), id, api.RegenerateInput{}, client.Idempotent("one"))
	must(t, err)
	if replayed.SecretKey != "" || replayed.APIKey.Version != again.APIKey.Version {
		t.Errorf("sent again: %+v", replayed)
	}
	resp, body = h.send(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/regenerate"})
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "secret_key") {
		t.Errorf("without a body: %d %s", resp.StatusCode, body)
	}
	if _, err = h.RegenerateKey(t.Context(), id, api.RegenerateInput{OverlapSeconds: 2592001}); refused(err) != "validation_failed" {
		t.Errorf("more than 30 days: %v", err)
	}
	if _, err = h.RegenerateKey(t.Context(), id, api.RegenerateInput{}, client.IfVersion(1)); refused(err) != "precondition_failed" {
		t.Errorf("an old version: %v", err)
	}
}

func TestB8_ExtendAndRevokeOverTheAPI(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	k, err := h.ExtendKey(t.Context(), id, 10)
	must(t, err)
	if left := time.Until(*k.ExpiresAt); left < 9*24*time.Hour || left > 11*24*time.Hour {
		t.Errorf("expires at %v", k.ExpiresAt)
	}
	for _, body := range []string{`{}`, `{"days":0}`, `{"days":3651}`, `{"days":"1"}`, `{"days":null}`, `{"weeks":1}`} {
		if code := h.code(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/extend", body: body}); code != "validation_failed" {
			t.Errorf("%s: %s", body, code)
		}
	}
	if k, err = h.DeactivateKey(t.Context(), id); err != nil || k.DisabledBy == nil {
		t.Errorf("disabled by %v, %v", k.DisabledBy, err)
	}
	k, err = h.RevokeKeyFor(t.Context(), id, "leaked")
	must(t, err)
	if k.Status != "revoked" || k.RevokedAt == nil || k.RevokedBy == nil || k.RevokeReason == nil || *k.RevokeReason != "leaked" {
		t.Errorf("%+v", k)
	}
}

func TestC10_PurgeOverTheAPI(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	_, p := h.problem(t, request{method: "DELETE", path: "/api/v1/api-keys/" + id + "?purge=true", header: map[string]string{"If-Match": `"1"`}})
	if p.Code != "validation_failed" {
		t.Errorf("with If-Match: %s", p.Code)
	}
	must(t, h.DeleteKey(t.Context(), id))
	must(t, h.PurgeKey(t.Context(), id)) // the tombstone too
	if err := h.PurgeKey(t.Context(), id); refused(err) != "not_found" {
		t.Errorf("purged twice: %v", err)
	}
}

func TestKeysAreListedByCursor(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		h.createKey(t, api.KeyInput{})
	}
	seen, after := map[string]bool{}, ""
	for {
		list, err := h.Keys(t.Context(), client.KeyQuery{Size: 2, After: after})
		must(t, err)
		if len(list.APIKeys) == 0 {
			break
		}
		for _, k := range list.APIKeys {
			seen[k.ID], after = true, k.ID
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 keys were listed", len(seen))
	}
}
