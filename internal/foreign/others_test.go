package foreign_test

import (
	"strings"
	"testing"

	"tollgate/internal/foreign"
)

const bcryptHash = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

func TestEnclava(t *testing.T) {
	base := `{"id":3,"name":"app","key_hash":"` + bcryptHash + `","key_prefix":"en_abcde","scopes":["chat.completions","budget.read"],` +
		`"rate_limit_per_minute":60,"rate_limit_per_hour":3600,"rate_limit_per_day":86400,"is_active":true,`
	rates := `"rate_limit_per_minute":60,"rate_limit_per_hour":3600,"rate_limit_per_day":86400`
	head := `{"name":"app","scopes":["chat.completions"],`
	rec := one(t, "enclava", base+`"is_unlimited":true}`, foreign.Options{})
	same(t, "secret", body(t, rec.Row.Secret), `{"scheme":"bcrypt","digest":"`+bcryptHash+`","prefix":"en_abcde"}`)
	check(t, "enclava", map[string]row{
		"a plain row": {row: base + `"is_unlimited":true,"total_cost":0}`, key: head + rates + `}`, notes: []string{"scopes"}},
		"everything": {
			row: base + `"description":"d","tags":["t"],"user_id":4,"user_email":"Ada@example.com","permissions":{"read":true,"write":false},"allowed_models":["m"],
				"allowed_endpoints":["/api/v1/llm/chat/completions","/other"],"allowed_ips":["10.0.0.1"],"allowed_chatbots":["b"],"is_unlimited":false,"budget_limit_cents":500,"budget_type":"total",
				"total_cost":123,"total_tokens":77,"total_requests":9,"created_at":"2025-06-01T00:00:00","expires_at":"2027-01-01T00:00:00","last_used_at":"2026-01-01"}`,
			key: `{"name":"app","description":"d","tags":["t"],"expires_at":"2027-01-01T00:00:00Z","scopes":["chat.completions"],"permissions":{"read":true,"write":false},"allowed_models":["m"],` +
				`"allowed_endpoints":["/v1/chat/completions","/other"],"allowed_ips":["10.0.0.1"],"allowed_chatbots":["b"],` + rates + `,"budget_limit_cents":500,"budget_type":"total"}`,
			more:  `{"owner":{"email":"ada@example.com"},"spent":{"cost_usd":"1.23","tokens":77,"at":"2025-06-01T00:00:00Z"}}`,
			notes: []string{"allowed_chatbots", "allowed_endpoints", "scopes", "total_requests"},
		},
		"for a chatbot": {
			row:  strings.Replace(base, `["chat.completions","budget.read"]`, `["chatbot.chat"]`, 1) + `"allowed_chatbots":["7f"]}`,
			opts: foreign.Options{Chatbots: map[string]string{"7f": "bot_1"}},
			key:  `{"name":"app","kind":"chatbot","scopes":["chatbot.chat"],"allowed_chatbots":["bot_1"],` + rates + `}`,
		},
		"a month": {
			row: base + `"budget_limit":500,"budget_type":"monthly","is_unlimited":false,"total_cost_cents":7,"created_at":"2025-06-01T00:00:00"}`,
			key: head + rates + `,"budget_limit_cents":500,"budget_type":"monthly"}`, more: `{"owner":null,"spent":{"cost_usd":"0.07"}}`, notes: []string{"scopes", "total_cost"},
		},
		"a contradiction":     {row: base + `"budget_limit_cents":500,"is_unlimited":true}`, key: head + rates + `,"budget_limit_cents":500,"budget_type":"total"}`, notes: []string{"is_unlimited", "scopes"}},
		"a budget without":    {row: base + `"is_unlimited":false}`, key: `{"name":"app","is_active":false,` + head[len(`{"name":"app",`):] + rates + `}`, notes: []string{"budget_limit_cents", "scopes"}},
		"another period":      {row: base + `"is_unlimited":false,"budget_limit_cents":1,"budget_type":"yearly"}`, key: head + rates + `,"budget_limit_cents":1,"budget_type":"total"}`, notes: []string{"budget_type", "scopes"}},
		"permissions as list": {row: base + `"permissions":["read"]}`, key: `{"name":"app","scopes":["chat.completions"],"permissions":{"read":true},` + rates + `}`, notes: []string{"scopes"}},
		"inactive":            {row: strings.Replace(base, `"is_active":true`, `"is_active":false`, 1) + `"x":0}`, key: `{"name":"app","is_active":false,"scopes":["chat.completions"],` + rates + `}`, notes: []string{"scopes"}},
		"no scopes":           {row: strings.Replace(base, `["chat.completions","budget.read"]`, `[]`, 1) + `"x":0}`, key: `{"name":"app","is_active":false,` + rates + `}`, notes: []string{"scopes"}},
		"scopes left out":     {row: strings.Replace(base, `"scopes"`, `"scope"`, 1) + `"x":0}`, problem: []string{"scope", "scopes"}},
		"another hash":        {row: strings.Replace(base, bcryptHash, hash, 1) + `"x":0}`, problem: []string{"key_hash"}},
		"no prefix":           {row: strings.Replace(base, "en_abcde", "en_", 1) + `"x":0}`, problem: []string{"key_prefix"}},
	})
}

