package authority_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// Whatever callers write, and wherever, no secret gets into the audit.
func TestC8_WhatCallersWriteIsVeiled(t *testing.T) {
	h := newHouse(t)
	for _, secret := range []string{
		key.New("tg_").Reveal(), key.New("tgm_").Reveal(), key.New("acme_").Reveal(), key.New("").Reveal(),
		"tgm_a_root_key_of_ones_own", "sk-provider-credential", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
	} {
		p := h.root.With(authority.Origin{UserAgent: "curl/8 (" + secret + ")", RequestID: secret, IdempotencyKey: secret})
		_, err := h.KeyByID(t.Context(), p, secret)
		is(t, err, fault.NotFound)
		_, err = h.UpdateKey(t.Context(), p, secret, []byte(`{}`), 0)
		is(t, err, fault.NotFound)
		_, err = h.UpdateUser(t.Context(), p, "user_"+secret, []byte(`{}`), 0)
		is(t, err, fault.NotFound)
		k, _, err := h.CreateKey(t.Context(), p, []byte(`{"name":"for `+secret+`","description":"a\n`+secret+`","tags":["x","`+secret[:min(len(secret), 50)]+`"],"permissions":{"`+secret+`":true}}`))
		must(t, err)
		_, err = h.RevokeKey(t.Context(), p.With(authority.Origin{}), k.ID, []byte(`{"reason":"`+secret+` was published"}`), 0)
		must(t, err)
		k, err = h.KeyByID(t.Context(), h.root, k.ID)
		must(t, err)
		same(t, k.RevokeReason, "[redacted] was published") // nor into the row
		must(t, h.Audit(t.Context(), p, authority.Deed{Action: "test", ResourceID: secret, ResourceName: secret, Changes: []authority.Change{
			{Field: "reason", From: []byte("null"), To: []byte(`{"a":[1,"` + secret + `"]}`)},
			{Field: "long", From: []byte("null"), To: []byte(`"` + strings.Repeat("x ", 1<<13) + `"`)},
		}}))
		events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Size: 1000})
		must(t, err)
		text := fmt.Sprint(events)
		if strings.Contains(text, secret) {
			t.Errorf("%.4s… is in the audit", secret)
		}
		for _, want := range []string{"[redacted] was published", `{"a":[1,"[redacted]"]}`, "curl/8 ([redacted])", `"[too long]"`, k.ID} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in the audit", want)
			}
		}
	}
}

// What only resembles a secret is kept, or the audit would say little.
func TestC8_WordsAreNotVeiled(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{
		"risk-management-team", "sk-learn", "tg_tests", "0195b6a0-5e3c-7d10-9c3e-0123456789ab", "task_force_production_eu_1",
		"a-very-long-name-of-many-words-like-service-accounts-have-them", "d41d8cd98f00b204e9800998ecf8427e", "Ünïcödé – 日本語",
	} {
		h.key(t, `{"name":"`+name+`"}`)
		events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Action: "api_key.create", Size: 1})
		must(t, err)
		same(t, events[0].ResourceName, name)
	}
}
