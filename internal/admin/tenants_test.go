package admin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/llm"
)

// refused is the code of a client's error.
func refused(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	return ""
}

const otherRoot = "tgm_another00root00key000123456789ab0IfKzX"

// addOrganization makes a second tenant, with a root key of its own.
func (h *house) addOrganization(t *testing.T, permissions ...string) *client.Client {
	t.Helper()
	now := time.Now()
	must(t, h.db.Authority().Management.Install(t.Context(),
		authority.Organization{ID: "org_other", Name: "Other", Timezone: "UTC", Status: authority.StatusActive, CreatedAt: now, UpdatedAt: now, Version: 1},
		authority.ManagementRow{Hash: key.HashOf(otherRoot), ManagementKey: authority.ManagementKey{
			ID: "mk_other", OrganizationID: "org_other", Name: "root", Permissions: append([]string{}, permissions...),
			Prefix: key.Hint(otherRoot), Status: authority.StatusActive, CreatedAt: now, UpdatedAt: now, Version: 1,
		}}, authority.Act{Event: authority.Event{OrganizationID: "org_other", At: now}}))
	return client.New(h.url, otherRoot)
}

// document is the OpenAPI document, as far as tests need it.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Responses   map[string]struct{ Content map[string]any }
		RequestBody *struct {
			Content map[string]struct {
				Schema map[string]any
			}
		}
	}
	Components struct{ Schemas map[string]any }
}

func (h *house) document(t *testing.T) document {
	t.Helper()
	resp, body := h.send(t, request{method: "GET", path: "/openapi.json", header: map[string]string{"Authorization": ""}})
	var doc document
	if err := json.Unmarshal([]byte(body), &doc); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("/openapi.json: %d, %v", resp.StatusCode, err)
	}
	return doc
}

// bodyOf is a body that an operation takes.
func bodyOf(operation, otherwise string) string {
	switch operation {
	case "extend-api-key":
		return `{"days":1}`
	case "regenerate-api-key", "revoke-api-key", "update-chatbot-key":
		return `{}`
	case "create-chatbot-key":
		return `{"key_id":"key_1"}`
	case "create-credential", "update-credential", "replace-credential":
		return `{"key_name":"stolen"}`
	}
	return otherwise
}

// belongings is one of everything that a tenant has and an operation names by its
// id, all of them called "mine".
type belongings struct {
	key        api.KeyCreated
	user       api.User
	opener     api.ManagementKeyCreated
	bot        api.Chatbot
	credential api.Credential
}

func (h *house) belongings(t *testing.T) (b belongings) {
	t.Helper()
	var err error
	b.key = h.createKey(t, api.KeyInput{Name: api.Set("mine")})
	b.user, err = h.CreateUser(t.Context(), api.UserInput{Email: api.Set("ada@example.com"), Name: api.Set("mine")})
	must(t, err)
	b.opener, err = h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("mine too"), Permissions: api.Set([]string{"platform:audit:read"})})
	must(t, err)
	b.bot = h.createChatbot(t, api.ChatbotInput{Name: api.Set("mine"), AccessMode: api.Set("public")})
	h.grant(t, b.bot, b.key.APIKey.ID)
	b.credential, err = h.CreateCredential(t.Context(), api.CredentialInput{
		Provider: api.Set("openai"), KeyName: api.Set("mine"), APIKey: api.Set("sk-proj-0123456789"), IsDefault: api.Set(true),
	})
	must(t, err)
	return b
}

// ids is the ids, by the path under which they stand.
func (b *belongings) ids() map[string]string {
	return map[string]string{
		"/api-keys/": b.key.APIKey.ID, "/users/": b.user.ID, "/management-keys/": b.opener.ManagementKey.ID,
		"/chatbots/": b.bot.ID, "/credentials/": b.credential.ID,
	}
}

// in is a path of the document with the ids that belong there.
func (b *belongings) in(t *testing.T, path string) string {
	t.Helper()
	for under, id := range b.ids() {
		if strings.Contains(path, under) {
			path = strings.ReplaceAll(path, "{id}", id)
		}
	}
	path = strings.ReplaceAll(path, "{key_id}", b.key.APIKey.ID)
	if strings.Contains(path, "id}") { // a {name} is the catalogue's, which all share
		t.Errorf("%s: there is nothing to try it with", path)
	}
	return path
}

// shown is what the owner is shown of all of them.
func (h *house) shown(t *testing.T, b belongings) (all []string) {
	t.Helper()
	for _, path := range []string{"/api-keys/{id}", "/users/{id}", "/management-keys/{id}", "/chatbots/{id}", "/chatbots/{id}/keys", "/credentials/{id}"} {
		resp, body := h.send(t, request{method: "GET", path: "/api/v1" + b.in(t, path)})
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "mine") {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
		}
		all = append(all, body)
	}
	return all
}

