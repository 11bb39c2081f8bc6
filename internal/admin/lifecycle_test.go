package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/authority"
	"tollgate/internal/llm"
	"tollgate/internal/money"
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

// A purge takes the key and its secrets. What was used and paid goes on naming it:
// money that came in and was spent is not undone by forgetting the key.
func TestC10_APurgeLeavesTheBooks(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{Name: api.Set("gone"), InitialBalanceUSD: api.Set("5")})
	id := made.APIKey.ID
	h.change(t, id, "deduct", "1")
	h.spend(t, made.SecretKey, llm.Usage{Input: 7}, money.Cent)
	must(t, h.PurgeKey(t.Context(), id))
	for name, err := range map[string]error{
		"the key":       second(h.Key(t.Context(), id)),
		"its usage":     second(h.KeyUsage(t.Context(), id)),
		"its statement": second(h.KeyLedger(t.Context(), id, client.LedgerQuery{})),
		"money":         second(h.ChangeBalance(t.Context(), id, api.BalanceChange{Type: "grant", AmountUSD: "1"})),
	} {
		if refused(err) != "not_found" {
			t.Errorf("%s: %v", name, err)
		}
	}
	used, err := h.Usage(t.Context(), client.UsageQuery{KeyID: id})
	must(t, err)
	if used.Total != 1 || used.Usage[0].KeyName != "gone" || used.Usage[0].CostUSD != "0.01" {
		t.Errorf("the usage: %+v", used)
	}
	book, err := h.ledger.Statement(t.Context(), id, time.Time{}, time.Time{}, nil)
	must(t, err)
	if len(book.Lines) != 3 || book.Closing != 399*money.Cent {
		t.Errorf("the book: %+v", book)
	}
	if e := h.events(t, authority.EventFilter{ResourceID: id, Action: "api_key.purge", Size: 1}); len(e) != 1 || e[0].ResourceName != "gone" {
		t.Errorf("the audit: %+v", e)
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

// Every POST that makes or changes a thing of keys or people is done once for an
// Idempotency-Key; sent again it is answered, changes nothing, and the audit says
// that it was sent again. The operations are those of the document.
func TestC4_EveryPostIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{InitialBalanceUSD: api.Set("5"), ExpiresAt: api.Set(time.Now().Add(time.Hour))})
	manager, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("m"), Permissions: api.Set([]string{"platform:*"})})
	must(t, err)
	bodies := map[string]string{
		"create-api-key":         `{"name":"x"}`,
		"extend-api-key":         `{"days":1}`,
		"change-api-key-balance": `{"type":"deduct","amount_usd":"1"}`,
		"create-management-key":  `{"name":"x","permissions":["platform:*"]}`,
		"create-user":            `{"email":"ada@example.com"}`,
		"reveal-api-key":         "", // shows what is there
	}
	tried := 0
	for path, methods := range h.document(t).Paths {
		op, posts := methods["post"]
		if !posts || !strings.HasPrefix(path, "/api/v1/api-keys") && !strings.HasPrefix(path, "/api/v1/management-keys") && path != "/api/v1/users" {
			continue
		}
		id := made.APIKey.ID
		if strings.Contains(path, "management-keys") {
			id = manager.ManagementKey.ID
		}
		body, ok := bodies[op.OperationID]
		if ok && body == "" || op.OperationID == "revoke-api-key" {
			continue
		}
		tried++
		r := request{method: "POST", path: strings.ReplaceAll(path, "{id}", id), body: body, header: map[string]string{"Idempotency-Key": op.OperationID}}
		first, one := h.send(t, r)
		if first.StatusCode >= 300 {
			t.Errorf("%s: %d %s", op.OperationID, first.StatusCode, one)
			continue
		}
		before := h.events(t, authority.EventFilter{Size: 1000})
		again, two := h.send(t, r)
		after := h.events(t, authority.EventFilter{Size: 1000})
		if again.StatusCode != first.StatusCode || len(after) != len(before)+1 || after[0].Outcome != "replayed" {
			t.Errorf("%s sent again: %d, %d events, the newest is %s: %s %s", op.OperationID, again.StatusCode, len(after)-len(before), after[0].Action, after[0].Outcome, two)
		}
		if etag := first.Header.Get("ETag"); etag != again.Header.Get("ETag") {
			t.Errorf("%s sent again: version %s, and then %s", op.OperationID, etag, again.Header.Get("ETag"))
		}
	}
	if tried < 9 {
		t.Errorf("only %d operations were tried", tried)
	}
	k, err := h.Key(t.Context(), made.APIKey.ID)
	must(t, err)
	if k.Balance.AvailableUSD != "4.00" || k.Version > 6 {
		t.Errorf("%+v", k)
	}
}

// The actions without a body take If-Match as well.
func TestC9_ActionsAskForTheVersion(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	manager, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("m"), Permissions: api.Set([]string{"platform:*"})})
	must(t, err)
	key, token := "/api/v1/api-keys/"+made.APIKey.ID, "/api/v1/management-keys/"+manager.ManagementKey.ID
	for _, r := range []request{
		{method: "POST", path: key + "/deactivate"},
		{method: "POST", path: key + "/activate"},
		{method: "POST", path: key + "/revoke"},
		{method: "DELETE", path: key},
		{method: "POST", path: token + "/revoke"},
		{method: "DELETE", path: token},
	} {
		r.header = map[string]string{"If-Match": `"7"`}
		if code := h.code(t, r); code != "precondition_failed" {
			t.Errorf("%s %s: %s", r.method, r.path, code)
		}
	}
	_, err = h.DeactivateKey(t.Context(), made.APIKey.ID, client.IfVersion(1))
	must(t, err)
	_, err = h.ActivateKey(t.Context(), made.APIKey.ID, client.IfVersion(2))
	must(t, err)
}

