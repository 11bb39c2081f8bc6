package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/policy"
	"tollgate/internal/store/sqlite"
)

// A database of the time when a key had one secret, in its own row, goes on as it
// was: its keys work, its root key too, and its users have a role.
func TestKeysOfAnOlderDatabaseGoOnWorking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)")
	must(t, err)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	_, err = provider.UpTo(t.Context(), 2)
	must(t, err)
	live, dead, root := key.New("tg_").Reveal(), key.New("tg_").Reveal(), key.New("tgm_").Reveal()
	insert := func(query string, args ...any) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), query, args...)
		must(t, err)
	}
	hash := func(s string) []byte { h := key.HashOf(s); return h[:] }
	insert(`INSERT INTO organizations (id, name, timezone, status, created_at, updated_at, version) VALUES ('org_1', 'Acme', 'UTC', 'active', 1, 1, 1)`)
	insert(`INSERT INTO users (id, organization_id, email, name, search_text, role, status, created_at, updated_at, version)
		VALUES ('user_1', 'org_1', 'ada@example.com', '', '', 'member', 'active', 1, 1, 1)`)
	insert(`INSERT INTO management_keys (id, organization_id, name, hash, key_prefix, permissions, is_root, created_at, updated_at)
		VALUES ('mk_1', 'org_1', 'root', ?, 'tgm_aaaa', '["*"]', 1, 1, 1)`, hash(root))
	const keys = `INSERT INTO api_keys (id, organization_id, user_id, kind, name, description, search_text, tags, hash, key_prefix, status, permissions,
		created_at, updated_at, deleted_at, version) VALUES (?, 'org_1', 'user_1', 'user', 'old', '', 'old', '[]', ?, 'tg_aaaaa', 'active', '{}', 1, 1, ?, 1)`
	insert(keys, "key_1", hash(live), nil)
	insert(keys, "key_2", nil, 2)
	must(t, db.Close())

	a := authority.New(open(t, path).Authority(), authority.Options{})
	g, err := a.Authenticate(t.Context(), live)
	must(t, err)
	if refusal := g.Rules().AdmitRoute(&policy.Ask{Now: time.Now()}); refusal != nil || g.KeyID() != "key_1" {
		t.Errorf("the key %q is refused: %v", g.KeyID(), refusal)
	}
	if _, err := a.Authenticate(t.Context(), dead); err == nil {
		t.Error("a deleted key works again")
	}
	p, err := a.AuthenticateManagement(t.Context(), root)
	must(t, err)
	k, err := a.KeyByID(t.Context(), p, "key_1")
	must(t, err)
	if len(k.Secrets) != 1 || k.Secrets[0].ID != "sec_1" || k.Secrets[0].Prefix != "tg_aaaaa" || !k.Secrets[0].ExpiresAt.IsZero() {
		t.Errorf("its secrets are %+v", k.Secrets)
	}
	u, err := a.UserByID(t.Context(), p, "user_1")
	must(t, err)
	o, err := a.Organization(t.Context(), p)
	must(t, err)
	if u.Role != authority.RoleUser || o.ExpiredKeys != authority.ExpiredDisable {
		t.Errorf("the role is %q, expired keys %q", u.Role, o.ExpiredKeys)
	}
}

// Every migration can be taken back, and made again.
func TestMigrationsGoBothWays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	db, err := sql.Open("sqlite", path)
	must(t, err)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	for range 2 {
		_, err = provider.Up(t.Context())
		must(t, err)
		_, err = provider.DownTo(t.Context(), 0)
		must(t, err)
	}
	must(t, db.Close())
	if db, err := sqlite.Open(t.Context(), path); err != nil {
		t.Error(err)
	} else {
		must(t, db.Close())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
