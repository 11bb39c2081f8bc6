package catalog

import (
	"strings"
	"time"

	"tollgate/internal/fault"
)

// maxName is the longest model name looked up, in bytes. No provider's come
// near it; a name as long as a body is not worth matching against anything.
const maxName = 512

// Target is where a model name leads.
type Target struct {
	Provider string // slug
	Name     string // what the provider is sent: the caller's own spelling
	Model    *Model // whose prices apply; nil = unpriced. Its Name may differ: the row of an undated name, or one with *
}

// Targets appends to room where a name leads, for whoever can go on to another
// target: all that an alias stands for, in order; of any other name what Resolve
// finds, or where it is said Deployment.
func (c *Catalog) Targets(room []Target, name string, deployment bool, at time.Time, configured func(provider string) bool) ([]Target, error) {
	if c.aliases[name] != nil {
		return c.aliased(room, name, at), nil
	}
	var t Target
	var err error
	if deployment {
		t, err = c.Deployment(name, at, configured)
	} else {
		t, err = c.Resolve(name, at, configured)
	}
	if err != nil {
		return nil, err
	}
	return append(room, t), nil
}

// aliased appends to room what an alias stands for.
func (c *Catalog) aliased(room []Target, name string, at time.Time) []Target {
	for _, target := range c.aliases[name] {
		t, _ := c.explicit(target, at) // Load has seen to it
		room = append(room, t)
	}
	return room
}

// Resolve finds the provider and the row that a caller's model name means: the
// first target of a configured alias; else provider/name, which need not be listed; else the
// first configured provider that lists the name, exactly, without its date, or
// by a row with *. Where a name is listed but none of its providers is
// configured the first of them comes back, for the caller to find it
// unconfigured. A nil configured takes all providers for configured. The row comes
// back as it is at the instant at.
//
// The error is fault.ModelNotFound, for a bare name that nobody lists. An exact
// name costs one or two map look-ups and no allocation.
func (c *Catalog) Resolve(name string, at time.Time, configured func(provider string) bool) (Target, error) {
	if targets := c.aliases[name]; targets != nil {
		t, _ := c.explicit(targets[0], at) // Load has seen to it
		return t, nil
	}
	// Some providers trim what they are sent; a name with blanks at its ends would
	// be one model to them and another one to the rules and prices here.
	if len(name) <= maxName && strings.TrimSpace(name) == name {
		if t, ok := c.explicit(name, at); ok {
			return t, nil
		}
		var m *Model
		if configured != nil {
			m = c.find(name, at, configured)
		}
		if m == nil {
			m = c.find(name, at, func(string) bool { return true })
		}
		if m != nil {
			return Target{Provider: m.Provider, Name: name, Model: m}, nil
		}
	}
	return Target{}, notFound(name)
}

// Deployment is Resolve where any name may be one of Azure's deployments: a name
// that is no alias, and that none of the providers that have them lists, is a
// deployment of the first of these.
func (c *Catalog) Deployment(name string, at time.Time, has func(provider string) bool) (Target, error) {
	t, err := c.Resolve(name, at, has)
	if err == nil && (t.Name != name || has(t.Provider)) {
		return t, nil
	}
	for _, slug := range c.providers {
		if has(slug) {
			return c.Resolve(slug+"/"+name, at, has)
		}
	}
	return c.Resolve("azure/"+name, at, has)
}

func notFound(name string) error {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "") + "…"
	}
	err := fault.New(fault.ModelNotFound, "The model %q is not known here. GET /v1/models lists those that are; a model that is not listed needs its provider before its name, like openai/%s.", name, name)
	err.Param = "model"
	return err
}

// Of is the model that a provider has under a name at an instant. The error is fault.ModelNotFound,
// for a provider that is not known and a name that no model can have.
func (c *Catalog) Of(provider, name string, at time.Time) (Target, error) {
	if len(name) <= maxName && strings.TrimSpace(name) == name {
		if t, ok := c.explicit(provider+"/"+name, at); ok {
			return t, nil
		}
	}
	return Target{}, notFound(name)
}

// explicit reads provider/name. ok is false when the name does not start with a
// known provider.
func (c *Catalog) explicit(name string, at time.Time) (t Target, ok bool) {
	slug, rest, _ := strings.Cut(name, "/")
	if _, known := c.rank[slug]; !known || rest == "" {
		return Target{}, false
	}
	if slug == "google" {
		rest = strings.TrimPrefix(rest, "models/") // Google's long form of the same names
	}
	m := c.find(rest, at, func(provider string) bool { return provider == slug })
	if m == nil {
		m = c.unlisted
	}
	return Target{Provider: slug, Name: rest, Model: m}, true
}

// find is the row for a name among those whose provider is accepted: an exact
// one, else that of the name without its date, else one with *.
func (c *Catalog) find(name string, at time.Time, accept func(provider string) bool) *Model {
	if m := first(c.listing[name], at, accept); m != nil {
		return m
	}
	if base, ok := undated(name); ok {
		if m := first(c.listing[base], at, accept); m != nil {
			return m
		}
	}
	for _, row := range c.globs {
		if accept(row.Provider) && matches(row.Name, name) {
			if m := row.At(at); m != nil {
				return m
			}
		}
	}
	return nil
}

func first(rows []*Model, at time.Time, accept func(provider string) bool) *Model {
	for _, row := range rows {
		if accept(row.Provider) {
			if m := row.At(at); m != nil {
				return m
			}
		}
	}
	return nil
}

// undated cuts the date that providers put after a model's name: -latest,
// -2024-07-18, -20240718, @20240718 or -0718. It cuts nothing that cannot be a
// date, so that gpt-3.5-turbo-16k or a -2507 (a July of 2025) keep their own
// names.
func undated(name string) (base string, ok bool) {
	if base, ok := strings.CutSuffix(name, "-latest"); ok {
		return base, base != ""
	}
	for _, shape := range [...]string{"-yyyy-mm-dd", "-yyyymmdd", "@yyyymmdd", "-mmdd"} {
		at := len(name) - len(shape)
		if at > 0 && isDate(shape, name[at:]) {
			return name[:at], true
		}
	}
	return "", false
}

// isDate reports whether s is of the shape, with a year of this century, a month
// and a day that exist.
func isDate(shape, s string) bool {
	var y, m, d int
	for i := range len(shape) {
		digit := int(s[i]) - '0'
		if strings.IndexByte("ymd", shape[i]) >= 0 && (digit < 0 || digit > 9) {
			return false
		}
		switch shape[i] {
		case 'y':
			y = y*10 + digit
		case 'm':
			m = m*10 + digit
		case 'd':
			d = d*10 + digit
		default:
			if s[i] != shape[i] {
				return false
			}
		}
	}
	yearOK := !strings.Contains(shape, "y") || (y >= 2000 && y < 2100)
	return yearOK && m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// matches reports whether name is pattern with each * standing for any
// characters, none included.
func matches(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for {
		part, after, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], after
	}
}

// literal is how many characters of a pattern are not *.
func literal(pattern string) int { return len(pattern) - strings.Count(pattern, "*") }