// What is told of a change of a balance holds no secret, in the book either.
func TestE6_TheBookHoldsNoSecret(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{InitialBalanceUSD: api.Set("5")})
	leaked := made.SecretKey
	for range 2 {
		_, err := h.ChangeBalance(t.Context(), made.APIKey.ID,
			api.BalanceChange{Type: "deduct", AmountUSD: "1", Reason: "was spent by " + leaked}, client.Idempotent(leaked))
		must(t, err)
	}
	list, err := h.KeyLedger(t.Context(), made.APIKey.ID, client.LedgerQuery{})
	must(t, err)
	if len(list.Ledger) != 2 || list.ClosingUSD != "4.00" || list.Ledger[0].Reason != "was spent by [redacted]" || !strings.HasPrefix(*list.Ledger[0].IdempotencyKey, "sha256:") {
		t.Errorf("%+v", list)
	}
}

func TestE9_CleanUpOverTheAPI(t *testing.T) {
	h := newHouse(t)
	expires := time.Now().Add(300 * time.Millisecond)
	soon := func(delete api.Optional[bool]) string {
		return h.createKey(t, api.KeyInput{ExpiresAt: api.Set(expires), AutoDeleteOnExpiry: delete}).APIKey.ID
	}
	deleted, disabled, byDefault := soon(api.Set(true)), soon(api.Set(false)), soon(api.Null[bool]())
	alive := h.createKey(t, api.KeyInput{}).APIKey.ID
	if code := h.code(t, request{method: "POST", path: "/api/v1/api-keys/cleanup", header: map[string]string{"Authorization": "Bearer " + h.token(t, "platform:api-keys:read")}}); code != "permission_denied" {
		t.Errorf("without permission: %s", code)
	}
	for {
		if k, err := h.Key(t.Context(), byDefault); err != nil || k.Status == "expired" {
			must(t, err)
			break
		}
	}
	var told [][2]int
	done, err := h.CleanUpKeys(t.Context(), func(done, total int) { told = append(told, [2]int{done, total}) }, client.Idempotent("today"))
	must(t, err)
	if done != (api.CleanedUp{Count: 3, Disabled: 2, Deleted: 1}) || len(told) == 0 || told[len(told)-1] != [2]int{3, 3} {
		t.Errorf("%+v, told %v", done, told)
	}
	if e := h.newest(t); e.Action != "api_key.clean_up" || e.Outcome != "done" || !strings.Contains(e.Changes, `{"field":"keys_disabled","from":0,"to":2}`) {
		t.Errorf("%+v", e)
	}
	again, err := h.CleanUpKeys(t.Context(), nil, client.Idempotent("today"))
	if must(t, err); again != done {
		t.Errorf("sent again: %+v", again)
	}
	if e := h.newest(t); e.Outcome != "replayed" || e.ResourceID != "" {
		t.Errorf("sent again: %+v", e)
	}
	if resp, body := h.send(t, request{method: "POST", path: "/api/v1/api-keys/cleanup"}); resp.StatusCode != http.StatusOK || strings.TrimSpace(body) != `{"count":0,"disabled":0,"deleted":0,"secrets_wiped":0}` {
		t.Errorf("with nothing to do: %d %s", resp.StatusCode, body)
	}
	for id, want := range map[string]string{disabled: "disabled", byDefault: "disabled", alive: "active"} {
		k, err := h.Key(t.Context(), id)
		if must(t, err); k.Status != want {
			t.Errorf("%s is %s, want %s", id, k.Status, want)
		}
	}
	if _, err := h.Key(t.Context(), deleted); refused(err) != "not_found" {
		t.Errorf("the one to be deleted: %v", err)
	}
}

func TestE2_RevealOverTheAPI(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	if _, err := h.RevealKey(t.Context(), made.APIKey.ID, "why not"); refused(err) != "not_recoverable" {
		t.Errorf("without the organization's wish: %v", err)
	}
	o, err := h.UpdateOrganization(t.Context(), api.OrganizationInput{Recoverable: api.Set(true)})
	if must(t, err); !o.Recoverable {
		t.Errorf("%+v", o)
	}
	made = h.createKey(t, api.KeyInput{})
	resp, body := h.send(t, request{method: "POST", path: "/api/v1/api-keys/" + made.APIKey.ID + "/reveal", body: `{"reason":"lost"}`})
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-store" || !strings.Contains(body, `"secret_key":"`+made.SecretKey+`"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	k, err := h.Key(t.Context(), made.APIKey.ID)
	if must(t, err); !k.Secrets[0].Recoverable {
		t.Errorf("%+v", k.Secrets)
	}
	_, err = h.UpdateKey(t.Context(), made.APIKey.ID, api.KeyInput{Name: api.Set("x")})
	must(t, err)
	again, err := h.RevealKey(t.Context(), made.APIKey.ID, "lost again")
	if must(t, err); again.SecretKey != made.SecretKey {
		t.Error("a change of the key took the sealed secret")
	}
}
