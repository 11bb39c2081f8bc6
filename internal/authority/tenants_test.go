package authority_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// rowsOf is every row of an organisation, as text, but for its audit: what was
// refused there is told there.
func (h *house) rowsOf(t *testing.T, organizationID string) []string {
	t.Helper()
	db := h.behind(t)
	found, err := db.QueryContext(t.Context(), `SELECT m.name FROM sqlite_master m WHERE m.type = 'table'
		AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'organization_id') ORDER BY m.name`)
	must(t, err)
	var tables []string
	for found.Next() {
		var name string
		must(t, found.Scan(&name))
		tables = append(tables, name)
	}
	must(t, found.Err())
	var all []string
	for _, table := range tables {
		if strings.HasPrefix(table, "audit_") {
			continue
		}
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE organization_id = ? ORDER BY 1, 2", organizationID)
		must(t, err)
		columns, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			values, at := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				at[i] = &values[i]
			}
			must(t, rows.Scan(at...))
			all = append(all, table+fmt.Sprintf(" %q", values))
		}
		must(t, rows.Err())
	}
	if len(tables) < 5 || len(all) < 5 {
		t.Fatalf("only %d rows of %d tables", len(all), len(tables))
	}
	return all
}

// Whoever has every permission in one organisation, and the ids of everything in
// another, learns nothing of it and changes nothing in it: every operation, by the
// table of them.
func TestAnotherOrganisationIsOutOfReach(t *testing.T) {
	p := newPlaces(t)
	abroad := p.h.as(t, "org_abroad", "*")
	outside := p.h.as(t, p.h.root.OrganizationID(), "*") // the other way round
	home, away := p.h.rowsOf(t, p.h.root.OrganizationID()), p.h.rowsOf(t, "org_abroad")
	head := func(id string) int64 {
		h, err := p.h.store.Audit.AuditHead(t.Context(), id)
		must(t, err)
		return h.Sequence
	}
	atHome, atTheirs := head(p.h.root.OrganizationID()), head("org_abroad")
	aboutNobody := []string{ // those of one's own organisation
		"ListUsers", "ListManagementKeys", "ListKeys", "Organization", "UpdateOrganization", "ListEvents", "VerifyAudit", "CleanUpExpired", "CreateUser",
	}
	for name, call := range operations {
		if slices.Contains(aboutNobody, name) {
			continue
		}
		for _, whose := range []string{"owner", "user", "other"} {
			err := call(t, p, abroad, whose)
			if kind := fault.Of(err).Kind; err == nil || kind != fault.NotFound && kind != fault.ValidationFailed {
				t.Errorf("%s from abroad on what is %s's: %v", name, whose, err)
			}
			if strings.Contains(fmt.Sprint(err), "@example.com") {
				t.Errorf("%s tells from abroad: %v", name, err)
			}
		}
		if err := call(t, p, outside, "abroad"); err == nil {
			t.Errorf("%s reaches abroad", name)
		}
	}
	same(t, p.h.rowsOf(t, p.h.root.OrganizationID()), home)
	same(t, p.h.rowsOf(t, "org_abroad"), away)
	if head("org_abroad") == atTheirs || head(p.h.root.OrganizationID()) == atHome {
		t.Error("refusals are not told where those are at home who were refused")
	}

	keys, n, err := p.h.ListKeys(t.Context(), abroad, authority.KeyFilter{Size: 100})
	must(t, err)
	if n != 1 || keys[0].ID != p.keys["abroad"] {
		t.Errorf("%d keys abroad: %+v", n, keys)
	}
	for _, f := range []authority.KeyFilter{{UserID: p.users["other"].ID}, {After: p.keys["other"]}} {
		if keys, n, err := p.h.ListKeys(t.Context(), abroad, f); n != 0 || len(keys) != 0 || err != nil && !isAny(err, fault.ValidationFailed) {
			t.Errorf("%+v gives %d keys, %v", f, n, err)
		}
	}
	users, n, err := p.h.ListUsers(t.Context(), abroad, authority.UserFilter{Size: 100})
	must(t, err)
	if n != 1 || users[0].ID != p.users["abroad"].ID {
		t.Errorf("%d users abroad: %+v", n, users)
	}
	tokens, _, err := p.h.ListManagementKeys(t.Context(), abroad, authority.ManagementFilter{Size: 100})
	must(t, err)
	for _, m := range tokens {
		if m.OrganizationID != "org_abroad" {
			t.Errorf("abroad lists %+v", m)
		}
	}
	events, err := p.h.store.Audit.ListEvents(t.Context(), "org_abroad", authority.EventFilter{Size: 1000})
	must(t, err)
	for _, e := range events {
		if e.ResourceName != "" && e.Outcome == authority.OutcomeRefused && !strings.HasPrefix(e.Action, "organization") {
			t.Errorf("a refusal abroad tells the name of a thing at home: %+v", e)
		}
	}
	// Cleaning up is about one's own.
	k, _ := p.h.key(t, `{"name":"short","expires_at":"2026-03-01T12:00:01Z","auto_delete_on_expiry":true}`)
	p.h.pass(time.Minute)
	cleaned, err := p.h.CleanUpExpired(t.Context(), abroad, nil)
	must(t, err)
	same(t, cleaned, authority.Cleaned{})
	_, err = p.h.KeyByID(t.Context(), p.h.root, k.ID)
	must(t, err)
}

func isAny(err error, kinds ...fault.Kind) bool {
	return slices.Contains(kinds, fault.Of(err).Kind)
}
