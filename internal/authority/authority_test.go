package authority_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
)

// house is an authority over a fresh database, and its root.
type house struct {
	*authority.Authority
	store authority.Store
	root  authority.Principal
	now   *atomic.Int64 // Unix milliseconds; what the authority's clock shows
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newHouse builds one; wrap may put something between authority and database.
func newHouse(t testing.TB, wrap ...func(*authority.Store)) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{store: db.Authority(), now: new(atomic.Int64)}
	h.now.Store(noon.UnixMilli())
	for _, w := range wrap {
		w(&h.store)
	}
	h.Authority = authority.New(h.store, authority.Options{Now: func() time.Time { return time.UnixMilli(h.now.Load()) }})
	token, err := h.EnsureRoot(t.Context(), secret.Text{})
	if err != nil {
		t.Fatal(err)
	}
	if h.root, err = h.AuthenticateManagement(t.Context(), token.Reveal()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) pass(d time.Duration) { h.now.Add(d.Milliseconds()) }

// key makes a key or ends the test.
func (h *house) key(t testing.TB, body string) (authority.Key, string) {
	t.Helper()
	k, text, err := h.CreateKey(t.Context(), h.root, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return k, text.Reveal()
}

// patch changes a key or ends the test.
func (h *house) patch(t testing.TB, id, body string) authority.Key {
	t.Helper()
	k, err := h.UpdateKey(t.Context(), h.root, id, []byte(body), 0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (h *house) user(t testing.TB, body string) authority.User {
	t.Helper()
	u, err := h.CreateUser(t.Context(), h.root, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// as is a principal with other permissions, in another or the same organisation.
func (h *house) as(t testing.TB, organizationID string, permissions ...string) authority.Principal {
	t.Helper()
	token := key.New(key.ManagementPrefix).Reveal()
	permissions = append([]string{}, permissions...)
	now := time.UnixMilli(h.now.Load()).UTC()
	if organizationID != h.root.OrganizationID() {
		org := authority.Organization{
			ID: organizationID, Name: organizationID, Timezone: "UTC", Status: authority.StatusActive,
			CreatedAt: now.Add(time.Hour), UpdatedAt: now, Version: 1,
		}
		row := authority.ManagementRow{
			ID: "mk_" + organizationID, OrganizationID: organizationID, Name: "other", Root: true,
			Permissions: permissions, Hash: key.HashOf(token), CreatedAt: now.Add(time.Hour), UpdatedAt: now,
		}
		must(t, h.store.Management.Install(t.Context(), org, row))
	} else {
		row, err := h.store.Management.RootKey(t.Context())
		must(t, err)
		row.Permissions, row.Hash = permissions, key.HashOf(token)
		must(t, h.store.Management.UpdateManagementKey(t.Context(), row))
	}
	p, err := h.AuthenticateManagement(t.Context(), token)
	must(t, err)
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
	}
}

func same[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// wrong is the names of the fields that err complains of, in order of the name.
func wrong(err error) []string {
	var names []string
	for _, f := range fault.Of(err).Fields {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

func TestEnsureRoot(t *testing.T) {
	h := newHouse(t)
	made, err := h.EnsureRoot(t.Context(), secret.Text{})
	must(t, err)
	if !made.IsZero() {
		t.Error("a second start made another root key")
	}
	given := key.New(key.ManagementPrefix)
	for range 2 { // the second time it is the stored one
		made, err = h.EnsureRoot(t.Context(), given)
		must(t, err)
		if !made.IsZero() {
			t.Error("a given root key is shown")
		}
	}
	p, err := h.AuthenticateManagement(t.Context(), given.Reveal())
	must(t, err)
	if p.OrganizationID() != h.root.OrganizationID() || p.ID() != h.root.ID() || !p.Can("platform:api-keys:delete") {
		t.Errorf("the given root key is %+v, not the root", p)
	}
	for _, bad := range []string{"tgm_short", "tg_0123456789012345678901234567890123456789", "a"} {
		_, err := h.EnsureRoot(t.Context(), secret.New(bad))
		is(t, err, fault.ValidationFailed)
	}
}

func TestAReplacedRootKeyIsDead(t *testing.T) {
	h := newHouse(t)
	first, second := key.New(key.ManagementPrefix), key.New(key.ManagementPrefix)
	for _, token := range []secret.Text{first, second} {
		_, err := h.EnsureRoot(t.Context(), token)
		must(t, err)
	}
	_, err := h.AuthenticateManagement(t.Context(), first.Reveal())
	is(t, err, fault.KeyInvalid)
}

func TestEachKindOfKeyOpensItsOwnDoorOnly(t *testing.T) {
	h := newHouse(t)
	root := key.New(key.ManagementPrefix)
	_, err := h.EnsureRoot(t.Context(), root)
	must(t, err)
	_, text := h.key(t, `{"name":"k"}`)
	_, err = h.AuthenticateManagement(t.Context(), text)
	is(t, err, fault.KeyInvalid)
	_, err = h.Authenticate(t.Context(), root.Reveal())
	is(t, err, fault.KeyInvalid)
	for _, token := range []string{"", "tgm_", "tgm_nonsense"} {
		_, err = h.AuthenticateManagement(t.Context(), token)
		is(t, err, fault.KeyInvalid)
	}
}

// operations calls every operation that needs a permission, with things that exist.
func operations(h *house, keyID, userID string) map[string]func(testing.TB, authority.Principal) error {
	return map[string]func(testing.TB, authority.Principal) error{
		"platform:api-keys:create CreateKey": func(t testing.TB, p authority.Principal) error {
			_, _, err := h.CreateKey(t.Context(), p, []byte(`{"name":"x"}`))
			return err
		},
		"platform:api-keys:read KeyByID": func(t testing.TB, p authority.Principal) error {
			_, err := h.KeyByID(t.Context(), p, keyID)
			return err
		},
		"platform:api-keys:read GrantByID": func(t testing.TB, p authority.Principal) error {
			g, err := h.GrantByID(t.Context(), p, keyID)
			if err == nil && g.KeyID() != keyID {
				t.Errorf("GrantByID(%s) is %q's", keyID, g.KeyID())
			}
			return err
		},
		"platform:api-keys:read ListKeys": func(t testing.TB, p authority.Principal) error {
			_, _, err := h.ListKeys(t.Context(), p, authority.KeyFilter{})
			return err
		},
		"platform:api-keys:update UpdateKey": func(t testing.TB, p authority.Principal) error {
			_, err := h.UpdateKey(t.Context(), p, keyID, []byte(`{"description":"x"}`), 0)
			return err
		},
		"platform:api-keys:update ReplaceKey": func(t testing.TB, p authority.Principal) error {
			_, err := h.ReplaceKey(t.Context(), p, keyID, []byte(`{"name":"x"}`), 0)
			return err
		},
		"platform:api-keys:update ActivateKey": func(t testing.TB, p authority.Principal) error {
			_, err := h.ActivateKey(t.Context(), p, keyID)
			return err
		},
		"platform:api-keys:update DeactivateKey": func(t testing.TB, p authority.Principal) error {
			_, err := h.DeactivateKey(t.Context(), p, keyID)
			return err
		},
		"platform:api-keys:update RevokeKey": func(t testing.TB, p authority.Principal) error {
			_, err := h.RevokeKey(t.Context(), p, keyID)
			return err
		},
		"platform:api-keys:delete DeleteKey": func(t testing.TB, p authority.Principal) error {
			return h.DeleteKey(t.Context(), p, keyID, 0)
		},
		"platform:users:create CreateUser": func(t testing.TB, p authority.Principal) error {
			_, err := h.CreateUser(t.Context(), p, []byte(`{"email":"new@example.com"}`))
			return err
		},
		"platform:users:read UserByID": func(t testing.TB, p authority.Principal) error {
			_, err := h.UserByID(t.Context(), p, userID)
			return err
		},
		"platform:users:read ListUsers": func(t testing.TB, p authority.Principal) error {
			_, _, err := h.ListUsers(t.Context(), p, authority.UserFilter{})
			return err
		},
		"platform:users:update UpdateUser": func(t testing.TB, p authority.Principal) error {
			_, err := h.UpdateUser(t.Context(), p, userID, []byte(`{"name":"x"}`), 0)
			return err
		},
		"platform:organization:read Organization": func(t testing.TB, p authority.Principal) error {
			_, err := h.Organization(t.Context(), p)
			return err
		},
		"platform:organization:update UpdateOrganization": func(t testing.TB, p authority.Principal) error {
			_, err := h.UpdateOrganization(t.Context(), p, []byte(`{"name":"x"}`), 0)
			return err
		},
	}
}

func TestEveryOperationAsksForItsPermission(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"k"}`)
	u := h.user(t, `{"email":"ada@example.com"}`)
	nobody := h.as(t, h.root.OrganizationID())
	for name, call := range operations(h, k.ID, u.ID) {
		t.Run(name, func(t *testing.T) {
			permission, _, _ := strings.Cut(name, " ")
			for who, p := range map[string]authority.Principal{
				"zero": {}, "nobody": nobody, "all but": h.as(t, h.root.OrganizationID(), "*", "!"+permission),
			} {
				err := call(t, p)
				if is(t, err, fault.PermissionDenied); !strings.Contains(fault.Of(err).Public, permission) {
					t.Errorf("%s: the message %q does not name %q", who, fault.Of(err).Public, permission)
				}
			}
		})
	}
	// With the very permission and no other, each of them goes through.
	for name, call := range operations(h, k.ID, u.ID) {
		permission, operation, _ := strings.Cut(name, " ")
		if operation == "DeleteKey" || operation == "RevokeKey" || operation == "ActivateKey" {
			continue // they end the key that the others need
		}
		must(t, call(t, h.as(t, h.root.OrganizationID(), permission)))
	}
}

func TestNothingOfAnotherOrganizationIsVisible(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"k"}`)
	u := h.user(t, `{"email":"ada@example.com"}`)
	other := h.as(t, "org_other", "*")
	for name, call := range operations(h, k.ID, u.ID) {
		_, operation, _ := strings.Cut(name, " ")
		switch operation {
		case "CreateKey", "CreateUser", "Organization", "UpdateOrganization", "ListKeys", "ListUsers":
			continue // these name nothing of somebody else's; see below
		}
		t.Run(operation, func(t *testing.T) { is(t, call(t, other), fault.NotFound) })
	}
	_, keys, err := h.ListKeys(t.Context(), other, authority.KeyFilter{})
	must(t, err)
	_, users, err := h.ListUsers(t.Context(), other, authority.UserFilter{})
	must(t, err)
	o, err := h.Organization(t.Context(), other)
	must(t, err)
	if keys != 0 || users != 0 || o.ID != "org_other" {
		t.Errorf("another organisation sees %d keys, %d users, organisation %s", keys, users, o.ID)
	}
	_, _, err = h.CreateKey(t.Context(), other, []byte(`{"name":"x","user_id":"`+u.ID+`"}`))
	same(t, wrong(err), []string{"user_id"})
	got, err := h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, got, k)
}

func TestPermissionPatterns(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		permissions []string
		allowed     []string
		denied      []string
	}{
		{[]string{"*"}, []string{"platform:api-keys:read", "x"}, nil},
		{nil, nil, []string{"platform:api-keys:read", ""}},
		{[]string{"platform:*"}, []string{"platform:api-keys:read", "platform:users"}, []string{"platform", "other:x"}},
		{[]string{"platform:api-keys:*"}, []string{"platform:api-keys:read"}, []string{"platform:users:read", "platform:api-keys"}},
		{[]string{"platform:*:read"}, []string{"platform:users:read"}, []string{"platform:users:update", "platform:read"}},
		{[]string{"platform:api-*:read"}, []string{"platform:api-keys:read"}, []string{"platform:users:read"}},
		{
			[]string{"platform:api-keys:create"},
			[]string{"platform:api-keys:create"},
			[]string{"platform:api-keys:create-any", "platform:api-keys:creat", "platform:api-keys"},
		},
		{[]string{"!platform:users:*", "*"}, []string{"platform:api-keys:read"}, []string{"platform:users:read"}},
		{
			[]string{"!platform:users:delete", "platform:users:*", "platform:users:delete"},
			[]string{"platform:users:read"},
			[]string{"platform:users:delete"},
		},
		{[]string{"!*", "*"}, nil, []string{"platform:users:read"}},
	} {
		p := h.as(t, h.root.OrganizationID(), test.permissions...)
		for _, permission := range test.allowed {
			if !p.Can(permission) {
				t.Errorf("%v does not permit %q", test.permissions, permission)
			}
		}
		for _, permission := range test.denied {
			if p.Can(permission) {
				t.Errorf("%v permits %q", test.permissions, permission)
			}
		}
	}
}
