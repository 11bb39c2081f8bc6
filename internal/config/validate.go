package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Validate looks at the whole configuration. The error is Problems: every
// value that is wrong, by field, with what would be right.
func (c *Config) Validate() error {
	v := &validator{}
	v.tags("", reflect.ValueOf(c).Elem(), "")
	v.server(c)
	v.keys(c)
	v.vault(&c.Vault)
	for _, slug := range slices.Sorted(maps.Keys(c.Providers)) {
		v.provider(slug, c.Providers[slug])
	}
	for i, row := range c.Prices {
		v.price(fmt.Sprintf("prices[%d]", i), row, c)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Aliases)) {
		v.alias(name, c.Aliases[name], c)
	}
	return v.problems.err()
}

type validator struct{ problems Problems }

// want notes a problem unless ok. The reason tells what would be right.
func (v *validator) want(ok bool, field string, value any, reason string, args ...any) {
	if !ok {
		v.problems = append(v.problems, Problem{Field: field, Value: show(value), Reason: fmt.Sprintf(reason, args...)})
	}
}

// tags holds every value to its range and oneof tags.
func (v *validator) tags(path string, at reflect.Value, tag reflect.StructTag) {
	switch {
	case isLeaf(at.Type()):
		if r := tag.Get("range"); r != "" {
			least, most := limitsOf(at.Type(), r)
			v.want(at.Int() >= least.Int() && at.Int() <= most.Int(), path, at.Interface(), "must be from %s to %s", show(least.Interface()), show(most.Interface()))
		}
		if one := strings.Fields(tag.Get("oneof")); len(one) > 0 && (at.String() != "" || tag.Get("empty") == "") {
			v.want(slices.Contains(one, at.String()), path, at.Interface(), "must be one of %s", strings.Join(one, ", "))
		}
	case at.Kind() == reflect.Struct:
		for _, f := range fieldsOf(at) {
			v.tags(join(path, f.name), f.value, f.tag)
		}
	case at.Kind() == reflect.Slice:
		for i := range at.Len() {
			v.tags(fmt.Sprintf("%s[%d]", path, i), at.Index(i), "")
		}
	case at.Kind() == reflect.Map:
		keys := at.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			v.tags(join(path, key.String()), at.MapIndex(key), "")
		}
	}
}

// limitsOf reads a range tag, least..most, as values of the field's type.
func limitsOf(t reflect.Type, tag string) (least, most reflect.Value) {
	from, to, _ := strings.Cut(tag, "..")
	least, most = reflect.New(t).Elem(), reflect.New(t).Elem()
	for text, value := range map[string]reflect.Value{from: least, to: most} {
		if _, err := setLeaf(value, text); err != nil {
			panic("config: range tag " + tag + ": " + err.Error())
		}
	}
	return least, most
}

func (v *validator) server(c *Config) {
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	v.want(err == nil, "listen", c.Listen, "must be host:port, like 127.0.0.1:8080 or :8080")
	v.want(c.Data != "", "data", c.Data, "must be a directory")
	v.want(c.DatabaseURL.IsZero(), "database_url", c.DatabaseURL, "this build supports the embedded database only: leave this out, and let data say where it is kept")
	v.want(c.RedisURL.IsZero(), "redis_url", c.RedisURL, "this build supports the embedded database only, and counts in its own memory: leave this out")
	_, err = time.LoadLocation(c.Timezone)
	v.want(err == nil && c.Timezone != "" && c.Timezone != "Local", "timezone", c.Timezone, "must be a name of the time zone database, like UTC or Europe/Berlin")
	v.want((c.DefaultPrice.Input == nil) == (c.DefaultPrice.Output == nil), "default_price", "", "needs both input and output, or neither")
}

func (v *validator) keys(c *Config) {
	const form = "must be one to seven letters or digits and an underscore, like tg_"
	v.want(validPrefix(c.KeyPrefix), "key_prefix", c.KeyPrefix, form)
	v.want(validPrefix(c.ManagementKeyPrefix), "management_key_prefix", c.ManagementKeyPrefix, form)
	v.want(c.KeyPrefix != c.ManagementKeyPrefix, "management_key_prefix", c.ManagementKeyPrefix, "must differ from key_prefix")
	v.want(c.RootKey.IsZero() || strings.HasPrefix(c.RootKey.Reveal(), c.ManagementKeyPrefix), "root_key", c.RootKey, "must be a management key, which starts with %s", c.ManagementKeyPrefix)
	n := len(c.RootKey.Reveal())
	v.want(n == 0 || n >= 16 && n <= 256, "root_key", c.RootKey, "must have 16 to 256 characters")
}

func (v *validator) vault(c *Vault) {
	t := &c.Transit
	v.want(c.Keyset.IsZero() || c.KeysetFile == "", "vault.keyset_file", c.KeysetFile, "cannot be set beside vault.keyset; the keyset is in one place")
	v.want(c.Keyset.IsZero() || t.Address == "", "vault.transit.address", ShownURL(t.Address), "wraps a file; leave vault.keyset out")
	reason := urlProblem(t.Address)
	v.want(reason == "", "vault.transit.address", ShownURL(t.Address), "%s", strings.Replace(reason, "llm.example.com/v1", "vault.example.com:8200", 1))
	v.want(t.Address == "" || !t.Token.IsZero(), "vault.transit.token", t.Token, "is needed beside an address")
	v.want(t.Address == "" || t.Key != "" && printable(t.Key) && !strings.ContainsAny(t.Key, "/?#"), "vault.transit.key", t.Key, "must be the name of a key")
	v.want(printable(t.Mount) && !strings.ContainsAny(t.Mount, "?#"), "vault.transit.mount", t.Mount, "must be a path, like transit")
	v.want(printable(t.Token.Reveal()), "vault.transit.token", t.Token, "must not hold blanks or control characters")
	v.want(printable(t.Namespace), "vault.transit.namespace", t.Namespace, "must not hold blanks or control characters")
}

