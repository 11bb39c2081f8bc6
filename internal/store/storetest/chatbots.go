package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func newBot(organizationID, id string) authority.Chatbot {
	return authority.Chatbot{
		ID: id, OrganizationID: organizationID, Name: "name of " + id, Slug: "slug-of-" + id[4:], Model: "m",
		AccessMode: authority.AccessKey, Status: authority.StatusActive, CreatedAt: start, UpdatedAt: start, Version: 1,
	}
}

// fullBot has every field set, so that a forgotten column shows.
func fullBot(organizationID, id string) authority.Chatbot {
	c := newBot(organizationID, id)
	c.Provider, c.SystemPrompt, c.Greeting = "openai", "Be kind.\n\"Always.\" '; DROP TABLE chatbots; --", "Grüß Gott"
	c.Temperature, c.MaxTokens = new(0.7), new(int64(500))
	c.AllowedOrigins, c.AccessMode = []string{"https://a.example", "*"}, authority.AccessAuto
	c.Status, c.DisabledBy = authority.StatusDisabled, "mk_1"
	c.Limits = fullLimits()
	c.Anonymous = authority.Limits{
		RateLimitPerMinute: new(int64(1)), RateLimitPerHour: new(int64(2)), RateLimitPerDay: new(int64(3)),
		TokensPerDay: new(int64(4)), ConcurrentLimit: new(int64(5)),
	}
	return c
}

func chatbotNames(t *testing.T, s authority.Store) []string {
	var names []string
	must(t, s.ChatbotNames.ChatbotNames(t.Context(), func(name string) { names = append(names, name) }))
	slices.Sort(names)
	return names
}

