package main

import (
	"strconv"
	"strings"

	"tollgate/api"
)

// chatbot prints a chatbot, one field a line.
func (p *printer) chatbot(c api.Chatbot) {
	rows := [][]string{
		{"id", c.ID},
		{"name", plain(c.Name)},
		{"address", "/chatbots/" + plain(c.Slug) + "/v1"},
		{"owner", orElse(c.UserID, "organization")},
		{"model", plain(c.Model)},
		{"provider", orElse(c.Provider, "the one that has the model")},
		{"system prompt", plain(c.SystemPrompt)},
		{"temperature", temperature(c.Temperature)},
		{"longest answer", limit(c.MaxTokens, "token")},
		{"greeting", plain(c.Greeting)},
		{"origins", plain(strings.Join(c.AllowedOrigins, ","))},
		{"access", access(c)},
		{"status", c.Status},
	}
	rows = append(rows, limitRows(c.Limits)...)
	p.table(append(rows, [][]string{
		{"without a key", perSpan(c.AnonymousRateLimitPerMinute, "a minute", c.AnonymousRateLimitPerHour, "an hour", c.AnonymousRateLimitPerDay, "a day") +
			" from one address; " + perSpan(nil, "", c.AnonymousTokensPerDay, "tokens a day", c.AnonymousConcurrentLimit, "at the same time")},
		{"spent", "$" + c.TotalCostUSD},
		{"used", counted(c.TotalRequests, "request") + ", " + counted(c.TotalTokens, "token")},
		{"created", instant(&c.CreatedAt)},
		{"last used", instant(c.LastUsedAt)},
		{"version", count(c.Version)},
	}...))
}

// access is who is let in: the mode, and what it comes to.
func access(c api.Chatbot) string {
	switch {
	case c.AccessMode == "disabled" || c.Status != "active":
		return c.AccessMode + ": nobody is let in"
	case !c.KeyRequired:
		return c.AccessMode + ": no key is needed"
	case !c.HasActiveAPIKey:
		return c.AccessMode + ": a key is needed, and none opens it"
	}
	return c.AccessMode + ": a key is needed"
}

func temperature(t *float64) string {
	if t == nil {
		return "the caller's"
	}
	return strconv.FormatFloat(*t, 'g', -1, 64)
}

// orElse is a text, or what its absence means.
func orElse(text *string, absent string) string {
	if text == nil {
		return absent
	}
	return plain(*text)
}

// chatbots prints a page of chatbots, one a line.
func (p *printer) chatbots(page api.ChatbotList) {
	if page.Total == 0 {
		p.printf("No chatbots. tollgate chatbots create --name TEXT --model NAME makes one.\n")
		return
	}
	rows := [][]string{{"ID", "SLUG", "NAME", "MODEL", "ACCESS", "BUDGET", "SPENT (USD)", "REQUESTS", "LAST USED"}}
	for _, c := range page.Chatbots {
		rows = append(rows, []string{c.ID, c.Slug, plain(c.Name), plain(c.Model), access(c), budget(c.Limits), c.TotalCostUSD, count(c.TotalRequests), instant(c.LastUsedAt)})
	}
	p.table(rows)
	p.page("chatbots", len(page.Chatbots), page.Total, page.Page)
}

// showGrant prints a grant, or passes the error on.
func (p *printer) showGrant(g api.ChatbotGrant, err error) error {
	if err != nil {
		return err
	}
	return p.print(g, func() {
		p.table([][]string{
			{"chatbot", g.ChatbotID},
			{"key", g.KeyID},
			{"name", orElse(g.KeyName, never)},
			{"status", g.Status},
			{"given", instant(&g.CreatedAt) + " by " + plain(g.CreatedBy)},
			{"expires", instant(g.ExpiresAt)},
		})
	})
}

// grants prints a page of grants, one a line.
func (p *printer) grants(page api.ChatbotGrantList) {
	if page.Total == 0 {
		p.printf("No key was ever granted. tollgate chatbots grant ID --key-id KEY lets one in.\n")
		return
	}
	rows := [][]string{{"KEY", "NAME", "BEGINS WITH", "STATUS", "GIVEN", "BY", "EXPIRES", "REVOKED"}}
	for _, g := range page.Keys {
		rows = append(rows, []string{g.KeyID, orElse(g.KeyName, never), orElse(g.KeyPrefix, never), g.Status, instant(&g.CreatedAt), plain(g.CreatedBy), instant(g.ExpiresAt), instant(g.RevokedAt)})
	}
	p.table(rows)
	p.page("grants", len(page.Keys), page.Total, page.Page)
}
