package authority

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxPrompt   = 32_000 // characters
	maxGreeting = 2_000
	maxAnswer   = 1_000_000_000 // tokens, as a request may ask for
)

// chatbotFields is the table of a chatbot: every name that a body may carry. Its
// owner changes what it is at will; who gets in and what it may use they can only
// tighten.
func (a *Authority) chatbotFields() []field[Chatbot] {
	table := []field[Chatbot]{
		free(textField("name", 1, 100, func(c *Chatbot) *string { return &c.Name })),
		free(slugField()),
		textField("user_id", 0, 200, func(c *Chatbot) *string { return &c.UserID }),
		free(a.providerField()),
		free(modelField()),
		free(linesField("system_prompt", 0, maxPrompt, func(c *Chatbot) *string { return &c.SystemPrompt })),
		free(temperatureField()),
		free(countField("max_tokens", 1, maxAnswer, func(c *Chatbot) **int64 { return &c.MaxTokens })),
		free(linesField("greeting", 0, maxGreeting, func(c *Chatbot) *string { return &c.Greeting })),
		free(originsField()),
		withTightens(wordField("access_mode", func(c *Chatbot) *AccessMode { return &c.AccessMode },
			AccessKey, AccessPublic, AccessDisabled, AccessAuto),
			func(old, next *Chatbot) bool { return next.AccessMode.openness() <= old.AccessMode.openness() }),
		withTightens(activeField(func(c *Chatbot) *Status { return &c.Status }), func(old, next *Chatbot) bool {
			return next.Status != StatusActive || old.Status == StatusActive || old.UserID != "" && old.DisabledBy == old.UserID
		}),
	}
	table = append(table, limitFields(func(c *Chatbot) *Limits { return &c.Limits })...)
	table = append(table, anonymousFields()...)
	for _, name := range []string{
		"id", "organization_id", "created_at", "updated_at", "last_used_at", "version", "key_required", "has_active_api_key",
		"total_requests", "total_tokens", "total_cost_usd", "total_cost_cents",
	} {
		table = append(table, readOnly[Chatbot](name, ""))
	}
	return append(table,
		kept("status", "send is_active", func(c *Chatbot) any { return string(c.Status) }),
		kept("disabled_by", "", func(c *Chatbot) any { return wordOrNull(c.DisabledBy) }),
		kept("first_grant_at", "", func(c *Chatbot) any { return instantOrNull(c.FirstGrantAt) }))
}

// anonymousFields are the limits of callers without a key. They are kept in
// memory, by address, so there is none that would have to outlive a day.
func anonymousFields() []field[Chatbot] {
	count := func(name string, lo, hi int64, in func(*Limits) **int64) field[Chatbot] {
		return countField("anonymous_"+name, lo, hi, func(c *Chatbot) **int64 { return in(&c.Anonymous) })
	}
	return []field[Chatbot]{
		count("rate_limit_per_minute", 1, maxPerMinute, func(l *Limits) **int64 { return &l.RateLimitPerMinute }),
		count("rate_limit_per_hour", 1, maxPerHour, func(l *Limits) **int64 { return &l.RateLimitPerHour }),
		count("rate_limit_per_day", 1, maxPerDay, func(l *Limits) **int64 { return &l.RateLimitPerDay }),
		count("tokens_per_day", 0, maxTokens, func(l *Limits) **int64 { return &l.TokensPerDay }),
		count("concurrent_limit", 0, maxConcurrent, func(l *Limits) **int64 { return &l.ConcurrentLimit }),
	}
}

// newChatbot is what a chatbot starts from.
func newChatbot() Chatbot {
	slots := int64(5)
	c := Chatbot{AccessMode: AccessKey, Status: StatusActive, Anonymous: rates(20, 200, 1000)}
	c.Anonymous.ConcurrentLimit = &slots
	return c
}

// settleChatbot completes a chatbot once all of the body has been read.
func settleChatbot(e *edit[Chatbot], p Principal) {
	c := e.next
	if c.Name == "" && !e.failed("name") {
		e.fail("name", "is required")
	}
	if c.Model == "" && !e.failed("model") {
		e.fail("model", "is required: a name like gpt-4o-mini, an alias, or provider/name")
	}
	if c.Slug == "" && !e.failed("slug") && !e.failed("name") {
		if c.Slug = slugOf(c.Name); c.Slug == "" {
			e.fail("slug", "is required for this name; "+wantSlug)
		}
	}
	e.settleBudget(&c.Limits)
	switch {
	case c.Status == StatusActive:
		c.DisabledBy = ""
	case !e.has("is_active"):
	case e.current == nil, e.current.Status == StatusActive, e.current.DisabledBy == c.UserID && !p.owns(c.UserID):
		c.DisabledBy = p.actor()
	}
}

