package credential

import (
	"slices"
	"strings"
	"unicode"
)

// The providers for which there are credentials. Each is its own kind of wire.
const (
	OpenAI      = "openai"
	Anthropic   = "anthropic"
	Google      = "google"
	Cohere      = "cohere"
	HuggingFace = "huggingface"
	Azure       = "azure"
	Custom      = "custom"
)

// Providers lists them.
func Providers() []string {
	return []string{OpenAI, Anthropic, Google, Cohere, HuggingFace, Azure, Custom}
}

// The names of what is sealed, as the API calls it.
const (
	APIKey  = "api_key"
	Headers = "custom_config.headers."
)

// The length of a secret in bytes. A shorter one would be taken out of answers in
// which it stands by chance; a longer one does not fit into a header.
const (
	MinSecret = 8
	maxSecret = 4096
)

// CheckSecret is what is wrong with a secret, "" when nothing is. It repeats
// nothing of it.
func CheckSecret(s string) (problem string) {
	switch {
	case len(s) < MinSecret || len(s) > maxSecret:
		return "must have 8 to 4096 characters"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "must be visible ASCII characters, without blanks or line breaks"
	}
	return ""
}

// The shortest secret of which anything is shown, and how much is shown at most.
const (
	minShown  = 16
	maxPrefix = 8
	maxSuffix = 4
)

// Hint is what of a secret may be shown, for people to recognise it by: never more
// than a quarter of it in front, and nothing of a short one.
func Hint(s string) (prefix, suffix string) {
	if len(s) < minShown {
		return "", ""
	}
	return s[:min(maxPrefix, len(s)/4)], s[len(s)-maxSuffix:]
}

// Config is the settings of a credential. A field that its provider does not have
// is empty.
type Config struct {
	BaseURL      string   `json:"base_url,omitzero"`     // azure, custom: where it is
	APIVersion   string   `json:"api_version,omitzero"`  // azure: sent as the parameter api-version
	Organization string   `json:"organization,omitzero"` // openai: whose account pays
	Project      string   `json:"project,omitzero"`      // openai, google: whose account pays
	BillTo       string   `json:"bill_to,omitzero"`      // huggingface: whose account pays
	Headers      []string `json:"headers,omitzero"`      // azure, custom: names of further headers, sorted; their values are sealed
}

// Setting is one setting that a provider has.
type Setting struct {
	Name     string
	Required bool
	At       func(*Config) *string         // where it is; nil for headers
	Check    func(string) (problem string) // of a value that is not empty; nil for base_url, which a reach.Policy judges
	Header   string                        // the request header that carries it; "" = none
}

// Settings are those that a provider has; nil for one that has none.
func Settings(provider string) []Setting {
	account := func(name, header string, at func(*Config) *string) Setting {
		return Setting{Name: name, Header: header, At: at, Check: checkWord}
	}
	organization := account("organization", "Openai-Organization", func(c *Config) *string { return &c.Organization })
	project := func(header string) Setting {
		return account("project", header, func(c *Config) *string { return &c.Project })
	}
	base := Setting{Name: "base_url", Required: true, At: func(c *Config) *string { return &c.BaseURL }}
	version := Setting{Name: "api_version", At: func(c *Config) *string { return &c.APIVersion }, Check: checkVersion}
	headers := Setting{Name: "headers"}
	switch provider {
	case OpenAI:
		return []Setting{organization, project("Openai-Project")}
	case Google:
		return []Setting{project("X-Goog-User-Project")}
	case HuggingFace:
		return []Setting{account("bill_to", "X-Hf-Bill-To", func(c *Config) *string { return &c.BillTo })}
	case Azure:
		return []Setting{base, version, headers}
	case Custom:
		return []Setting{base, headers}
	}
	return nil
}

// checkWord is about what stands in a header.
func checkWord(s string) string {
	if len(s) > 200 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "must be at most 200 visible ASCII characters, without blanks"
	}
	return ""
}

// checkVersion is about what stands in a query.
func checkVersion(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return "must be a version like 2024-10-21 or preview"
	}
	return ""
}

// MaxHeaders is how many further headers a credential may have.
const MaxHeaders = 16

// CheckHeader is what is wrong with the name of a further header, "" when nothing
// is. What says where a request goes, how its body is read, or who pays for it in
// another way, is not to be set so.
func CheckHeader(name string) (problem string) {
	canonical := strings.ToLower(name)
	switch {
	case name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}):
		return "must be named with letters, digits, - and _"
	case slices.Contains(taken(), canonical), strings.HasPrefix(canonical, "x-tollgate-"), strings.HasPrefix(canonical, "proxy-"):
		return "may not be set here"
	}
	return ""
}

// taken are headers that are said otherwise, in lower case.
func taken() []string {
	return []string{
		"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "te", "trailer", "upgrade", "connection",
		"keep-alive", "expect", "accept-encoding", "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
		"x-http-method-override", "x-http-method", "x-method-override", "x-client-request-id",
		"idempotency-key", "x-idempotency-key", // one for all requests would make them one
	}
}
