package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
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
	must(t, s.Users.CreateUser(t.Context(), u, done(u.OrganizationID)))
	got, err := s.Users.UserByID(t.Context(), "org_a", "user_1")
	must(t, err)
	same(t, got, u)
	_, err = s.Users.UserByID(t.Context(), "org_b", "user_1")
	is(t, err, fault.NotFound)

	u.Name, u.Role, u.Status, u.Limits, u.Version = "Ada", "admin", authority.StatusDisabled, fullLimits(), 2
	must(t, s.Users.UpdateUser(t.Context(), u, "", done(u.OrganizationID)))
	got, err = s.Users.UserByID(t.Context(), "org_a", "user_1")
	must(t, err)
	same(t, got, u)
	is(t, s.Users.UpdateUser(t.Context(), u, "", done(u.OrganizationID)), fault.VersionConflict)
	u.OrganizationID, u.Version = "org_b", 3
	is(t, s.Users.UpdateUser(t.Context(), u, "", done(u.OrganizationID)), fault.NotFound)

	second := newUser("org_a", "user_2")
	second.Name, second.CreatedAt = "Grace", start.Add(time.Minute)
	must(t, s.Users.CreateUser(t.Context(), second, done(second.OrganizationID)))
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

// The last of a role stays it, also when the last two want to leave it at the same
// moment.
func lastOfARole(t *testing.T, s authority.Store) {
	installed(t, s)
	first, second, abroad := newUser("org_a", "user_1"), newUser("org_a", "user_2"), newUser("org_b", "user_3")
	for _, u := range []*authority.User{&first, &second, &abroad} {
		u.Role = "owner"
		must(t, s.Users.CreateUser(t.Context(), *u, done(u.OrganizationID)))
		u.Version = 2
	}
	leave := func(u authority.User) error {
		u.Role = "member"
		return s.Users.UpdateUser(t.Context(), u, "owner", done(u.OrganizationID))
	}
	is(t, leave(abroad), fault.LastOwner) // another organisation's owners do not count
	errs := make([]error, 2)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = leave(first) })
	wg.Go(func() { errs[1] = leave(second) })
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), fault.LastOwner) {
		t.Errorf("the last two left with %v", errs)
	}
	third := newUser("org_a", "user_4")
	third.Role, third.Status = "owner", authority.StatusDisabled
	must(t, s.Users.CreateUser(t.Context(), third, done("org_a"))) // one who is disabled does not count either
	for _, u := range []authority.User{first, second} {
		if now, err := s.Users.UserByID(t.Context(), "org_a", u.ID); err == nil && now.Role == "owner" {
			is(t, leave(u), fault.LastOwner)
			u.Name = "still here"
			must(t, s.Users.UpdateUser(t.Context(), u, "", done("org_a")))
		}
	}
}

func userEmails(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1"), done("org_a")))
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_2"), done("org_a")))
	twin := newUser("org_a", "user_3")
	twin.Email = "user_1@example.com"
	is(t, s.Users.CreateUser(t.Context(), twin, done(twin.OrganizationID)), fault.NameTaken)
	twin.ID, twin.Version = "user_2", 2
	is(t, s.Users.UpdateUser(t.Context(), twin, "", done(twin.OrganizationID)), fault.NameTaken)
	twin.ID, twin.Version, twin.OrganizationID = "user_4", 1, "org_b"
	must(t, s.Users.CreateUser(t.Context(), twin, done(twin.OrganizationID))) // another organisation's emails are its own
}