const wantSlug = "it must be words of small letters and digits with single hyphens between them, 63 characters at most"

// slugField reads the address of a chatbot. It has no underscore, so that no slug
// looks like an id.
func slugField() field[Chatbot] {
	f := textField("slug", 1, 63, func(c *Chatbot) *string { return &c.Slug })
	set := f.set
	f.set = func(e *edit[Chatbot], raw jsontext.Value) string {
		problem := set(e, raw)
		if s := e.next.Slug; problem != "" || s != slugOf(s) {
			return strings.TrimPrefix(wantSlug, "it ")
		}
		return ""
	}
	return f
}

// slugOf makes a slug of a name; "" where there is nothing to make it of.
func slugOf(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case b.Len() == 63:
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

func (a *Authority) providerField() field[Chatbot] {
	f := textField("provider", 0, 100, func(c *Chatbot) *string { return &c.Provider })
	set := f.set
	f.set = func(e *edit[Chatbot], raw jsontext.Value) string {
		problem := set(e, raw)
		if s := e.next.Provider; problem == "" && s != "" {
			if _, problem = slug(s); problem == "" && a.providers != nil && !a.isProvider(s) {
				problem = "is not configured here; there are " + strings.Join(a.providers, ", ")
			}
		}
		return problem
	}
	return f
}

// modelField takes what a request may name.
func modelField() field[Chatbot] {
	f := textField("model", 1, 200, func(c *Chatbot) *string { return &c.Model })
	set := f.set
	f.set = func(e *edit[Chatbot], raw jsontext.Value) string {
		problem := set(e, raw)
		if problem == "" {
			_, problem = plain(e.next.Model)
		}
		return problem
	}
	return f
}

// temperatureField reads a number from 0 to 2; null leaves it to the caller.
func temperatureField() field[Chatbot] {
	return field[Chatbot]{name: "temperature", set: func(e *edit[Chatbot], raw jsontext.Value) string {
		if isNull(raw) {
			e.next.Temperature = nil
			return ""
		}
		n, err := strconv.ParseFloat(string(raw), 64)
		if raw.Kind() != '0' || err != nil || !(n >= 0 && n <= 2) {
			return "must be a number from 0 to 2, or null for the caller's own"
		}
		e.next.Temperature = &n
		return ""
	}, get: func(c *Chatbot) any { return c.Temperature }}
}

// originsField reads the origins of the pages that may use a chatbot; null and []
// are none.
func originsField() field[Chatbot] {
	return field[Chatbot]{name: "allowed_origins", set: func(e *edit[Chatbot], raw jsontext.Value) string {
		list, problem := readList(raw, origin)
		if problem != "" {
			return problem
		}
		if len(list) == 0 {
			list = nil
		}
		e.next.AllowedOrigins = list
		return ""
	}, get: func(c *Chatbot) any { return c.AllowedOrigins }}
}

// origin takes an origin as browsers write it (RFC 6454, section 6.2), or * for
// every one.
func origin(s string) (string, string) {
	const want = `must be an origin like https://example.com or http://localhost:3000, or "*" for every page`
	s = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "/")
	if s == "*" {
		return s, ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || s != u.Scheme+"://"+u.Host {
		return "", want
	}
	host, port := u.Hostname(), u.Port()
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", want
		}
	} else if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return "", fmt.Sprintf("%s; names with other letters are written in Punycode (xn--…)", want)
	}
	if n, err := strconv.Atoi(port); strings.HasSuffix(u.Host, ":") || port != "" && (err != nil || n < 1 || n > 65535) {
		return "", want
	}
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		s = strings.TrimSuffix(s, ":"+port) // browsers leave it out
	}
	return s, ""
}

// grantFields is the table of a grant.
func grantFields(now time.Time) []field[ChatbotGrant] {
	return []field[ChatbotGrant]{
		fixed(textField("key_id", 1, 200, func(g *ChatbotGrant) *string { return &g.KeyID }),
			func(g *ChatbotGrant) string { return g.KeyID }),
		instantField("expires_at", now, func(g *ChatbotGrant) *time.Time { return &g.ExpiresAt }),
		kept("revoked_at", "send DELETE", func(g *ChatbotGrant) any { return instantOrNull(g.RevokedAt) }),
	}
}
