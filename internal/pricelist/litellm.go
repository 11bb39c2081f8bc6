package pricelist

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// liteLLMProviders are LiteLLM's names of providers that have another name here.
var liteLLMProviders = map[string]string{
	"text-completion-openai": "openai", "gemini": "google", "cohere_chat": "cohere", "azure_text": "azure", "azure_ai": "azure",
}

// liteLLMPrefixes begin the names of LiteLLM's models, beside the provider's own
// name.
var liteLLMPrefixes = map[string][]string{
	"text-completion-openai": {"openai/"}, "cohere_chat": {"cohere/"}, "azure_text": {"azure/"},
}

// liteLLM reads the models of LiteLLM's list.
func (o Options) liteLLM(members []member) []Row {
	var rows []Row
	for _, entry := range members {
		fields := object(entry.value)
		theirs := word(find(fields, "litellm_provider"))
		switch {
		case entry.name == "sample_spec":
			continue // explains the list, and is no model
		case theirs == "":
			rows = append(rows, Row{Name: entry.name, Skip: "it has no provider"})
			continue
		}
		id, problem := liteLLMName(entry.name, theirs)
		m := newModel()
		if problem != "" {
			m.leave("%s", problem)
		}
		mode := word(find(fields, "mode"))
		m.liteLLM(fields, mode)
		row := m.row(entry.name, o.provider(theirs, liteLLMProviders), id, o.Free)
		if row.Skip == "" {
			row.Price.ContextTokens, row.Price.MaxOutputTokens = sizes(fields, "max_input_tokens"), sizes(fields, "max_output_tokens")
		}
		rows = append(rows, row)
	}
	return rows
}

// liteLLMName is the provider's own name of a model.
func liteLLMName(name, provider string) (id, problem string) {
	id = name
	for _, prefix := range append([]string{provider + "/"}, liteLLMPrefixes[provider]...) {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			id = rest
			break
		}
	}
	first, rest, several := strings.Cut(id, "/")
	switch {
	case id == "":
		return id, "it has no name"
	case several && (provider == "azure" || provider == "azure_text"):
		return id, "it is for one region or kind of deployment (" + first + ")"
	case several && (strings.Contains(first, "-x-") || strings.Contains(rest, "-x-")):
		return id, "it is priced by the size or quality of images"
	}
	if base, ok := strings.CutPrefix(id, "ft:"); ok && !strings.Contains(base, ":") {
		id += ":*" // fine-tuned models carry their owner's name behind it
	}
	return id, ""
}

// sizes is a number of tokens; 0 when it is not said.
func sizes(fields []member, name string) int64 {
	d, err := readDecimal(find(fields, name))
	if err != nil || !d.r.IsInt() || d.r.Sign() < 0 || d.r.Cmp(big.NewRat(1_000_000_000, 1)) > 0 {
		return 0
	}
	return d.r.Num().Int64()
}

// liteLLMClasses are the prices of a token.
var liteLLMClasses = map[string]string{
	"input_cost_per_token": "input", "output_cost_per_token": "output",
	"cache_read_input_token_cost": "cache_read", "input_cost_per_token_cache_hit": "cache_read",
	"cache_creation_input_token_cost": "cache_write", "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
	"input_cost_per_audio_token": "input_audio", "output_cost_per_audio_token": "output_audio", "output_cost_per_reasoning_token": "reasoning",
}

// liteLLMServices are the ends of names of prices under another service.
var liteLLMServices = map[string]string{"_flex": "flex", "_priority": "priority", "_batches": "batch"}

// liteLLM reads the prices of a model.
func (m *model) liteLLM(fields []member, mode string) {
	for _, f := range fields {
		if f.value.Kind() == 'n' || !strings.Contains(f.name, "cost") && !strings.Contains(f.name, "pricing") {
			continue
		}
		switch f.name {
		case "tiered_pricing":
			m.tiered(f.value)
			continue
		case "search_context_cost_per_query":
			m.searches(f.value, find(fields, "litellm_provider"))
			continue
		}
		d, err := readDecimal(f.value)
		if err != nil {
			m.note("%s is not carried over: it %v", f.name, err)
			continue
		}
		if f.name == "input_cost_per_image_token" || f.name == "output_cost_per_image_token" {
			continue // see dearer
		}
		if !m.tokenPrice(f.name, d) && !m.unitPrice(f.name, mode, d) && d.r.Sign() != 0 {
			m.note("%s is not carried over", f.name)
		}
	}
	m.dearer(fields)
	if len(m.tiers) > 0 && mode != "" && slices.Contains([]string{"embedding", "rerank", "moderation"}, mode) {
		if base := m.tiers[0]; base != nil {
			if _, ok := (*base)["output"]; !ok {
				m.set("", 0, "output", 0) // they write nothing
			}
		}
	}
	for _, f := range object(find(fields, "provider_specific_entry")) {
		if d, err := readDecimal(f.value); f.name == "fast" && err == nil {
			m.factor("fast", d)
		} else {
			m.note("provider_specific_entry %s is not carried over", f.name)
		}
	}
}

