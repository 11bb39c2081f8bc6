package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// Authority checks a store of the authority. open gives a store over a fresh,
// empty database that ends with the test.
func Authority(t *testing.T, open func(*testing.T) authority.Store) {
	for name, test := range map[string]func(*testing.T, authority.Store){
		"install":               install,
		"organization":          organization,
		"management keys":       managementKeys,
		"key round trip":        keyRoundTrip,
		"keys are kept apart":   keysApart,
		"key versions":          keyVersions,
		"key tombstones":        keyTombstones,
		"key hashes are unique": keyHashes,
		"key order and pages":   keyPages,
		"key filters":           keyFilters,
		"key search":            keySearch,
		"key tags":              keyTags,
		"one change wins":       oneChangeWins,
		"users":                 users,
		"user emails":           userEmails,
		"the last of a role":    lastOfARole,
		"deleted users":         deletedUsers,
		"a caller who left":     callerLeft,
		"secrets":               secrets,
		"key quota":             keyQuota,
		"expired keys":          expiredKeys,
		"purged keys":           purgedKeys,
		"key cursor":            keyCursor,
		"cursors":               cursors,
		"management key rows":   managementKeyRows,
		"audit":                 audit,
		"changes and events":    together,
		"replays":               replays,
		"chatbots":              chatbots,
		"chatbot slugs":         chatbotSlugs,
		"grants":                grants,
		"key with grants":       keyWithGrants,
		"one grant":             oneGrant,
		"granted keys":          grantedKeys,
		"imports":               imports,
		"adoption":              adoption,
		"one row at once":       importedAtOnce,
		"user by email":         userByEmail,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// start is the moment at which the suite's first rows are made.
var start = time.Date(2026, 3, 29, 1, 59, 59, 999e6, time.UTC)

func newOrganization(id string) authority.Organization {
	return authority.Organization{
		ID: id, Name: "Acme", Timezone: "Europe/Berlin", Status: authority.StatusActive,
		ExpiredKeys: authority.ExpiredDisable, CreatedAt: start, UpdatedAt: start, Version: 1,
	}
}

func newRoot(organizationID string) authority.ManagementRow {
	return authority.ManagementRow{Hash: key.HashOf("root of " + organizationID), ManagementKey: authority.ManagementKey{
		ID: "mk_" + organizationID, OrganizationID: organizationID, Name: "root", Root: true, Prefix: "tgm_abcd",
		Permissions: []string{"*"}, Status: authority.StatusActive, CreatedAt: start, UpdatedAt: start, Version: 1,
	}}
}

// done is what stands beside a change of an organisation's rows.
func done(organizationID string) authority.Act {
	return authority.Act{Event: authority.Event{OrganizationID: organizationID, At: start, ActorID: "mk_1", Action: "test"}}
}

// installed puts two organisations into s.
func installed(t *testing.T, s authority.Store) {
	t.Helper()
	for _, id := range []string{"org_a", "org_b"} {
		must(t, s.Management.Install(t.Context(), newOrganization(id), newRoot(id), done(id)))
	}
}

func newKey(organizationID, id string) authority.KeyRow {
	return authority.KeyRow{
		Key: authority.Key{
			ID: id, OrganizationID: organizationID, Kind: authority.KindService, Name: "name of " + id,
			Tags: []string{}, Permissions: map[string]bool{}, Prefix: "tg_abcde", Status: authority.StatusActive,
			Secrets:   []authority.Secret{{ID: "sec_" + id, Prefix: "tg_abcde", CreatedAt: start}},
			CreatedAt: start, UpdatedAt: start, Version: 1,
		},
		Hashes: []key.Hash{key.HashOf(id)},
	}
}

// fullKey has every field set, so that a forgotten column shows.
func fullKey(organizationID, id string) authority.KeyRow {
	row := newKey(organizationID, id)
	row.Description = "Ünïcode \"quoted\"; DROP TABLE api_keys; --"
	row.Tags = []string{"prod", "a b"}
	row.Kind = authority.KindChatbot
	row.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	row.AutoDeleteOnExpiry = new(false)
	row.Scopes = []string{"chat.completions"}
	row.Permissions = map[string]bool{"read": true, "write": false}
	row.AllowedModels = []string{"gpt-4o*"}
	row.AllowedEndpoints = []string{"/v1/*"}
	row.AllowedIPs = []string{"10.0.0.0/8"}
	row.AllowedChatbots = []string{"bot_1"}
	row.AllowedProviders = []string{"openai"}
	row.AllowedAPIFormats = []string{"openai"}
	row.Limits = fullLimits()
	row.DisabledBy, row.RevokedBy, row.RevokedAt, row.RevokeReason = "user_1", "mk_1", start.Add(time.Minute), "it leaked"
	row.Secrets = append(row.Secrets, authority.Secret{
		ID: "sec_old_" + id, Prefix: "tg_older", CreatedAt: start.Add(-time.Hour),
		ExpiresAt: start.Add(time.Hour), LastUsedAt: start.Add(-time.Minute),
	})
	row.Hashes = append(row.Hashes, key.HashOf("old "+id))
	return row
}

func fullLimits() authority.Limits {
	return authority.Limits{
		RateLimitPerMinute: new(int64(1)), RateLimitPerHour: new(int64(2)), RateLimitPerDay: new(int64(3)),
		TokensPerMinute: new(int64(0)), TokensPerDay: new(int64(5)), TokensPerMonth: new(int64(9e15)),
		ConcurrentLimit: new(int64(7)), BudgetLimitCents: new(int64(8)),
		BudgetType: authority.BudgetWeekly, BudgetMode: authority.BudgetSoft,
	}
}

func install(t *testing.T, s authority.Store) {
	_, err := s.Management.RootKey(t.Context())
	is(t, err, fault.NotFound)
	installed(t, s)
	root, err := s.Management.RootKey(t.Context())
	must(t, err)
	same(t, root, newRoot("org_a"))
	org, err := s.Organizations.OrganizationByID(t.Context(), "org_a")
	must(t, err)
	same(t, org, newOrganization("org_a"))

	// The second half fails, so the first is not there either.
	if err := s.Management.Install(t.Context(), newOrganization("org_c"), newRoot("org_a"), done("org_c")); err == nil {
		t.Fatal("installing with a key that exists succeeded")
	}
	_, err = s.Organizations.OrganizationByID(t.Context(), "org_c")
	is(t, err, fault.NotFound)
}

func organization(t *testing.T, s authority.Store) {
	installed(t, s)
	o := newOrganization("org_a")
	o.Name, o.Timezone, o.Status, o.Version = "Müller & Söhne", "UTC", authority.StatusDisabled, 2
	o.Limits = fullLimits()
	o.DefaultPrice = &authority.DefaultPrice{Input: 0, Output: 150_000}
	o.MaxKeysPerUser, o.ExpiredKeys = new(int64(3)), authority.ExpiredDelete
	o.UpdatedAt = start.Add(time.Hour)
	must(t, s.Organizations.UpdateOrganization(t.Context(), o, done(o.ID)))
	got, err := s.Organizations.OrganizationByID(t.Context(), "org_a")
	must(t, err)
	same(t, got, o)
	is(t, s.Organizations.UpdateOrganization(t.Context(), o, done(o.ID)), fault.VersionConflict)

	o.Version, o.DefaultPrice, o.Limits = 3, nil, authority.Limits{}
	must(t, s.Organizations.UpdateOrganization(t.Context(), o, done(o.ID)))
	got, err = s.Organizations.OrganizationByID(t.Context(), "org_a")
	must(t, err)
	same(t, got, o)
	other, err := s.Organizations.OrganizationByID(t.Context(), "org_b")
	must(t, err)
	same(t, other, newOrganization("org_b"))
	o.ID = "org_none"
	is(t, s.Organizations.UpdateOrganization(t.Context(), o, done(o.ID)), fault.NotFound)
}

func managementKeys(t *testing.T, s authority.Store) {
	installed(t, s)
	row := newRoot("org_b")
	got, err := s.Management.ManagementKeyByHash(t.Context(), row.Hash)
	must(t, err)
	same(t, got, row)
	old := row.Hash
	row.Hash, row.Prefix, row.Permissions = key.HashOf("another"), "tgm_wxyz", []string{"platform:*", "!platform:users:*"}
	row.Version = 2
	must(t, s.Credentials.UpdateManagementKey(t.Context(), row, done("org_b")))
	got, err = s.Management.ManagementKeyByHash(t.Context(), row.Hash)
	must(t, err)
	same(t, got, row)
	_, err = s.Management.ManagementKeyByHash(t.Context(), old)
	is(t, err, fault.NotFound)
	row.ID = "mk_none"
	is(t, s.Credentials.UpdateManagementKey(t.Context(), row, done("org_b")), fault.NotFound)
}

func keyRoundTrip(t *testing.T, s authority.Store) {
	installed(t, s)
	for _, row := range []authority.KeyRow{newKey("org_a", "key_1"), fullKey("org_a", "key_2")} {
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
		byID, err := s.Keys.KeyByID(t.Context(), "org_a", row.ID)
		must(t, err)
		same(t, byID, row)
		byHash, err := s.Keys.KeyByHash(t.Context(), row.Hashes[0])
		must(t, err)
		same(t, byHash, row)
		list, _, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Page: 1, Size: 1}, start)
		must(t, err)
		same(t, list, []authority.Key{row.Key})
	}
	// And back: every field can be emptied again.
	empty := newKey("org_a", "key_2")
	empty.Version = 2
	must(t, s.Keys.UpdateKey(t.Context(), empty, done(empty.OrganizationID)))
	got, err := s.Keys.KeyByID(t.Context(), "org_a", "key_2")
	must(t, err)
	same(t, got, empty)
}

