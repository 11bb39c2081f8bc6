package credential

import (
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/secret"
)

// Account is a credential opened for one request: what the provider is sent, and
// where. Its secrets print as "[redacted]".
type Account struct {
	Provider string // one of Providers
	BaseURL  string // where it is; "" = where the provider is configured to be
	version  string // of Azure's API; "" = none
	key      secret.Text
	headers  []header // further headers
	clean    secret.Cleaner
}

type header struct {
	name  string // canonical
	value secret.Text
}

// Opened is an opened secret of a credential.
type Opened struct {
	Field string // APIKey, or Headers and the name of one
	Text  secret.Text
}

// NewAccount makes an account of a credential's settings and its opened secrets.
func NewAccount(provider string, c Config, opened []Opened) Account {
	a := Account{Provider: provider, BaseURL: c.BaseURL, version: c.APIVersion}
	words := make([]string, len(opened))
	for i, o := range opened {
		words[i] = o.Text.Reveal()
		if name, ok := strings.CutPrefix(o.Field, Headers); ok {
			a.headers = append(a.headers, header{name, o.Text})
		} else {
			a.key = o.Text
		}
	}
	a.clean = secret.NewCleaner(words...)
	if c.Organization+c.Project+c.BillTo != "" {
		for _, s := range Settings(provider) {
			if s.Header != "" && *s.At(&c) != "" {
				a.headers = append(a.headers, header{s.Header, secret.New(*s.At(&c))})
			}
		}
	}
	return a
}

// Key is the secret itself, for the header that the provider reads.
func (a *Account) Key() secret.Text { return a.key }

// Query is the parameters, encoded, that the account adds to a request to a path at
// the provider; "" = none. The paths under /openai/v1 have no versions with a date
// (https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle).
func (a *Account) Query(path string) string {
	if a.version == "" || strings.Contains(path, "/openai/v1/") && '0' <= a.version[0] && a.version[0] <= '9' {
		return ""
	}
	return url.Values{"api-version": {a.version}}.Encode()
}

// SetHeaders puts the further headers into h.
func (a *Account) SetHeaders(h http.Header) {
	for _, own := range a.headers {
		h[own.name] = []string{own.value.Reveal()}
	}
}

// Cleaner takes the account's secrets out of answers. Who pays, which some
// providers name in their answers, is no secret.
func (a *Account) Cleaner() secret.Cleaner { return a.clean }