// A user who is deleted is gone with what belonged to them, in one transaction.
func deletedUsers(t *testing.T, s authority.Store) {
	installed(t, s)
	for _, u := range []authority.User{newUser("org_a", "user_1"), newUser("org_a", "user_2"), newUser("org_b", "user_3")} {
		must(t, s.Users.CreateUser(t.Context(), u, done(u.OrganizationID)))
	}
	for id, owner := range map[string]string{"key_1": "user_1", "key_2": "user_1", "key_3": "user_2"} {
		k := newKey("org_a", id)
		k.UserID = owner
		must(t, s.Keys.CreateKey(t.Context(), k, nil, done("org_a")))
	}
	abroad := newKey("org_a", "key_4")
	abroad.UserID = "user_3"
	is(t, s.Keys.CreateKey(t.Context(), abroad, nil, done("org_a")), fault.NotFound)
	token := newRoot("org_a")
	token.ID, token.Root, token.UserID, token.Hash = "mk_1", false, "user_3", key.HashOf("mk_1")
	is(t, s.Credentials.CreateManagementKey(t.Context(), token, done("org_a")), fault.NotFound)
	token.UserID = "user_1"
	must(t, s.Credentials.CreateManagementKey(t.Context(), token, done("org_a")))

	var ended []string
	estate := authority.Estate{
		Key: func(k authority.KeyRow) (authority.KeyRow, authority.Act) {
			ended = append(ended, k.ID)
			if len(k.Hashes) != 1 {
				t.Errorf("%s comes with %d hashes", k.ID, len(k.Hashes))
			}
			k.DeletedAt, k.Secrets, k.Hashes, k.Version = start, nil, nil, k.Version+1
			return k, done("org_a")
		},
		Management: func(m authority.ManagementRow) authority.Act {
			ended = append(ended, m.ID)
			return done("org_a")
		},
		Chatbot: func(c authority.Chatbot) (authority.Chatbot, authority.Act) {
			ended = append(ended, c.ID)
			c.UserID, c.Status, c.Version = "", authority.StatusDisabled, c.Version+1
			return c, done("org_a")
		},
	}
	bot := newBot("org_a", "bot_1")
	bot.UserID = "user_1"
	must(t, s.Chatbots.CreateChatbot(t.Context(), bot, done("org_a")))
	must(t, s.Chatbots.CreateChatbot(t.Context(), newBot("org_a", "bot_2"), done("org_a")))
	u := newUser("org_a", "user_1")
	u.DeletedAt, u.Version = start, 2
	is(t, s.Users.DeleteUser(t.Context(), u, "member of none", done("org_a"), estate), fault.LastOwner)
	same(t, ended, nil)
	before, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)
	must(t, s.Users.DeleteUser(t.Context(), u, "member", done("org_a"), estate))
	same(t, ended, []string{"key_1", "key_2", "bot_1", "mk_1"})
	bot.UserID, bot.Status, bot.Version = "", authority.StatusDisabled, 2
	kept, err := s.Chatbots.FindChatbot(t.Context(), "bot_1")
	must(t, err)
	same(t, kept, bot)
	bot.UserID, bot.Version = "user_1", 3
	is(t, s.Chatbots.UpdateChatbot(t.Context(), bot, done("org_a")), fault.NotFound)
	after, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)
	same(t, after.Sequence, before.Sequence+5)
	_, err = s.Users.UserByID(t.Context(), "org_a", "user_1")
	is(t, err, fault.NotFound)
	for id, want := range map[string]error{"key_1": fault.NotFound, "key_2": fault.NotFound, "key_3": nil} {
		_, err := s.Keys.KeyByID(t.Context(), "org_a", id)
		_, byHash := s.Keys.KeyByHash(t.Context(), newKey("org_a", id).Hashes[0])
		if !errors.Is(err, want) || !errors.Is(byHash, want) {
			t.Errorf("%s: %v, %v", id, err, byHash)
		}
	}
	_, err = s.Management.ManagementKeyByHash(t.Context(), token.Hash)
	is(t, err, fault.NotFound)
	u.Version = 3
	is(t, s.Users.UpdateUser(t.Context(), u, "", done("org_a")), fault.NotFound)
	is(t, s.Users.DeleteUser(t.Context(), u, "", done("org_a"), estate), fault.NotFound)
	again := newUser("org_a", "user_4")
	again.Email = u.Email
	must(t, s.Users.CreateUser(t.Context(), again, done("org_a")))
}
