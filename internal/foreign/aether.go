package foreign

import (
	"slices"
	"strings"

	"tollgate/api"
)

// readAether reads a row of Aether's table api_keys, or a key of its export of
// users.
func readAether(r *reading) {
	r.Row.SourceID = firstOf(r.text("id"), r.text("api_key_id"))
	switch digest, text := hexDigest(r.text("key_hash"), 32), r.text("key"); {
	case digest != "":
		r.Row.Secret = api.ImportSecret{Scheme: "sha256", Digest: digest}
		if len(text) > 8 && !strings.Contains(text, "*") {
			r.Row.Secret.Prefix = text[:8]
		}
	case text != "":
		r.plainKey("key", text)
	default:
		r.fail("key_hash", "is no SHA-256 in 64 hexadecimal digits")
	}
	r.name("name")
	r.expires(r.instant("expires_at"))
	for column, working := range map[string]bool{"is_active": true, "is_locked": false} {
		if truth, given := r.boolean(column); given && truth != working {
			r.disabled = true
		}
	}
	if deletes, given := r.boolean("auto_delete_on_expiry"); given {
		r.in.AutoDeleteOnExpiry = api.Set(deletes)
	}
	r.aetherLists()
	r.aetherRate()
	r.in.ConcurrentLimit = r.limit("concurrent_limit", 0, maxConcurrent)
	r.aetherMoney()
	r.spent("total_cost_usd", r.amount("total_cost_usd"), r.integer("total_tokens"), r.instant("created_at"))
	if requests := r.integer("total_requests"); requests != nil && *requests > 1 {
		r.note("total_requests", "is not carried over: what was used counts as one request")
	}
	r.restriction("ip_rules", "rules on addresses have another form here; set allowed_ips afterwards")
	r.mention("force_capabilities", "feature_settings")
	r.ignore("key_encrypted", "balance_used_usd", "last_used_at", "updated_at", "username", "total_response_time_ms", "user_email", "email")
}

// aetherLists reads the allow-lists: nothing is all, and a list with nothing in it
// is nothing.
func (r *reading) aetherLists() {
	allow := func(column string, set *api.Optional[[]string], say func(string) string) {
		list := r.words(column)
		switch {
		case list == nil:
			return
		case len(list) == 0:
			r.disable(column, "allows none")
			return
		}
		said := make([]string, 0, len(list))
		for _, word := range list {
			if word = say(word); !slices.Contains(said, word) {
				said = append(said, word)
			}
		}
		*set = api.Set(said)
	}
	allow("allowed_models", &r.in.AllowedModels, func(s string) string { return s })
	allow("allowed_providers", &r.in.AllowedProviders, func(s string) string {
		slug := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", "-"))
		switch slug {
		case "claude":
			slug = "anthropic"
		case "gemini":
			slug = "google"
		case "openai", "anthropic", "google", "cohere", "huggingface", "azure":
		default:
			r.note("allowed_providers", "one is not known here, and opens nothing until a provider has its name")
		}
		return slug
	})
	allow("allowed_api_formats", &r.in.AllowedAPIFormats, func(s string) string {
		family, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
		family, _, _ = strings.Cut(family, "_")
		switch family {
		case "claude":
			family = "anthropic"
		case "openai", "anthropic", "gemini":
		default:
			r.fail("allowed_api_formats", "has one that is not known")
		}
		return family
	})
}

// aetherRatePerMinute is what Aether gives a key that does not say.
const aetherRatePerMinute = 100

// aetherRate reads the requests a minute. Nothing and 0 mean no limit in some
// versions, and the system's own in others.
func (r *reading) aetherRate() {
	rate := r.integer("rate_limit")
	if rate == nil || *rate == 0 {
		r.note("rate_limit", "is not said, which means different things in versions of Aether: it becomes %d a minute", aetherRatePerMinute)
		r.in.RateLimitPerMinute = api.Set[int64](aetherRatePerMinute)
		return
	}
	r.in.RateLimitPerMinute = r.limited("rate_limit", rate, 1, maxPerMinute)
}

// aetherMoney reads what the key may spend: a standalone key its own balance, any
// other what its owner has.
func (r *reading) aetherMoney() {
	standalone, given := r.boolean("is_standalone")
	user := r.object("user")
	if !given {
		standalone = user == nil && r.text("user_id") == ""
	}
	wallet := r.object("wallet")
	if !standalone {
		r.owner("user_id")
		r.ignore("current_balance_usd", "wallet")
		if !unlimitedOwner(user) {
			r.lose("owner_quota", "it spends what its owner has left, which is kept with the owner")
		}
		return
	}
	r.ignore("user_id", "user") // the administrator who made it
	r.in.Kind = api.Set("standalone")
	switch {
	case wallet != nil:
		r.aetherWallet(wallet)
	case r.has("current_balance_usd"):
		r.balance("current_balance_usd", r.amount("current_balance_usd"))
	default:
		r.lose("wallet", "its balance is in another table; export it in the column wallet")
	}
}

// unlimitedOwner reports whether an owner is said to have no quota.
func unlimitedOwner(user map[string]value) bool {
	if wallet, err := user["wallet"].object(); err == nil && wallet != nil {
		return textOf(wallet, "limit_mode") == "unlimited"
	}
	quota, said := user["quota_usd"]
	return said && quota.isNull()
}

func (r *reading) aetherWallet(wallet map[string]value) {
	if currency := textOf(wallet, "currency"); currency != "" && currency != "USD" {
		r.fail("wallet.currency", "is not USD")
		return
	}
	if status := textOf(wallet, "status"); status != "" && status != "active" {
		r.disable("wallet.status", "is not active")
	}
	if textOf(wallet, "limit_mode") == "unlimited" {
		return
	}
	left, err := wallet["balance"].amount()
	if err != nil || left == nil {
		r.fail("wallet.balance", "cannot be read")
		return
	}
	r.balance("wallet.balance", left)
}

// balance makes what is left a balance; nothing is no limit.
func (r *reading) balance(column string, left *amount) {
	if left == nil {
		return
	}
	if left.sign() < 0 {
		left = whole(0)
	}
	usd, exact, ok := left.dollars(false)
	if !ok {
		r.fail(column, "is more than a billion dollars")
		return
	}
	if !exact {
		r.note(column, "is rounded down to a billionth of a dollar")
	}
	r.in.InitialBalanceUSD = api.Set(usd.String())
}
