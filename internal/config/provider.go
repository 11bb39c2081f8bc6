package config

import (
	"maps"
	"slices"
	"strings"

	"tollgate/internal/secret"
)

// builtin is a provider that needs no entry in the file.
type builtin struct {
	slug    string
	baseURL string   // "" = must be set
	keys    []string // the usual variables of its credential, the first that is set wins
}

func builtins() []builtin {
	return []builtin{
		{"openai", "https://api.openai.com/v1", []string{"OPENAI_API_KEY"}},
		{"anthropic", "https://api.anthropic.com", []string{"ANTHROPIC_API_KEY"}},
		{"google", "https://generativelanguage.googleapis.com", []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}},
		{"cohere", "https://api.cohere.com", []string{"COHERE_API_KEY"}},
		{"huggingface", "https://router.huggingface.co/v1", []string{"HF_TOKEN"}},
		{"azure", "", []string{"AZURE_OPENAI_API_KEY"}},
		{"custom", "", nil},
		{"demo", "", nil},
	}
}

// builtinNamed is the built-in provider with a slug, the zero value for others.
func builtinNamed(slug string) builtin {
	for _, b := range builtins() {
		if b.slug == slug {
			return b
		}
	}
	return builtin{}
}

// Endpoint is a provider that can be used.
type Endpoint struct {
	Slug    string
	Kind    string      // the wire it speaks: a built-in slug
	BaseURL string      // without a slash at its end
	APIKey  secret.Text // zero for a server that wants none
}

// Slugs lists every provider there is by name, configured or not: the built-in
// ones and those of the file.
func (c *Config) Slugs() []string { return c.slugs(nil) }

// Configured lists the providers that can be used, by slug: those with a
// credential or a base URL of their own, whose address is known.
func (c *Config) Configured() []Endpoint {
	var es []Endpoint
	for _, slug := range slices.Sorted(maps.Keys(c.Providers)) {
		p := c.Providers[slug]
		e := Endpoint{Slug: slug, Kind: p.kind(slug), BaseURL: p.BaseURL, APIKey: p.APIKey}
		if e.BaseURL == "" && !e.APIKey.IsZero() {
			e.BaseURL = builtinNamed(e.Kind).baseURL
		}
		if e.BaseURL = strings.TrimRight(e.BaseURL, "/"); e.BaseURL != "" {
			es = append(es, e)
		}
	}
	return es
}

// Usual lists where the built-in providers are that Configured does not list: users
// may bring credentials of their own for them.
func (c *Config) Usual() []Endpoint {
	configured := c.Configured()
	var es []Endpoint
	for _, b := range builtins() {
		there := slices.ContainsFunc(configured, func(e Endpoint) bool { return e.Slug == b.slug })
		if b.baseURL != "" && !there {
			es = append(es, Endpoint{Slug: b.slug, Kind: b.slug, BaseURL: b.baseURL})
		}
	}
	return es
}

// kind is whose wire the provider called slug speaks.
func (p Provider) kind(slug string) string {
	switch {
	case p.Kind != "":
		return p.Kind
	case builtinNamed(slug).slug != "":
		return slug
	}
	return "custom"
}

// completeProviders takes credentials from the variables that a provider names
// or that are usual for it. They win over the file, and TOLLGATE_ variables, read
// before, win over them.
func (c *Config) completeProviders(env map[string]string) []Warning {
	var warnings []Warning
	for _, slug := range c.slugs(nil) {
		p := c.Providers[slug]
		names := builtinNamed(slug).keys
		if p.APIKeyEnv != "" {
			names = []string{p.APIKeyEnv}
		}
		if env[envName("providers."+slug+".api_key")] == "" && env[envName(slug+".api_key")] == "" {
			if found := firstSet(env, names); found != "" {
				p.APIKey = secret.New(env[found])
				c.setProvider(slug, p)
			}
		}
		if p.APIKeyEnv != "" && p.APIKey.IsZero() {
			warnings = append(warnings, Warning{"providers." + slug + ".api_key_env", "the variable " + p.APIKeyEnv + " is not set, so " + slug + " has no credential"})
		}
		if p.kind(slug) == "azure" && !p.APIKey.IsZero() && p.BaseURL == "" {
			warnings = append(warnings, Warning{"providers." + slug + ".base_url", "there is a credential but no address, so " + slug + " is not used; set " + envName(slug+".base_url") + " to the resource's address"})
		}
	}
	return warnings
}

// firstSet is the first of the names that is a variable, "" for none.
func firstSet(env map[string]string, names []string) string {
	for _, name := range names {
		if env[name] != "" {
			return name
		}
	}
	return ""
}
