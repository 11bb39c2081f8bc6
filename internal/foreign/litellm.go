package foreign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tollgate/api"
)

// readLiteLLM reads a row of LiteLLM_VerificationToken.
func readLiteLLM(r *reading) {
	if r.text("team_id") == "litellm-dashboard" {
		r.Skip = "it is a session of the dashboard"
		return
	}
	r.liteLLMToken()
	r.name("key_alias", "key_name")
	r.owner("user_id")
	r.expires(r.instant("expires"))
	if blocked, _ := r.boolean("blocked"); blocked {
		r.disabled = true
	}
	r.liteLLMModels()
	r.liteLLMRoutes()
	r.liteLLMLimits()
	r.liteLLMMetadata()
	const elsewhere = "its own limits and models, which are in another table, restrict the key too"
	for _, name := range []string{"team_id", "project_id", "organization_id", "agent_id", "org_id"} {
		r.restriction(name, elsewhere)
	}
	for name, why := range map[string]string{
		"model_max_budget": "budgets by model have no equivalent", "budget_limits": "budgets by model have no equivalent",
		"policies": "policies have no equivalent", "access_group_ids": "access groups have no equivalent",
		"object_permission_id": "object permissions have no equivalent", "object_permission": "object permissions have no equivalent",
	} {
		r.restriction(name, why)
	}
	r.mention("aliases", "config", "router_settings", "permissions", "allowed_cache_controls", "auto_rotate", "rotation_interval", "soft_budget")
	r.ignore("soft_budget_cooldown", "model_spend", "created_by", "updated_at", "updated_by", "rotation_count",
		"last_rotation_at", "key_rotation_at", "last_active", "user_alias", "team_alias", "organization_alias", "last_refreshed_at")
}

// liteLLMToken reads what LiteLLM knows the key by: the SHA-256 of "sk-…", or, in
// exports of another kind, the key itself.
func (r *reading) liteLLMToken() {
	column, text := "token", r.text("token")
	if key := r.text("key"); text == "" && key != "" {
		column, text = "key", key
	}
	switch digest := hexDigest(text, 32); {
	case digest != "":
		r.Row.Secret = api.ImportSecret{Scheme: "sha256", Digest: digest}
	case strings.HasPrefix(text, "sk-"):
		r.plainKey(column, text)
	default:
		r.fail(column, "is neither a SHA-256 in 64 hexadecimal digits, nor a key that begins with sk-")
	}
}

// liteLLMModels reads the models; three words are none.
func (r *reading) liteLLMModels() {
	models := r.words("models")
	if len(models) == 0 {
		return
	}
	if slices.Contains(models, "all-team-models") {
		r.lose("models", "the models of its team are in another table")
		return
	}
	if slices.Contains(models, "all-proxy-models") {
		return
	}
	models = slices.DeleteFunc(slices.Clone(models), func(m string) bool { return m == "no-default-models" })
	if len(models) == 0 {
		r.disable("models", "allows none")
		return
	}
	r.in.AllowedModels = api.Set(models)
}

// liteLLMRoutes reads the paths that the key opens; some are words for many.
func (r *reading) liteLLMRoutes() {
	routes := r.words("allowed_routes")
	if len(routes) == 0 {
		return
	}
	var paths []string
	for _, route := range routes {
		switch {
		case route == "llm_api_routes" || route == "openai_routes" && len(routes) == 1:
			return // all that there is here
		case strings.HasPrefix(route, "/v1/") || strings.HasPrefix(route, "/v1beta/"):
			paths = append(paths, route)
		case strings.HasPrefix(route, "/"):
			paths = append(paths, "/v1"+route)
		default:
			r.note("allowed_routes", "one is no path and none of the data plane, and is left out")
		}
	}
	if len(paths) == 0 {
		r.disable("allowed_routes", "has no path of the data plane")
		return
	}
	r.in.AllowedEndpoints = api.Set(paths)
}

