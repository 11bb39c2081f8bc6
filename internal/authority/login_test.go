package authority_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// logIns are the failed log-ins that were kept, newest first, as "code times".
func (h *house) logIns(t testing.TB) []string {
	t.Helper()
	events, err := h.store.Audit.ListEvents(t.Context(), h.root.OrganizationID(), authority.EventFilter{Action: "management_key.log_in", Size: 1000})
	must(t, err)
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.Code + e.Changes
	}
	return list
}

func from(ip string) authority.Origin { return authority.Origin{IP: netip.MustParseAddr(ip)} }

func TestC8_AFloodOfLogInsIsCounted(t *testing.T) {
	h := newHouse(t)
	try := func(n int, ip string) {
		for range n {
			_, err := h.LogIn(t.Context(), key.New(key.ManagementPrefix).Reveal(), from(ip))
			is(t, err, fault.KeyInvalid)
		}
	}
	times := func(n int) string {
		return fmt.Sprintf(`key_invalid[{"field":"times","from":null,"to":%d}]`, n)
	}
	try(1, "192.0.2.1")
	same(t, h.logIns(t), []string{"key_invalid"})
	try(40, "192.0.2.1")
	try(1, "192.0.2.2") // another address is another sort
	same(t, h.logIns(t), []string{"key_invalid", "key_invalid"})
	// The rest of a flood that has ended is told when somebody comes.
	h.pass(time.Minute)
	token := key.New(key.ManagementPrefix)
	_, err := h.EnsureRoot(t.Context(), token)
	must(t, err)
	p, err := h.LogIn(t.Context(), token.Reveal(), from("192.0.2.9"))
	must(t, err)
	if p.ID() != h.root.ID() || p.Kept() {
		t.Errorf("%+v", p)
	}
	same(t, h.logIns(t), []string{times(40), "key_invalid", "key_invalid"})
	h.pass(time.Hour)
	try(1, "192.0.2.1")
	same(t, h.logIns(t)[0], "key_invalid")
	// From ever more addresses they are one sort in the end.
	for i := range 600 {
		try(1, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
	}
	if n := len(h.logIns(t)); n > 110 {
		t.Errorf("%d events of 600 addresses within a minute", n)
	}
}

// Of a known key whoever failed is named, in the organisation of the key.
func TestC8_LogInsWithKnownKeysNameThem(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com","role":"admin"}`)
	tokens := map[string]string{}
	for name, body := range map[string]string{
		"disabled": `{"name":"disabled","permissions":["platform:*"],"is_active":false}`,
		"expired":  `{"name":"expired","permissions":["platform:*"],"expires_at":"2026-03-01T12:00:01Z"}`,
		"orphan":   `{"name":"orphan","permissions":["platform:*"],"user_id":"` + u.ID + `"}`,
	} {
		_, text, err := h.CreateManagementKey(t.Context(), h.root, []byte(body))
		must(t, err)
		tokens[name] = text.Reveal()
	}
	_, err := h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"status":"disabled"}`), 0)
	must(t, err)
	h.pass(time.Second)
	for name, code := range map[string]fault.Kind{"disabled": fault.KeyDisabled, "expired": fault.KeyExpired, "orphan": fault.OwnerInactive} {
		p, err := h.LogIn(t.Context(), tokens[name], from("192.0.2.1"))
		is(t, err, code)
		if p.Can("platform:api-keys:read") || p.ID() != "" {
			t.Errorf("%s: the principal is %+v", name, p)
		}
		e := h.last(t, "management_key.log_in")
		if e.Code != string(code) || e.ActorName != name || !strings.HasPrefix(e.ActorID, "mk_") || e.ResourceID != e.ActorID {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Who is refused is refused whether that can be kept or not; and it is not lost.
func TestC8_LogInsThatCannotBeKept(t *testing.T) {
	var broken bool
	h := newHouse(t, func(s *authority.Store) { s.Audit = &moody{AuditStore: s.Audit, broken: &broken} })
	broken = true
	_, err := h.LogIn(t.Context(), "hunter2", from("192.0.2.1"))
	is(t, err, fault.KeyInvalid)
	broken = false
	h.pass(2 * time.Minute)
	_, err = h.LogIn(t.Context(), "hunter3", from("192.0.2.2"))
	is(t, err, fault.KeyInvalid)
	if list := h.logIns(t); len(list) != 2 {
		t.Errorf("%q", list)
	}
}

// When nothing can be kept, whoever logs in waits for one try, not for one of each
// sort; and nothing of it is lost.
func TestC8_ManyLogInsThatCannotBeKept(t *testing.T) {
	var broken bool
	audit := &moody{broken: &broken}
	h := newHouse(t, func(s *authority.Store) { audit.AuditStore, s.Audit = s.Audit, audit })
	try := func(n int) {
		for i := range n {
			_, err := h.LogIn(t.Context(), "hunter2", from(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String()))
			is(t, err, fault.KeyInvalid)
		}
	}
	try(20)
	try(20) // counted
	h.pass(2 * time.Minute)
	broken, audit.tries = true, 0
	try(1)
	if audit.tries > 2 {
		t.Errorf("one caller waited for %d writes", audit.tries)
	}
	broken = false
	h.pass(2 * time.Minute)
	try(1)
	if n := len(h.logIns(t)); n < 40 {
		t.Errorf("%d events of 20 sorts that were kept twice", n)
	}
}

// moody is an audit that cannot be written at times.
type moody struct {
	authority.AuditStore
	broken *bool
	tries  int
}

func (m *moody) AppendEvent(ctx context.Context, act authority.Act) error {
	m.tries++
	if *m.broken {
		return errDisk
	}
	return m.AuditStore.AppendEvent(ctx, act)
}
