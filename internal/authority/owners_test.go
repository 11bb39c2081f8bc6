package authority_test

import (
	"strings"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func TestUsers(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"Ada@Example.com","name":"Ada","budget_limit_cents":7,"budget_type":"daily"}`)
	same(t, u, authority.User{
		ID: u.ID, OrganizationID: h.root.OrganizationID(), Email: "ada@example.com", Name: "Ada", Role: "user",
		Status: authority.StatusActive, CreatedAt: noon, UpdatedAt: noon, Version: 1,
		Limits: authority.Limits{BudgetLimitCents: new(int64(7)), BudgetType: authority.BudgetDaily, BudgetMode: authority.BudgetHard},
	})
	_, err := h.CreateUser(t.Context(), h.root, []byte(`{"email":"ADA@example.com"}`))
	is(t, err, fault.NameTaken)
	for _, email := range []string{"", "ada", "@x", "a@", "a b@x", "a@b@c"} {
		_, err := h.CreateUser(t.Context(), h.root, []byte(`{"email":"`+email+`"}`))
		same(t, wrong(err), []string{"email"})
	}
	_, err = h.CreateUser(t.Context(), h.root, []byte(`{}`))
	same(t, wrong(err), []string{"email"})
	u, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":false,"rate_limit_per_minute":5}`), 1)
	must(t, err)
	if u.Status != authority.StatusDisabled || u.Version != 2 || *u.RateLimitPerMinute != 5 {
		t.Errorf("changed, the user is %+v", u)
	}
	_, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"name":"x"}`), 1)
	is(t, err, fault.PreconditionFailed)
	_, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"status":"revoked","id":"x"}`), 0)
	same(t, wrong(err), []string{"id", "status"})
}

func TestOrganization(t *testing.T) {
	h := newHouse(t)
	o, err := h.UpdateOrganization(t.Context(), h.root, []byte(`{"name":"Acme","timezone":"Europe/Berlin",
		"default_price":{"input_usd_per_million":"1.50","output_usd_per_million":"6"},"concurrent_limit":9}`), 1)
	must(t, err)
	stored, err := h.Organization(t.Context(), h.root)
	must(t, err)
	same(t, stored, o)
	if o.Timezone != "Europe/Berlin" || o.DefaultPrice.Input != 1_500_000 || o.DefaultPrice.Output != 6_000_000 || *o.ConcurrentLimit != 9 {
		t.Errorf("the organisation is %+v", o)
	}
	for body, want := range map[string]string{
		`{"timezone":"Mars/Olympus"}`:                       "timezone",
		`{"timezone":"Local"}`:                              "timezone",
		`{"timezone":""}`:                                   "timezone",
		`{"timezone":null}`:                                 "timezone",
		`{"default_price":"1.5"}`:                           "default_price",
		`{"default_price":{"input_usd_per_million":"1.5"}}`: "default_price",
		`{"default_price":{"input_usd_per_million":"9000000000000","output_usd_per_million":"1"}}`: "default_price",
		`{"default_price":{"input_usd_per_million":"1","output_usd_per_million":"100000.01"}}`:     "default_price",
		`{"default_price":{"input_usd_per_million":"-1","output_usd_per_million":"1"}}`:            "default_price",
		`{"default_price":{"input_usd_per_million":"1","output_usd_per_million":"1","extra":1}}`:   "default_price",
		`{"status":"revoked","name":""}`: "name status",
	} {
		_, err := h.UpdateOrganization(t.Context(), h.root, []byte(body), 0)
		if got := strings.Join(wrong(err), " "); got != want {
			t.Errorf("%s: %q is wrong, want %q", body, got, want)
		}
	}
	o, err = h.UpdateOrganization(t.Context(), h.root, []byte(`{"default_price":null}`), 0)
	must(t, err)
	if o.DefaultPrice != nil {
		t.Error("null leaves the default price")
	}
}