func keysApart(t *testing.T, s authority.Store) {
	installed(t, s)
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	_, err := s.Keys.KeyByID(t.Context(), "org_b", "key_1")
	is(t, err, fault.NotFound)
	_, err = s.Keys.KeyByID(t.Context(), "org_a", "key_2")
	is(t, err, fault.NotFound)
	_, err = s.Keys.KeyByHash(t.Context(), key.HashOf("unknown"))
	is(t, err, fault.NotFound)
	_, err = s.Keys.KeyByHash(t.Context(), key.Hash{})
	is(t, err, fault.NotFound)
	stolen := row
	stolen.OrganizationID, stolen.Name, stolen.Version = "org_b", "stolen", 2
	is(t, s.Keys.UpdateKey(t.Context(), stolen, done(stolen.OrganizationID)), fault.NotFound)
	got, err := s.Keys.KeyByID(t.Context(), "org_a", "key_1")
	must(t, err)
	same(t, got, row)
	list, total, err := s.Keys.ListKeys(t.Context(), "org_b", authority.KeyFilter{Page: 1, Size: 10}, start)
	must(t, err)
	if total != 0 || len(list) != 0 {
		t.Errorf("another organisation sees %d keys, want none", total)
	}
}

func keyVersions(t *testing.T, s authority.Store) {
	installed(t, s)
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	for _, version := range []int64{0, 1, 3} {
		row.Version = version
		is(t, s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)), fault.VersionConflict)
	}
	row.Version, row.Name = 2, "renamed"
	row.Secrets = []authority.Secret{{ID: "sec_new", Prefix: "tg_newer", CreatedAt: start}}
	row.Hashes = []key.Hash{key.HashOf("new secret")}
	must(t, s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)))
	got, err := s.Keys.KeyByHash(t.Context(), row.Hashes[0])
	must(t, err)
	same(t, got, row)
	_, err = s.Keys.KeyByHash(t.Context(), key.HashOf("key_1"))
	is(t, err, fault.NotFound)
	row.ID = "key_none"
	is(t, s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)), fault.NotFound)
}