func TestAether(t *testing.T) {
	base := `{"id":"a-1","name":"gift","key_hash":"` + hash + `","key_encrypted":"zzz","is_standalone":true,"user_id":"admin","rate_limit":60,"concurrent_limit":5,`
	head := `{"name":"gift","kind":"standalone",`
	rates := `"rate_limit_per_minute":60,"rate_limit_per_hour":null,"rate_limit_per_day":null,"concurrent_limit":5`
	check(t, "aether", map[string]row{
		"a standalone key": {
			row:  base + `"current_balance_usd":7.5,"balance_used_usd":2.5,"total_cost_usd":2.5,"total_requests":3,"created_at":"2025-05-05T00:00:00+00:00","auto_delete_on_expiry":true}`,
			key:  `{"name":"gift","kind":"standalone","auto_delete_on_expiry":true,` + rates + `,"initial_balance_usd":"7.50"}`,
			more: `{"owner":null,"spent":{"cost_usd":"2.50","at":"2025-05-05T00:00:00Z"}}`, notes: []string{"total_requests"},
		},
		"without a balance":   {row: base + `"current_balance_usd":null}`, key: head + rates + `}`},
		"a balance elsewhere": {row: base + `"x":0}`, problem: []string{"wallet"}},
		"a wallet":            {row: base + `"wallet":{"balance":"3","limit_mode":"finite","currency":"USD","status":"active"}}`, key: head + rates + `,"initial_balance_usd":"3.00"}`},
		"an endless wallet":   {row: base + `"wallet":{"balance":"3","limit_mode":"unlimited"}}`, key: head + rates + `}`},
		"another currency":    {row: base + `"wallet":{"balance":"3","currency":"EUR"}}`, problem: []string{"wallet.currency"}},
		"a locked wallet":     {row: base + `"wallet":{"balance":"3","status":"locked"}}`, key: `{"name":"gift","kind":"standalone","is_active":false,` + rates + `,"initial_balance_usd":"3.00"}`, notes: []string{"wallet.status"}},
		"lists": {
			row: base + `"current_balance_usd":1,"allowed_models":["m"],"allowed_providers":["OpenAI","claude"],"allowed_api_formats":["openai:chat","OPENAI_CLI","claude:chat","GEMINI"]}`,
			key: `{"name":"gift","kind":"standalone","allowed_models":["m"],"allowed_providers":["openai","anthropic"],"allowed_api_formats":["openai","anthropic","gemini"],` + rates + `,"initial_balance_usd":"1.00"}`,
		},
		"lists of nothing":    {row: base + `"current_balance_usd":1,"allowed_models":[]}`, key: `{"name":"gift","kind":"standalone","is_active":false,` + rates + `,"initial_balance_usd":"1.00"}`, notes: []string{"allowed_models"}},
		"an unknown format":   {row: base + `"current_balance_usd":1,"allowed_api_formats":["morse"]}`, problem: []string{"allowed_api_formats"}},
		"an unknown provider": {row: base + `"current_balance_usd":1,"allowed_providers":["7f2c"]}`, notes: []string{"allowed_providers"}},
		"no rate":             {row: strings.Replace(base, `"rate_limit":60`, `"rate_limit":null`, 1) + `"current_balance_usd":1}`, key: head + strings.Replace(rates, "60", "100", 1) + `,"initial_balance_usd":"1.00"}`, notes: []string{"rate_limit"}},
		"locked":              {row: base + `"current_balance_usd":1,"is_locked":true}`, key: `{"name":"gift","kind":"standalone","is_active":false,` + rates + `,"initial_balance_usd":"1.00"}`},
		"rules on addresses":  {row: base + `"current_balance_usd":1,"ip_rules":{"allow":["10.0.0.1"]}}`, problem: []string{"ip_rules"}},
		"a user's key":        {row: strings.Replace(base, "true", "false", 1) + `"x":0}`, problem: []string{"owner_quota", "user_id"}},
	})
	export := `{"version":"1.5","exported_at":"2026-01-01","users":[
		{"email":"ada@example.com","username":"ada","is_active":true,"quota_usd":null,"api_keys":[{"key":"sk-planted-secret-1","name":"one","rate_limit":1,"concurrent_limit":3,"is_active":true}]},
		{"email":"bob@example.com","username":"bob","is_active":false,"quota_usd":5,"api_keys":[{"key_hash":"` + hash + `","name":"two","rate_limit":1}]},
		{"email":"eve@example.com","username":"eve","api_keys":[]}],
		"standalone_keys":[{"api_key_id":"s","key":"sk-planted-secret-2","name":"three","rate_limit":1,"wallet":{"balance":1,"currency":"USD","limit_mode":"finite"}}]}`
	records := read(t, "aether", export, foreign.Options{})
	if len(records) != 3 {
		t.Fatalf("%d keys in the export, want 3", len(records))
	}
	if o := records[0].Row.Owner; len(records[0].Problem) > 0 || o == nil || o.Email != "ada@example.com" || o.Name != "ada" {
		t.Errorf("the first: %+v", records[0])
	}
	same(t, "the second", fields(records[1].Problem), []string{"owner_quota"})
	if kind, _ := records[2].Row.Key.Kind.Get(); len(records[2].Problem) > 0 || kind != "standalone" || records[2].Row.Owner != nil || records[2].Row.SourceID != "s" {
		t.Errorf("the third: %+v", records[2])
	}
	if strings.Contains(body(t, records), "planted") {
		t.Error("a key is in the records")
	}
}

