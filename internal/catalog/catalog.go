package catalog

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

//go:embed models.txt
var builtin string

// Provider is a provider of the configuration. Kind is the built-in provider
// whose wire it speaks; one that speaks a built-in provider's and is called
// otherwise lists the same models at the same prices, and "custom" lists what
// its rows say.
type Provider struct{ Slug, Kind string }

// Options is what the configuration adds to the built-in catalogue. The zero
// value adds nothing.
type Options struct {
	Providers []Provider        // beyond the built-in ones, which may be listed too
	Rows      []string          // rows in the format of models.txt, each laid over the built-in row of its name
	Aliases   map[string]string // name → provider/name
	Default   *Rates            // token prices of every model that has none; nil = such models stay unpriced
}

// Catalog finds models by name. It is immutable and safe for concurrent use.
type Catalog struct {
	rank      map[string]int      // every known provider, by the order in which bare names try them
	listing   map[string][]*Model // exact name → who lists it, in that order
	globs     []*Model            // rows with *, in that order, the most exact first
	models    []*Model            // rows without *, in that order, then by name
	rows      []*Model            // all rows, in that order, then by name
	aliases   map[string]Target   // of the configuration
	unlisted  *Model              // prices of what no row lists; nil = none
	providers []string            // the keys of rank, in order
}

// Providers lists the built-in slugs, in the order in which a bare name tries
// them. Other providers come after "huggingface", before "azure".
func Providers() []string {
	return []string{"openai", "anthropic", "google", "cohere", "huggingface", "custom", "azure", "demo"}
}

// Load reads the built-in rows and lays the options over them. The error names
// every row and alias that is wrong.
func Load(o Options) (*Catalog, error) {
	rows, err := parseRows("models.txt", builtin)
	if err != nil {
		return nil, err
	}
	c := &Catalog{rank: map[string]int{}, listing: map[string][]*Model{}, aliases: map[string]Target{}}
	c.order(o.Providers)
	for _, m := range rows {
		m.PriceSource = Builtin
	}
	rows = append(rows, inherited(rows, o.Providers)...)
	table, err := c.table(rows)
	if err != nil {
		return nil, err
	}
	own, err := parseRows("prices", strings.Join(o.Rows, "\n"))
	ownTable, err2 := c.table(own)
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	for id, m := range ownTable {
		m.PriceSource = Config
		if below, ok := table[id]; ok {
			m = m.over(below)
		}
		table[id] = m
	}
	if o.Default != nil {
		c.unlisted = &Model{PriceSource: Default}
		c.unlisted.setTariff(Tariff{Tiers: []Tier{{Rates: *o.Default}}})
	}
	c.index(table)
	if err := c.setAliases(o.Aliases); err != nil {
		return nil, err
	}
	return c, nil
}

// order ranks the providers: the built-in ones with the others, by slug, where
// "custom" stands.
func (c *Catalog) order(configured []Provider) {
	var others []string
	for _, p := range configured {
		if !slices.Contains(Providers(), p.Slug) {
			others = append(others, p.Slug)
		}
	}
	slices.Sort(others)
	at := slices.Index(Providers(), "azure")
	c.providers = slices.Insert(Providers(), at, slices.Compact(others)...)
	for i, slug := range c.providers {
		c.rank[slug] = i
	}
}

// inherited copies the rows of each built-in provider for those that speak its
// wire under another slug.
func inherited(rows []*Model, configured []Provider) []*Model {
	var copies []*Model
	for _, p := range configured {
		if slices.Contains(Providers(), p.Slug) {
			continue
		}
		for _, m := range rows {
			if m.Provider == p.Kind {
				m := *m
				m.Provider = p.Slug
				copies = append(copies, &m)
			}
		}
	}
	return copies
}

// rowID is what makes a row one: two of them in one text are an error.
type rowID struct{ provider, name string }

// table is the rows by id.
func (c *Catalog) table(rows []*Model) (map[rowID]*Model, error) {
	t := make(map[rowID]*Model, len(rows))
	var problems []error
	for _, m := range rows {
		id := rowID{m.Provider, m.Name}
		if _, known := c.rank[m.Provider]; !known {
			problems = append(problems, fmt.Errorf("model %s: the provider %q is not known; it is one of %s", m.Name, m.Provider, strings.Join(c.providers, ", ")))
		}
		if t[id] != nil {
			problems = append(problems, fmt.Errorf("model %s of %s is listed twice", m.Name, m.Provider))
		}
		t[id] = m
	}
	return t, errors.Join(problems...)
}

// index makes the look-ups of all rows.
func (c *Catalog) index(table map[rowID]*Model) {
	rows := slices.SortedFunc(maps.Values(table), func(a, b *Model) int {
		return cmp.Or(cmp.Compare(c.rank[a.Provider], c.rank[b.Provider]), cmp.Compare(a.Name, b.Name))
	})
	for _, m := range rows {
		if !m.Priced && c.unlisted != nil {
			t := m.Tariff()
			t.Tiers = c.unlisted.Tiers
			priced := *m
			priced.setTariff(t)
			priced.PriceSource = Default
			m = &priced
		}
		c.rows = append(c.rows, m)
		if strings.Contains(m.Name, "*") {
			c.globs = append(c.globs, m)
			continue
		}
		c.models = append(c.models, m)
		for _, name := range append([]string{m.Name}, m.aliases...) {
			if _, own := table[rowID{m.Provider, name}]; !own || name == m.Name {
				c.listing[name] = append(c.listing[name], m)
			}
		}
	}
	slices.SortStableFunc(c.globs, func(a, b *Model) int {
		return cmp.Or(cmp.Compare(c.rank[a.Provider], c.rank[b.Provider]), cmp.Compare(literal(b.Name), literal(a.Name)))
	})
}

// setAliases resolves the configured aliases once.
func (c *Catalog) setAliases(aliases map[string]string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		target, ok := c.explicit(aliases[name])
		if !ok {
			problems = append(problems, fmt.Errorf("alias %s: %q is not provider/name with a known provider (%s)", name, aliases[name], strings.Join(c.providers, ", ")))
		}
		c.aliases[name] = target
	}
	return errors.Join(problems...)
}

// Models yields the rows that stand for one model, by provider in the order of
// bare names, then by name.
func (c *Catalog) Models() iter.Seq[*Model] { return slices.Values(c.models) }

// Rows yields every row, those with * too: by provider in the order of bare names,
// then by name.
func (c *Catalog) Rows() iter.Seq[*Model] {
	return func(yield func(*Model) bool) {
		for _, m := range c.rows {
			if !yield(m) {
				return
			}
		}
	}
}

// Aliases yields the configured aliases and what they stand for, by name.
func (c *Catalog) Aliases() iter.Seq2[string, Target] {
	return func(yield func(string, Target) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.aliases)) {
			if !yield(name, c.aliases[name]) {
				return
			}
		}
	}
}