func keyTombstones(t *testing.T, s authority.Store) {
	installed(t, s)
	for _, id := range []string{"key_1", "key_2"} { // two, because both lose their hash
		row := newKey("org_a", id)
		hash := row.Hashes[0]
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
		row.DeletedAt, row.Version = start.Add(time.Second), 2
		must(t, s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)))
		_, err := s.Keys.KeyByHash(t.Context(), hash)
		is(t, err, fault.NotFound)
		_, err = s.Keys.KeyByHash(t.Context(), key.Hash{})
		is(t, err, fault.NotFound)
		_, err = s.Keys.KeyByID(t.Context(), "org_a", id)
		is(t, err, fault.NotFound)
		row.Version, row.DeletedAt = 3, time.Time{}
		is(t, s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)), fault.NotFound)
	}
	_, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Page: 1, Size: 10}, start)
	must(t, err)
	if total != 0 {
		t.Errorf("%d deleted keys are listed", total)
	}
	reborn := newKey("org_a", "key_3")
	reborn.Hashes[0] = key.HashOf("key_1") // a wiped hash is free again
	must(t, s.Keys.CreateKey(t.Context(), reborn, nil, done("org_a")))
}

func keyHashes(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_1"), nil, done("org_a")))
	twin := newKey("org_b", "key_2")
	twin.Hashes[0] = key.HashOf("key_1")
	is(t, s.Keys.CreateKey(t.Context(), twin, nil, done("org_a")), fault.NameTaken)
	_, err := s.Keys.KeyByID(t.Context(), "org_b", "key_2")
	is(t, err, fault.NotFound)
}

func keyPages(t *testing.T, s authority.Store) {
	installed(t, s)
	var want []string // newest first; the id breaks the tie of two made in one millisecond
	for i := range 7 {
		row := newKey("org_a", fmt.Sprintf("key_%d", i))
		row.CreatedAt = start.Add(time.Duration(i/2) * time.Millisecond)
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
		want = append([]string{row.ID}, want...)
	}
	var got []string
	for page, n := range []int{3, 3, 1, 0} {
		list, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Page: page + 1, Size: 3}, start)
		must(t, err)
		if total != 7 || len(list) != n {
			t.Errorf("page %d has %d of %d keys, want %d of 7", page+1, len(list), total, n)
		}
		for _, k := range list {
			got = append(got, k.ID)
		}
	}
	same(t, got, want)
}

