package authority_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
)

func TestB2_OnlyTruePermissionsCount(t *testing.T) {
	o := newOwned(t)
	k, _ := o.ownKey(t, `{"permissions":{"read":true,"write":false}}`)
	same(t, k.Permissions, map[string]bool{"read": true, "write": false})
	// What is false is as good as absent: taking it away, or saying it, opens nothing.
	for _, body := range []string{`{"permissions":{"write":null}}`, `{"permissions":{"admin":false}}`} {
		_, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(body), 0)
		must(t, err)
	}
	_, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"permissions":{"admin":true}}`), 0)
	is(t, err, fault.EscalationDenied)
}

func TestB10_TheOwnersStateCountsAndTheHashStays(t *testing.T) {
	o := newOwned(t)
	k, text := o.ownKey(t, `{"description":""}`)
	same(t, o.verdict(t, text), fault.Kind(""))
	_, err := o.UpdateUser(t.Context(), o.root, o.owner.UserID(), []byte(`{"is_active":false}`), 0)
	must(t, err)
	same(t, o.verdict(t, text), fault.OwnerInactive)
	_, err = o.DeactivateKey(t.Context(), o.root, k.ID, 0) // an administrator still can
	must(t, err)
	must(t, o.DeleteKey(t.Context(), o.root, k.ID, 0))
	shown, err := json.Marshal(k)
	must(t, err)
	if strings.Contains(strings.ToLower(string(shown)), "hash") || strings.Contains(string(shown), text) {
		t.Errorf("a key shows %s", shown)
	}
}

func TestE1_Standalone(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"preset":"standalone"}`)
	same(t, []any{k.Name, k.Kind, *k.RateLimitPerMinute, *k.ConcurrentLimit, k.UserID},
		[]any{"API Key 20260301120000", authority.KindStandalone, int64(100), int64(5), ""})
	k, _ = h.key(t, `{"preset":"standalone","name":"x","rate_limit_per_minute":null,"concurrent_limit":null}`)
	same(t, k.Limits, authority.Limits{}) // an explicit null is unlimited
}

func TestE3_StandaloneKeysBelongToNobody(t *testing.T) {
	h := newHouse(t)
	admin := h.user(t, `{"email":"admin@example.com","role":"admin"}`)
	_, err := h.UpdateOrganization(t.Context(), h.root, []byte(`{"max_keys_per_user":0}`), 0)
	must(t, err)
	k, text, err := h.CreateKey(t.Context(), h.actingFor(t, admin), []byte(`{"preset":"standalone"}`))
	must(t, err) // the quota of users is not theirs
	same(t, k.UserID, "")
	_, err = h.UpdateUser(t.Context(), h.root, admin.ID, []byte(`{"is_active":false}`), 0)
	must(t, err)
	same(t, h.verdict(t, text.Reveal()), fault.Kind("")) // whatever becomes of who made it
	_, total, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{UserID: admin.ID})
	must(t, err)
	same(t, total, 0)
}

func TestE4_Lists(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	var newest []string
	for i, body := range []string{
		`{"name":"a","user_id":"` + u.ID + `"}`, `{"preset":"standalone"}`,
		`{"name":"b","user_id":"` + u.ID + `","is_active":false}`, `{"preset":"standalone","is_active":false}`,
	} {
		k, _ := h.key(t, body)
		newest = append([]string{k.ID}, newest...)
		h.pass(time.Duration(i) * time.Second)
	}
	for name, test := range map[string]struct {
		filter authority.KeyFilter
		want   []string
	}{
		"all":               {authority.KeyFilter{}, newest},
		"of the user":       {authority.KeyFilter{UserID: u.ID}, []string{newest[1], newest[3]}},
		"standalone":        {authority.KeyFilter{Kind: authority.KindStandalone}, []string{newest[0], newest[2]}},
		"active standalone": {authority.KeyFilter{Kind: authority.KindStandalone, IsActive: new(true)}, []string{newest[2]}},
		"after the second":  {authority.KeyFilter{After: newest[1]}, newest[2:]},
	} {
		list, _, err := h.ListKeys(t.Context(), h.root, test.filter)
		must(t, err)
		var got []string
		for _, k := range list {
			got = append(got, k.ID)
		}
		t.Run(name, func(t *testing.T) { same(t, got, test.want) })
	}
}

