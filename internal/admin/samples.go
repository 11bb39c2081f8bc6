package admin

import (
	"bytes"
	"encoding/csv"
	"time"

	"tollgate/api"
)

// The bodies and answers that the document shows where the fields' own examples
// do not tell the story. A test sends every body to a real server.

// sampleAt is an instant of the examples, far enough ahead to be accepted.
func sampleAt() time.Time { return time.Date(2099, time.December, 31, 23, 59, 59, 0, time.UTC) }

func createKeySamples() []sample {
	return []sample{
		{"least", "A key with the default rates", api.KeyInput{Name: api.Set("ci")}},
		{"budget", "Five dollars a month, for two families of models, from one network", api.KeyInput{
			Name: api.Set("ci"), Description: api.Set("for the build"), Tags: api.Set([]string{"build"}),
			BudgetLimitCents: api.Set[int64](500), BudgetType: api.Set("monthly"),
			AllowedModels: api.Set([]string{"gpt-4o*", "anthropic/*"}), AllowedIPs: api.Set([]string{"203.0.113.0/24"}),
			RateLimitPerMinute: api.Set[int64](30), RateLimitPerDay: api.Null[int64](),
		}},
		{"owned", "A key of a user, which expires", api.KeyInput{
			Name: api.Set("laptop"), UserID: api.Set(exampleUser), ExpiresAt: api.Set(sampleAt()), AutoDeleteOnExpiry: api.Set(true),
		}},
		{"restricted", "The preset restricted, which needs models and paths", api.KeyInput{
			Preset: api.Set("restricted"), Name: api.Set("web"),
			AllowedModels: api.Set([]string{"gpt-4o-mini"}), AllowedEndpoints: api.Set([]string{"/v1/chat/completions"}),
		}},
		{"prepaid", "A standalone key with twenty dollars to spend", api.KeyInput{
			Preset: api.Set("standalone"), InitialBalanceUSD: api.Set("20.00"),
		}},
	}
}

func updateKeySamples() []sample {
	return []sample{
		{"tighten", "A lower rate, and only these models", api.KeyInput{RateLimitPerMinute: api.Set[int64](10), AllowedModels: api.Set([]string{"gpt-4o-mini"})}},
		{"lift", "No daily rate any more", api.KeyInput{RateLimitPerDay: api.Null[int64]()}},
		{"budget", "Twenty dollars a day", api.KeyInput{BudgetLimitCents: api.Set[int64](2000), BudgetType: api.Set("daily")}},
	}
}

