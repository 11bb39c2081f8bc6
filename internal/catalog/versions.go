package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tollgate/internal/money"
)

// Version is prices of one row that hold from an instant on: until the next
// version of the row, if there is one. Versions lie over the configuration's rows,
// which lie over the built-in ones. What a version leaves out is as below it.
type Version struct {
	ID              string // "price_…"
	Provider, Model string // the row; its name may hold *
	From            time.Time
	Prices          string // as Tariff.String writes them; "" = what lies below holds again
	ContextTokens   int64  // where nothing below says it; 0 = not known
	MaxOutputTokens int64  // likewise
	Source          string // what they were read from: "set", or a list that was imported
	Actor           string // id of who set them
	SetAt           time.Time
}

// Row is provider/model.
func (v *Version) Row() string { return v.Provider + "/" + v.Model }

// What is beyond reason, which keeps sums far from their ends: dollars for a million
// tokens or characters, and for one image, second or search.
const (
	maxPrice = 100_000 * perMillion
	maxUnit  = 1_000 * perMillion
)

// Check is what is wrong with the version for this catalogue; nil = nothing. Its
// Prices come back as Tariff.String writes them.
func (c *Catalog) Check(v Version) (Version, error) {
	var problems []error
	if _, known := c.rank[v.Provider]; !known {
		problems = append(problems, fmt.Errorf("provider: %q is not known; it is one of %s", v.Provider, strings.Join(c.providers, ", ")))
	}
	if v.Model == "" || len(v.Model) > maxName || strings.ContainsFunc(v.Model, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' || r == 0xfffd }) {
		problems = append(problems, fmt.Errorf("model: must be a model's name of 1 to %d bytes without blanks and #", maxName))
	}
	t, err := ParsePrices(v.Prices)
	if err == nil {
		err = t.check()
	}
	if t.Service != Standard {
		err = errors.New("prices: service stands with what was charged, not in prices")
	}
	if err != nil {
		problems = append(problems, err)
	}
	v.Prices = t.String()
	return v, errors.Join(problems...)
}

// check refuses prices that are beyond reason.
func (t Tariff) check() error {
	most, unit := t.Units.Character, max(t.Units.Image, t.Units.Second, t.Units.SearchUnit)/perMillion
	tiers := slices.Clone(t.Tiers)
	for _, o := range t.Offers {
		tiers = append(tiers, o.Tiers...)
	}
	for _, tier := range tiers {
		for _, p := range tier.Rates.classes() {
			most = max(most, *p)
		}
	}
	if most > maxPrice || unit > maxUnit {
		return fmt.Errorf("prices: beyond reason; at most $%s for a million tokens or characters and $%s for an image, a second or a search", money.Price(maxPrice), money.Price(maxUnit))
	}
	return nil
}

// lay lays versions over the rows of table. Of those of one row that hold from the
// same instant the last one counts. Versions for a provider that is not known any
// more are passed over.
func (c *Catalog) lay(table map[rowID]*Model, versions []Version) error {
	byRow := map[rowID][]Version{}
	for _, v := range versions {
		if _, known := c.rank[v.Provider]; known {
			id := rowID{v.Provider, v.Model}
			byRow[id] = append(byRow[id], v)
		}
	}
	var problems []error
	rows := map[rowID]*Model{}
	for id, list := range byRow {
		slices.SortStableFunc(list, func(a, b Version) int { return a.From.Compare(b.From) })
		below := table[id]
		row := &Model{Provider: id.provider, Name: id.name, absent: true}
		if below != nil {
			copied := *below
			row = &copied
		}
		for i := range list {
			v := &list[i]
			if i+1 < len(list) && list[i+1].From.Equal(v.From) {
				continue
			}
			m, err := v.over(below, kin(table, id))
			if err != nil {
				problems = append(problems, fmt.Errorf("price version %s of %s: %w", v.ID, v.Row(), err))
				continue
			}
			row.later = append(row.later, m)
		}
		rows[id] = row
	}
	maps.Copy(table, rows)
	return errors.Join(problems...)
}

// kin is the row that a name was priced by before it had one of its own: what it
// says beside prices goes on holding. nil = none.
func kin(table map[rowID]*Model, id rowID) *Model {
	if base, ok := undated(id.name); ok {
		if m := table[rowID{id.provider, base}]; m != nil {
			return m
		}
	}
	var best *Model
	for _, m := range table {
		if m.Provider != id.provider {
			continue
		}
		if slices.Contains(m.aliases, id.name) {
			return m
		}
		if m.Name != id.name && strings.Contains(m.Name, "*") && matches(m.Name, id.name) && (best == nil || literal(m.Name) > literal(best.Name)) {
			best = m
		}
	}
	return best
}

// over is the row from v.From on; below is the row without versions, nil = none, and
// kin the one that priced it then.
func (v *Version) over(below, kin *Model) (*Model, error) {
	t, err := ParsePrices(v.Prices)
	if err != nil {
		return nil, err
	}
	m := &Model{Provider: v.Provider, Name: v.Model, ContextTokens: v.ContextTokens, MaxOutputTokens: v.MaxOutputTokens, PriceSource: Stored}
	m.setTariff(t)
	m.absent = below == nil && v.Prices == "" // then it is as if there never was such a row
	if below == nil && kin != nil {
		like := *kin
		like.aliases, like.Released = nil, ""
		below = &like
	}
	if below != nil {
		m.ContextTokens = cmp.Or(below.ContextTokens, m.ContextTokens)
		m.MaxOutputTokens = cmp.Or(below.MaxOutputTokens, m.MaxOutputTokens)
		m = m.over(below)
		if m.Units.Image == below.Units.Image {
			m.images = below.images // nothing new is said of images
		}
	}
	m.Since, m.VersionID = v.From, v.ID
	return m, nil
}

// At is the row as it is at an instant; nil = it is not there then.
func (m *Model) At(t time.Time) *Model {
	if m == nil {
		return nil
	}
	for i := len(m.later) - 1; i >= 0; i-- {
		if !t.Before(m.later[i].Since) {
			m = m.later[i]
			break
		}
	}
	if m.absent {
		return nil
	}
	return m
}

// Row is the row of a provider with exactly this name, as it is at an instant; nil
// = there is none then.
func (c *Catalog) Row(provider, name string, at time.Time) *Model {
	i, found := slices.BinarySearchFunc(c.rows, rowID{provider, name}, func(m *Model, id rowID) int {
		return cmp.Or(cmp.Compare(c.rank[m.Provider], c.rank[id.provider]), cmp.Compare(m.Name, id.name))
	})
	if !found || c.rows[i].Provider != provider {
		return nil
	}
	return c.rows[i].At(at)
}

// Priced is the row by which a name is priced at an instant: its own, or the one
// that an undated or a wider name has; nil = none.
func (c *Catalog) Priced(provider, name string, at time.Time) *Model {
	if m := c.Row(provider, name, at); m != nil || strings.Contains(name, "*") {
		return m
	}
	t, ok := c.explicit(provider+"/"+name, at)
	if !ok {
		return nil
	}
	return t.Model
}
