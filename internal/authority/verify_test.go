package authority_test

import (
	"database/sql"
	"fmt"
	"testing"

	"tollgate/internal/authority"
)

// behind is the database of h behind the program's back.
func (h *house) behind(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", h.path)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestC8_VerifyFindsEveryTampering(t *testing.T) {
	const row = `(SELECT max(sequence) / 2 FROM audit_events)`
	for name, tampering := range map[string][]string{
		"an action changed":   {`UPDATE audit_events SET action = 'api_key.get' WHERE sequence = ` + row},
		"an actor changed":    {`UPDATE audit_events SET actor_id = 'mk_x' WHERE sequence = ` + row},
		"an actor's name":     {`UPDATE audit_events SET actor_name = 'x' WHERE sequence = ` + row},
		"an actor's user":     {`UPDATE audit_events SET actor_user_id = 'x' WHERE sequence = ` + row},
		"an address changed":  {`UPDATE audit_events SET ip = '192.0.2.1' WHERE sequence = ` + row},
		"a user agent":        {`UPDATE audit_events SET user_agent = 'x' WHERE sequence = ` + row},
		"a request id":        {`UPDATE audit_events SET request_id = 'x' WHERE sequence = ` + row},
		"an instant changed":  {`UPDATE audit_events SET at = at + 1 WHERE sequence = ` + row},
		"a resource's type":   {`UPDATE audit_events SET resource_type = 'x' WHERE sequence = ` + row},
		"a resource changed":  {`UPDATE audit_events SET resource_id = 'key_x' WHERE sequence = ` + row},
		"a resource's name":   {`UPDATE audit_events SET resource_name = 'x' WHERE sequence = ` + row},
		"an outcome changed":  {`UPDATE audit_events SET outcome = 'refused' WHERE sequence = ` + row},
		"a code changed":      {`UPDATE audit_events SET code = 'x' WHERE sequence = ` + row},
		"changes changed":     {`UPDATE audit_events SET changes = replace(changes, '"', ' "') WHERE sequence = ` + row},
		"a hash changed":      {`UPDATE audit_events SET hash = zeroblob(32) WHERE sequence = ` + row},
		"a hash shortened":    {`UPDATE audit_events SET hash = x'00' WHERE sequence = ` + row},
		"the one before":      {`UPDATE audit_events SET prev_hash = zeroblob(32) WHERE sequence = ` + row},
		"one missing":         {`DELETE FROM audit_events WHERE sequence = ` + row},
		"the first missing":   {`DELETE FROM audit_events WHERE sequence = 1`},
		"the last missing":    {`DELETE FROM audit_events WHERE sequence = (SELECT max(sequence) FROM audit_events)`},
		"the half missing":    {`DELETE FROM audit_events WHERE sequence > ` + row},
		"all missing":         {`DELETE FROM audit_events`},
		"all and the end":     {`DELETE FROM audit_events WHERE sequence > 3`, `DELETE FROM audit_heads`},
		"one missing, closed": {`DELETE FROM audit_events WHERE sequence = 4`, `UPDATE audit_events SET sequence = sequence - 1 WHERE sequence > 4`},
		"two exchanged": {
			`UPDATE audit_events SET sequence = -1 WHERE sequence = 3`, `UPDATE audit_events SET sequence = 3 WHERE sequence = 4`,
			`UPDATE audit_events SET sequence = 4 WHERE sequence = -1`,
		},
		"one put in": {`INSERT INTO audit_events SELECT organization_id, sequence + 1, at, actor_id, actor_name, actor_user_id, ip, user_agent,
			request_id, action, resource_type, resource_id, resource_name, outcome, code, changes, hash, hash FROM audit_events ORDER BY sequence DESC LIMIT 1`},
		"another organisation's": {`UPDATE audit_events SET organization_id = 'org_x' WHERE sequence = ` + row},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for i := range 6 {
				h.key(t, fmt.Sprintf(`{"name":"%d"}`, i))
			}
			v, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
			must(t, err)
			if len(v.Broken) != 0 || v.Events != 7 || v.Head == (authority.EventHash{}) {
				t.Fatalf("whole, the audit is %+v", v)
			}
			db := h.behind(t)
			for _, statement := range tampering {
				_, err := db.ExecContext(t.Context(), statement)
				must(t, err)
			}
			v, err = h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
			if must(t, err); len(v.Broken) == 0 {
				t.Errorf("it was not found: %+v", v)
			}
		})
	}
}

func TestC8_VerifyTellsHowFarItIs(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		h.key(t, `{"name":"a"}`)
	}
	var done, total int64
	v, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, func(d, n int64) { done, total = d, n })
	must(t, err)
	if done != v.Events || total != v.Events {
		t.Errorf("%d of %d, want %d", done, total, v.Events)
	}
	h.behind(t)
	_, err = h.behind(t).ExecContext(t.Context(), `DELETE FROM audit_events WHERE sequence IN (3, 4)`)
	must(t, err)
	v, err = h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
	must(t, err)
	same(t, v.Broken, []authority.Break{{Sequence: 3, Problem: "the events 3 to 4 are missing"}})
}

// An audit that was shortened, or written anew, and whose stored end fits, is whole
// by itself. A head that was kept elsewhere tells.
func TestC8_AKeptHeadTellsOfAShortenedAudit(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		h.key(t, `{"name":"a"}`)
	}
	verify := func(known authority.AuditHead) authority.Verdict {
		v, err := h.VerifyAudit(t.Context(), h.root, known, nil)
		must(t, err)
		return v
	}
	v := verify(authority.AuditHead{})
	kept := authority.AuditHead{Sequence: v.Events, Hash: v.Head}
	h.key(t, `{"name":"later"}`)
	same(t, verify(kept).Broken, nil)
	other := kept
	other.Hash[7]++
	same(t, verify(other).Broken, []authority.Break{{Sequence: kept.Sequence, Problem: "is not the event whose hash was kept elsewhere: it, or one before it, was written anew"}})

	db := h.behind(t)
	for _, statement := range []string{
		`DELETE FROM audit_events WHERE sequence > 4`,
		`UPDATE audit_heads SET sequence = 4, hash = (SELECT hash FROM audit_events WHERE sequence = 4)`,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	same(t, verify(authority.AuditHead{}).Broken, nil) // nothing to be seen
	same(t, verify(kept).Broken, []authority.Break{{Sequence: 6, Problem: "the events 6 to 6 are missing: the hash of the last one was kept elsewhere"}})
	// Nor does it help to write on until there are as many events again.
	for range 5 {
		h.key(t, `{"name":"b"}`)
	}
	if broken := verify(kept).Broken; len(broken) != 1 || broken[0].Sequence != kept.Sequence {
		t.Errorf("%+v", broken)
	}
}
