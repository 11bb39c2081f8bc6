package authority_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func changes(t testing.TB, e authority.Event) []authority.Change {
	t.Helper()
	var list []authority.Change
	if e.Changes != "" {
		must(t, json.Unmarshal([]byte(e.Changes), &list))
	}
	return list
}

// last is the newest event of an action.
func (h *house) last(t testing.TB, action string) authority.Event {
	t.Helper()
	events, err := h.store.Audit.ListEvents(t.Context(), h.root.OrganizationID(), authority.EventFilter{Action: action, Size: 1})
	must(t, err)
	if len(events) == 0 {
		t.Fatalf("there is no event %s", action)
	}
	return events[0]
}

func TestC8_EveryChangeSaysWhoWhatAndFromWhere(t *testing.T) {
	h := newHouse(t)
	who := h.root.With(authority.Origin{IP: netip.MustParseAddr("::ffff:192.0.2.7"), UserAgent: "curl/8\n[fake] line", RequestID: "req_1"})
	k, text, err := h.CreateKey(t.Context(), who, []byte(`{"name":"first","concurrent_limit":3}`))
	must(t, err)
	h.pass(time.Second)
	_, err = h.UpdateKey(t.Context(), who, k.ID, []byte(`{"name":"second","concurrent_limit":null,"allowed_models":["a"],"permissions":{"x":true}}`), 0)
	must(t, err)
	e := h.last(t, "api_key.update")
	want := authority.Event{
		OrganizationID: h.root.OrganizationID(), Sequence: e.Sequence, At: noon.Add(time.Second),
		ActorID: h.root.ID(), ActorName: "root", IP: "192.0.2.7", UserAgent: "curl/8 [fake] line", RequestID: "req_1",
		Action: "api_key.update", ResourceType: "api_key", ResourceID: k.ID, ResourceName: "first", Outcome: "done",
		Changes: `[{"field":"name","from":"first","to":"second"},{"field":"permissions","from":{},"to":{"x":true}},` +
			`{"field":"allowed_models","from":null,"to":["a"]},{"field":"concurrent_limit","from":3,"to":null}]`,
		PrevHash: e.PrevHash, Hash: e.Hash,
	}
	same(t, e, want)
	created := map[string]string{}
	for _, c := range changes(t, h.last(t, "api_key.create")) {
		created[c.Field] = string(c.To)
	}
	if created["name"] != `"first"` || created["concurrent_limit"] != "3" || created["rate_limit_per_minute"] != "60" || created["key_prefix"] != `"`+text.Reveal()[:8]+`"` {
		t.Errorf("the event of the creation says %v", created)
	}
}

func TestC8_EveryOperationIsKept(t *testing.T) {
	actions := map[string]string{
		"CreateKey": "api_key.create", "KeyByID": "api_key.get", "GrantByID": "api_key.explain", "ListKeys": "api_key.list",
		"UpdateKey": "api_key.update", "ReplaceKey": "api_key.update", "DeactivateKey": "api_key.deactivate",
		"ActivateKey": "api_key.activate", "RegenerateKey": "api_key.regenerate", "ExtendKey": "api_key.extend",
		"RevokeKey": "api_key.revoke", "DeleteKey": "api_key.delete", "PurgeKey": "api_key.purge", "CleanUpExpired": "api_key.clean_up",
		"CreateUser": "user.create", "UserByID": "user.get", "ListUsers": "user.list", "UpdateUser": "user.update", "DeleteUser": "user.delete",
		"RevealKey": "api_key.reveal", "Organization": "organization.get", "UpdateOrganization": "organization.update",
		"CreateManagementKey": "management_key.create", "ManagementKeyByID": "management_key.get",
		"ListManagementKeys": "management_key.list", "UpdateManagementKey": "management_key.update",
		"RevokeManagementKey": "management_key.revoke", "DeleteManagementKey": "management_key.delete",
		"ListEvents": "audit.read", "VerifyAudit": "audit.verify",
	}
	p := newPlaces(t)
	count := func(action, outcome string) int {
		events, err := p.h.store.Audit.ListEvents(t.Context(), p.h.root.OrganizationID(),
			authority.EventFilter{Action: action, Outcome: outcome, Size: 1000})
		must(t, err)
		return len(events)
	}
	for name, call := range operations {
		action := actions[name]
		p.renew(t, "other")
		refused, done := count(action, "refused"), count(action, "done")
		if err := call(t, p, p.roles["none"], "other"); err == nil {
			t.Errorf("%s was not refused", name)
		}
		if got := count(action, "refused"); got != refused+1 {
			t.Errorf("%s was refused, and %d events say so", name, got-refused)
		}
		if name == "RevealKey" {
			continue // nothing is kept that could be revealed; see E2
		}
		must(t, call(t, p, p.h.root, "other"))
		switch name {
		case "Organization": // one's own
		case "ListEvents":
		default:
			if got := count(action, "done"); got != done+1 {
				t.Errorf("%s was done, and %d events say so", name, got-done)
			}
		}
	}
}

