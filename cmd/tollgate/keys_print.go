package main

import (
	"fmt"
	"slices"
	"strings"

	"tollgate/api"
)

// showKey prints a key, or passes the error on.
func (p *printer) showKey(k api.Key, err error) error {
	if err != nil {
		return err
	}
	return p.print(k, func() { p.key(k) })
}

// key prints a key, one field a line.
func (p *printer) key(k api.Key) {
	rows := [][]string{
		{"id", k.ID},
		{"name", plain(k.Name)},
		{"description", plain(k.Description)},
		{"tags", plain(strings.Join(k.Tags, ","))},
		{"kind", kindOf(k)},
		{"begins with", plain(k.KeyPrefix)},
		{"status", k.Status},
		{"expires", instant(k.ExpiresAt)},
		{"budget", budget(k.Limits)},
		{"spent", "$" + k.TotalCostUSD},
		{"used", counted(k.TotalRequests, "request") + ", " + counted(k.TotalTokens, "token")},
		{"rates", rates(k.Limits)},
		{"tokens", tokens(k.Limits)},
		{"concurrent", limit(k.ConcurrentLimit, "request")},
		{"scopes", list(k.Scopes)},
		{"models", list(k.AllowedModels)},
		{"providers", list(k.AllowedProviders)},
		{"formats", list(k.AllowedAPIFormats)},
		{"endpoints", list(k.AllowedEndpoints)},
		{"addresses", list(k.AllowedIPs)},
		{"chatbots", list(k.AllowedChatbots)},
		{"permissions", permissions(k.Permissions)},
		{"created", instant(&k.CreatedAt)},
		{"last used", instant(k.LastUsedAt)},
		{"version", count(k.Version)},
	}
	if b := k.Balance; b != nil {
		rows = slices.Insert(rows, 9, []string{"balance", fmt.Sprintf("$%s available of $%s ($%s held)", b.AvailableUSD, b.GrantedUSD, b.HeldUSD)})
	}
	if k.RevokedAt != nil {
		rows = append(rows, []string{"revoked", instant(k.RevokedAt) + " by " + textOf(k.RevokedBy) + ": " + textOf(k.RevokeReason)})
	}
	if len(k.Secrets) > 1 {
		for _, s := range k.Secrets[1:] {
			rows = append(rows, []string{"replaced", plain(s.Prefix) + "…, works until " + instant(s.ExpiresAt)})
		}
	}
	p.table(rows)
}

// keys prints a page of keys, one a line.
func (p *printer) keys(page api.KeyList) {
	if page.Total == 0 {
		p.printf("No keys. tollgate keys create --name NAME makes one.\n")
		return
	}
	rows := [][]string{{"ID", "NAME", "STATUS", "BUDGET", "SPENT (USD)", "REQUESTS", "LAST USED"}}
	for _, k := range page.APIKeys {
		rows = append(rows, []string{k.ID, plain(k.Name), k.Status, budget(k.Limits), k.TotalCostUSD, count(k.TotalRequests), instant(k.LastUsedAt)})
	}
	p.table(rows)
	p.page("keys", len(page.APIKeys), page.Total, page.Page)
}

// page says what is not on the page, if anything.
func (p *printer) page(noun string, shown, total, page int) {
	if shown < total {
		_, _ = fmt.Fprintf(p.stderr, "%d of %s %s, page %d; --page and --size show others\n", shown, count(int64(total)), noun, page)
	}
}

func kindOf(k api.Key) string {
	if k.UserID == nil {
		return k.Kind
	}
	return k.Kind + " of " + plain(*k.UserID)
}

func budget(l api.Limits) string {
	if l.BudgetLimitCents == nil {
		return "no limit"
	}
	text := dollars(*l.BudgetLimitCents)
	if l.BudgetType != nil {
		text += " " + *l.BudgetType
	}
	if l.BudgetMode != nil && *l.BudgetMode == "soft" {
		text += ", soft"
	}
	return text
}

func rates(l api.Limits) string {
	return perSpan(l.RateLimitPerMinute, "a minute", l.RateLimitPerHour, "an hour", l.RateLimitPerDay, "a day")
}

func tokens(l api.Limits) string {
	return perSpan(l.TokensPerMinute, "a minute", l.TokensPerDay, "a day", l.TokensPerMonth, "a month")
}

func perSpan(a *int64, spanA string, b *int64, spanB string, c *int64, spanC string) string {
	var parts []string
	add := func(n *int64, span string) {
		if n != nil {
			parts = append(parts, count(*n)+" "+span)
		}
	}
	add(a, spanA)
	add(b, spanB)
	add(c, spanC)
	if parts == nil {
		return "no limit"
	}
	return strings.Join(parts, ", ")
}

func permissions(granted map[string]bool) string {
	var words []string
	for word, yes := range granted {
		if yes {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return plain(strings.Join(words, ","))
}
