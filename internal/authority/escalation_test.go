package authority_test

import (
	"reflect"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// owned is a house with a plain user, who they are, and how to make them a key.
type owned struct {
	*house
	owner authority.Principal
}

func newOwned(t *testing.T) *owned {
	h := newHouse(t)
	return &owned{h, h.actingFor(t, h.user(t, `{"email":"ada@example.com"}`))}
}

func (o *owned) ownKey(t *testing.T, body string) (authority.Key, string) {
	t.Helper()
	return o.key(t, strings.Replace(body, "{", `{"name":"mine","user_id":"`+o.owner.UserID()+`",`, 1))
}

// tight is a key that is restricted in every respect.
const tight = `{"description":"d","tags":["t"],"expires_at":"2030-01-01T00:00:00Z","auto_delete_on_expiry":true,
	"permissions":{"read":true,"write":false},"scopes":["chat.completions","embeddings.create"],
	"allowed_models":["gpt-4o*","claude-3"],"allowed_endpoints":["/v1/chat/*"],"allowed_ips":["10.0.0.0/8","2001:db8::/32"],
	"allowed_chatbots":["bot_1","bot_2"],"allowed_providers":["openai","google"],"allowed_api_formats":["openai","gemini"],
	"rate_limit_per_minute":10,"rate_limit_per_hour":100,"rate_limit_per_day":1000,"tokens_per_minute":10,"tokens_per_day":100,
	"tokens_per_month":1000,"concurrent_limit":5,"budget_limit_cents":500,"budget_type":"monthly","budget_mode":"hard"}`

// loosenings is, by field, every way to open it.
var loosenings = map[string][]string{
	"expires_at":            {`null`, `"2030-01-01T00:00:00.001Z"`},
	"auto_delete_on_expiry": {`null`, `false`},
	"permissions":           {`{"write":true}`, `{"admin":true}`},
	"scopes":                {`null`, `["chat.completions","models.list"]`},
	"allowed_models":        {`null`, `["*"]`, `["gpt-4*"]`, `["claude-3*"]`, `["gpt-4o","o1"]`, `["*gpt-4o*"]`},
	"allowed_endpoints":     {`null`, `["/v1/*"]`, `["/v1/embeddings"]`, `["*/v1/chat/"]`},
	"allowed_ips":           {`null`, `["10.0.0.0/7"]`, `["0.0.0.0/0"]`, `["11.0.0.1"]`, `["::ffff:9.0.0.0/104"]`, `["2001:db8::/31"]`},
	"allowed_chatbots":      {`null`, `["bot_1","bot_3"]`},
	"allowed_providers":     {`null`, `["openai","anthropic"]`},
	"allowed_api_formats":   {`null`, `["anthropic"]`},
	"rate_limit_per_minute": {`null`, `11`},
	"rate_limit_per_hour":   {`null`, `101`},
	"rate_limit_per_day":    {`null`, `1001`},
	"tokens_per_minute":     {`null`, `11`},
	"tokens_per_day":        {`null`, `101`},
	"tokens_per_month":      {`null`, `1001`},
	"concurrent_limit":      {`null`, `6`},
	"budget_limit_cents":    {`null`, `501`},
	"budget_type":           {`"daily"`, `"weekly"`},
	"budget_mode":           {`"soft"`},
}

// tightenings is, by field, ways to close it further, or to leave it as it is.
var tightenings = map[string][]string{
	"name":                  {`"other"`},
	"description":           {`"other"`, `null`},
	"tags":                  {`["x","y"]`, `[]`},
	"is_active":             {`true`, `false`, `true`},
	"expires_at":            {`"2029-01-01T00:00:00Z"`},
	"auto_delete_on_expiry": {`true`},
	"permissions":           {`{"read":true}`, `{"new":false}`, `{"read":null}`, `null`},
	"scopes":                {`["embeddings.create","chat.completions"]`, `["chat.completions"]`},
	"allowed_models":        {`["gpt-4o*"]`, `["gpt-4o-mini*"]`, `["gpt-4o-mini"]`},
	"allowed_endpoints":     {`["/v1/chat/completions"]`},
	"allowed_ips":           {`["10.1.0.0/16","2001:db8::1"]`, `["::ffff:10.1.2.3"]`},
	"allowed_chatbots":      {`["bot_2"]`},
	"allowed_providers":     {`["google"]`},
	"allowed_api_formats":   {`["gemini"]`},
	"rate_limit_per_minute": {`10`, `9`, `1`},
	"rate_limit_per_hour":   {`99`},
	"rate_limit_per_day":    {`999`},
	"tokens_per_minute":     {`0`},
	"tokens_per_day":        {`99`},
	"tokens_per_month":      {`999`},
	"concurrent_limit":      {`4`, `0`},
	"budget_limit_cents":    {`499`, `0`},
	"budget_type":           {`"total"`},
	"budget_mode":           {`"hard"`},
}

func TestC7_OwnersLoosenNothingByPatch(t *testing.T) {
	o := newOwned(t)
	k, _ := o.ownKey(t, tight)
	for field, values := range loosenings {
		for _, value := range values {
			body := `{"` + field + `":` + value + `}`
			_, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(body), 0)
			is(t, err, fault.EscalationDenied)
			if got := strings.Join(wrong(err), " "); got != field && !(field == "budget_limit_cents" && strings.HasPrefix(got, field)) {
				t.Errorf("%s: %q is named", body, got)
			}
		}
	}
	_, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"is_unlimited":true}`), 0)
	is(t, err, fault.EscalationDenied)
	_, err = o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"concurrent_limit":6,"budget_mode":"soft","name":"n"}`), 0)
	is(t, err, fault.EscalationDenied)
	same(t, wrong(err), []string{"budget_mode", "concurrent_limit"})
	now, err := o.KeyByID(t.Context(), o.root, k.ID)
	must(t, err)
	same(t, now, k)
	for field, values := range loosenings { // and whoever manages keys may
		k, _ := o.ownKey(t, tight)
		for _, value := range values {
			o.patch(t, k.ID, `{"`+field+`":`+value+`}`)
		}
	}
}

