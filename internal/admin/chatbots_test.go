package admin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/authority"
)

// createChatbot makes a chatbot through the API.
func (h *house) createChatbot(t *testing.T, in api.ChatbotInput) api.Chatbot {
	t.Helper()
	if in.Model.IsZero() {
		in.Model = api.Set("demo-mini")
	}
	made, err := h.CreateChatbot(t.Context(), in)
	must(t, err)
	return made
}

// grant lets a key open a chatbot.
func (h *house) grant(t *testing.T, bot api.Chatbot, keyID string) {
	t.Helper()
	_, err := h.CreateChatbotKey(t.Context(), bot.ID, api.ChatbotGrantInput{KeyID: api.Set(keyID)})
	must(t, err)
}

// told holds the newest event to be of this action, of this chatbot, with this
// code of a refusal ("" = done), and to tell of these changes.
func (h *house) told(t *testing.T, bot, action, code string, changes ...string) {
	t.Helper()
	outcome := "done"
	if code != "" {
		outcome = "refused"
	}
	e := h.newest(t)
	if e.Action != action || e.Outcome != outcome || e.Code != code || e.ResourceType != "chatbot" || e.ResourceID != bot {
		t.Errorf("the newest event is %+v, not %s of %s: %s %s", e, action, bot, outcome, code)
	}
	if len(changes) == 0 && e.Changes != "" {
		t.Errorf("%s tells of %s", action, e.Changes)
	}
	for _, change := range changes {
		if !strings.Contains(e.Changes, change) {
			t.Errorf("%s does not tell of %s: %s", action, change, e.Changes)
		}
	}
}

// chatbotBy sends a request that must be answered with this status, and a chatbot.
func (h *house) chatbotBy(t *testing.T, r request, status int) (*http.Response, api.Chatbot) {
	t.Helper()
	resp, body := h.send(t, r)
	var c api.Chatbot
	if err := json.Unmarshal([]byte(body), &c); err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s", r.method, r.path, resp.StatusCode, body)
	}
	return resp, c
}

func TestD1_TheLifeOfAChatbotOverTheAPI(t *testing.T) {
	h := newHouse(t)
	resp, bot := h.chatbotBy(t, request{method: "POST", path: "/api/v1/chatbots", body: `{"name":"Help Desk","model":"demo-mini","system_prompt":"Be brief."}`}, http.StatusCreated)
	path := "/api/v1/chatbots/" + bot.ID
	if resp.Header.Get("Location") != path || resp.Header.Get("ETag") != `"1"` || !strings.HasPrefix(bot.ID, "bot_") {
		t.Errorf("made %s at %s, %s", bot.ID, resp.Header.Get("Location"), resp.Header.Get("ETag"))
	}
	if bot.Slug != "help-desk" || bot.AccessMode != "key_required" || !bot.KeyRequired || bot.HasActiveAPIKey || !bot.IsActive || bot.FirstGrantAt != nil || bot.Version != 1 {
		t.Errorf("made %+v", bot)
	}
	h.told(t, bot.ID, "chatbot.create", "", `{"field":"name","from":null,"to":"Help Desk"}`, `{"field":"system_prompt","from":null,"to":"Be brief."}`)
	if code := h.code(t, request{method: "POST", path: "/api/v1/chatbots", body: `{"name":"Other","slug":"help-desk","model":"m"}`}); code != "name_taken" {
		t.Errorf("the slug twice: %s", code)
	}
	h.told(t, "", "chatbot.create", "name_taken")

	change := request{method: "PATCH", path: path, body: `{"greeting":"How can I help?","budget_limit_cents":500}`, header: map[string]string{"If-Match": `"1"`}}
	resp, changed := h.chatbotBy(t, change, http.StatusOK)
	if resp.Header.Get("ETag") != `"2"` || changed.Version != 2 || changed.Greeting != "How can I help?" || changed.SystemPrompt != "Be brief." || changed.BudgetLimitCents == nil || *changed.BudgetLimitCents != 500 {
		t.Errorf("changed: %s %+v", resp.Header.Get("ETag"), changed)
	}
	h.told(t, bot.ID, "chatbot.update", "", `{"field":"greeting","from":"","to":"How can I help?"}`, `{"field":"budget_limit_cents","from":null,"to":500}`)
	change.body = `{"greeting":"Lost"}`
	if code := h.code(t, change); code != "precondition_failed" {
		t.Errorf("changed again for the version of before: %s", code)
	}
	h.told(t, bot.ID, "chatbot.update", "precondition_failed")
	if _, shown := h.chatbotBy(t, request{method: "GET", path: path}, http.StatusOK); shown.Greeting != "How can I help?" || shown.Version != 2 {
		t.Errorf("afterwards %+v", shown)
	}
	h.told(t, bot.ID, "chatbot.get", "")

	gone := request{method: "DELETE", path: path, header: map[string]string{"If-Match": `"1"`}}
	if code := h.code(t, gone); code != "precondition_failed" {
		t.Errorf("deleted for the version of before: %s", code)
	}
	h.told(t, bot.ID, "chatbot.delete", "precondition_failed")
	gone.header = map[string]string{"If-Match": `"2"`}
	if resp, body := h.send(t, gone); resp.StatusCode != http.StatusNoContent || body != "" {
		t.Errorf("deleted: %d %s", resp.StatusCode, body)
	}
	h.told(t, bot.ID, "chatbot.delete", "")
	for _, r := range []request{{method: "GET", path: path}, {method: "PATCH", path: path, body: `{"name":"x"}`}, {method: "DELETE", path: path}, {method: "GET", path: path + "/keys"}} {
		if code := h.code(t, r); code != "not_found" {
			t.Errorf("%s %s of what is gone: %s", r.method, r.path, code)
		}
	}
	if again := h.createChatbot(t, api.ChatbotInput{Name: api.Set("Help Desk")}); again.Slug != "help-desk" || again.ID == bot.ID {
		t.Errorf("the slug is not free again: %+v", again)
	}
}

