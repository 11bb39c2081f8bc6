package pricelist

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// modelsDevProviders are the names of models.dev's providers that have another name
// here. Those of Google's other service, Vertex, are not Google's here.
var modelsDevProviders = map[string]string{}

// modelsDevClasses are the prices of a million tokens.
var modelsDevClasses = map[string]string{
	"input": "input", "output": "output", "cache_read": "cache_read", "cache_write": "cache_write",
	"reasoning": "reasoning", "input_audio": "input_audio", "output_audio": "output_audio",
}

// modelsDev reads the models of models.dev's list: providers, each with its models.
func (o Options) modelsDev(members []member) []Row {
	var rows []Row
	for _, provider := range members {
		models := object(find(object(provider.value), "models"))
		if models == nil {
			rows = append(rows, Row{Name: provider.name, Skip: "it is no provider with models"})
			continue
		}
		for _, entry := range models {
			fields := object(entry.value)
			m := newModel()
			m.modelsDev(find(fields, "cost"))
			row := m.row(provider.name+"/"+entry.name, o.provider(provider.name, modelsDevProviders), entry.name, o.Free)
			if row.Skip == "" {
				limit := object(find(fields, "limit"))
				row.Price.ContextTokens, row.Price.MaxOutputTokens = sizes(limit, "context"), sizes(limit, "output")
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// modelsDev reads the prices of a model. Further tiers stand as context_over_200k,
// and in newer lists as tiers with their sizes.
func (m *model) modelsDev(cost jsontext.Value) {
	fields := object(cost)
	if len(fields) == 0 {
		m.leave("it has no price")
		return
	}
	tiers := find(fields, "tiers")
	for _, f := range fields {
		size, over := strings.CutPrefix(f.name, "context_over_")
		switch {
		case f.value.Kind() == 'n':
		case f.name == "tiers":
			m.modelsDevTiers(tiers)
		case over && tiers != nil: // the same once more, for older readers
		case over:
			m.modelsDevTier(thousands(size), f.value)
		case modelsDevClasses[f.name] != "":
			m.modelsDevPrice(0, f.name, f.value)
		default:
			m.note("cost.%s is not carried over", f.name)
		}
	}
}

func (m *model) modelsDevPrice(above int64, name string, v jsontext.Value) {
	d, err := readDecimal(v)
	if err != nil {
		m.leave("cost.%s %v", name, err)
		return
	}
	if p, ok := m.price(name, d); ok {
		m.set("", above, modelsDevClasses[name], p)
	}
}

// modelsDevTiers reads [{"input": 2.5, …, "tier": {"type": "context", "size": 200000}}].
func (m *model) modelsDevTiers(v jsontext.Value) {
	for _, tier := range elements(v) {
		of := object(find(object(tier), "tier"))
		kind, above := word(find(of, "type")), sizes(of, "size")
		if kind != "" && kind != "context" {
			m.note("a tier by %q is not carried over", kind)
			continue
		}
		m.modelsDevTier(above, tier)
	}
}

func (m *model) modelsDevTier(above int64, v jsontext.Value) {
	if above <= 0 {
		m.leave("it has a tier whose size is not a number of tokens")
		return
	}
	for _, f := range object(v) {
		switch {
		case f.name == "tier" || f.value.Kind() == 'n':
		case modelsDevClasses[f.name] != "":
			m.modelsDevPrice(above, f.name, f.value)
		default:
			m.note("%s of a tier is not carried over", f.name)
		}
	}
}

// thousands is the number of "200k"; 0 when it is none.
func thousands(text string) int64 {
	digits, ok := strings.CutSuffix(text, "k")
	d, err := readDecimal(jsontext.Value(digits))
	if !ok || err != nil || !d.r.IsInt() || !d.r.Num().IsInt64() || d.r.Num().Int64() > 1_000_000 {
		return 0
	}
	return d.r.Num().Int64() * 1000
}