func chatbots(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1"), done("org_a")))
	for _, c := range []authority.Chatbot{newBot("org_a", "bot_1"), fullBot("org_a", "bot_2")} {
		must(t, s.Chatbots.CreateChatbot(t.Context(), c, done("org_a")))
		for _, ref := range []string{c.ID, c.Slug} {
			got, err := s.Chatbots.FindChatbot(t.Context(), ref)
			must(t, err)
			same(t, got, c)
		}
		got, err := s.Chatbots.ChatbotByID(t.Context(), "org_a", c.ID)
		must(t, err)
		same(t, got, c)
		_, err = s.Chatbots.ChatbotByID(t.Context(), "org_b", c.ID)
		is(t, err, fault.NotFound)
	}
	same(t, chatbotNames(t, s), []string{"bot_1", "bot_2", "slug-of-1", "slug-of-2"})
	// And back: every field can be emptied again, and no other row is touched.
	c := newBot("org_a", "bot_2")
	c.UserID, c.Version = "user_1", 2
	must(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_a")))
	got, err := s.Chatbots.FindChatbot(t.Context(), "bot_2")
	must(t, err)
	same(t, got, c)
	got, err = s.Chatbots.FindChatbot(t.Context(), "bot_1")
	must(t, err)
	same(t, got, newBot("org_a", "bot_1"))
	is(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_a")), fault.VersionConflict)
	c.OrganizationID, c.Version = "org_b", 3
	is(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_b")), fault.NotFound)

	for _, test := range []struct {
		filter authority.ChatbotFilter
		want   []string
	}{
		{authority.ChatbotFilter{}, []string{"bot_2", "bot_1"}},
		{authority.ChatbotFilter{UserID: "user_1"}, []string{"bot_2"}},
		{authority.ChatbotFilter{Search: "SLUG-OF-1"}, []string{"bot_1"}},
		{authority.ChatbotFilter{Search: "name of bot_2"}, []string{"bot_2"}},
		{authority.ChatbotFilter{AccessMode: authority.AccessPublic}, nil},
		{authority.ChatbotFilter{Status: authority.StatusActive}, []string{"bot_2", "bot_1"}},
	} {
		test.filter.Page, test.filter.Size = 1, 10
		list, total, err := s.Chatbots.ListChatbots(t.Context(), "org_a", test.filter)
		must(t, err)
		var ids []string
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		same(t, ids, test.want)
		same(t, total, len(test.want))
	}
	_, total, err := s.Chatbots.ListChatbots(t.Context(), "org_b", authority.ChatbotFilter{Page: 1, Size: 10})
	must(t, err)
	same(t, total, 0)
}

// Slugs are addresses: no two chatbots have the same, in whatever organisation,
// until one of them is deleted.
func chatbotSlugs(t *testing.T, s authority.Store) {
	installed(t, s)
	c := newBot("org_a", "bot_1")
	must(t, s.Chatbots.CreateChatbot(t.Context(), c, done("org_a")))
	twin := newBot("org_b", "bot_2")
	must(t, s.Chatbots.CreateChatbot(t.Context(), twin, done("org_b")))
	twin.Slug, twin.Version = c.Slug, 2
	is(t, s.Chatbots.UpdateChatbot(t.Context(), twin, done("org_b")), fault.NameTaken)
	third := newBot("org_b", "bot_3")
	third.Slug = c.Slug
	is(t, s.Chatbots.CreateChatbot(t.Context(), third, done("org_b")), fault.NameTaken)
	c.DeletedAt, c.Version = start.Add(time.Hour), 2
	must(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_a")))
	for _, ref := range []string{c.ID, c.Slug} {
		_, err := s.Chatbots.FindChatbot(t.Context(), ref)
		is(t, err, fault.NotFound)
	}
	_, err := s.Chatbots.ChatbotByID(t.Context(), "org_a", c.ID)
	is(t, err, fault.NotFound)
	c.DeletedAt, c.Version = time.Time{}, 3
	is(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_a")), fault.NotFound) // for good
	must(t, s.Chatbots.CreateChatbot(t.Context(), third, done("org_b")))
	got, err := s.Chatbots.FindChatbot(t.Context(), c.Slug)
	must(t, err)
	same(t, got.ID, "bot_3")
}

func newGrant(chatbotID, keyID string) authority.ChatbotGrant {
	return authority.ChatbotGrant{
		OrganizationID: "org_a", ChatbotID: chatbotID, KeyID: keyID, CreatedAt: start.Add(time.Minute), CreatedBy: "user_1", Version: 1,
	}
}

// granted puts two chatbots and a key into s.
func granted(t *testing.T, s authority.Store) authority.KeyRow {
	t.Helper()
	installed(t, s)
	for _, id := range []string{"bot_1", "bot_2"} {
		must(t, s.Chatbots.CreateChatbot(t.Context(), newBot("org_a", id), done("org_a")))
	}
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	return row
}

// grants: what a key opens is with the key that is found by its hash, and the
// chatbot keeps that it ever had one.
func grants(t *testing.T, s authority.Store) {
	row := granted(t, s)
	opens := func() []string {
		t.Helper()
		found, err := s.Keys.KeyByHash(t.Context(), row.Hashes[0])
		must(t, err)
		var ids []string
		for _, g := range found.Grants {
			ids = append(ids, g.ChatbotID+" "+g.ExpiresAt.Format(time.RFC3339Nano))
		}
		return ids
	}
	same(t, opens(), nil)
	g := newGrant("bot_1", "key_1")
	must(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")))
	is(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")), fault.NameTaken)
	never := time.Time{}.Format(time.RFC3339Nano)
	same(t, opens(), []string{"bot_1 " + never})
	for _, ref := range []string{"bot_1", "bot_2"} {
		c, err := s.Chatbots.FindChatbot(t.Context(), ref)
		must(t, err)
		same(t, !c.FirstGrantAt.IsZero(), ref == "bot_1")
	}
	// A change of the chatbot by somebody who read it before does not lose that.
	c := newBot("org_a", "bot_1")
	c.Version = 2
	must(t, s.Chatbots.UpdateChatbot(t.Context(), c, done("org_a")))
	c, err := s.Chatbots.ChatbotByID(t.Context(), "org_a", "bot_1")
	must(t, err)
	same(t, c.FirstGrantAt, g.CreatedAt)

	g.ExpiresAt, g.Version = start.Add(time.Hour), 2
	must(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")))
	is(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")), fault.VersionConflict)
	same(t, opens(), []string{"bot_1 " + g.ExpiresAt.Format(time.RFC3339Nano)})
	g.RevokedAt, g.RevokedBy, g.Version = start.Add(2*time.Hour), "mk_1", 3
	must(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")))
	same(t, opens(), nil)
	got, err := s.ChatbotGrants.GrantOf(t.Context(), "org_a", "bot_1", "key_1")
	must(t, err)
	same(t, got, g)
	_, err = s.ChatbotGrants.GrantOf(t.Context(), "org_b", "bot_1", "key_1")
	is(t, err, fault.NotFound)
	g.RevokedAt, g.RevokedBy, g.CreatedAt, g.Version = time.Time{}, "", start.Add(3*time.Hour), 4
	must(t, s.ChatbotGrants.PutGrant(t.Context(), g, done("org_a")))
	c, err = s.Chatbots.FindChatbot(t.Context(), "bot_1")
	must(t, err)
	same(t, c.FirstGrantAt, start.Add(time.Minute))
	lost := newGrant("bot_none", "key_1")
	if err := s.ChatbotGrants.PutGrant(t.Context(), lost, done("org_a")); err == nil {
		t.Error("a grant for a chatbot that is not there was made")
	}
}

// keyWithGrants: a key and what it opens come about together or not at all.
func keyWithGrants(t *testing.T, s authority.Store) {
	granted(t, s)
	row := newKey("org_a", "key_2")
	row.Grants = []authority.ChatbotGrant{newGrant("bot_1", "key_2"), newGrant("bot_2", "key_2")}
	act := done("org_a")
	act.Also = []authority.Event{{OrganizationID: "org_a", At: start, ActorID: "mk_1", Action: "also", ResourceID: "bot_1"}}
	must(t, s.Keys.CreateKey(t.Context(), row, nil, act))
	found, err := s.Keys.KeyByHash(t.Context(), row.Hashes[0])
	must(t, err)
	same(t, len(found.Grants), 2)
	events, err := s.Audit.ListEvents(t.Context(), "org_a", authority.EventFilter{Size: 2})
	must(t, err)
	same(t, []string{events[0].Action, events[1].Action}, []string{"also", "test"})
	same(t, events[0].PrevHash, events[1].Hash)

	row = newKey("org_a", "key_3")
	row.Grants = []authority.ChatbotGrant{newGrant("bot_1", "key_3"), newGrant("bot_none", "key_3")}
	if err := s.Keys.CreateKey(t.Context(), row, nil, done("org_a")); err == nil {
		t.Error("a key for a chatbot that is not there was made")
	}
	_, err = s.Keys.KeyByID(t.Context(), "org_a", "key_3")
	is(t, err, fault.NotFound)
	_, err = s.ChatbotGrants.GrantOf(t.Context(), "org_a", "bot_1", "key_3")
	is(t, err, fault.NotFound)
}

// oneGrant: however many come at once, a key gets one grant.
func oneGrant(t *testing.T, s authority.Store) {
	granted(t, s)
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.ChatbotGrants.PutGrant(t.Context(), newGrant("bot_1", "key_1"), done("org_a")); err == nil {
				made.Add(1)
			} else {
				is(t, err, fault.NameTaken)
			}
		})
	}
	wg.Wait()
	same(t, made.Load(), 1)
}

// grantedKeys: every grant is listed with what has become of its key, and only
// those that open something count.
func grantedKeys(t *testing.T, s authority.Store) {
	granted(t, s)
	now := start.Add(time.Hour)
	u := newUser("org_a", "user_1")
	u.Status = authority.StatusDisabled
	must(t, s.Users.CreateUser(t.Context(), u, done("org_a")))
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_2"), done("org_a")))
	cases := []struct {
		want   authority.GrantStatus
		change func(*authority.KeyRow, *authority.ChatbotGrant)
	}{
		{authority.GrantActive, func(k *authority.KeyRow, g *authority.ChatbotGrant) {
			k.ExpiresAt, g.ExpiresAt = now.Add(1e6), now.Add(1e6)
		}},
		{authority.GrantActive, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.UserID = "user_2" }},
		{authority.GrantRevoked, func(_ *authority.KeyRow, g *authority.ChatbotGrant) { g.RevokedAt = start }},
		{authority.GrantExpired, func(_ *authority.KeyRow, g *authority.ChatbotGrant) { g.ExpiresAt = now }},
		{authority.GrantKeyExpired, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.ExpiresAt = now }},
		{authority.GrantKeyDisabled, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.Status = authority.StatusDisabled }},
		{authority.GrantKeyRevoked, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.Status = authority.StatusRevoked }},
		{authority.GrantKeyDeleted, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.DeletedAt = start }},
		{authority.GrantKeyDeleted, nil}, // purged
		{authority.GrantOwnerInactive, func(k *authority.KeyRow, _ *authority.ChatbotGrant) { k.UserID = "user_1" }},
	}
	for i, c := range cases {
		bot := newBot("org_a", fmt.Sprintf("bot_x%d", i))
		must(t, s.Chatbots.CreateChatbot(t.Context(), bot, done("org_a")))
		row := newKey("org_a", fmt.Sprintf("key_x%d", i))
		all, own := newGrant("bot_1", row.ID), newGrant(bot.ID, row.ID)
		if c.change != nil {
			c.change(&row, &all)
			c.change(&row, &own)
		}
		row.Grants = []authority.ChatbotGrant{all, own}
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
		if c.change == nil {
			must(t, s.KeyCare.PurgeKey(t.Context(), "org_a", row.ID, done("org_a")))
		}
		g, err := s.ChatbotGrants.GrantedKey(t.Context(), "org_a", bot.ID, row.ID)
		must(t, err)
		same(t, g.StatusAt(now), c.want)
		active, err := s.ChatbotGrants.WithActiveKey(t.Context(), "org_a", []string{bot.ID, "bot_2", "bot_none"}, now)
		must(t, err)
		same(t, [2]bool{active[bot.ID], len(active) > 0}, [2]bool{c.want == authority.GrantActive, c.want == authority.GrantActive})
	}
	list, total, err := s.ChatbotGrants.ListGrants(t.Context(), "org_a", "bot_1", authority.GrantPage{Page: 2, Size: 7})
	must(t, err)
	same(t, total, len(cases))
	same(t, len(list), len(cases)-7)
	same(t, list[0].KeyID, "key_x2") // newest first, and then by id
	same(t, list[0].KeyName, "name of key_x2")
	for _, id := range []string{"org_b", "org_a"} {
		active, err := s.ChatbotGrants.WithActiveKey(t.Context(), id, []string{"bot_1"}, now)
		must(t, err)
		same(t, active["bot_1"], id == "org_a")
	}
	_, total, err = s.ChatbotGrants.ListGrants(t.Context(), "org_b", "bot_1", authority.GrantPage{Page: 1, Size: 7})
	must(t, err)
	same(t, total, 0)
}
