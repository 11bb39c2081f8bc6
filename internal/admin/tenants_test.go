package admin_test

import (
	"encoding/json"
	"errors"
	"net/http"
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
	case "regenerate-api-key", "revoke-api-key":
		return `{}`
	}
	return otherwise
}

// Every operation on an object answers another tenant as if the object did not
// exist, and changes nothing; every list is empty. The operations are those of the
// document, so a new one cannot be forgotten.
func TestTenantsAreApart(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{Name: api.Set("mine")})
	user, err := h.CreateUser(t.Context(), api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	opener, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("mine too"), Permissions: api.Set([]string{"platform:audit:read"})})
	must(t, err)
	h.spend(t, made.SecretKey, llm.Usage{Input: 1}, 1)
	h.addOrganization(t, "*")
	as := map[string]string{"Authorization": "Bearer " + otherRoot}
	before, err := h.Key(t.Context(), made.APIKey.ID)
	must(t, err)

	for path, methods := range h.document(t).Paths {
		for method, op := range methods {
			r := request{method: strings.ToUpper(method), header: as}
			id := made.APIKey.ID
			if strings.Contains(path, "/users/") {
				id = user.ID
			}
			if strings.Contains(path, "/management-keys/") {
				id = opener.ManagementKey.ID
			}
			r.path = strings.ReplaceAll(path, "{id}", id)
			if op.RequestBody != nil {
				r.body = bodyOf(op.OperationID, `{"name":"stolen"}`)
			}
			switch {
			case r.path != path:
				if code := h.code(t, r); code != "not_found" {
					t.Errorf("%s: %s", op.OperationID, code)
				}
			case op.OperationID == "explain":
				for _, body := range []string{`{"key":"` + made.SecretKey + `"}`, `{"key_id":"` + id + `"}`} {
					r.body = body
					if _, answer := h.send(t, r); strings.Contains(answer, "mine") || strings.Contains(answer, `"allowed":true`) {
						t.Errorf("explain %s: %s", body, answer)
					}
				}
			case op.OperationID == "list-audit-events": // it names what they have just asked for themselves
				if _, answer := h.send(t, r); strings.Contains(answer, "mine") || strings.Contains(answer, "api_key.create") {
					t.Errorf("%s: %s", op.OperationID, answer)
				}
			case r.method == "GET":
				if _, answer := h.send(t, r); strings.Contains(answer, id) || strings.Contains(answer, user.ID) || strings.Contains(answer, "mine") {
					t.Errorf("%s: %s", op.OperationID, answer)
				}
			}
		}
	}
	after, err := h.Key(t.Context(), made.APIKey.ID)
	must(t, err)
	if after.Version != before.Version || after.Name != "mine" {
		t.Errorf("another tenant changed the key: %+v", after)
	}
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