// Every operation on an object answers another tenant as if the object did not
// exist, and changes nothing; every list is empty. The operations are those of the
// document, so a new one cannot be forgotten.
func TestTenantsAreApart(t *testing.T) {
	h := newHouse(t)
	mine := h.belongings(t)
	h.spend(t, mine.key.SecretKey, llm.Usage{Input: 1}, 1)
	theirs := h.addOrganization(t, "*")
	as := map[string]string{"Authorization": "Bearer " + otherRoot}
	before := h.shown(t, mine)
	queries := map[string]string{}
	for _, op := range h.contract(t).ops {
		queries[op.id] = op.query()
	}

	for path, methods := range h.document(t).Paths {
		for method, op := range methods {
			r := request{method: strings.ToUpper(method), path: mine.in(t, path), header: as}
			object := r.path != path
			r.path += queries[op.OperationID]
			if op.RequestBody != nil {
				r.body = bodyOf(op.OperationID, `{"name":"stolen"}`)
			}
			switch {
			case object:
				if code := h.code(t, r); code != "not_found" {
					t.Errorf("%s: %s", op.OperationID, code)
				}
			case op.OperationID == "explain":
				h.explainsNothing(t, mine, r)
			case op.OperationID == "list-audit-events": // it names what they have just asked for themselves
				if _, answer := h.send(t, r); strings.Contains(answer, "mine") || strings.Contains(answer, ".create") {
					t.Errorf("%s: %s", op.OperationID, answer)
				}
			case r.method == "GET":
				resp, answer := h.send(t, r)
				if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
					t.Errorf("%s: %d %s", op.OperationID, resp.StatusCode, answer)
				}
				for _, id := range mine.ids() {
					if strings.Contains(answer, id) || strings.Contains(answer, "mine") {
						t.Errorf("%s: %s", op.OperationID, answer)
					}
				}
			}
		}
	}
	h.grantsNothing(t, mine, theirs)
	if after := h.shown(t, mine); !slices.Equal(after, before) {
		t.Errorf("another tenant changed what was\n%s\nand is\n%s", strings.Join(before, ""), strings.Join(after, ""))
	}
}

// explainsNothing asks for the verdict on another tenant's keys and chatbots.
func (h *house) explainsNothing(t *testing.T, mine belongings, r request) {
	t.Helper()
	for _, body := range []string{
		`{"key":"` + mine.key.SecretKey + `"}`, `{"key_id":"` + mine.key.APIKey.ID + `"}`,
		`{"chatbot":"` + mine.bot.ID + `"}`, `{"chatbot":"` + mine.bot.Slug + `"}`, // public: no key is needed
	} {
		r.body = body
		if _, answer := h.send(t, r); strings.Contains(answer, "demo-mini") || strings.Contains(answer, `:"mine"`) || strings.Contains(answer, `"allowed":true`) {
			t.Errorf("explain %s: %s", body, answer)
		}
	}
}

// grantsNothing tries to tie what one tenant has to what another has.
func (h *house) grantsNothing(t *testing.T, mine belongings, theirs *client.Client) {
	t.Helper()
	key, err := theirs.CreateKey(t.Context(), api.KeyInput{Name: api.Set("theirs")})
	must(t, err)
	bot, err := theirs.CreateChatbot(t.Context(), api.ChatbotInput{Name: api.Set("theirs"), Model: api.Set("demo-mini")})
	must(t, err)
	for botID, keyID := range map[string]string{mine.bot.ID: key.APIKey.ID, bot.ID: mine.key.APIKey.ID} {
		if _, err := theirs.CreateChatbotKey(t.Context(), botID, api.ChatbotGrantInput{KeyID: api.Set(keyID)}); refused(err) != "not_found" {
			t.Errorf("the key %s of one tenant for the chatbot %s of another: %v", keyID, botID, err)
		}
	}
	must(t, second(theirs.CreateChatbotKey(t.Context(), bot.ID, api.ChatbotGrantInput{KeyID: api.Set(key.APIKey.ID)}))) // it is the tenants that keep them apart
}

// A principal without permissions can do nothing.
func TestEveryOperationAsksForAPermission(t *testing.T) {
	h := newHouse(t)
	h.addOrganization(t)
	queries := map[string]string{}
	for _, op := range h.contract(t).ops {
		queries[op.id] = op.query()
	}
	for path, methods := range h.document(t).Paths {
		for method, op := range methods {
			r := request{method: strings.ToUpper(method), path: strings.ReplaceAll(path, "{id}", "key_1"), header: map[string]string{"Authorization": "Bearer " + otherRoot}}
			if op.RequestBody != nil {
				r.body = bodyOf(op.OperationID, `{"name":"x"}`)
			}
			want := "permission_denied"
			if r.path != path {
				want = "not_found" // what one may not see is not there
			}
			r.path += queries[op.OperationID]
			if code := h.code(t, r); code != want {
				t.Errorf("%s: %s, want %s", op.OperationID, code, want)
			}
		}
	}
}

func TestDocument(t *testing.T) {
	h := newHouse(t)
	doc := h.document(t)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi: %s", doc.OpenAPI)
	}
	for _, theirs := range []string{"ErrorModel", "ErrorDetail"} {
		if doc.Components.Schemas[theirs] != nil {
			t.Errorf("the schema %s is in the document, and is never sent", theirs)
		}
	}
	count := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			count++
			if op.RequestBody != nil && op.RequestBody.Content["application/json"].Schema["$ref"] == nil {
				t.Errorf("%s %s: the body is not described: %v", method, path, op.RequestBody.Content)
			}
			// Without a key no operation says more than that one is needed.
			r := request{method: strings.ToUpper(method), path: path, header: map[string]string{"Authorization": ""}}
			if code := h.code(t, r); code != "key_missing" {
				t.Errorf("%s %s without a key: %s", method, path, code)
			}
		}
	}
	if count < 18 {
		t.Errorf("only %d operations are described", count)
	}
	input := doc.Components.Schemas["KeyInput"].(map[string]any)["properties"].(map[string]any)
	budget, _ := json.Marshal(input["budget_limit_cents"])
	if !strings.Contains(string(budget), `"null"`) || !strings.Contains(string(budget), `"integer"`) {
		t.Errorf("budget_limit_cents is described as %s", budget)
	}
}
