package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/key"
)

// A row that somebody has damaged breaks no list, and lets nothing through that it
// did not.
func TestC9_ADamagedRowBreaksNoList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := open(t, path)
	behind, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = behind.Close() }()
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := db.Authority()
	act := authority.Act{Event: authority.Event{OrganizationID: "org_1", At: now}}
	err = s.Management.Install(t.Context(), authority.Organization{ID: "org_1", Status: authority.StatusActive, Timezone: "UTC", CreatedAt: now, UpdatedAt: now, Version: 1},
		authority.ManagementRow{Hash: key.HashOf("root"), ManagementKey: authority.ManagementKey{ID: "mk_1", OrganizationID: "org_1", Permissions: []string{"*"}, CreatedAt: now, UpdatedAt: now, Version: 1}}, act)
	if err != nil {
		t.Fatal(err)
	}
	row := authority.KeyRow{Hashes: []key.Hash{key.HashOf("secret")}}
	row.ID, row.OrganizationID, row.Tags, row.Permissions, row.AllowedModels, row.CreatedAt, row.UpdatedAt, row.Version = "key_1", "org_1", []string{"a"}, map[string]bool{}, []string{"gpt-4o"}, now, now, 1
	row.Secrets = []authority.Secret{{ID: "sec_1", CreatedAt: now}}
	if err := s.Keys.CreateKey(t.Context(), row, nil, act); err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{`[`, ``, `null`, `7`, `["a",`, `{"a":1}`, `[1]`} {
		for _, column := range []string{"allowed_models", "allowed_ips", "scopes", "allowed_chatbots", "permissions", "tags"} {
			if _, err := behind.ExecContext(t.Context(), "UPDATE api_keys SET "+column+" = ?", damage); err != nil {
				t.Fatal(err)
			}
		}
		list, _, err := s.Keys.ListKeys(t.Context(), "org_1", authority.KeyFilter{Page: 1, Size: 10}, now)
		if err != nil || len(list) != 1 {
			t.Errorf("damaged as %q: %v", damage, err)
			continue
		}
		if k := list[0]; k.AllowedModels == nil || k.AllowedIPs == nil || k.Scopes == nil || k.AllowedChatbots == nil || k.Permissions["a"] {
			t.Errorf("damaged as %q, the key is open: %+v", damage, k)
		}
		if _, _, err := s.Keys.ListKeys(t.Context(), "org_1", authority.KeyFilter{Tag: ",x", Page: 1, Size: 10}, now); err != nil {
			t.Errorf("by a tag: %v", err)
		}
	}
	for _, statement := range []string{"UPDATE api_key_secrets SET hash = x'00'", "UPDATE management_keys SET permissions = 'x'"} {
		if _, err := behind.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if list, _, err := s.Keys.ListKeys(t.Context(), "org_1", authority.KeyFilter{Page: 1, Size: 10}, now); err != nil || len(list) != 1 {
		t.Errorf("with a damaged hash: %v", err)
	}
	if m, err := s.Management.ManagementKeyByHash(t.Context(), key.HashOf("root")); err != nil || len(m.Permissions) != 0 {
		t.Errorf("a management key with damaged permissions: %+v, %v", m.Permissions, err)
	}
}