func TestSmarter(t *testing.T) {
	digest := strings.Repeat("ab", 64)
	base := `{"digest":"` + digest + `","tokenKey":"0123456789abcde","user":{"id":4,"email":"ada@example.com","username":"ada"},"created":"2025-01-01T00:00:00Z","expiry":null,"keyId":"6a1f","name":"bot","description":"d","isActive":true,`
	rec := one(t, "smarter", base+`"chatbots":["a"]}`, foreign.Options{})
	same(t, "secret", body(t, rec.Row.Secret), `{"scheme":"knox","digest":"`+digest+`","prefix":"01234567"}`)
	if rec.Row.SourceID != "6a1f" {
		t.Errorf("the id is %q", rec.Row.SourceID)
	}
	check(t, "smarter", map[string]row{
		"linked": {
			row: base + `"chatbots":"one, two"}`, notes: []string{"chatbots"}, more: `{"owner":{"email":"ada@example.com","name":"ada"},"spent":null}`,
			key: `{"name":"bot","description":"d","kind":"chatbot","scopes":["chatbot.chat"],"allowed_chatbots":["one","two"],` + unlimited + `}`,
		},
		"linked to one of here": {
			row: base + `"chatbots":["one","two","uno"]}`, opts: foreign.Options{Chatbots: map[string]string{"one": "bot_1", "uno": "bot_1", "two": "bot_2"}},
			key: `{"name":"bot","description":"d","kind":"chatbot","scopes":["chatbot.chat"],"allowed_chatbots":["bot_1","bot_2"],` + unlimited + `}`,
		},
		"not linked":           {row: base + `"x":0}`, problem: []string{"chatbots"}},
		"not linked, given up": {row: base + `"x":0}`, opts: foreign.Options{Drop: []string{"chatbots"}}, key: `{"name":"bot","description":"d","scopes":["chatbot.chat"],` + unlimited + `}`, notes: []string{"chatbots"}},
		"inactive":             {row: strings.Replace(base, "true", "false", 1) + `"llmclients":["a"]}`, key: `{"name":"bot","description":"d","kind":"chatbot","is_active":false,"scopes":["chatbot.chat"],"allowed_chatbots":["a"],` + unlimited + `}`, notes: []string{"chatbots"}},
		"expired":              {row: strings.Replace(base, `"expiry":null`, `"expiry":"2026-01-01T00:00:00Z"`, 1) + `"x":0}`, skip: true, problem: []string{"chatbots"}},
		"another digest":       {row: strings.Replace(base, digest, hash, 1) + `"chatbots":["a"]}`, problem: []string{"digest"}},
	})
}

func TestOwners(t *testing.T) {
	owners, err := foreign.ReadOwners(strings.NewReader("user_id,user_email,user_alias,blocked\n7,Ada@example.com,Ada,f\n8,bob@example.com,,t\n9,,,\n"))
	if err != nil || owners.Len() != 2 {
		t.Fatal(owners.Len(), err)
	}
	with := foreign.Options{Owners: owners}
	base := `{"token":"` + hash + `","key_alias":"a","user_id":`
	check(t, "litellm", map[string]row{
		"known":    {row: base + `"7"}`, opts: with, more: `{"owner":{"email":"ada@example.com","name":"Ada"},"spent":null}`},
		"blocked":  {row: base + `8}`, opts: with, key: `{"name":"a","is_active":false,` + unlimited + `,` + noMore + `}`, notes: []string{"user_id"}},
		"no email": {row: base + `"9"}`, opts: with, problem: []string{"user_id"}},
		"unknown":  {row: base + `"10"}`, opts: with, problem: []string{"user_id"}},
		"nobody":   {row: base + `null}`, opts: with, more: `{"owner":null,"spent":null}`},
	})
	for name, file := range map[string]string{
		"no id": "email\nada@example.com\n", "two of one id": "id,email\n1,a@b\n1,c@d\n", "nothing": "", "no table": "hello",
	} {
		if _, err := foreign.ReadOwners(strings.NewReader(file)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
