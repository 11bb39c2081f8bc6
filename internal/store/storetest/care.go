package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// secrets: a key is found by each of its secrets, and by none that it had.
func secrets(t *testing.T, s authority.Store) {
	installed(t, s)
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	must(t, s.KeyCare.TouchSecrets(t.Context(), []authority.SecretUse{
		{Hash: row.Hashes[0], At: start.Add(time.Second)}, {Hash: key.HashOf("nobody's"), At: start},
	}))
	old := row.Secrets[0]
	old.ExpiresAt = start.Add(time.Hour) // and what is written does not know of the use
	row.Secrets = []authority.Secret{{ID: "sec_new", Prefix: "tg_newer", CreatedAt: start.Add(time.Minute)}, old}
	row.Hashes = []key.Hash{key.HashOf("new"), row.Hashes[0]}
	row.Version = 2
	must(t, s.Keys.UpdateKey(t.Context(), row, done("org_a")))
	row.Secrets[1].LastUsedAt = start.Add(time.Second)
	for _, h := range row.Hashes {
		got, err := s.Keys.KeyByHash(t.Context(), h)
		must(t, err)
		same(t, got, row)
	}
	row.Secrets, row.Hashes, row.Version = row.Secrets[:1], row.Hashes[:1], 3
	must(t, s.Keys.UpdateKey(t.Context(), row, done("org_a")))
	_, err := s.Keys.KeyByHash(t.Context(), key.HashOf("key_1"))
	is(t, err, fault.NotFound)

	// A secret that another key has is refused, and nothing of the change stays.
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_2"), nil, done("org_a")))
	stolen := row
	stolen.Version, stolen.Name = 4, "thief"
	stolen.Secrets = []authority.Secret{{ID: "sec_stolen", CreatedAt: start}}
	stolen.Hashes = []key.Hash{key.HashOf("key_2")}
	is(t, s.Keys.UpdateKey(t.Context(), stolen, done("org_a")), fault.NameTaken)
	got, err := s.Keys.KeyByID(t.Context(), "org_a", "key_1")
	must(t, err)
	same(t, got, row)
}

// keyQuota: however many come at once, a user gets so many keys and no more.
func keyQuota(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1"), done("org_a")))
	var made atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			row := newKey("org_a", fmt.Sprintf("key_%d", i))
			row.UserID = "user_1"
			if err := s.Keys.CreateKey(t.Context(), row, new(int64(4)), done("org_a")); err == nil {
				made.Add(1)
			} else {
				is(t, err, fault.KeyQuotaReached)
			}
		})
	}
	wg.Wait()
	if made.Load() != 4 {
		t.Errorf("%d keys were made, want 4", made.Load())
	}
	_, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{UserID: "user_1", Page: 1, Size: 10}, start)
	must(t, err)
	same(t, total, 4)
}

func expiredKeys(t *testing.T, s authority.Store) {
	installed(t, s)
	now := start.Add(time.Hour)
	for id, change := range map[string]func(*authority.KeyRow){
		"key_active":   func(k *authority.KeyRow) { k.ExpiresAt = now },
		"key_later":    func(k *authority.KeyRow) { k.ExpiresAt = now.Add(time.Millisecond) },
		"key_never":    func(*authority.KeyRow) {},
		"key_disabled": func(k *authority.KeyRow) { k.ExpiresAt, k.Status = now, authority.StatusDisabled },
		"key_deletes": func(k *authority.KeyRow) {
			k.ExpiresAt, k.Status, k.AutoDeleteOnExpiry = now, authority.StatusDisabled, new(true)
		},
		"key_keeps": func(k *authority.KeyRow) {
			k.ExpiresAt, k.Status, k.AutoDeleteOnExpiry = now, authority.StatusDisabled, new(false)
		},
		"key_rotated": func(k *authority.KeyRow) {
			k.Secrets = append(k.Secrets, authority.Secret{ID: "sec_old", CreatedAt: start.Add(-1), ExpiresAt: now})
			k.Hashes = append(k.Hashes, key.HashOf("old"))
		},
	} {
		row := newKey("org_a", id)
		change(&row)
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	}
	abroad := newKey("org_b", "key_abroad")
	abroad.ExpiresAt = now
	must(t, s.Keys.CreateKey(t.Context(), abroad, nil, done("org_b")))
	list := func(organizationID, after string, n int) ([]string, int) {
		t.Helper()
		rows, total, err := s.KeyCare.ExpiredKeys(t.Context(), organizationID, now, after, n)
		must(t, err)
		ids := []string{}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		return ids, total
	}
	ids, total := list("org_a", "", 10)
	same(t, ids, []string{"key_active", "key_deletes", "key_rotated"})
	same(t, total, 3)
	ids, total = list("", "key_abroad", 2)
	same(t, ids, []string{"key_active", "key_deletes"})
	same(t, total, 3)
	o := newOrganization("org_a")
	o.ExpiredKeys, o.Version = authority.ExpiredDelete, 2
	must(t, s.Organizations.UpdateOrganization(t.Context(), o, done("org_a")))
	ids, _ = list("org_a", "", 10)
	same(t, ids, []string{"key_active", "key_deletes", "key_disabled", "key_rotated"})
}

func purgedKeys(t *testing.T, s authority.Store) {
	installed(t, s)
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	is(t, s.KeyCare.PurgeKey(t.Context(), "org_b", "key_1", done("org_b")), fault.NotFound)
	must(t, s.KeyCare.PurgeKey(t.Context(), "org_a", "key_1", done("org_a")))
	is(t, s.KeyCare.PurgeKey(t.Context(), "org_a", "key_1", done("org_a")), fault.NotFound)
	_, err := s.Keys.KeyByHash(t.Context(), row.Hashes[0])
	is(t, err, fault.NotFound)
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a"))) // nothing of it is left
}