func importSamples() []sample {
	return []sample{
		{"check", "What would come of it", api.ImportInput{Source: "litellm", DryRun: true, Rows: []api.ImportRow{{
			SourceID: "17",
			Secret:   api.ImportSecret{Scheme: "sha256", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
			Key:      api.KeyInput{Name: api.Set("ci"), RateLimitPerMinute: api.Set[int64](10)},
		}}}},
		{"bring", "A key of a user who is made for it, with what it has spent", api.ImportInput{Source: "enclava", CreateUsers: true, Rows: []api.ImportRow{{
			SourceID: "4",
			Secret: api.ImportSecret{
				Scheme: "bcrypt", Prefix: "en_4fK9Q", Digest: "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
			},
			Owner: &api.ImportOwner{Email: "grace.hopper@example.com", Name: "Grace"},
			Spent: &api.ImportSpent{CostUSD: "7.25", Tokens: 120000},
			Key:   api.KeyInput{Name: api.Set("laptop"), BudgetLimitCents: api.Set[int64](2000)},
		}}}},
	}
}

func balanceSamples() []sample {
	return []sample{
		{"open", "A balance for a key that has none", api.BalanceChange{Type: "open", AmountUSD: "10.00"}},
		{"grant", "Money that was paid", api.BalanceChange{Type: "grant", AmountUSD: "25.00", Reason: "invoice 1017"}},
		{"deduct", "Money taken out", api.BalanceChange{Type: "deduct", AmountUSD: "3.50"}},
		{"adjust", "A correction, either way", api.BalanceChange{Type: "adjust", AmountUSD: "-0.50", Reason: "counted twice"}},
	}
}

func createUserSamples() []sample {
	return []sample{
		{"least", "A user with own keys and no more", api.UserInput{Email: api.Set("ada@example.com")}},
		{"developer", "A developer with a monthly budget over all of their keys", api.UserInput{
			Email: api.Set("grace@example.com"), Name: api.Set("Grace"), Role: api.Set("developer"),
			LimitsInput: api.LimitsInput{BudgetLimitCents: api.Set[int64](5000), BudgetType: api.Set("monthly")},
		}},
	}
}

func updateUserSamples() []sample {
	return []sample{
		{"role", "Another role", api.UserInput{Role: api.Set("auditor")}},
		{"disable", "Stop all of the user's keys", api.UserInput{IsActive: api.Set(false)}},
		{"limits", "At most five requests at once, on all keys together", api.UserInput{LimitsInput: api.LimitsInput{ConcurrentLimit: api.Set[int64](5)}}},
	}
}

func organizationSamples() []sample {
	return []sample{
		{"zone", "Days begin in Vienna", api.OrganizationInput{Timezone: api.Set("Europe/Vienna")}},
		{"limits", "A thousand dollars a month over all keys, 20 keys a user", api.OrganizationInput{
			MaxKeysPerUser: api.Set[int64](20),
			LimitsInput:    api.LimitsInput{BudgetLimitCents: api.Set[int64](100000), BudgetType: api.Set("monthly")},
		}},
		{"unpriced", "What a model without a price is charged at", api.OrganizationInput{
			DefaultPrice: api.Set(api.DefaultPrice{InputUSDPerMillion: "1.50", OutputUSDPerMillion: "6.00"}),
		}},
	}
}

func createManagementKeySamples() []sample {
	return []sample{
		{"reader", "Sees everything", api.ManagementKeyInput{Name: api.Set("reader"), Permissions: api.Set([]string{"platform:*:read"})}},
		{"deploy", "Makes keys for services, until the end of the century", api.ManagementKeyInput{
			Name: api.Set("deploy"), Permissions: api.Set([]string{"platform:api-keys:create-any", "platform:api-keys:read"}), ExpiresAt: api.Set(sampleAt()),
		}},
	}
}

func updateManagementKeySamples() []sample {
	return []sample{
		{"less", "Fewer permissions", api.ManagementKeyInput{Permissions: api.Set([]string{"platform:api-keys:read"})}},
		{"disable", "Stop it for now", api.ManagementKeyInput{IsActive: api.Set(false)}},
	}
}

func createCredentialSamples() []sample {
	return []sample{
		{"least", "A key of one's own for OpenAI", api.CredentialInput{
			Provider: api.Set("openai"), KeyName: api.Set("mine"), APIKey: api.Set("sk-proj-put-your-own-key-here"),
		}},
		{"default", "The organization's key for Anthropic, used by everybody who has none, for a million tokens a day", api.CredentialInput{
			UserID: api.Null[string](), Provider: api.Set("anthropic"), KeyName: api.Set("team"), APIKey: api.Set("sk-ant-put-your-own-key-here"),
			IsDefault: api.Set(true), DailyLimit: api.Set[int64](1000000), ConcurrentLimit: api.Set[int64](20),
		}},
		{"azure", "A resource at Azure", api.CredentialInput{
			Provider: api.Set("azure"), KeyName: api.Set("west europe"), APIKey: api.Set("put-your-own-key-here"),
			CustomConfig: api.Set(api.CustomConfigInput{BaseURL: api.Set("https://my-resource.openai.azure.com"), APIVersion: api.Set("preview")}),
		}},
		{"custom", "A server that speaks OpenAI's format and wants a header more", api.CredentialInput{
			Provider: api.Set("custom"), ProviderDisplayName: api.Set("Our own"), KeyName: api.Set("our own"), APIKey: api.Set("put-your-own-key-here"),
			CustomConfig: api.Set(api.CustomConfigInput{
				BaseURL: api.Set("https://llm.example.com/v1"), Headers: api.Set(map[string]*string{"X-Team-Token": new("put-your-token-here")}),
			}),
		}},
	}
}

func updateCredentialSamples() []sample {
	return []sample{
		{"secret", "Another secret", api.CredentialInput{APIKey: api.Set("sk-proj-put-your-other-key-here")}},
		{"limits", "At most a hundred thousand tokens a day", api.CredentialInput{DailyLimit: api.Set[int64](100000)}},
		{"disable", "Out of use for now", api.CredentialInput{IsActive: api.Set(false)}},
	}
}

func explainSamples() []sample {
	return []sample{
		{"id", "Would this key get through?", api.ExplainRequest{KeyID: exampleKey, Model: "gpt-4o-mini"}},
		{"request", "A request of this size from this address", api.ExplainRequest{
			KeyID: exampleKey, Model: "gpt-4o", IP: "203.0.113.7", InputTokens: 2000, MaxOutputTokens: 500,
		}},
		{"chatbot", "Does this key open this chatbot?", api.ExplainRequest{KeyID: exampleKey, Chatbot: exampleChatbot}},
	}
}

// The ids of the examples.
const (
	exampleKey           = "key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"
	exampleChatbot       = "bot_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c40"
	exampleUser          = "user_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c04"
	exampleCredential    = "cred_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c05"
	exampleManagementKey = "mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c03"
)

// usageRowSample is what one request used.
func usageRowSample() api.UsageRow {
	return api.UsageRow{
		RequestID: "req_01a1fa3bbe6a7af29eb729e608e6d0a2", UpstreamRequestID: "req_7d1f0c2e",
		At: time.Date(2026, time.November, 20, 12, 34, 56, 789e6, time.UTC), DurationMS: 840,
		KeyID: exampleKey, KeyName: "ci", Provider: "openai", Model: "gpt-4o-mini", APIFormat: "openai",
		Endpoint: "/v1/chat/completions", Status: 200, Outcome: "settled", InputTokens: 100, OutputTokens: 150, CostUSD: "0.000105",
		Attempts: []api.Attempt{{Provider: "anthropic", Model: "claude-haiku-4-5", Status: 529, DurationMS: 31}, {Provider: "openai", Model: "gpt-4o-mini", Status: 200, DurationMS: 809}},
	}
}

func usageAnswers() []sample {
	day := "2026-11-20"
	sum := api.UsageStats{
		Requests: 1, Tokens: 250, InputTokens: 100, OutputTokens: 150, CostUSD: "0.000105", AverageResponseMS: 840,
	}
	return []sample{
		{"requests", "One row for each request", api.UsageList{Usage: []api.UsageRow{usageRowSample()}, Total: 1, Page: 1, Size: 100}},
		{"days", "With group_by=day", api.UsageList{
			Series: []api.UsageGroup{{Date: &day, UsageStats: sum}}, Totals: &sum, Total: 1, Page: 1, Size: 100,
		}},
	}
}

// usageCSVSample is the same as CSV.
func usageCSVSample() string {
	var text bytes.Buffer
	w := csvWriter{csv.NewWriter(&text)}
	_ = w.Write(rowColumns()) // a buffer takes everything
	_ = w.write(rowCells(usageRowSample()))
	w.Flush()
	return text.String()
}

// auditLinesSample is an event as JSON Lines.
func auditLinesSample() string {
	var text bytes.Buffer
	_ = marshal(&text, api.AuditEvent{
		Sequence: 42, OrganizationID: "org_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c01", At: time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC),
		ActorID: exampleManagementKey, ActorName: "deploy", IP: orNull("203.0.113.7"), Action: "api_key.revoke", ResourceType: "api_key",
		ResourceID: orNull(exampleKey), ResourceName: orNull("ci"), Outcome: "done", Changes: []api.AuditChange{},
		PrevHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Hash:     "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
	})
	return text.String()
}

