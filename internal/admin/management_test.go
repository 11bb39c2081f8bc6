package admin_test

import (
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/client"
)

func TestManagementKeyLife(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	made, err := h.CreateManagementKey(ctx, api.ManagementKeyInput{Name: api.Set("reader"), Permissions: api.Set([]string{"platform:*:read"})}, client.Idempotent("once"))
	must(t, err)
	again, err := h.CreateManagementKey(ctx, api.ManagementKeyInput{Name: api.Set("reader"), Permissions: api.Set([]string{"platform:*:read"})}, client.Idempotent("once"))
	must(t, err)
	m := made.ManagementKey
	if !strings.HasPrefix(made.SecretKey, "tgm_") || m.Status != "active" || m.IsRoot || again.SecretKey != "" || again.ManagementKey.ID != m.ID {
		t.Errorf("%+v, again %+v", made, again)
	}
	reader := client.New(h.url, made.SecretKey)
	if _, err = reader.CreateKey(ctx, api.KeyInput{Name: api.Set("x")}); refused(err) != "permission_denied" {
		t.Errorf("a reader makes a key: %v", err)
	}
	if _, err = reader.CreateManagementKey(ctx, api.ManagementKeyInput{Name: api.Set("x"), Permissions: api.Set([]string{"*"})}); refused(err) != "permission_denied" {
		t.Errorf("a reader makes a management key: %v", err)
	}
	m, err = h.UpdateManagementKey(ctx, m.ID, api.ManagementKeyInput{Name: api.Set("renamed")}, client.IfVersion(m.Version))
	must(t, err)
	got, err := h.ManagementKey(ctx, m.ID)
	must(t, err)
	if got.Name != "renamed" || got.Version != m.Version {
		t.Errorf("%+v", got)
	}
	list, err := h.ManagementKeys(ctx, client.ManagementQuery{})
	must(t, err)
	if list.Total != 2 || !list.ManagementKeys[1].IsRoot {
		t.Errorf("%+v", list)
	}
	m, err = h.RevokeManagementKey(ctx, m.ID)
	must(t, err)
	if _, err = reader.Keys(ctx, client.KeyQuery{}); m.Status != "revoked" || refused(err) != "key_revoked" {
		t.Errorf("%s, %v", m.Status, err)
	}
	must(t, h.DeleteManagementKey(ctx, m.ID))
	if _, err = h.ManagementKey(ctx, m.ID); refused(err) != "not_found" {
		t.Errorf("after deletion: %v", err)
	}
	if _, err = h.RevokeManagementKey(ctx, list.ManagementKeys[1].ID); refused(err) != "validation_failed" {
		t.Errorf("the root key was revoked: %v", err)
	}
}

func TestRoles(t *testing.T) {
	list, err := newHouse(t).Roles(t.Context(), client.PageQuery{})
	must(t, err)
	if len(list.Roles) != 5 || list.Roles[0].Name != "owner" || len(list.Permissions) < 20 {
		t.Errorf("%+v", list)
	}
}

func TestOrganizationSaysWhatHappensToExpiredKeys(t *testing.T) {
	h := newHouse(t)
	o, err := h.UpdateOrganization(t.Context(), api.OrganizationInput{MaxKeysPerUser: api.Set[int64](3), ExpiredKeys: api.Set("delete")})
	must(t, err)
	if *o.MaxKeysPerUser != 3 || o.ExpiredKeys != "delete" {
		t.Errorf("%+v", o)
	}
}
