package authority

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/llm"
	"tollgate/internal/policy"
)

// keyFields is the table of a key: every name that a body may carry.
func keyFields(now time.Time) []field[Key] {
	table := []field[Key]{
		free(textField("name", 1, 100, func(k *Key) *string { return &k.Name })),
		free(linesField("description", 0, 500, func(k *Key) *string { return &k.Description })),
		free(wordsField("tags", func(k *Key) *[]string { return &k.Tags }, tag)),
		fixed(wordField("kind", func(k *Key) *Kind { return &k.Kind },
			KindUser, KindService, KindStandalone, KindChatbot), func(k *Key) string { return string(k.Kind) }),
		fixed(textField("user_id", 0, 200, func(k *Key) *string { return &k.UserID }),
			func(k *Key) string { return k.UserID }),
		withTightens(activeField(func(k *Key) *Status { return &k.Status }), staysClosed),
		instantField("expires_at", now, func(k *Key) *time.Time { return &k.ExpiresAt }),
		withTightens(boolField("auto_delete_on_expiry", func(k *Key) **bool { return &k.AutoDeleteOnExpiry }),
			func(old, next *Key) bool { return deletesSooner(old.AutoDeleteOnExpiry, next.AutoDeleteOnExpiry) }),
		flagsField("permissions", func(k *Key) *map[string]bool { return &k.Permissions }),
		allowList("scopes", func(k *Key) *[]string { return &k.Scopes }, scope, equal),
		allowList("allowed_models", func(k *Key) *[]string { return &k.AllowedModels }, plain, policy.Covers),
		allowList("allowed_endpoints", func(k *Key) *[]string { return &k.AllowedEndpoints }, endpoint, policy.Covers),
		allowList("allowed_ips", func(k *Key) *[]string { return &k.AllowedIPs }, address, prefixWithin),
		allowList("allowed_chatbots", func(k *Key) *[]string { return &k.AllowedChatbots }, plain, equal),
		allowList("allowed_providers", func(k *Key) *[]string { return &k.AllowedProviders }, slug, equal),
		allowList("allowed_api_formats", func(k *Key) *[]string { return &k.AllowedAPIFormats }, format, equal),
	}
	table = append(table, limitFields(func(k *Key) *Limits { return &k.Limits })...)
	table = append(table, initialBalance())
	for _, name := range []string{
		"id", "organization_id", "created_at", "updated_at", "last_used_at", "version",
		"total_requests", "total_tokens", "total_cost_usd", "total_cost_cents", "balance",
	} {
		table = append(table, readOnly[Key](name, ""))
	}
	return append(table,
		kept("status", "send is_active, or revoke the key", func(k *Key) any { return string(k.Status) }),
		kept("disabled_by", "", func(k *Key) any { return wordOrNull(k.DisabledBy) }),
		kept("revoked_by", "", func(k *Key) any { return wordOrNull(k.RevokedBy) }),
		kept("revoked_at", "", func(k *Key) any { return instantOrNull(k.RevokedAt) }),
		kept("revoke_reason", "", func(k *Key) any { return wordOrNull(k.RevokeReason) }),
		kept("key_prefix", "", func(k *Key) any { return k.Prefix }),
		kept("secrets", "regenerate the key", secretsShown),
		readOnly[Key]("secret_key", "it is made by the server"),
		readOnly[Key]("preset", "it is asked for when a key is made"))
}

// fixed is a line that only creation may set; later its value may be repeated but
// not changed.
func fixed[T any](f field[T], get func(*T) string) field[T] {
	set := f.set
	f.set = func(e *edit[T], raw jsontext.Value) string {
		problem := set(e, raw)
		if problem == "" && e.current != nil && get(e.next) != get(e.current) {
			return "cannot be changed; make a new one"
		}
		return problem
	}
	return f
}

// settleKey completes a key once all of the body has been read.
func settleKey(e *edit[Key]) {
	k := e.next
	if k.Name == "" && !e.failed("name") {
		e.fail("name", "is required")
	}
	owned := k.UserID != "" || e.failed("user_id")
	switch {
	case e.failed("kind"):
	case k.Kind == "" && owned:
		k.Kind = KindUser
	case k.Kind == "":
		k.Kind = KindService
	case k.Kind == KindUser && !owned:
		e.fail("user_id", "is required for the kind user")
	case (k.Kind == KindService || k.Kind == KindStandalone) && owned:
		e.fail("kind", fmt.Sprintf("%s belongs to no user; leave out user_id, or kind", k.Kind))
	}
	settleChatbots(e)
	e.settleBudget(&k.Limits)
}

// settleChatbots keeps a key for chatbots from opening everything: it names one
// from the start, and no change takes the last one away.
func settleChatbots(e *edit[Key]) {
	k := e.next
	emptied := e.current == nil || len(e.current.AllowedChatbots) > 0
	if k.Kind == KindChatbot && len(k.AllowedChatbots) == 0 && emptied && !e.failed("allowed_chatbots") && !e.failed("kind") {
		e.fail("allowed_chatbots", "a key of the kind chatbot needs at least one chatbot")
	}
}

func tag(s string) (string, string) {
	s = strings.TrimSpace(s)
	if n := len([]rune(s)); n < 1 || n > 50 {
		return "", fmt.Sprintf("must have 1 to 50 characters, not %d", n)
	}
	if strings.ContainsFunc(s, misleads) {
		return "", noMisleading
	}
	return s, ""
}

func scope(s string) (string, string) {
	if !slices.Contains(llm.Scopes(), llm.Scope(s)) {
		return "", fmt.Sprintf("%q is no scope; scopes are %s", s, oneOf(llm.Scopes()))
	}
	return s, ""
}

func format(s string) (string, string) {
	formats := llm.Formats()
	if !slices.Contains(formats, llm.Format(s)) {
		return "", fmt.Sprintf("%q is no API format; formats are %s", s, oneOf(formats))
	}
	return s, ""
}

func endpoint(s string) (string, string) {
	if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "*") {
		return "", fmt.Sprintf("%q must begin with / or *, like /v1/chat/*", s)
	}
	return plain(s)
}

func slug(s string) (string, string) {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || s == "" || len(s) > 100 {
		return "", fmt.Sprintf("%q is no provider; providers are lower-case words like openai", s)
	}
	return s, ""
}

// address keeps a single address single, and masks a prefix, so that what is
// shown is what is enforced.
func address(s string) (string, string) {
	p, err := policy.ParsePrefix(strings.TrimSpace(s))
	if err != nil {
		return "", err.Error() + "; write an address like 203.0.113.7 or a prefix like 10.0.0.0/8"
	}
	if p.IsSingleIP() && !strings.Contains(s, "/") {
		return p.Addr().String(), ""
	}
	return p.String(), ""
}