// validPrefix keeps prefixes within the eight characters by which a key is
// shown, and recognisable.
func validPrefix(s string) bool {
	name, ok := strings.CutSuffix(s, "_")
	return ok && len(name) >= 1 && len(name) <= 7 && only(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
}

func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }

func (v *validator) provider(slug string, p Provider) {
	path := "providers." + slug
	v.want(validSlug(slug), path, slug, "a provider's name must be lower-case letters, digits and -, 40 at most, a letter first")
	own := builtinNamed(slug).slug
	v.want(own == "" || p.Kind == "" || p.Kind == own, path+".kind", p.Kind, "%s is built in and always of its own kind; give the provider another name", slug)
	reason := urlProblem(p.BaseURL)
	v.want(reason == "", path+".base_url", ShownURL(p.BaseURL), "%s", reason)
	needs := builtinNamed(p.kind(slug)).baseURL == "" && p.kind(slug) != "azure" && !p.APIKey.IsZero()
	v.want(!needs || p.BaseURL != "", path+".base_url", "", "is needed: a provider of kind %s has no usual address", p.kind(slug))
	v.want(printable(p.APIKey.Reveal()), path+".api_key", p.APIKey, "must not hold blanks or control characters")
	for i, rule := range p.Passthrough {
		v.passthrough(fmt.Sprintf("%s.passthrough[%d]", path, i), rule)
	}
	v.want(printable(p.APIKeyEnv) && !strings.Contains(p.APIKeyEnv, "="), path+".api_key_env", "", "must be the name of a variable")
}

func validSlug(s string) bool {
	return s != "" && len(s) <= 40 && s[0] >= 'a' && s[0] <= 'z' && only(s, "abcdefghijklmnopqrstuvwxyz0123456789-")
}

// printable reports whether s has no blanks and no control characters.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// ShownURL is an address as it may be printed: one that holds a user, a password,
// a query or a fragment is cut to its scheme and host, and is "" where these cannot
// be told from the rest for certain.
func ShownURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case !strings.ContainsAny(s, "@?#") && err == nil:
		return s
	case err != nil || u.Host == "" || strings.Count(s, "@") > 1 || strings.Contains(s, "@") && u.User == nil:
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// urlProblem is what is wrong with a base URL, "" when it is right or empty.
func urlProblem(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return "must be an address like https://llm.example.com/v1"
	case u.User != nil:
		return "must not hold a user or password: set api_key"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "must not hold a query or a fragment"
	}
	return ""
}

func (v *validator) price(path string, r PriceRow, c *Config) {
	v.want(c.knows(r.Provider), path+".provider", r.Provider, "must be one of %s", strings.Join(c.slugs(nil), ", "))
	v.want(plain(r.Model), path+".model", r.Model, "must be the name of a model, without blanks")
	v.tokenPrices(path, r.TokenPrices, false)
	for i, alias := range r.Aliases {
		v.want(plain(alias) && !strings.Contains(alias, "*"), fmt.Sprintf("%s.aliases[%d]", path, i), alias, "must be one exact name, without blanks")
	}
	for i, word := range r.Capabilities {
		v.want(slices.Contains(capabilities(), word), fmt.Sprintf("%s.capabilities[%d]", path, i), word, "must be one of %s", strings.Join(capabilities(), ", "))
	}
	v.want(len(r.Tiers) == 0 || r.TokenPrices.Set(), path+".tiers", "", "need input and output prices beside them")
	var above int64
	for i, t := range r.Tiers {
		at := fmt.Sprintf("%s.tiers[%d]", path, i)
		v.want(t.Above > above, at+".above", t.Above, "must be more than in the tier before, and more than 0")
		v.tokenPrices(at, t.TokenPrices, true)
		above = t.Above
	}
}

func capabilities() []string {
	return []string{"chat", "completions", "responses", "embeddings", "images", "speech", "transcriptions", "moderations", "rerank", "realtime"}
}

func (v *validator) tokenPrices(path string, p TokenPrices, needed bool) {
	v.want((!needed && !p.Set()) || p.Input != nil, path+".input", "", "is needed")
	v.want((!needed && !p.Set()) || p.Output != nil, path+".output", "", "is needed; 0 where nothing is written")
}

// plain reports whether s can stand as a word of the catalogue's text.
func plain(s string) bool {
	return s != "" && printable(s) && !strings.ContainsAny(s[:1], "#>")
}

func (v *validator) alias(name string, targets []string, c *Config) {
	path := "aliases." + name
	v.want(name != "" && printable(name), path, name, "the name of an alias must not be empty or hold blanks")
	v.want(len(targets) > 0 && len(targets) <= maxTargets, path, "", "must be provider/model, or a list of at most %d of them", maxTargets)
	for i, target := range targets {
		slug, model, _ := strings.Cut(target, "/")
		v.want(c.knows(slug) && model != "" && printable(model), path, target, "must be provider/model, with one of %s", strings.Join(c.slugs(nil), ", "))
		v.want(!slices.Contains(targets[:i], target), path, target, "must not be named twice")
	}
}

// maxTargets is how many models an alias stands for at most: each may be asked in
// turn before the caller has an answer.
const maxTargets = 16

// knows reports whether there is a provider of that name, built in or in the
// file.
func (c *Config) knows(slug string) bool { return slices.Contains(c.slugs(nil), slug) }