func TestC7_OwnersMayTighten(t *testing.T) {
	o := newOwned(t)
	for field, values := range tightenings {
		k, _ := o.ownKey(t, tight)
		for _, value := range values {
			if _, err := o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"`+field+`":`+value+`}`), 0); err != nil {
				t.Errorf("%s: %s is %v", field, value, err)
			}
		}
	}
	open, _ := o.ownKey(t, `{"rate_limit_per_minute":null,"rate_limit_per_hour":null,"rate_limit_per_day":null}`)
	_, err := o.UpdateKey(t.Context(), o.owner, open.ID, []byte(tight), 0)
	if is(t, err, fault.EscalationDenied); strings.Join(wrong(err), " ") != "permissions" { // the one list that opens by being filled
		t.Errorf("%v", err)
	}
	_, err = o.UpdateKey(t.Context(), o.owner, open.ID, []byte(strings.Replace(tight, `"read":true`, `"read":false`, 1)), 0)
	must(t, err)
}

// Every field that a body may carry has a way to be loosened and one to be
// tightened in the tables above: a new field must say which.
func TestC7_NoFieldIsForgotten(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[api.KeyInput]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch name {
		case "", "kind", "user_id", "preset", "initial_balance_usd", "is_unlimited": // for new keys only, or seen in others
			continue
		case "name", "description", "tags", "is_active":
		default:
			if loosenings[name] == nil {
				t.Errorf("nobody tries to loosen %s", name)
			}
		}
		if tightenings[name] == nil {
			t.Errorf("nobody tries to tighten %s", name)
		}
	}
}

func TestC7_OwnersLoosenNothingByPut(t *testing.T) {
	o := newOwned(t)
	k, _ := o.ownKey(t, tight)
	kept, err := o.ReplaceKey(t.Context(), o.owner, k.ID, []byte(`{"name":"mine"}`), 0) // what is left out stays as it is
	must(t, err)
	k.Name, k.Version, k.UpdatedAt = kept.Name, kept.Version, kept.UpdatedAt
	same(t, kept, k)
	for field, values := range loosenings {
		for _, value := range values {
			body := strings.Replace(tight, "{", `{"name":"mine","`+field+`":`+value+`,`, 1)
			body = dropSecond(body, field)
			_, err := o.ReplaceKey(t.Context(), o.owner, k.ID, []byte(body), 0)
			if kind := fault.Of(err).Kind; kind != fault.EscalationDenied && kind != fault.ValidationFailed {
				t.Errorf("PUT %s %s: %v", field, value, err)
			}
		}
	}
	_, err = o.ReplaceKey(t.Context(), o.owner, k.ID, []byte(strings.Replace(tight, "{", `{"name":"renamed",`, 1)), 0)
	must(t, err)
}

// dropSecond takes the second member called name out of a flat body.
func dropSecond(body, name string) string {
	first := strings.Index(body, `"`+name+`":`)
	second := strings.Index(body[first+1:], `"`+name+`":`)
	if second < 0 {
		return body
	}
	second += first + 1
	end, depth := second, 0
	for ; end < len(body); end++ {
		switch c := body[end]; {
		case c == '[' || c == '{':
			depth++
		case (c == ']' || c == '}') && depth > 0:
			depth--
		case (c == ',' || c == '}') && depth == 0:
			if c == ',' {
				return body[:second] + body[end+1:]
			}
			return strings.TrimRight(body[:second], ", \n\t") + body[end:]
		}
	}
	return body
}

func TestC7_OwnersLoosenNothingByOtherDoors(t *testing.T) {
	o := newOwned(t)
	k, _ := o.ownKey(t, tight)
	_, err := o.ExtendKey(t.Context(), o.owner, k.ID, []byte(`{"days":1}`), 0)
	is(t, err, fault.EscalationDenied)
	same(t, wrong(err), []string{"expires_at"})
	_, err = o.UpdateKey(t.Context(), o.owner, k.ID, []byte(`{"preset":"default"}`), 0)
	is(t, err, fault.ValidationFailed)
	_, err = o.ReplaceKey(t.Context(), o.owner, k.ID, []byte(`{"preset":"standalone","name":"x"}`), 0)
	is(t, err, fault.ValidationFailed)
	for _, body := range []string{
		`{"user_id":null}`, `{"kind":"service"}`, `{"status":"active"}`, `{"disabled_by":null}`, `{"balance":"1"}`,
		`{"initial_balance_usd":"9"}`, `{"initial_balance_usd":null}`,
	} {
		_, err = o.UpdateKey(t.Context(), o.owner, k.ID, []byte(body), 0)
		is(t, err, fault.ValidationFailed)
	}
	after, _, err := o.RegenerateKey(t.Context(), o.owner, k.ID, []byte(`{"overlap_seconds":60}`), 0)
	must(t, err)
	after.Prefix, after.Secrets, after.Version = k.Prefix, k.Secrets, k.Version
	same(t, after, k) // a new secret, and nothing else
	is(t, o.PurgeKey(t.Context(), o.owner, k.ID), fault.PermissionDenied)
}

func TestC7_WhatAnAdminDisabledOnlyAnAdminEnables(t *testing.T) {
	o := newOwned(t)
	doors := map[string]func(id string) error{
		"activate": func(id string) error { _, err := o.ActivateKey(t.Context(), o.owner, id, 0); return err },
		"patch": func(id string) error {
			_, err := o.UpdateKey(t.Context(), o.owner, id, []byte(`{"is_active":true}`), 0)
			return err
		},
		"put": func(id string) error {
			_, err := o.ReplaceKey(t.Context(), o.owner, id, []byte(`{"name":"x","is_active":true}`), 0)
			return err
		},
	}
	for name, enable := range doors {
		k, _ := o.ownKey(t, `{"description":""}`)
		k, err := o.DeactivateKey(t.Context(), o.owner, k.ID, 0)
		must(t, err)
		same(t, k.DisabledBy, o.owner.UserID())
		must(t, enable(k.ID)) // their own doing is theirs to undo

		// In whatever order the two disable it, the administrator's word stands.
		for _, order := range [][]authority.Principal{{o.root}, {o.owner, o.root}, {o.root, o.owner}} {
			for _, p := range order {
				_, err := o.DeactivateKey(t.Context(), p, k.ID, 0)
				must(t, err)
			}
			is(t, enable(k.ID), fault.EscalationDenied)
			_, _, err := o.RegenerateKey(t.Context(), o.owner, k.ID, nil, 0)
			must(t, err)
			is(t, enable(k.ID), fault.EscalationDenied)
			k, err = o.ActivateKey(t.Context(), o.root, k.ID, 0)
			if must(t, err); k.DisabledBy != "" || !k.IsActive() {
				t.Errorf("%s: enabled, the key is %+v", name, k)
			}
		}
	}
}
