package pricelist

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/api"
	"tollgate/internal/money"
)

// MaxBytes is the largest list that is read: 64 MiB, twenty times what there is.
const MaxBytes = 64 << 20

// Options say how a list is read. The zero value reads it as it is.
type Options struct {
	Providers map[string]string // the list's names of providers, and those here, beside the usual ones
	Free      bool              // models whose prices are all zero are free; else they are left out, for lists write zero where they do not know
}

// List is what a list says.
type List struct {
	Source string // "litellm" or "models.dev"
	Rows   []Row  // in the order of the list
}

// Row is one model of a list.
type Row struct {
	Name  string         // as the list has it, with its provider
	Price api.PriceInput // what can be set; nothing if Skip is set
	Notes []string       // what was rounded, and what was not carried over
	Skip  string         // why the model is left out; "" = it is not
}

// The lists that are read.
const (
	LiteLLM   = "litellm"
	ModelsDev = "models.dev"
)

// Read reads a list and finds out which one it is. Models come in the order of the
// file; of one that stands in it twice the last counts. The error is of a file that
// is none of them.
func Read(r io.Reader, o Options) (List, error) {
	in := &io.LimitedReader{R: r, N: MaxBytes + 1}
	members, err := membersOf(jsontext.NewDecoder(bufio.NewReader(in), jsontext.AllowDuplicateNames(true)))
	switch {
	case in.N <= 0:
		return List{}, fmt.Errorf("the list is larger than %d MiB", MaxBytes>>20)
	case err != nil:
		return List{}, fmt.Errorf("the list is not one JSON object: %w", err)
	}
	for _, m := range members {
		switch {
		case m.value.Kind() != '{':
		case has(m.value, "models"):
			return List{ModelsDev, o.modelsDev(members)}, nil
		case has(m.value, "litellm_provider"):
			return List{LiteLLM, o.liteLLM(members)}, nil
		}
	}
	return List{}, errors.New("the list is neither LiteLLM's model_prices_and_context_window.json nor models.dev's api.json")
}

// member is one member of an object.
type member struct {
	name  string
	value jsontext.Value
}

// membersOf reads an object and what follows it, which must be nothing. Of a name
// that stands twice the last value counts, where the first stood.
func membersOf(dec *jsontext.Decoder) ([]member, error) {
	list, err := objectOf(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.Join(errors.New("something follows it"), err)
	}
	return list, nil
}

func objectOf(dec *jsontext.Decoder) ([]member, error) {
	if t, err := dec.ReadToken(); err != nil {
		return nil, err
	} else if t.Kind() != '{' {
		return nil, errors.New("it is another value")
	}
	var list []member
	at := map[string]int{}
	for dec.PeekKind() != '}' {
		t, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		v, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		v = v.Clone()
		if i, twice := at[name]; twice {
			list[i].value = v
			continue
		}
		at[name] = len(list)
		list = append(list, member{name, v})
	}
	_, err := dec.ReadToken()
	return list, err
}

// object is the members of a value; none if it is no object.
func object(v jsontext.Value) []member {
	list, err := objectOf(jsontext.NewDecoder(strings.NewReader(string(v)), jsontext.AllowDuplicateNames(true)))
	if err != nil {
		return nil
	}
	return list
}

