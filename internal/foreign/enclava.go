package foreign

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tollgate/api"
)

// readEnclava reads a row of Enclava's table api_keys.
func readEnclava(r *reading) {
	r.Row.SourceID = r.text("id")
	r.bcrypt("key_hash", "key_prefix")
	r.name("name")
	r.describe("description")
	r.tags("tags", r.words("tags"))
	r.owner("user_id")
	r.expires(r.instant("expires_at"))
	if active, given := r.boolean("is_active"); given && !active {
		r.disabled = true
	}
	r.enclavaPermissions()
	r.enclavaScopes()
	r.in.RateLimitPerMinute = r.limit("rate_limit_per_minute", 1, maxPerMinute)
	r.in.RateLimitPerHour = r.limit("rate_limit_per_hour", 1, maxPerHour)
	r.in.RateLimitPerDay = r.limit("rate_limit_per_day", 1, maxPerDay)
	allow := func(column string, set *api.Optional[[]string]) {
		if list := r.words(column); len(list) > 0 {
			*set = api.Set(list)
		}
	}
	allow("allowed_models", &r.in.AllowedModels)
	allow("allowed_ips", &r.in.AllowedIPs)
	if bots := r.words("allowed_chatbots"); len(bots) > 0 {
		r.in.AllowedChatbots = r.chatbots("allowed_chatbots", bots)
		if scopes, _ := r.in.Scopes.Get(); slices.Equal(scopes, []string{"chatbot.chat"}) {
			r.in.Kind = api.Set("chatbot")
		}
	}
	if paths := r.words("allowed_endpoints"); len(paths) > 0 {
		r.in.AllowedEndpoints = api.Set(r.enclavaPaths(paths))
	}
	r.enclavaBudget()
	r.ignore("updated_at", "last_used_at", "username", "full_name")
}

// bcrypt reads a bcrypt hash and the key's first characters.
func (r *reading) bcrypt(hashColumn, prefixColumn string) {
	hash, prefix := r.text(hashColumn), r.text(prefixColumn)
	switch {
	case !strings.HasPrefix(hash, "$2"):
		r.fail(hashColumn, "is no bcrypt hash; export it with the other columns")
	case len(prefix) != 8:
		r.fail(prefixColumn, "must be the key's first 8 characters: the key is found by them")
	default:
		r.Row.Secret = api.ImportSecret{Scheme: "bcrypt", Digest: hash, Prefix: prefix}
	}
}

// enclavaPermissions reads {word: bool}, or a list of words. Only what is true
// counts here, whatever Enclava made of the others.
func (r *reading) enclavaPermissions() {
	words := map[string]bool{}
	if list, err := r.take("permissions").words(); err == nil {
		for _, word := range list {
			words[word] = true
		}
	} else {
		flags := r.object("permissions")
		for _, word := range slices.Sorted(maps.Keys(flags)) {
			if truth, _, err := flags[word].boolean(); err == nil {
				words[word] = truth
			} else {
				r.note("permissions", "a word is neither true nor false, and is left out")
			}
		}
	}
	if len(words) > 0 {
		r.in.Permissions = api.Set(words)
	}
}

// scopes are the words that Enclava and Tollgate have alike.
var scopes = [...]string{"chat.completions", "embeddings.create", "models.list", "chatbot.chat"}

// enclavaScopes reads the scopes. A key without any opens nothing there.
func (r *reading) enclavaScopes() {
	if !r.has("scopes") {
		r.fail("scopes", "is missing; export it with the other columns")
		return
	}
	var kept []string
	for _, scope := range r.words("scopes") {
		if slices.Contains(scopes[:], scope) {
			kept = append(kept, scope)
		} else {
			r.note("scopes", "a scope is not known here, and is left out")
		}
	}
	if len(kept) == 0 {
		r.disable("scopes", "opens nothing")
		return
	}
	r.in.Scopes = api.Set(kept)
}

// enclavaPaths are the paths as they are here.
func (r *reading) enclavaPaths(paths []string) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		inner, ok := strings.CutPrefix(path, "/api/v1/llm/")
		switch {
		case ok:
			list[i] = "/v1/" + inner
		case strings.HasPrefix(path, "/api/v1/chatbot/external/") || strings.HasPrefix(path, "/v1/"):
			list[i] = path
		default:
			list[i] = path
			r.note("allowed_endpoints", "a path is not known here, and opens nothing")
		}
	}
	return list
}

func (r *reading) enclavaBudget() {
	unlimited, given := r.boolean("is_unlimited")
	column := "budget_limit_cents"
	if r.has("budget_limit") && !r.has(column) {
		column = "budget_limit" // as its API calls it
	}
	limit := r.integer(column)
	span := r.text("budget_type")
	made := r.instant("created_at")
	switch {
	case limit == nil && given && !unlimited:
		r.disable(column, "is missing, and the key is not unlimited")
	case limit == nil:
	case *limit < 0:
		r.fail(column, "is less than nothing")
	default:
		if unlimited {
			r.note("is_unlimited", "contradicts the budget, which holds here")
		}
		r.in.BudgetLimitCents = api.Set(*limit)
		switch span {
		case "monthly":
			r.note("total_cost", "is not known by month: all of it counts in the present one")
			made = time.Time{}
		case "", "total":
			span = "total"
		default:
			r.note("budget_type", "is not known: the budget is for ever, which is stricter")
			span = "total"
		}
		r.in.BudgetType = api.Set(span)
	}
	cost := r.amount("total_cost")
	if cents := r.amount("total_cost_cents"); cost == nil {
		cost = cents
	}
	if cost == nil {
		cost = whole(0)
	}
	r.spent("total_cost", cost.per(100), r.integer("total_tokens"), made)
	if requests := r.integer("total_requests"); requests != nil && *requests > 1 {
		r.note("total_requests", "is not carried over: what was used counts as one request")
	}
}
