package authority

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// credentialFields is the table of a credential: every name that a body may carry.
func (a *Authority) credentialFields() []field[draft] {
	at := func(c *draft) *Limits { return &c.Limits }
	table := []field[draft]{
		unchanging(wordField("provider", func(c *draft) *string { return &c.Provider }, credential.Providers()...), "make a new credential"),
		unchanging(textField("user_id", 0, 200, func(c *draft) *string { return &c.UserID }), "make a new credential"),
		textField("provider_display_name", 0, 100, func(c *draft) *string { return &c.DisplayName }),
		textField("key_name", 1, 255, func(c *draft) *string { return &c.Name }),
		{name: credential.APIKey, set: setAPIKey},
		switchField("is_default", func(c *draft) *bool { return &c.Default }),
		activeField(func(c *draft) *Status { return &c.Status }),
		{name: "custom_config", set: a.setConfig, get: configShown},
	}
	table = append(table, countedFields(at)...)
	table = append(table,
		countField("daily_limit", 0, maxTokens, func(c *draft) **int64 { return &c.TokensPerDay }),
		countField("monthly_limit", 0, maxTokens, func(c *draft) **int64 { return &c.TokensPerMonth }))
	for _, name := range []string{"budget_limit_cents", "budget_type", "budget_mode", "is_unlimited"} {
		table = append(table, nothing[draft](name, "is not for credentials: what one costs is on its provider's bill; limit its tokens"))
	}
	for _, name := range []string{
		"id", "organization_id", "validation", "usage_count", "total_tokens_used", "last_used_at", "created_at", "updated_at", "version",
	} {
		table = append(table, readOnly[draft](name, ""))
	}
	return append(table,
		kept("status", "send is_active", func(c *draft) any { return string(c.Status) }),
		kept("key_prefix", "send api_key", func(c *draft) any { return wordOrNull(c.Prefix) }),
		kept("key_suffix", "send api_key", func(c *draft) any { return wordOrNull(c.Suffix) }),
		kept("secret_id", "send api_key", func(c *draft) any { return wordOrNull(c.SecretID) }))
}

// unchanging is a line that only creation may set; later its value may be repeated.
func unchanging[T any](f field[T], instead string) field[T] {
	set := f.set
	f.set = func(e *edit[T], raw jsontext.Value) string {
		problem := set(e, raw)
		if problem == "" && e.current != nil && f.get(e.next) != f.get(e.current) {
			return "cannot be changed; " + instead
		}
		return problem
	}
	return f
}

// nothing is a line of what the others of its kind have and this one has not; null
// is as good as left out.
func nothing[T any](name, problem string) field[T] {
	return field[T]{name: name, set: func(_ *edit[T], raw jsontext.Value) string {
		if isNull(raw) {
			return ""
		}
		return problem
	}}
}

// inOrder is list with the member of this name in front: others depend on it.
func inOrder(list []member, first string) []member {
	i := indexOf(list, first)
	if i <= 0 {
		return list
	}
	return slices.Concat(list[i:i+1], list[:i], list[i+1:])
}

// setAPIKey takes the secret. What is wrong with it is told without it.
func setAPIKey(e *edit[draft], raw jsontext.Value) string {
	var s string
	if isNull(raw) || json.Unmarshal(raw, &s) != nil {
		return "must be text"
	}
	s = strings.TrimSpace(s)
	if problem := credential.CheckSecret(s); problem != "" {
		return problem
	}
	e.next.apiKey = secret.New(s)
	return ""
}

// setConfig merges the settings of the provider into those that there are (RFC
// 7396).
func (a *Authority) setConfig(e *edit[draft], raw jsontext.Value) string {
	settings := credential.Settings(e.next.Provider)
	if isNull(raw) {
		raw = jsontext.Value("{}")
		for _, s := range settings {
			clearSetting(e.next, s)
		}
	}
	var given map[string]jsontext.Value
	if raw.Kind() != '{' || json.Unmarshal(raw, &given) != nil {
		return "must be an object, or null"
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(settings, func(s credential.Setting) bool { return s.Name == name })
		problem := noSetting(e.next.Provider, settings)
		if i >= 0 {
			problem = a.setSetting(e, settings[i], given[name])
		}
		if problem != "" {
			wrong = append(wrong, name+" "+problem)
		}
	}
	return strings.Join(wrong, "; ")
}

func noSetting(provider string, settings []credential.Setting) string {
	var names []string
	for _, s := range settings {
		names = append(names, s.Name)
	}
	switch {
	case provider == "":
		return "cannot be judged without a provider"
	case names == nil:
		return fmt.Sprintf("is not known: %s has no settings", provider)
	}
	return fmt.Sprintf("is not known: %s has %s", provider, strings.Join(names, ", "))
}

func clearSetting(c *draft, s credential.Setting) {
	if s.At != nil {
		*s.At(&c.Config) = ""
		return
	}
	for _, name := range c.Config.Headers {
		c.setHeader(name, secret.Text{})
	}
}

func (a *Authority) setSetting(e *edit[draft], s credential.Setting, raw jsontext.Value) string {
	if isNull(raw) {
		clearSetting(e.next, s)
		return ""
	}
	if s.At == nil {
		return setHeaders(e, raw)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "must be text, or null"
	}
	text = strings.TrimSpace(text)
	problem := ""
	switch {
	case text == "":
	case s.Check != nil:
		problem = s.Check(text)
	case e.current == nil || text != *s.At(&e.current.Config):
		text = strings.TrimRight(text, "/")
		problem = a.reach.URL(text)
	}
	if problem == "" {
		*s.At(&e.next.Config) = text
	}
	return problem
}