// An organisation that has an owner keeps one who can act; what does not unseat
// them goes on being possible.
func TestTheLastOwnerStays(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com","role":"owner"}`)
	unseat := []string{`{"role":"admin"}`, `{"status":"disabled"}`, `{"is_active":false}`, `{"role":"user","is_active":false}`}
	change := func(id, body string) error {
		_, err := h.UpdateUser(t.Context(), h.root, id, []byte(body), 0)
		return err
	}
	for _, body := range unseat {
		is(t, change(ada.ID, body), fault.LastOwner)
		e := h.last(t, "user.update")
		same(t, []string{e.Outcome, e.Code, e.ResourceName}, []string{"refused", "last_owner", "ada@example.com"})
	}
	_, err := h.UpdateUser(t.Context(), h.actingFor(t, ada), ada.ID, []byte(`{"role":"admin"}`), 0) // not even they themselves
	is(t, err, fault.LastOwner)
	must(t, change(ada.ID, `{"name":"Ada","role":"owner","rate_limit_per_minute":5}`))
	eve := h.user(t, `{"email":"eve@example.com","role":"owner","status":"disabled"}`)
	is(t, change(ada.ID, `{"role":"admin"}`), fault.LastOwner)
	must(t, change(eve.ID, `{"role":"owner","is_active":true}`))
	for _, body := range unseat {
		must(t, change(ada.ID, body))
		is(t, change(eve.ID, body), fault.LastOwner)
		must(t, change(ada.ID, `{"role":"owner","is_active":true}`))
	}
	must(t, h.DeleteUser(t.Context(), h.root, ada.ID, 0))
	is(t, h.DeleteUser(t.Context(), h.root, eve.ID, 0), fault.LastOwner)
	_, err = h.UserByID(t.Context(), h.root, eve.ID)
	must(t, err)
}

// What belonged to a user ends with them, at once and for good, and each of it has
// its event; the name is free.
func TestC10_DeletedUsersTakeTheirKeysAlong(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.user(t, `{"email":"ada@example.com"}`), h.user(t, `{"email":"eve@example.com"}`)
	var keys []authority.Key
	var secrets []string
	for _, body := range []string{`{"name":"a","user_id":"` + ada.ID + `"}`, `{"name":"b","kind":"chatbot","allowed_chatbots":["x"],"user_id":"` + ada.ID + `"}`} {
		k, text := h.key(t, body)
		keys, secrets = append(keys, k), append(secrets, text)
		_, err := h.Authenticate(t.Context(), text) // in memory
		must(t, err)
	}
	_, rotated, err := h.RegenerateKey(t.Context(), h.root, keys[0].ID, []byte(`{"overlap_seconds":600}`), 0)
	must(t, err)
	secrets = append(secrets, rotated.Reveal())
	m, token, err := h.CreateManagementKey(t.Context(), h.root, []byte(`{"name":"m","permissions":["*"],"user_id":"`+ada.ID+`"}`))
	must(t, err)
	_, hers := h.key(t, `{"name":"c","user_id":"`+eve.ID+`"}`)
	is(t, h.DeleteUser(t.Context(), h.root, ada.ID, 7), fault.PreconditionFailed)
	must(t, h.DeleteUser(t.Context(), h.root, ada.ID, 1))
	for _, text := range secrets {
		_, err := h.Authenticate(t.Context(), text)
		is(t, err, fault.KeyInvalid)
	}
	_, err = h.AuthenticateManagement(t.Context(), token.Reveal())
	is(t, err, fault.KeyInvalid)
	_, err = h.Authenticate(t.Context(), hers)
	must(t, err)
	for _, k := range keys {
		_, err := h.KeyByID(t.Context(), h.root, k.ID)
		is(t, err, fault.NotFound)
		events, err := h.store.Audit.ListEvents(t.Context(), k.OrganizationID, authority.EventFilter{ResourceID: k.ID, Size: 10})
		must(t, err)
		same(t, []string{events[1].Action, events[1].ResourceName}, []string{"api_key.delete", k.Name}) // before the look just now
	}
	same(t, h.last(t, "management_key.delete").ResourceID, m.ID)
	same(t, h.last(t, "user.delete").ResourceName, "ada@example.com")
	is(t, h.DeleteUser(t.Context(), h.root, ada.ID, 0), fault.NotFound)
	_, _, err = h.CreateKey(t.Context(), h.root, []byte(`{"name":"late","user_id":"`+ada.ID+`"}`))
	is(t, err, fault.ValidationFailed)
	again := h.user(t, `{"email":"ada@example.com"}`)
	list, n, err := h.ListUsers(t.Context(), h.root, authority.UserFilter{})
	must(t, err)
	if n != 2 || list[0].ID != again.ID || list[1].ID != eve.ID {
		t.Errorf("%d users: %+v", n, list)
	}
	v, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
	must(t, err)
	same(t, v.Broken, nil)
}