// elements are the values of a list; none if it is no list.
func elements(v jsontext.Value) []jsontext.Value {
	dec := jsontext.NewDecoder(strings.NewReader(string(v)), jsontext.AllowDuplicateNames(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '[' {
		return nil
	}
	var list []jsontext.Value
	for dec.PeekKind() != ']' {
		e, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		list = append(list, e.Clone())
	}
	return list
}

func has(v jsontext.Value, name string) bool { return find(object(v), name) != nil }

// find is the value of a member; nil = there is none, or it is null.
func find(list []member, name string) jsontext.Value {
	i := slices.IndexFunc(list, func(m member) bool { return m.name == name })
	if i < 0 || list[i].value.Kind() == 'n' {
		return nil
	}
	return list[i].value
}

// word is text; "" for another value.
func word(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(b)
}

// provider is a list's provider under the name that it has here.
func (o Options) provider(theirs string, usual map[string]string) string {
	if ours, ok := o.Providers[theirs]; ok {
		return ours
	}
	if ours, ok := usual[theirs]; ok {
		return ours
	}
	return theirs
}

// model is the prices of one model as they are read.
type model struct {
	tiers    map[int64]*rates
	services map[string]map[int64]*rates
	units    map[string]money.Price // by the names of api.PriceInput
	notes    []string
	wrong    string // why it is left out
}

func newModel() *model {
	return &model{tiers: map[int64]*rates{}, services: map[string]map[int64]*rates{}, units: map[string]money.Price{}}
}

// rates are the prices of a tier by class; a class that is not there was not said.
type rates map[string]money.Price

func (m *model) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// leave leaves the model out; the first reason counts.
func (m *model) leave(format string, args ...any) {
	if m.wrong == "" {
		m.wrong = fmt.Sprintf(format, args...)
	}
}

// price reads dollars, of a price that the list calls name; false if there is none
// that can be true.
func (m *model) price(name string, d decimal) (money.Price, bool) {
	p, note, err := d.price()
	if err != nil {
		m.leave("%s %v: %s", name, err, digits(d.r))
		return 0, false
	}
	if note != "" {
		m.note("%s: %s", name, note)
	}
	return p, true
}

// set sets a class of a tier, under a service unless that is "".
func (m *model) set(service string, above int64, class string, p money.Price) {
	tiers := m.tiers
	if service != "" {
		if m.services[service] == nil {
			m.services[service] = map[int64]*rates{}
		}
		tiers = m.services[service]
	}
	if tiers[above] == nil {
		tiers[above] = &rates{}
	}
	(*tiers[above])[class] = p
}

// row is the model as a row. Tiers have all their classes: one that a tier does not
// say costs there what it costs in the tier below.
func (m *model) row(name, provider, id string, free bool) Row {
	m.believe()
	row := Row{Name: name, Notes: m.notes}
	row.Price = api.PriceInput{Provider: provider, Model: id}
	for field, to := range map[string]**string{
		"image": &row.Price.ImageUSD, "second": &row.Price.SecondUSD, "characters": &row.Price.CharactersUSDPerMillion, "search": &row.Price.SearchUSD,
	} {
		if p, ok := m.units[field]; ok && p > 0 {
			text := p.String()
			*to = &text
		}
	}
	var problem string
	if len(m.tiers) > 0 {
		if row.Price.Tiers, problem = tiersOf(m.tiers); problem != "" {
			m.leave("%s", problem)
		}
	}
	for _, service := range []string{"flex", "priority", "fast", "batch"} {
		given := m.services[service]
		if len(given) == 0 || len(row.Price.Tiers) == 0 {
			continue
		}
		tiers, problem := tiersOf(given)
		for above := range given {
			if m.tiers[above] == nil {
				problem = fmt.Sprintf("it has a tier above %d input tokens that the model has not", above)
			}
		}
		if problem != "" {
			row.Notes = append(row.Notes, fmt.Sprintf("%s is not carried over: %s", service, problem))
			continue
		}
		row.Price.ServiceTiers = append(row.Price.ServiceTiers, api.ServicePriceInput{Service: service, Tiers: tiers})
	}
	switch {
	case m.wrong != "":
	case len(row.Price.Tiers) == 0 && row.Price.ImageUSD == nil && row.Price.SecondUSD == nil && row.Price.CharactersUSDPerMillion == nil && row.Price.SearchUSD == nil:
		m.leave("it has no price that is known here")
	case !free && m.zero():
		m.leave("all its prices are zero, which in lists may mean that nobody knows them (--free takes them)")
	}
	if row.Skip = m.wrong; row.Skip != "" {
		row.Price = api.PriceInput{Provider: provider, Model: id}
	}
	return row
}

// believe drops prices of an hour in a cache that cannot be true beside the others:
// it costs no less than five minutes do, and not many times what input does.
func (m *model) believe() {
	for _, tier := range m.tiers {
		hour, ok := (*tier)["cache_write_1h"]
		if input, write := (*tier)["input"], (*tier)["cache_write"]; ok && (hour < write || hour > 4*max(input, write)) {
			delete(*tier, "cache_write_1h")
			m.note("an hour in the cache for %s is not believed beside %s for input", hour, input)
		}
	}
	m.notes = slices.Compact(m.notes)
}

// zero reports whether all prices are.
func (m *model) zero() bool {
	for _, tier := range m.tiers {
		for _, p := range *tier {
			if p != 0 {
				return false
			}
		}
	}
	for _, p := range m.units {
		if p != 0 {
			return false
		}
	}
	return true
}

// tiersOf is tiers in rising order, or what is wrong with them.
func tiersOf(given map[int64]*rates) (tiers []api.PriceTierInput, problem string) {
	var sizes []int64
	for above := range given {
		sizes = append(sizes, above)
	}
	slices.Sort(sizes)
	if sizes[0] != 0 {
		return nil, "it has prices for large inputs only"
	}
	known := rates{}
	for _, above := range sizes {
		own := *given[above]
		for class, p := range own {
			known[class] = p
		}
		for _, class := range []string{"input", "output"} {
			if _, ok := known[class]; !ok {
				return nil, "it has no price for " + class
			}
		}
		if above > 0 { // what is no cheaper than input or output goes up with it, if nothing is said
			for class, with := range map[string]string{"cache_write": "input", "cache_write_1h": "input", "input_audio": "input", "reasoning": "output", "output_audio": "output"} {
				if _, ok := own[class]; !ok && known[class] < known[with] {
					delete(known, class)
				}
			}
		}
		t := api.PriceTierInput{AboveInputTokens: above, InputUSDPerMillion: known["input"].String(), OutputUSDPerMillion: known["output"].String()}
		for class, to := range map[string]**string{
			"cache_read": &t.CacheReadUSDPerMillion, "cache_write": &t.CacheWriteUSDPerMillion, "cache_write_1h": &t.CacheWrite1hUSDPerMillion,
			"input_audio": &t.InputAudioUSDPerMillion, "reasoning": &t.ReasoningUSDPerMillion, "output_audio": &t.OutputAudioUSDPerMillion,
		} {
			if p, ok := known[class]; ok {
				text := p.String()
				*to = &text
			}
		}
		tiers = append(tiers, t)
	}
	return tiers, ""
}