func TestC8_ReadsOfOnesOwnAreNotKept(t *testing.T) {
	p := newPlaces(t)
	before, err := p.h.store.Audit.AuditHead(t.Context(), p.h.root.OrganizationID())
	must(t, err)
	for _, operation := range []string{"KeyByID", "ListKeys", "UserByID", "ManagementKeyByID", "ListManagementKeys", "Organization"} {
		must(t, operations[operation](t, p, p.roles["developer"], "developer"))
	}
	after, err := p.h.store.Audit.AuditHead(t.Context(), p.h.root.OrganizationID())
	must(t, err)
	same(t, after, before)
}

func TestC8_RefusalsSayWhy(t *testing.T) {
	o := newOwned(t)
	k, text := o.ownKey(t, tight)
	_, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"concurrent_limit":null}`), 0)
	is(t, err, fault.EscalationDenied)
	e := o.last(t, "api_key.update")
	same(t, []string{e.Outcome, e.Code, e.ActorUserID, e.ResourceID, e.ResourceName, e.Changes},
		[]string{"refused", "escalation_denied", o.owner.UserID(), k.ID, "", ""})
	for body, code := range map[string]string{`{"name":7}`: "validation_failed", `{`: "invalid_json"} {
		_, err = o.UpdateKey(t.Context(), o.owner, k.ID, []byte(body), 0)
		same(t, o.last(t, "api_key.update").Code, string(fault.Of(err).Kind))
		same(t, string(fault.Of(err).Kind), code)
	}
	_, err = o.KeyByID(t.Context(), o.root, "key_none\n"+strings.Repeat("x", 500))
	is(t, err, fault.NotFound)
	if e := o.last(t, "api_key.get"); e.Code != "not_found" || len(e.ResourceID) > 200 || strings.Contains(e.ResourceID, "\n") {
		t.Errorf("the event is %+v", e)
	}
	// Whoever leaves before the answer is kept all the same.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = o.refusedFor(ctx, t)
	must(t, o.Audit(t.Context(), o.root, authority.Deed{Action: "usage.read", ResourceType: "usage"}))
	same(t, o.last(t, "usage.read").Outcome, "done")
	is(t, o.Audit(t.Context(), o.root, authority.Deed{Action: "usage.read", Err: fault.New(fault.PermissionDenied, "no")}), fault.PermissionDenied)
	same(t, o.last(t, "usage.read").Code, "permission_denied")
	_ = text
}

func (o *owned) refusedFor(ctx context.Context, t *testing.T) error {
	t.Helper()
	_, err := o.CreateUser(ctx, o.owner, []byte(`{"email":"x@example.com"}`))
	is(t, err, fault.PermissionDenied)
	same(t, o.last(t, "user.create").Code, "permission_denied")
	return err
}

// brokenAudit is a store whose audit cannot be written.
type brokenAudit struct{ authority.AuditStore }

func (brokenAudit) AppendEvent(context.Context, authority.Act) error { return errDisk }

func TestC8_WhatCannotBeKeptIsNotShown(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a"}`)
	store := h.store
	store.Audit = brokenAudit{store.Audit}
	broken := authority.New(store, authority.Options{})
	_, err := broken.KeyByID(t.Context(), h.root, k.ID)
	is(t, err, fault.StoreUnavailable)
	_, _, err = broken.ListKeys(t.Context(), h.root, authority.KeyFilter{})
	is(t, err, fault.StoreUnavailable)
	_, err = broken.KeyByID(t.Context(), h.root, "key_none")
	if is(t, err, fault.NotFound); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("a refusal that could not be kept is %v", err)
	}
}

