package authority_test

import (
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/keyset"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vault"
)

// house is an authority over a fresh database, and its root.
type house struct {
	*authority.Authority
	store  authority.Store
	sealer *secret.Sealer
	path   string // of the database
	root   authority.Principal
	now    *atomic.Int64 // Unix milliseconds; what the authority's clock shows
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newHouse builds one; wrap may put something between authority and database.
func newHouse(t testing.TB, wrap ...func(*authority.Store)) *house {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.db")
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{store: db.Authority(), path: path, now: new(atomic.Int64)}
	h.now.Store(noon.UnixMilli())
	for _, w := range wrap {
		w(&h.store)
	}
	safe, err := vault.Open(t.Context(), db.Seals(), keyset.File{Path: filepath.Join(filepath.Dir(path), "keyset.json")}, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(safe.Close)
	h.sealer = safe.Sealer()
	h.Authority = authority.New(h.store, authority.Options{Sealer: h.sealer, Now: func() time.Time { return time.UnixMilli(h.now.Load()) }})
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
	if organizationID != h.root.OrganizationID() {
		now := time.UnixMilli(h.now.Load()).UTC()
		org := authority.Organization{
			ID: organizationID, Name: organizationID, Timezone: "UTC", Status: authority.StatusActive,
			ExpiredKeys: authority.ExpiredDisable, CreatedAt: now.Add(time.Hour), UpdatedAt: now, Version: 1,
		}
		row := authority.ManagementRow{Hash: key.HashOf("root of " + organizationID), ManagementKey: authority.ManagementKey{
			ID: "mk_" + organizationID, OrganizationID: organizationID, Name: "other", Root: true,
			Permissions: []string{"*"}, Status: authority.StatusActive, CreatedAt: now.Add(time.Hour), UpdatedAt: now, Version: 1,
		}}
		_ = h.store.Management.Install(t.Context(), org, row, authority.Act{Event: authority.Event{OrganizationID: organizationID, At: now}})
	}
	return h.principal(t, authority.ManagementKey{OrganizationID: organizationID, Permissions: append([]string{}, permissions...)})
}

// user's principal: a management key without bounds of its own.
func (h *house) actingFor(t testing.TB, u authority.User, permissions ...string) authority.Principal {
	t.Helper()
	if permissions == nil {
		permissions = []string{"*"}
	}
	return h.principal(t, authority.ManagementKey{OrganizationID: u.OrganizationID, UserID: u.ID, Permissions: permissions})
}

// principal stores a management key and is who acts with it.
func (h *house) principal(t testing.TB, m authority.ManagementKey) authority.Principal {
	t.Helper()
	token := key.New(key.ManagementPrefix).Reveal()
	now := time.UnixMilli(h.now.Load()).UTC()
	m.ID, m.Name, m.Status = "mk_"+token[4:14], "test", authority.StatusActive
	m.CreatedAt, m.UpdatedAt, m.Version = now, now, 1
	must(t, h.store.Credentials.CreateManagementKey(t.Context(),
		authority.ManagementRow{ManagementKey: m, Hash: key.HashOf(token)}, authority.Act{Event: authority.Event{OrganizationID: m.OrganizationID, At: now}}))
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