func TestD1_ChatbotsAreListedOverTheAPI(t *testing.T) {
	h := newHouse(t)
	bot := h.createChatbot(t, api.ChatbotInput{Name: api.Set("Help Desk")})
	other := h.createChatbot(t, api.ChatbotInput{Name: api.Set("Sales"), AccessMode: api.Set("public")})
	for _, c := range []struct {
		query client.ChatbotQuery
		want  []string
	}{
		{client.ChatbotQuery{}, []string{other.ID, bot.ID}},
		{client.ChatbotQuery{After: other.ID}, []string{bot.ID}},
		{client.ChatbotQuery{Page: 2, Size: 1}, []string{bot.ID}},
		{client.ChatbotQuery{Search: "DESK"}, []string{bot.ID}},
		{client.ChatbotQuery{AccessMode: "public"}, []string{other.ID}},
		{client.ChatbotQuery{Status: "disabled"}, nil},
	} {
		list, err := h.Chatbots(t.Context(), c.query)
		must(t, err)
		var got []string
		for _, listed := range list.Chatbots {
			got = append(got, listed.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v lists %v of %d, want %v", c.query, got, list.Total, c.want)
		}
		h.told(t, "", "chatbot.list", "")
	}
}

func TestD1_TheLifeOfAGrantOverTheAPI(t *testing.T) {
	h := newHouse(t)
	bot := h.createChatbot(t, api.ChatbotInput{Name: api.Set("Help Desk")})
	key := h.createKey(t, api.KeyInput{Name: api.Set("web")}).APIKey
	keys := "/api/v1/chatbots/" + bot.ID + "/keys"
	give := request{method: "POST", path: keys, body: `{"key_id":"` + key.ID + `"}`}
	opened := func(want bool) {
		t.Helper()
		shown, err := h.Chatbot(t.Context(), bot.ID)
		must(t, err)
		if shown.HasActiveAPIKey != want || shown.FirstGrantAt == nil || !shown.KeyRequired {
			t.Errorf("shown with an active key %v, want %v; first grant at %v", shown.HasActiveAPIKey, want, shown.FirstGrantAt)
		}
	}
	resp, body := h.send(t, give)
	var g api.ChatbotGrant
	if err := json.Unmarshal([]byte(body), &g); err != nil || resp.StatusCode != http.StatusCreated || resp.Header.Get("Location") != keys+"/"+key.ID {
		t.Fatalf("%d at %s: %s", resp.StatusCode, resp.Header.Get("Location"), body)
	}
	if g.ChatbotID != bot.ID || g.KeyID != key.ID || g.KeyName == nil || *g.KeyName != "web" || g.KeyPrefix == nil || *g.KeyPrefix != key.KeyPrefix ||
		g.Status != "active" || !strings.HasPrefix(g.CreatedBy, "mk_") || g.ExpiresAt != nil || g.RevokedAt != nil {
		t.Errorf("granted %s", body)
	}
	h.told(t, bot.ID, "chatbot.grant", "", `{"field":"key_id","from":null,"to":"`+key.ID+`"}`)
	opened(true)
	if code := h.code(t, give); code != "name_taken" {
		t.Errorf("granted twice: %s", code)
	}
	h.told(t, bot.ID, "chatbot.grant", "name_taken")

	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	g, err := h.UpdateChatbotKey(t.Context(), bot.ID, key.ID, api.ChatbotGrantInput{ExpiresAt: api.Set(until)})
	must(t, err)
	if g.ExpiresAt == nil || !g.ExpiresAt.Equal(until) || g.Status != "active" {
		t.Errorf("%+v", g)
	}
	h.told(t, bot.ID, "chatbot.grant.update", "", key.ID, `{"field":"expires_at","from":null,"to":"`+until.Format(time.RFC3339)+`"}`)

	must(t, h.DeleteChatbotKey(t.Context(), bot.ID, key.ID))
	h.told(t, bot.ID, "chatbot.revoke", "", key.ID, `"revoked_at"`)
	opened(false)
	list, err := h.ChatbotKeys(t.Context(), bot.ID, client.GrantQuery{})
	must(t, err)
	h.told(t, bot.ID, "chatbot.grant.list", "")
	if list.Total != 1 || list.Keys[0].Status != "revoked" || list.Keys[0].RevokedAt == nil || list.Keys[0].RevokedBy == nil || *list.Keys[0].RevokedBy != g.CreatedBy {
		t.Errorf("revoked it is %+v", list)
	}
	h.grant(t, bot, key.ID) // anew
	opened(true)

	none := request{method: "DELETE", path: keys + "/key_x"}
	if code := h.code(t, none); code != "not_found" {
		t.Errorf("what was never granted: %s", code)
	}
	h.told(t, bot.ID, "chatbot.revoke", "not_found")
	must(t, h.DeleteChatbot(t.Context(), bot.ID))
	if _, err := h.ChatbotKeys(t.Context(), bot.ID, client.GrantQuery{}); refused(err) != "not_found" {
		t.Errorf("grants of what is gone: %v", err)
	}
	if k, err := h.Key(t.Context(), key.ID); err != nil || k.Status != "active" {
		t.Errorf("the key went with the chatbot: %+v, %v", k, err)
	}
}

// Every grant that a chatbot ever had is listed with what it is worth now, on pages
// and by cursor, and the list is in the audit.
func TestD4_EveryGrantIsListedOverTheAPI(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	bot := h.createChatbot(t, api.ChatbotInput{Name: api.Set("Help Desk")})
	ada, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	want := map[string]string{}
	granted := func(status string, in api.KeyInput) string {
		id := h.createKey(t, in).APIKey.ID
		h.grant(t, bot, id)
		want[id] = status
		return id
	}
	granted("active", api.KeyInput{})
	granted("owner_inactive", api.KeyInput{UserID: api.Set(ada.ID)})
	must(t, second(h.UpdateUser(ctx, ada.ID, api.UserInput{IsActive: api.Set(false)})))
	granted("key_disabled", api.KeyInput{IsActive: api.Set(false)})
	must(t, h.DeleteChatbotKey(ctx, bot.ID, granted("revoked", api.KeyInput{})))
	must(t, second(h.RevokeKey(ctx, granted("key_revoked", api.KeyInput{}))))
	must(t, h.DeleteKey(ctx, granted("key_deleted", api.KeyInput{})))
	purged := granted("key_deleted", api.KeyInput{})
	must(t, h.PurgeKey(ctx, purged))
	grant, key := granted("expired", api.KeyInput{}), granted("key_expired", api.KeyInput{})
	soon := time.Now().Add(time.Second)
	must(t, second(h.UpdateChatbotKey(ctx, bot.ID, grant, api.ChatbotGrantInput{ExpiresAt: api.Set(soon)})))
	must(t, second(h.UpdateKey(ctx, key, api.KeyInput{ExpiresAt: api.Set(soon)})))
	<-time.After(time.Until(soon))

	all := func(query func(page int, last string) client.GrantQuery) map[string]string {
		got, last, at := map[string]string{}, "", time.Now()
		for page := 1; ; page++ {
			list, err := h.ChatbotKeys(ctx, bot.ID, query(page, last))
			must(t, err)
			for _, g := range list.Keys {
				if got[g.KeyID] != "" || g.CreatedAt.After(at) || (g.KeyName == nil) != (g.KeyID == purged) || (g.KeyPrefix == nil) != (g.KeyID == purged) {
					t.Errorf("listed %+v after one of %v", g, at)
				}
				got[g.KeyID], last, at = g.Status, g.KeyID, g.CreatedAt
			}
			if len(list.Keys) < 4 {
				return got
			}
		}
	}
	for name, query := range map[string]func(int, string) client.GrantQuery{
		"pages":  func(page int, _ string) client.GrantQuery { return client.GrantQuery{Page: page, Size: 4} },
		"cursor": func(_ int, last string) client.GrantQuery { return client.GrantQuery{After: last, Size: 4} },
	} {
		got := all(query)
		if len(got) != len(want) {
			t.Errorf("%s: %d of %d grants", name, len(got), len(want))
		}
		for id, status := range want {
			if got[id] != status {
				t.Errorf("%s: %s is %q, want %q", name, id, got[id], status)
			}
		}
	}
	lists := h.events(t, authority.EventFilter{ResourceID: bot.ID, Action: "chatbot.grant.list", Size: 100})
	if len(lists) != 6 {
		t.Errorf("6 pages were read, and %d are in the audit", len(lists))
	}
}