// A change and its event are stored together or not at all: for each change there
// is one event, also when many come at once.
func TestC8_ManyAtOnceMakeOneChain(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				k, _, err := h.CreateKey(t.Context(), h.root, fmt.Appendf(nil, `{"name":"%d"}`, i))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := h.RevokeKey(t.Context(), h.root, k.ID, nil, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
	must(t, err)
	if len(v.Broken) != 0 || v.Events != 1+160 {
		t.Errorf("of %d events: %+v", v.Events, v.Broken)
	}
}

func TestC8_EventsAreFound(t *testing.T) {
	p := newPlaces(t)
	h := p.h
	k, _ := h.key(t, `{"name":"a"}`)
	h.pass(time.Hour)
	h.patch(t, k.ID, `{"name":"b"}`)
	_, err := h.UpdateKey(t.Context(), p.roles["user"], p.keys["user"], []byte(`{"name":"b"}`), 0)
	must(t, err)
	list := func(f authority.EventFilter) []authority.Event {
		t.Helper()
		events, err := h.ListEvents(t.Context(), h.root, f)
		must(t, err)
		return events
	}
	for name, test := range map[string]struct {
		filter authority.EventFilter
		want   int
	}{
		"resource":       {authority.EventFilter{ResourceID: k.ID}, 2},
		"action":         {authority.EventFilter{Action: "api_key.update"}, 2},
		"actions":        {authority.EventFilter{Action: "api_key.*", ResourceID: k.ID}, 2},
		"no such action": {authority.EventFilter{Action: "api_key"}, 0},
		"actor":          {authority.EventFilter{ActorID: p.roles["user"].ID()}, 1},
		"user":           {authority.EventFilter{ActorID: p.users["user"].ID}, 1},
		"type":           {authority.EventFilter{ResourceType: "organization"}, 1},
		"from":           {authority.EventFilter{From: noon.Add(time.Hour), Action: "api_key.update"}, 2},
		"to":             {authority.EventFilter{To: noon.Add(time.Hour), Action: "api_key.update"}, 0},
		"refused":        {authority.EventFilter{Outcome: "refused"}, 0},
	} {
		if got := list(test.filter); len(got) != test.want {
			t.Errorf("%s: %d events, want %d", name, len(got), test.want)
		}
	}
	head, err := h.store.Audit.AuditHead(t.Context(), h.root.OrganizationID())
	must(t, err)
	var seen int64
	for before := int64(0); ; { // page by page, newest first, each once
		page := list(authority.EventFilter{Before: before, Size: 7, To: noon.Add(time.Hour)})
		for _, e := range page {
			if before != 0 && e.Sequence != before-1 {
				t.Fatalf("%d comes after %d", e.Sequence, before)
			}
			before = e.Sequence
			seen++
		}
		if len(page) < 7 {
			break
		}
	}
	if want := head.Sequence - 2 - 10; seen < want {
		t.Errorf("%d events on all pages, want %d or more", seen, want)
	}
	_, err = h.ListEvents(t.Context(), h.root, authority.EventFilter{Size: 1001})
	is(t, err, fault.ValidationFailed)
}

func TestC8_NoSecretIsKept(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	k, first := h.key(t, `{"name":"a","user_id":"`+u.ID+`"}`)
	_, second, err := h.RegenerateKey(t.Context(), h.root, k.ID, []byte(`{"overlap_seconds":5}`), 0)
	must(t, err)
	_, third, err := h.CreateManagementKey(t.Context(), h.root, []byte(`{"name":"m","permissions":["*"]}`))
	must(t, err)
	must(t, h.DeleteKey(t.Context(), h.root, k.ID, 0))
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Size: 1000})
	must(t, err)
	text := fmt.Sprint(events)
	for _, s := range []string{first, second.Reveal(), third.Reveal()} {
		if strings.Contains(text, s[8:]) || strings.Contains(text, s[:12]) {
			t.Error("a secret is in the audit")
		}
	}
	if strings.Contains(text, "hash") {
		t.Error("a hash is in the audit")
	}
}
