package admin

import (
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// The views turn what the keepers hold into what the API shows. Secrets and
// hashes have no field here.

func keyView(k authority.Key, used ledger.Sum, now time.Time) api.Key {
	return api.Key{
		ID: k.ID, Name: k.Name, Description: k.Description, Tags: notNil(k.Tags), Kind: string(k.Kind),
		UserID: orNull(k.UserID), KeyPrefix: k.Prefix, Secrets: secretsView(k.Secrets),
		Status: string(k.StatusAt(now)), IsActive: k.IsActive(),
		DisabledBy: orNull(k.DisabledBy),
		RevokedAt:  instant(k.RevokedAt), RevokedBy: orNull(k.RevokedBy), RevokeReason: orNull(k.RevokeReason),
		ExpiresAt: instant(k.ExpiresAt), AutoDeleteOnExpiry: k.AutoDeleteOnExpiry,
		Scopes: k.Scopes, Permissions: k.Permissions,
		AllowedModels: k.AllowedModels, AllowedEndpoints: k.AllowedEndpoints, AllowedIPs: k.AllowedIPs,
		AllowedChatbots: k.AllowedChatbots, AllowedProviders: k.AllowedProviders, AllowedAPIFormats: k.AllowedAPIFormats,
		Limits:        limitsView(k.Limits),
		TotalRequests: used.Requests, TotalTokens: used.Tokens,
		TotalCostUSD: used.Cost.String(), TotalCostCents: used.Cost.Cents(),
		CreatedAt: inUTC(k.CreatedAt), UpdatedAt: inUTC(k.UpdatedAt), LastUsedAt: instant(used.LastAt), Version: k.Version,
	}
}

func secretsView(secrets []authority.Secret) []api.KeySecret {
	views := make([]api.KeySecret, len(secrets))
	for i, s := range secrets {
		views[i] = api.KeySecret{
			ID: s.ID, Prefix: s.Prefix, CreatedAt: inUTC(s.CreatedAt),
			ExpiresAt: instant(s.ExpiresAt), LastUsedAt: instant(s.LastUsedAt), Recoverable: s.Recoverable,
		}
	}
	return views
}

func limitsView(l authority.Limits) api.Limits {
	return api.Limits{
		RateLimitPerMinute: l.RateLimitPerMinute, RateLimitPerHour: l.RateLimitPerHour, RateLimitPerDay: l.RateLimitPerDay,
		TokensPerMinute: l.TokensPerMinute, TokensPerDay: l.TokensPerDay, TokensPerMonth: l.TokensPerMonth,
		ConcurrentLimit: l.ConcurrentLimit,
		IsUnlimited:     l.IsUnlimited(), BudgetLimitCents: l.BudgetLimitCents,
		BudgetType: orNull(string(l.BudgetType)), BudgetMode: orNull(string(l.BudgetMode)),
	}
}

func userView(u authority.User) api.User {
	return api.User{
		ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role,
		Status: string(u.Status), IsActive: u.Status == authority.StatusActive,
		Limits:    limitsView(u.Limits),
		CreatedAt: inUTC(u.CreatedAt), UpdatedAt: inUTC(u.UpdatedAt), Version: u.Version,
	}
}

func organizationView(o authority.Organization) api.Organization {
	view := api.Organization{
		ID: o.ID, Name: o.Name, Timezone: o.Timezone,
		Status: string(o.Status), IsActive: o.Status == authority.StatusActive,
		MaxKeysPerUser: o.MaxKeysPerUser, ExpiredKeys: string(o.ExpiredKeys),
		CredentialFallback: o.CredentialFallback, AllowKeyInQuery: o.AllowKeyInQuery, Recoverable: o.Recoverable,
		Limits:    limitsView(o.Limits),
		CreatedAt: inUTC(o.CreatedAt), UpdatedAt: inUTC(o.UpdatedAt), Version: o.Version,
	}
	if p := o.DefaultPrice; p != nil {
		view.DefaultPrice = &api.DefaultPrice{InputUSDPerMillion: p.Input.String(), OutputUSDPerMillion: p.Output.String()}
	}
	return view
}

func sumView(s ledger.Sum) api.UsageSum {
	return api.UsageSum{Requests: s.Requests, Tokens: s.Tokens, CostUSD: s.Cost.String(), CostCents: s.Cost.Cents()}
}

func rowView(e ledger.Entry) api.UsageRow {
	u := e.Usage
	return api.UsageRow{
		RequestID: e.ID.String(), UpstreamRequestID: e.UpstreamID, At: inUTC(time.UnixMilli(e.At)), DurationMS: e.DurationMS,
		KeyID: e.KeyID, KeyName: e.KeyName, UserID: orNull(e.UserID), ChatbotID: orNull(e.ChatbotID), CredentialID: orNull(e.CredentialID),
		Provider: e.Provider, Model: e.Model, APIFormat: string(e.Format), Endpoint: e.Endpoint, Stream: e.Stream,
		Status: e.Status, Outcome: e.Outcome.String(),
		// Sound counts where its direction counts: the classes shown add up to all tokens.
		InputTokens: u.Input + u.InputAudio, CacheReadTokens: u.CacheRead, CacheWriteTokens: u.CacheWrite + u.CacheWrite1h,
		OutputTokens: u.OutputTokens(), ReasoningTokens: u.Reasoning,
		Images: u.Images, Seconds: u.Seconds, Characters: u.Characters, Searches: u.Searches,
		CostUSD: e.Cost.String(), BYOK: e.BYOK, Attempts: attemptsView(e),
	}
}

// attemptsView is every attempt of a request that had several: the last is the
// entry's own.
func attemptsView(e ledger.Entry) []api.Attempt {
	list := make([]api.Attempt, 0, len(e.Attempts)+1)
	last := api.Attempt{Provider: e.Provider, Model: e.Model, Status: e.Status, DurationMS: e.DurationMS}
	for _, a := range e.Attempts {
		list = append(list, api.Attempt{Provider: a.Provider, Model: a.Model, Status: a.Status, DurationMS: a.DurationMS})
		last.DurationMS -= a.DurationMS
	}
	if len(list) == 0 {
		return list
	}
	last.DurationMS = max(last.DurationMS, 0)
	return append(list, last)
}

// orNull is nil for nothing.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// notNil keeps a list from being null in JSON.
func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// instant is t in UTC, or null for never.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = inUTC(t)
	return &t
}

// inUTC is t in UTC, and within the years that JSON can write: one bad instant in
// the store must not break every list that it is in.
func inUTC(t time.Time) time.Time {
	t = t.UTC()
	switch y := t.Year(); {
	case y < 0:
		return time.Date(0, time.January, 1, 0, 0, 0, 0, time.UTC)
	case y > 9999:
		return time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}

func usd(nano int64) *string {
	s := money.NanoUSD(nano).String()
	return &s
}