// dearer takes what a token of a picture costs for what any token does, where it is
// dearer: pictures are not counted apart.
func (m *model) dearer(fields []member) {
	for name, class := range map[string]string{"input_cost_per_image_token": "input", "output_cost_per_image_token": "output"} {
		d, err := readDecimal(find(fields, name))
		if err != nil {
			continue
		}
		p, ok := m.price(name, d.times(1_000_000))
		if base := m.tiers[0]; ok && (base == nil || (*base)[class] < p) {
			m.set("", 0, class, p)
			m.note("%s counts for all %s", name, class)
		}
	}
}

// tokenPrice takes a price of a token, such as
// cache_read_input_token_cost_above_200k_tokens_priority.
func (m *model) tokenPrice(name string, d decimal) bool {
	base, service, above := name, "", int64(0)
	for end, s := range liteLLMServices {
		if rest, ok := strings.CutSuffix(base, end); ok {
			base, service = rest, s
		}
	}
	if head, ok := strings.CutSuffix(base, "k_tokens"); ok {
		i := strings.LastIndex(head, "_above_")
		if i < 0 {
			return false
		}
		n, err := strconv.ParseInt(head[i+len("_above_"):], 10, 32)
		if err != nil || n <= 0 {
			return false
		}
		base, above = head[:i], n*1000
	}
	class, ok := liteLLMClasses[base]
	if !ok {
		return false
	}
	if p, ok := m.price(name, d.times(1_000_000)); ok {
		m.set(service, above, class, p)
	}
	return true
}

// unitPrice takes a price of something else than a token.
func (m *model) unitPrice(name, mode string, d decimal) bool {
	var unit string
	factor := int64(1)
	switch {
	case mode == "image_generation" && (name == "output_cost_per_image" || name == "input_cost_per_image"):
		unit = "image"
	case mode == "audio_transcription" && (name == "input_cost_per_second" || name == "output_cost_per_second" || name == "input_cost_per_audio_per_second"):
		unit = "second"
	case mode == "audio_speech" && name == "input_cost_per_character":
		unit, factor = "characters", 1_000_000
	case mode == "rerank" && name == "input_cost_per_query", mode == "search" && name == "input_cost_per_query":
		unit = "search"
	default:
		return false
	}
	if p, ok := m.price(name, d.times(factor)); ok {
		m.units[unit] = max(m.units[unit], p) // of two names for the same the dearer one counts
	}
	return true
}

// searches takes what a search of the web costs, where it is counted: the dearest
// kind.
func (m *model) searches(v, provider jsontext.Value) {
	if word(provider) != "anthropic" {
		m.note("search_context_cost_per_query is not carried over: searches of other providers than Anthropic are not counted one by one")
		return
	}
	for _, f := range object(v) {
		if d, err := readDecimal(f.value); err == nil {
			if p, ok := m.price("search_context_cost_per_query", d); ok {
				m.units["search"] = max(m.units["search"], p)
			}
		}
	}
}

// tiered reads prices by ranges of the input: [{"range": [0, 32000], …}, …].
func (m *model) tiered(v jsontext.Value) {
	for _, tier := range elements(v) {
		fields := object(tier)
		bounds := elements(find(fields, "range"))
		if len(bounds) == 0 {
			m.leave("tiered_pricing has a tier without range")
			return
		}
		from, err := readDecimal(bounds[0])
		if err != nil || !from.r.IsInt() || from.r.Sign() < 0 || !from.r.Num().IsInt64() {
			m.leave("tiered_pricing has a range that does not begin with a number of tokens")
			return
		}
		for _, f := range fields {
			class, ok := liteLLMClasses[f.name]
			if !ok {
				continue
			}
			d, err := readDecimal(f.value)
			if err != nil {
				m.leave("tiered_pricing: %s %v", f.name, err)
				return
			}
			if p, ok := m.price(f.name, d.times(1_000_000)); ok {
				m.set("", from.r.Num().Int64(), class, p)
			}
		}
	}
}

// factor makes the prices of a service out of the standard ones.
func (m *model) factor(service string, by decimal) {
	for above, tier := range m.tiers {
		for class, p := range *tier {
			times := decimal{new(big.Rat).SetFrac64(int64(p), 1_000_000), false}.by(by)
			if fast, ok := m.price(service, times); ok {
				m.set(service, above, class, fast)
			}
		}
	}
}
