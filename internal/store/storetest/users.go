package storetest

import (
	"slices"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func newUser(organizationID, id string) authority.User {
	return authority.User{
		ID: id, OrganizationID: organizationID, Email: id + "@example.com", Role: "member",
		Status: authority.StatusActive, CreatedAt: start, UpdatedAt: start, Version: 1,
	}
}

func users(t *testing.T, s authority.Store) {
	installed(t, s)
	u := newUser("org_a", "user_1")
	must(t, s.Users.CreateUser(t.Context(), u))
	got, err := s.Users.UserByID(t.Context(), "org_a", "user_1")
	must(t, err)
	same(t, got, u)
	_, err = s.Users.UserByID(t.Context(), "org_b", "user_1")
	is(t, err, fault.NotFound)

	u.Name, u.Role, u.Status, u.Limits, u.Version = "Ada", "admin", authority.StatusDisabled, fullLimits(), 2
	must(t, s.Users.UpdateUser(t.Context(), u))
	got, err = s.Users.UserByID(t.Context(), "org_a", "user_1")
	must(t, err)
	same(t, got, u)
	is(t, s.Users.UpdateUser(t.Context(), u), fault.VersionConflict)
	u.OrganizationID, u.Version = "org_b", 3
	is(t, s.Users.UpdateUser(t.Context(), u), fault.NotFound)

	second := newUser("org_a", "user_2")
	second.Name, second.CreatedAt = "Grace", start.Add(time.Minute)
	must(t, s.Users.CreateUser(t.Context(), second))
	for _, test := range []struct {
		filter authority.UserFilter
		want   []string
	}{
		{authority.UserFilter{}, []string{"user_2", "user_1"}},
		{authority.UserFilter{Search: "gRACE"}, []string{"user_2"}},
		{authority.UserFilter{Search: "user_1@EXAMPLE"}, []string{"user_1"}},
		{authority.UserFilter{Status: authority.StatusDisabled}, []string{"user_1"}},
	} {
		test.filter.Page, test.filter.Size = 1, 10
		list, total, err := s.Users.ListUsers(t.Context(), "org_a", test.filter)
		must(t, err)
		ids := slices.Collect(func(yield func(string) bool) {
			for _, u := range list {
				if !yield(u.ID) {
					return
				}
			}
		})
		same(t, ids, test.want)
		if total != len(test.want) {
			t.Errorf("%+v: total is %d", test.filter, total)
		}
	}
}

func userEmails(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1")))
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_2")))
	twin := newUser("org_a", "user_3")
	twin.Email = "user_1@example.com"
	is(t, s.Users.CreateUser(t.Context(), twin), fault.NameTaken)
	twin.ID, twin.Version = "user_2", 2
	is(t, s.Users.UpdateUser(t.Context(), twin), fault.NameTaken)
	twin.ID, twin.Version, twin.OrganizationID = "user_4", 1, "org_b"
	must(t, s.Users.CreateUser(t.Context(), twin)) // another organisation's emails are its own
}