func explainAnswers() []sample {
	number := func(n int64) api.Amount { return api.Amount{Requests: &n} }
	at := time.Date(2026, time.November, 20, 12, 1, 0, 0, time.UTC)
	return []sample{
		{"allowed", "It would get through", api.ExplainResult{
			Allowed: true, Reason: "Every rule that was asked allows it.", KeyID: exampleKey,
			Steps: []api.ExplainStep{
				{Rule: "key", Verdict: "allow", Detail: "The key is known."},
				{Rule: "catalog", Verdict: "allow", Detail: "The model is openai/gpt-4o-mini."},
				{Rule: "rate_limit_per_minute", Verdict: "allow", Detail: "There is room.", Limit: &api.ExplainLimit{
					Subject: "key", SubjectID: exampleKey, Meter: "requests", Window: "minute", Mode: "hard",
					Max: number(60), Used: number(0), Held: number(0), Asked: number(1), ResetsAt: &at,
				}},
			},
		}},
		{"refused", "It would not, and why", api.ExplainResult{
			Code: "model_denied", Reason: "This key may not use this model.", KeyID: exampleKey,
			Steps: []api.ExplainStep{{Rule: "model", Verdict: "deny", Code: "model_denied", Detail: "This key may not use this model."}},
		}},
	}
}
