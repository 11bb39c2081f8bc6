package foreign

import (
	"strings"
	"time"

	"tollgate/api"
)

// What new-api writes into status.
const (
	newAPIEnabled   = 1
	newAPIDisabled  = 2
	newAPIExpired   = 3
	newAPIExhausted = 4
)

// readNewAPI reads a row of new-api's table tokens, in which keys stand as they
// are, without the "sk-" that callers send before them.
func readNewAPI(r *reading) {
	if !r.take("deleted_at").isEmpty() {
		r.Skip = "it was deleted"
		return
	}
	r.Row.SourceID = r.text("id")
	if text := strings.TrimPrefix(r.text("key"), "sk-"); text != "" {
		r.plainKey("key", "sk-"+text)
	}
	r.name("name")
	r.owner("user_id")
	r.newAPIStatus()
	r.newAPIModels()
	r.newAPIAddresses()
	r.newAPIQuota()
	if group := r.text("group"); group != "" && group != "default" {
		r.lose("group", "a group decides on models and prices, and has no equivalent")
	}
	r.ignore("accessed_time", "cross_group_retry")
	r.mention("billing_type")
}

func (r *reading) newAPIStatus() {
	status := r.integer("status")
	switch {
	case status == nil || *status == newAPIEnabled || *status == newAPIExhausted:
	case *status == newAPIDisabled:
		r.disabled = true
	case *status == newAPIExpired:
		r.Skip = "it has expired"
	default:
		r.disable("status", "is not known")
	}
	switch expired := r.integer("expired_time"); {
	case expired == nil || *expired == -1:
	case *expired < 0 || *expired > 1<<36:
		r.fail("expired_time", "cannot be read")
	default:
		r.expires(time.Unix(*expired, 0).UTC())
	}
}

func (r *reading) newAPIModels() {
	limited, _ := r.boolean("model_limits_enabled")
	list := r.text("model_limits")
	if !limited {
		if list != "" {
			r.note("model_limits", "is not switched on there, and is left out")
		}
		return
	}
	var models []string
	for m := range strings.SplitSeq(list, ",") {
		if m = strings.TrimSpace(m); m != "" {
			models = append(models, m)
		}
	}
	if len(models) == 0 {
		r.disable("model_limits", "is switched on and allows none")
		return
	}
	r.in.AllowedModels = api.Set(models)
}

// newAPIAddresses reads addresses, a line each.
func (r *reading) newAPIAddresses() {
	var addresses []string
	for line := range strings.SplitSeq(strings.ReplaceAll(r.text("allow_ips"), ",", "\n"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			addresses = append(addresses, line)
		}
	}
	if len(addresses) > 0 {
		r.in.AllowedIPs = api.Set(addresses)
	}
}

// newAPIQuota makes what is left of the quota a balance.
func (r *reading) newAPIQuota() {
	var made time.Time
	if created := r.integer("created_time"); created != nil && *created > 0 && *created < 1<<36 {
		made = time.Unix(*created, 0).UTC()
	}
	if used := r.amount("used_quota"); used != nil {
		if used.sign() < 0 {
			r.note("used_quota", "is less than nothing, and counts as nothing")
			used = whole(0)
		}
		r.spent("used_quota", used.per(r.opts.QuotaPerUSD), nil, made)
	}
	unlimited, _ := r.boolean("unlimited_quota")
	left := r.amount("remain_quota")
	switch {
	case unlimited:
		r.lose("owner_quota", "it spends what its owner has left, which is in another table")
		return
	case left == nil:
		r.fail("remain_quota", "is missing, and the key is not unlimited")
		return
	case left.sign() < 0:
		left = whole(0)
	}
	usd, exact, ok := left.per(r.opts.QuotaPerUSD).dollars(false)
	if !ok {
		r.fail("remain_quota", "is more than a billion dollars")
		return
	}
	if !exact {
		r.note("remain_quota", "is rounded down to a billionth of a dollar")
	}
	r.in.InitialBalanceUSD = api.Set(usd.String())
}