func keyCursor(t *testing.T, s authority.Store) {
	installed(t, s)
	for i := range 7 {
		row := newKey("org_a", fmt.Sprintf("key_%d", i))
		row.CreatedAt = start.Add(time.Duration(i/2) * time.Millisecond)
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	}
	var got []string
	for after, left := "", 7; left > 0; left -= 3 {
		list, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{After: after, Page: 9, Size: 3}, start)
		if after == "" {
			list, total, err = s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Page: 1, Size: 3}, start)
		}
		must(t, err)
		same(t, total, left)
		for _, k := range list {
			got = append(got, k.ID)
		}
		after = got[len(got)-1]
	}
	same(t, got, []string{"key_6", "key_5", "key_4", "key_3", "key_2", "key_1", "key_0"})
}

// A list goes on after the last one seen, also when that one is a tombstone, and
// not after one that is not there.
func cursors(t *testing.T, s authority.Store) {
	installed(t, s)
	var users, openers []string
	for i := range 5 {
		u := newUser("org_a", fmt.Sprintf("user_%d", i))
		u.CreatedAt = start.Add(time.Duration(i/2) * time.Millisecond)
		must(t, s.Users.CreateUser(t.Context(), u, done("org_a")))
		row := newRoot("org_a")
		row.ID, row.Root, row.Hash, row.CreatedAt = fmt.Sprintf("mk_%d", i), false, key.HashOf(fmt.Sprint(i)), start.Add(time.Hour)
		must(t, s.Credentials.CreateManagementKey(t.Context(), row, done("org_a")))
	}
	for after := ""; len(users) < 5; after = users[len(users)-1] {
		list, total, err := s.Users.ListUsers(t.Context(), "org_a", authority.UserFilter{After: after, Page: 1, Size: 2})
		must(t, err)
		same(t, total, 5-len(users))
		for _, u := range list {
			users = append(users, u.ID)
		}
	}
	same(t, users, []string{"user_4", "user_3", "user_2", "user_1", "user_0"})
	for after := ""; len(openers) < 6; after = openers[len(openers)-1] {
		list, _, err := s.Credentials.ListManagementKeys(t.Context(), "org_a", authority.ManagementFilter{After: after, Page: 1, Size: 2})
		must(t, err)
		for _, m := range list {
			openers = append(openers, m.ID)
		}
	}
	same(t, openers, []string{"mk_4", "mk_3", "mk_2", "mk_1", "mk_0", "mk_org_a"})

	_, _, err := s.Users.ListUsers(t.Context(), "org_b", authority.UserFilter{After: "user_4", Page: 1, Size: 2})
	is(t, err, fault.NotFound)
	_, _, err = s.Credentials.ListManagementKeys(t.Context(), "org_a", authority.ManagementFilter{After: "mk_9", Page: 1, Size: 2})
	is(t, err, fault.NotFound)
	_, _, err = s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{After: "key_9", Page: 1, Size: 2}, start)
	is(t, err, fault.NotFound)
	row := newKey("org_a", "key_1")
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	row.DeletedAt, row.Version = start, 2
	must(t, s.Keys.UpdateKey(t.Context(), row, done("org_a")))
	_, _, err = s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{After: "key_1", Page: 1, Size: 2}, start)
	must(t, err)
}

func managementKeyRows(t *testing.T, s authority.Store) {
	installed(t, s)
	must(t, s.Users.CreateUser(t.Context(), newUser("org_a", "user_1"), done("org_a")))
	row := newRoot("org_a")
	row.ID, row.Root, row.Hash, row.UserID = "mk_1", false, key.HashOf("mk_1"), "user_1"
	row.Status, row.CreatedBy, row.ExpiresAt, row.CreatedAt = authority.StatusDisabled, "mk_0", start.Add(time.Hour), start.Add(time.Second)
	must(t, s.Credentials.CreateManagementKey(t.Context(), row, done("org_a")))
	is(t, s.Credentials.CreateManagementKey(t.Context(), row, done("org_a")), fault.NameTaken)
	got, err := s.Credentials.ManagementKeyByID(t.Context(), "org_a", "mk_1")
	must(t, err)
	same(t, got, row)
	_, err = s.Credentials.ManagementKeyByID(t.Context(), "org_b", "mk_1")
	is(t, err, fault.NotFound)
	list, total, err := s.Credentials.ListManagementKeys(t.Context(), "org_a", authority.ManagementFilter{Page: 1, Size: 10})
	must(t, err)
	same(t, total, 2)
	same(t, list, []authority.ManagementKey{row.ManagementKey, newRoot("org_a").ManagementKey})
	_, total, err = s.Credentials.ListManagementKeys(t.Context(), "org_a", authority.ManagementFilter{UserID: "user_1", Page: 1, Size: 10})
	must(t, err)
	same(t, total, 1)
	row.Version = 3
	is(t, s.Credentials.UpdateManagementKey(t.Context(), row, done("org_a")), fault.VersionConflict)
	is(t, s.Credentials.DeleteManagementKey(t.Context(), "org_b", "mk_1", done("org_b")), fault.NotFound)
	must(t, s.Credentials.DeleteManagementKey(t.Context(), "org_a", "mk_1", done("org_a")))
	is(t, s.Credentials.DeleteManagementKey(t.Context(), "org_a", "mk_1", done("org_a")), fault.NotFound)
}