func TestE6_AnInitialBalanceIsALimit(t *testing.T) {
	o := newOwned(t)
	k, text, err := o.CreateKey(t.Context(), o.root, []byte(`{"preset":"standalone","rate_limit_per_minute":null,"concurrent_limit":null,"initial_balance_usd":"12.5"}`))
	must(t, err)
	chain := o.grant(t, text.Reveal()).Chain()
	same(t, chain[1].Limits, []limit.Limit{{Meter: limit.Cost, Window: limit.Total, Mode: limit.Hard, Balance: true, Max: 12_500_000_000}})
	stored, err := o.KeyByID(t.Context(), o.root, k.ID)
	must(t, err)
	same(t, stored, k)
	o.patch(t, k.ID, `{"name":"renamed"}`) // and a change of the key does not touch it
	same(t, o.grant(t, text.Reveal()).Chain()[1].Limits, chain[1].Limits)
	if e := o.last(t, "api_key.create"); !strings.Contains(e.Changes, `{"field":"initial_balance_usd","from":null,"to":"12.50"}`) {
		t.Errorf("the event says %s", e.Changes)
	}
	for _, bad := range []string{`12.5`, `"-1"`, `"NaN"`, `"Inf"`, `"1e3"`, `"1000000000.000000001"`, `"0.0000000001"`, `""`, `true`} {
		_, _, err := o.CreateKey(t.Context(), o.root, []byte(`{"name":"a","initial_balance_usd":`+bad+`}`))
		same(t, wrong(err), []string{"initial_balance_usd"})
	}
	for _, fine := range []string{`"0"`, `"1000000000"`, `null`} {
		o.key(t, `{"name":"a","initial_balance_usd":`+fine+`}`)
	}
	mine, _ := o.ownKey(t, `{"initial_balance_usd":"1"}`)
	for _, p := range []authority.Principal{o.root, o.owner} { // later, money comes through the ledger only
		_, err := o.UpdateKey(t.Context(), p, mine.ID, []byte(`{"initial_balance_usd":"100"}`), 0)
		is(t, err, fault.ValidationFailed)
	}
}

// E12: a key may be limited to some of the API formats.
func TestE12_Formats(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a","allowed_api_formats":["anthropic","gemini"]}`)
	for format, want := range map[llm.Format]fault.Kind{llm.OpenAI: fault.FormatDenied, llm.Anthropic: "", llm.Gemini: ""} {
		ask := policy.Ask{Now: noon, Scope: llm.ScopeChat, Endpoint: "/v1/messages", Format: format}
		got := fault.Kind("")
		if refusal := h.grant(t, text).Rules().AdmitRoute(&ask); refusal != nil {
			got = refusal.Kind
		}
		if got != want {
			t.Errorf("%s is told %q, want %q", format, got, want)
		}
	}
}

// A balance that was opened counts, also when the key cannot be read right after:
// then the key does not work until it can.
func TestE6_ABalanceCountsOrTheKeyDoesNotWork(t *testing.T) {
	h, s := tapped(t)
	k, text := h.key(t, `{"name":"a"}`)
	_, other := h.key(t, `{"name":"b"}`)
	h.grant(t, text)
	h.grant(t, other)
	s.byID = func() error { return errDisk }
	s.byHash = func(context.Context, func() (authority.KeyRow, error)) (authority.KeyRow, error) {
		return authority.KeyRow{}, errDisk
	}
	is(t, h.RefreshKey(t.Context(), h.root, k.ID), fault.StoreUnavailable)
	_, err := h.Authenticate(t.Context(), text)
	is(t, err, fault.StoreUnavailable)
	h.grant(t, other) // as before
	s.byID, s.byHash = nil, nil
	h.grant(t, text)
}
