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
	"time"
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
	Providers []Provider          // beyond the built-in ones, which may be listed too
	Rows      []string            // rows in the format of models.txt, each laid over the built-in row of its name
	Aliases   map[string][]string // name → provider/name, and what takes its place where it fails
	Default   *Rates              // token prices of every model that has none; nil = such models stay unpriced
	Versions  []Version           // laid over all rows from their instants on, in the order in which they were set
}

// Catalog finds models by name. Who asks says for which instant: rows change at the
// instants of their versions by themselves. It is immutable and safe for concurrent
// use.
type Catalog struct {
	rank      map[string]int      // every known provider, by the order in which bare names try them
	listing   map[string][]*Model // exact name → who lists it, in that order
	globs     []*Model            // rows with *, in that order, the most exact first
	models    []*Model            // rows without *, in that order, then by name
	rows      []*Model            // all rows, in that order, then by name
	aliases   map[string][]string // of the configuration: provider/name; none is empty
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
	c := &Catalog{rank: map[string]int{}, listing: map[string][]*Model{}, aliases: o.Aliases}
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
	if err := c.lay(table, o.Versions); err != nil {
		return nil, err
	}
	if o.Default != nil {
		c.unlisted = &Model{PriceSource: Default}
		c.unlisted.setTariff(Tariff{Tiers: []Tier{{Rates: *o.Default}}})
	}
	c.index(table)
	return c, c.checkAliases()
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
		m = c.defaulted(m)
		c.rows = append(c.rows, m)
		if strings.Contains(m.Name, "*") {
			c.globs = append(c.globs, m)
			continue
		}
		c.models = append(c.models, m)
		c.list(m.Name, m, table)
		for _, name := range m.aliases {
			if name != m.Name {
				c.list(name, m, table)
			}
		}
	}
	slices.SortStableFunc(c.globs, func(a, b *Model) int {
		return cmp.Or(cmp.Compare(c.rank[a.Provider], c.rank[b.Provider]), cmp.Compare(literal(b.Name), literal(a.Name)))
	})
}

// list lists m under a name. A row of that very name goes before those of which it
// is an alias, which count as long as it is absent.
func (c *Catalog) list(name string, m *Model, table map[rowID]*Model) {
	own, there := table[rowID{m.Provider, name}]
	if there && name != m.Name && !own.absent {
		return
	}
	at := len(c.listing[name])
	if name == m.Name {
		if i := slices.IndexFunc(c.listing[name], func(other *Model) bool { return other.Provider == m.Provider }); i >= 0 {
			at = i
		}
	}
	c.listing[name] = slices.Insert(c.listing[name], at, m)
}

// defaulted is m with the default price wherever it has none for its tokens.
func (c *Catalog) defaulted(m *Model) *Model {
	if c.unlisted == nil {
		return m
	}
	copied := *m
	copied.later = make([]*Model, len(m.later))
	for i, later := range m.later {
		copied.later[i] = c.defaulted(later)
	}
	if m.Priced || m.absent {
		return &copied
	}
	t := m.Tariff()
	t.Tiers = c.unlisted.Tiers
	copied.setTariff(t)
	copied.PriceSource = Default
	return &copied
}

// checkAliases says which of the configured aliases lead nowhere.
func (c *Catalog) checkAliases() error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.aliases)) {
		if len(c.aliases[name]) == 0 {
			problems = append(problems, fmt.Errorf("alias %s: it stands for nothing; name a provider/name", name))
		}
		for _, target := range c.aliases[name] {
			if _, ok := c.explicit(target, time.Time{}); !ok {
				problems = append(problems, fmt.Errorf("alias %s: %q is not provider/name with a known provider (%s)", name, target, strings.Join(c.providers, ", ")))
			}
		}
	}
	return errors.Join(problems...)
}

// Models yields the rows that stand for one model, as they are at an instant: by
// provider in the order of bare names, then by name.
func (c *Catalog) Models(at time.Time) iter.Seq[*Model] { return those(c.models, at) }

// Rows yields every row, those with * too, as they are at an instant: by provider
// in the order of bare names, then by name.
func (c *Catalog) Rows(at time.Time) iter.Seq[*Model] { return those(c.rows, at) }

func those(rows []*Model, at time.Time) iter.Seq[*Model] {
	return func(yield func(*Model) bool) {
		for _, row := range rows {
			if m := row.At(at); m != nil && !yield(m) {
				return
			}
		}
	}
}

// Aliases yields the configured aliases and what they stand for at an instant, by
// name.
func (c *Catalog) Aliases(at time.Time) iter.Seq2[string, []Target] {
	return func(yield func(string, []Target) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.aliases)) {
			if !yield(name, c.aliased(nil, name, at)) {
				return
			}
		}
	}
}