// setHeaders merges further headers into those that there are. Their values are
// secrets: they are shown as hidden, and may be sent back so.
func setHeaders(e *edit[draft], raw jsontext.Value) string {
	var given map[string]*string
	if raw.Kind() != '{' || json.Unmarshal(raw, &given) != nil {
		return `must be an object like {"X-Team": "search"}, or null`
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		known := slices.Contains(e.next.Config.Headers, canonicalHeader(name))
		problem := credential.CheckHeader(name)
		switch {
		case problem != "":
			return fmt.Sprintf("%q %s", name, problem)
		case value == nil && known:
			e.next.setHeader(name, secret.Text{})
			continue
		case value == nil:
			continue
		case *value == secret.Redacted && known:
			continue
		}
		if problem := credential.CheckSecret(*value); problem != "" {
			return fmt.Sprintf("%q %s", name, problem)
		}
		e.next.setHeader(name, secret.New(*value))
	}
	if n := len(e.next.Config.Headers); n > credential.MaxHeaders {
		return fmt.Sprintf("must be %d at most, not %d", credential.MaxHeaders, n)
	}
	return ""
}

// setHeader sets a further header, or takes it away.
func (c *draft) setHeader(name string, value secret.Text) {
	name = canonicalHeader(name)
	if c.headers == nil {
		c.headers = map[string]secret.Text{}
	}
	c.headers[name] = value
	list := slices.DeleteFunc(slices.Clone(c.Config.Headers), func(s string) bool { return s == name })
	if !value.IsZero() {
		list = append(list, name)
		slices.Sort(list)
	}
	if c.Config.Headers = list; len(list) == 0 {
		c.Config.Headers = nil
	}
}

// canonicalHeader is a name as requests carry it: names of headers do not depend
// on case.
func canonicalHeader(name string) string {
	parts := strings.Split(strings.ToLower(name), "-")
	for i, part := range parts {
		if part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "-")
}

// configShown is the settings as answers and the audit show them.
func configShown(c *draft) any { return c.ShownConfig() }

// ShownConfig is the settings as answers show them: the values of headers are
// hidden. It is empty for a credential without settings.
func (c Credential) ShownConfig() map[string]any {
	shown := map[string]any{}
	for _, s := range credential.Settings(c.Provider) {
		if s.At == nil {
			if len(c.Config.Headers) > 0 {
				headers := map[string]string{}
				for _, name := range c.Config.Headers {
					headers[name] = secret.Redacted
				}
				shown[s.Name] = headers
			}
		} else if value := *s.At(&c.Config); value != "" {
			shown[s.Name] = value
		}
	}
	return shown
}

// settleCredential completes a credential once all of the body has been read.
func settleCredential(e *edit[draft], list []member) {
	c := e.next
	missing := func(name string, is bool) {
		if is && !e.failed(name) {
			e.fail(name, "is required")
		}
	}
	missing("provider", c.Provider == "")
	missing("key_name", c.Name == "")
	missing(credential.APIKey, e.current == nil && c.apiKey.IsZero())
	settleMove(e)
	for _, s := range credential.Settings(c.Provider) {
		if s.Required && *s.At(&c.Config) == "" && !e.failed("custom_config") {
			e.fail("custom_config", s.Name+" is required for "+c.Provider)
		}
	}
	twice(e, list, "daily_limit", "tokens_per_day", func(c *draft) **int64 { return &c.TokensPerDay })
	twice(e, list, "monthly_limit", "tokens_per_month", func(c *draft) **int64 { return &c.TokensPerMonth })
}

// settleMove keeps secrets from going where whoever knows them did not send them:
// who moves a credential to another base_url brings its secrets along anew.
func settleMove(e *edit[draft]) {
	c := e.next
	if e.current == nil || c.Config.BaseURL == e.current.Config.BaseURL {
		return
	}
	if c.apiKey.IsZero() && !e.failed(credential.APIKey) {
		e.fail(credential.APIKey, "must be sent again with another base_url: what is stored is sent to nowhere else")
	}
	for _, name := range e.current.Config.Headers {
		if _, said := c.headers[name]; !said && !e.failed("custom_config") {
			e.fail("custom_config", "headers: "+name+" must be sent again with another base_url, or taken away with null")
		}
	}
}

// twice settles a limit that has two names. An object that was read has both; who
// changes one of them and sends it back means the one that is changed.
func twice(e *edit[draft], list []member, name, alias string, at func(*draft) **int64) {
	if !e.has(name) || !e.has(alias) || e.failed(name) || e.failed(alias) {
		return
	}
	read := func(name string) *int64 {
		one := edit[draft]{next: &draft{}}
		one.apply([]field[draft]{countField(name, 0, maxTokens, at)}, list[indexOf(list, name):][:1])
		return *at(one.next)
	}
	a, b := read(name), read(alias)
	switch {
	case e.current != nil && reflect.DeepEqual(a, *at(e.current)):
		*at(e.next) = b
	case reflect.DeepEqual(a, b), e.current != nil && reflect.DeepEqual(b, *at(e.current)):
		*at(e.next) = a
	default:
		e.fail(name, "is the same as "+alias+"; send one of them")
	}
}

func indexOf(list []member, name string) int {
	return slices.IndexFunc(list, func(m member) bool { return m.name == name })
}

func quoted(s string) jsontext.Value {
	text, err := json.Marshal(s)
	if err != nil {
		return jsontext.Value(`"?"`)
	}
	return text
}