func keyFilters(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1"), done("org_a")))
	now := start.Add(time.Hour)
	rows := map[string]func(*authority.KeyRow){
		"key_plain":    func(*authority.KeyRow) {},
		"key_owned":    func(k *authority.KeyRow) { k.UserID, k.Kind = "user_1", authority.KindUser },
		"key_tagged":   func(k *authority.KeyRow) { k.Tags = []string{"x", "prod"} },
		"key_disabled": func(k *authority.KeyRow) { k.Status = authority.StatusDisabled },
		"key_revoked":  func(k *authority.KeyRow) { k.Status = authority.StatusRevoked },
		"key_expired":  func(k *authority.KeyRow) { k.ExpiresAt = now },
		"key_expiring": func(k *authority.KeyRow) { k.ExpiresAt = now.Add(time.Millisecond) },
	}
	for id, change := range rows {
		row := newKey("org_a", id)
		change(&row)
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	}
	for _, test := range []struct {
		filter authority.KeyFilter
		want   []string
	}{
		{authority.KeyFilter{UserID: "user_1"}, []string{"key_owned"}},
		{authority.KeyFilter{UserID: "user_2"}, nil},
		{authority.KeyFilter{Kind: authority.KindUser}, []string{"key_owned"}},
		{authority.KeyFilter{Tag: "prod"}, []string{"key_tagged"}},
		{authority.KeyFilter{Tag: "pro"}, nil},
		{authority.KeyFilter{IsActive: new(false)}, []string{"key_revoked", "key_disabled"}},
		{
			authority.KeyFilter{IsActive: new(true), Kind: authority.KindService},
			[]string{"key_tagged", "key_plain", "key_expiring", "key_expired"},
		},
		{authority.KeyFilter{Status: authority.StatusRevoked}, []string{"key_revoked"}},
		{authority.KeyFilter{Status: authority.StatusDisabled}, []string{"key_disabled"}},
		{authority.KeyFilter{Status: authority.StatusExpired}, []string{"key_expired"}},
		{
			authority.KeyFilter{Status: authority.StatusActive},
			[]string{"key_tagged", "key_plain", "key_owned", "key_expiring"},
		},
	} {
		test.filter.Page, test.filter.Size = 1, 100
		same(t, keyIDs(t, s, test.filter, now), test.want)
	}
}

func keySearch(t *testing.T, s authority.Store) {
	installed(t, s)
	for id, text := range map[string][2]string{
		"key_1": {"Straße 100%", "first"},
		"key_2": {"plain_name", "The SECOND one"},
		"key_3": {"plainXname", `back\slash`},
	} {
		row := newKey("org_a", id)
		row.Name, row.Description = text[0], text[1]
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	}
	for search, want := range map[string][]string{
		"second":     {"key_2"},
		"STRASSE":    nil,
		"STRAßE":     {"key_1"},
		"%":          {"key_1"},
		"plain_name": {"key_2"},
		"PLAIN":      {"key_3", "key_2"},
		`\`:          {"key_3"},
		"' OR 1=1":   nil,
	} {
		t.Run(search, func(t *testing.T) {
			same(t, keyIDs(t, s, authority.KeyFilter{Search: search, Page: 1, Size: 100}, start), want)
		})
	}
}

func keyIDs(t *testing.T, s authority.Store, f authority.KeyFilter, now time.Time) []string {
	t.Helper()
	list, total, err := s.Keys.ListKeys(t.Context(), "org_a", f, now)
	must(t, err)
	var ids []string
	for _, k := range list {
		ids = append(ids, k.ID)
	}
	if total != len(ids) {
		t.Errorf("%+v: total is %d of %d", f, total, len(ids))
	}
	return ids
}

// oneChangeWins: of changes made from the same version, one is stored.
func oneChangeWins(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_1"), nil, done("org_a")))
	const rounds, writers = 5, 8
	for version := int64(2); version < 2+rounds; version++ {
		var won atomic.Int64
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				row := newKey("org_a", "key_1")
				row.Version, row.Name = version, fmt.Sprintf("%d/%d", version, w)
				switch err := s.Keys.UpdateKey(t.Context(), row, done(row.OrganizationID)); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, fault.VersionConflict):
					t.Errorf("an overtaken change is %v, want version_conflict", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d changes to version %d were stored, want 1", won.Load(), version)
		}
	}
}

// callerLeft: a caller who gave up gets an error and leaves nothing behind.
func callerLeft(t *testing.T, s authority.Store) {
	installed(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Keys.CreateKey(ctx, newKey("org_a", "key_1"), nil, done("org_a")); !errors.Is(err, context.Canceled) {
		t.Errorf("creating for a caller who left is %v", err)
	}
	_, err := s.Keys.KeyByID(t.Context(), "org_a", "key_1")
	is(t, err, fault.NotFound)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is wants an error of a kind.
func is(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
	}
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
