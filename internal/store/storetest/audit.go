package storetest

import (
	"errors"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// audit: events are chained in each organisation, and read as they were written.
func audit(t *testing.T, s authority.Store) {
	head, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)
	same(t, head, authority.AuditHead{})
	var want []authority.Event
	for i := range 5 {
		e := authority.Event{
			OrganizationID: "org_a", At: start.Add(time.Duration(i) * time.Second), ActorID: "mk_1", ActorName: "ü", ActorUserID: "user_1",
			IP: "192.0.2.1", UserAgent: "curl", RequestID: "req_1", Action: "api_key.update", ResourceType: "api_key",
			ResourceID: "key_1", ResourceName: "n", Outcome: "refused", Code: "not_found", Changes: `[{"field":"x"}]`,
		}
		must(t, s.Audit.AppendEvent(t.Context(), authority.Act{Event: e}))
		must(t, s.Audit.AppendEvent(t.Context(), authority.Act{Event: authority.Event{OrganizationID: "org_b", At: start}}))
		e = e.After(head)
		head = authority.AuditHead{Sequence: e.Sequence, Hash: e.Hash}
		want = append(want, e)
	}
	got, err := s.Audit.EventsAfter(t.Context(), "org_a", 0, 10)
	must(t, err)
	same(t, got, want)
	now, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)
	same(t, now, head)
	got, err = s.Audit.EventsAfter(t.Context(), "org_a", 2, 2)
	must(t, err)
	same(t, got, want[2:4])
	got, err = s.Audit.ListEvents(t.Context(), "org_a", authority.EventFilter{Before: 5, Size: 2})
	must(t, err)
	same(t, got, []authority.Event{want[3], want[2]})
	got, err = s.Audit.ListEvents(t.Context(), "org_a", authority.EventFilter{Page: 2, Size: 2})
	must(t, err)
	same(t, got, []authority.Event{want[2], want[1]})
	for name, f := range map[string]authority.EventFilter{
		"actor": {ActorID: "mk_1"}, "user": {ActorID: "user_1"}, "action": {Action: "api_key.update"}, "actions": {Action: "api_*"},
		"type": {ResourceType: "api_key"}, "resource": {ResourceID: "key_1"}, "outcome": {Outcome: "refused"},
		"span": {From: start, To: start.Add(5 * time.Second)},
	} {
		f.Size = 100
		got, err := s.Audit.ListEvents(t.Context(), "org_a", f)
		must(t, err)
		n, err := s.Audit.CountEvents(t.Context(), "org_a", f)
		must(t, err)
		if len(got) != 5 || n != 5 {
			t.Errorf("%s: %d events, counted %d", name, len(got), n)
		}
	}
	for name, f := range map[string]authority.EventFilter{
		"actor": {ActorID: "mk_2"}, "action": {Action: "api_key.updat"}, "actions": {Action: "api%*"}, "type": {ResourceType: "user"},
		"resource": {ResourceID: "key_2"}, "outcome": {Outcome: "done"}, "from": {From: start.Add(5 * time.Second)}, "to": {To: start},
	} {
		f.Size = 100
		got, err := s.Audit.ListEvents(t.Context(), "org_a", f)
		must(t, err)
		if len(got) != 0 {
			t.Errorf("%s: %d events", name, len(got))
		}
	}
}

// together: a change and its event are stored both or neither.
func together(t *testing.T, s authority.Store) {
	installed(t, s)
	at := func() int64 {
		t.Helper()
		head, err := s.Audit.AuditHead(t.Context(), "org_a")
		must(t, err)
		return head.Sequence
	}
	for name, step := range map[string]struct {
		do   func() error
		want fault.Kind
	}{
		"quota": {func() error {
			return s.Keys.CreateKey(t.Context(), newKey("org_a", "key_9"), new(int64(0)), done("org_a"))
		}, fault.KeyQuotaReached},
		"no such key":  {func() error { return s.Keys.UpdateKey(t.Context(), newKey("org_a", "key_9"), done("org_a")) }, fault.NotFound},
		"no such user": {func() error { return s.Users.UpdateUser(t.Context(), newUser("org_a", "user_9"), "", done("org_a")) }, fault.NotFound},
		"an old version": {
			func() error {
				return s.Organizations.UpdateOrganization(t.Context(), newOrganization("org_a"), done("org_a"))
			},
			fault.VersionConflict,
		},
		"not there": {func() error { return s.KeyCare.PurgeKey(t.Context(), "org_a", "key_9", done("org_a")) }, fault.NotFound},
	} {
		before := at()
		if is(t, step.do(), step.want); at() != before {
			t.Errorf("%s: the change failed, and its event is there", name)
		}
	}
	before := at()
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_1"), nil, done("org_a")))
	if at() != before+1 {
		t.Error("the change is stored without its event")
	}
}

// replays: what was done for an idempotency key is remembered with the change.
func replays(t *testing.T, s authority.Store) {
	installed(t, s)
	act := done("org_a")
	act.Replay = authority.Replay{PrincipalID: "mk_1", Key: "k", RequestHash: key.HashOf("body"), ResourceID: "key_1", At: start}
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_1"), nil, act))
	got, err := s.Replays.Replayed(t.Context(), "org_a", "mk_1", "k", start)
	must(t, err)
	same(t, got, act.Replay)
	for _, other := range [][3]string{{"org_b", "mk_1", "k"}, {"org_a", "mk_2", "k"}, {"org_a", "mk_1", "K"}} {
		_, err := s.Replays.Replayed(t.Context(), other[0], other[1], other[2], start)
		is(t, err, fault.NotFound)
	}
	_, err = s.Replays.Replayed(t.Context(), "org_a", "mk_1", "k", start.Add(time.Millisecond))
	is(t, err, fault.NotFound)

	is(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_2"), nil, act), fault.IdempotencyConflict)
	_, err = s.Keys.KeyByID(t.Context(), "org_a", "key_2")
	is(t, err, fault.NotFound) // the key is not there either
	act.Replay.At = start.Add(authority.ReplayWindow)
	if err := s.Keys.CreateKey(t.Context(), newKey("org_a", "key_2"), nil, act); !errors.Is(err, fault.IdempotencyConflict) {
		t.Errorf("after exactly a day: %v", err)
	}
	act.Replay.At = act.Replay.At.Add(time.Millisecond)
	must(t, s.Keys.CreateKey(t.Context(), newKey("org_a", "key_2"), nil, act))
}
