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
		ID: u.ID, OrganizationID: h.root.OrganizationID(), Email: "ada@example.com", Name: "Ada", Role: "member",
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
		`{"default_price":{"input_usd_per_million":"-1","output_usd_per_million":"1"}}`:          "default_price",
		`{"default_price":{"input_usd_per_million":"1","output_usd_per_million":"1","extra":1}}`: "default_price",
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