// liteLLMLimits reads limits and budget. A row may have a table of them beside its
// own; the lower ones hold.
func (r *reading) liteLLMLimits() {
	table := r.object("litellm_budget_table")
	if table == nil {
		r.restriction("budget_id", "the budget is in another table, and restricts the key too; export it in the column litellm_budget_table")
	}
	r.ignore("budget_id")
	inTable := &reading{opts: r.opts, values: table, used: map[string]bool{}}
	lower := func(column string) *int64 {
		a, b := r.integer(column), inTable.integer(column)
		if a == nil || b != nil && *b < *a {
			return b
		}
		return a
	}
	r.in.RateLimitPerMinute = r.limited("rpm_limit", lower("rpm_limit"), 1, maxPerMinute)
	r.in.TokensPerMinute = r.limited("tpm_limit", lower("tpm_limit"), 0, maxTokens)
	r.in.ConcurrentLimit = r.limited("max_parallel_requests", lower("max_parallel_requests"), 0, maxConcurrent)

	own, other := r.readBudget(), inTable.readBudget()
	inTable.ignore("budget_id", "soft_budget", "created_at", "created_by", "updated_at", "updated_by")
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !inTable.used[name] && !table[name].isEmpty() {
			r.lose("litellm_budget_table."+name, "this part of the budget has no equivalent")
		}
	}
	for _, p := range inTable.Problem {
		r.fail("litellm_budget_table."+p.Field, "%s", p.Text)
	}
	switch {
	case own.max == nil:
		own = other
	case other.max != nil:
		r.lose("litellm_budget_table", "there are two budgets, and a key can have one here")
	}
	r.budget("max_budget", own)
	r.spent("spend", r.amount("spend"), nil, own.spentAt(r.instant("created_at"), r.opts.Now))
}

// budget is a sum of money over a span, as LiteLLM has it.
type budget struct {
	max      *amount
	duration string
	resetAt  time.Time
}

func (r *reading) readBudget() budget {
	b := budget{r.amount("max_budget"), r.text("budget_duration"), r.instant("budget_reset_at")}
	if strings.EqualFold(b.duration, "none") || b.duration == "null" { // as a form of its console wrote it
		b.duration = ""
	}
	return b
}

// spentAt dates what has been spent: of a budget that begins anew, in the span that
// ends when it does; else when the key was made, since it is not known when.
func (b *budget) spentAt(created, now time.Time) time.Time {
	if b.max != nil && b.duration != "" {
		if !b.resetAt.IsZero() && !b.resetAt.After(now) {
			return b.resetAt.Add(-time.Millisecond)
		}
		return time.Time{}
	}
	return created
}

// budget sets a budget. A span that there is not becomes the shortest one that lets
// through no more.
func (r *reading) budget(column string, b budget) {
	if b.max == nil {
		return
	}
	cents, exact, ok := b.max.cents()
	if !ok {
		r.fail(column, "is less than nothing, or more than a billion dollars")
		return
	}
	if !exact {
		r.note(column, "is rounded down to a cent")
	}
	r.in.BudgetLimitCents = api.Set(cents)
	span, same := spanOf(b.duration)
	if !same {
		r.note("budget_duration", "has no equivalent: the budget is %s, which is stricter", map[string]string{
			"daily": "for a day", "weekly": "for a week", "monthly": "for a month", "total": "for ever",
		}[span])
	}
	r.in.BudgetType = api.Set(span)
}

// spanOf is the budget type for a duration like 30d, and whether it is the same.
// Windows are days, weeks from Monday and calendar months; the window is never
// shorter than the duration, so no more can be spent in any time.
func spanOf(duration string) (budgetType string, same bool) {
	switch duration {
	case "":
		return "total", true
	case "1d", "24h":
		return "daily", true
	case "7d", "1w":
		return "weekly", true
	case "30d", "1mo":
		return "monthly", true
	}
	var n int64
	var unit string
	if _, err := fmt.Sscanf(duration, "%d%s", &n, &unit); err != nil || n <= 0 || n > 1e9 {
		return "total", false
	}
	seconds := map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}[unit] * n
	switch {
	case seconds == 0 || seconds > 28*86400:
		return "total", false
	case seconds <= 86400:
		return "daily", false
	case seconds <= 7*86400:
		return "weekly", false
	}
	return "monthly", false
}

// liteLLMMetadata reads what LiteLLM keeps beside the columns: some of it restricts.
func (r *reading) liteLLMMetadata() {
	metadata := r.object("metadata")
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		v := metadata[name]
		switch name {
		case "tags":
			tags, err := v.words()
			if err != nil {
				r.note("metadata.tags", "cannot be read, and is left out")
			}
			r.tags("metadata.tags", tags)
		case "model_rpm_limit", "model_tpm_limit", "rpm_limit_type", "tpm_limit_type", "guardrails", "prompts", "policies",
			"allowed_passthrough_routes", "allowed_vector_store_indexes", "enforced_params", "disable_global_guardrails":
			if !v.isEmpty() {
				r.lose("metadata."+name, "it has no equivalent")
			}
		default:
			if !v.isEmpty() {
				r.note("metadata."+name, "is not carried over")
			}
		}
	}
}
