package catalog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseRows reads rows in the format of models.txt. It gives every problem, each
// with its line; source is what to call the text in them.
func parseRows(source, text string) ([]*Model, error) {
	var models []*Model
	var problems []error
	for _, row := range joinTiers(text) {
		m, err := parseRow(row.words)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s line %d: %w", source, row.line, err))
			continue
		}
		models = append(models, m)
	}
	return models, errors.Join(problems...)
}

type row struct {
	line  int // of its first word, from 1
	words []string
}

// joinTiers gives the words of each row, those of the lines below it included that
// begin with >N or with the price of a service. A # at the start of a line or after a blank begins a comment.
func joinTiers(text string) []row {
	var rows []row
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if at := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); at >= 0 {
			words = words[:at]
		}
		switch {
		case len(words) == 0:
		case len(rows) > 0 && (words[0][0] == '>' || ofService(words[0])):
			rows[len(rows)-1].words = append(rows[len(rows)-1].words, words...)
		default:
			rows = append(rows, row{line: i + 1, words: words})
		}
	}
	return rows
}

// ofService reports whether a word is the price of a service, such as
// flex_input=1.25.
func ofService(word string) bool {
	name, _, priced := strings.Cut(word, "=")
	s, _ := serviceOf(name)
	return priced && s != Standard
}

// parseRow reads "provider model context max-output input output …".
func parseRow(words []string) (*Model, error) {
	if len(words) < 6 {
		return nil, fmt.Errorf("want provider, model, context, max output, input and output price, but there are only %d words: %q", len(words), strings.Join(words, " "))
	}
	m := &Model{Provider: words[0], Name: words[1]}
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	var err error
	m.ContextTokens, err = parseTokens("context", words[2])
	note(err)
	m.MaxOutputTokens, err = parseTokens("max output", words[3])
	note(err)
	var prices []string
	for _, w := range words[4:] {
		taken, err := m.attribute(w)
		note(err)
		if !taken {
			prices = append(prices, w)
		}
	}
	tariff, err := parseTariff(prices)
	if tariff.Service != Standard {
		err = errors.New("service: stands with what was charged, not in rows")
	}
	note(err)
	m.setTariff(tariff)
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s %s: %s", m.Provider, m.Name, strings.Join(problems, "; "))
	}
	return m, nil
}

// setTariff gives the model its prices, and the text of them.
func (m *Model) setTariff(t Tariff) {
	m.Tiers, m.Units, m.Offers = t.Tiers, t.Units, t.Offers
	m.Priced = len(t.Tiers) > 0
	m.prices, m.charged = t.String(), chargedOf(t)
}

// attribute takes a word of a row that is no price.
func (m *Model) attribute(word string) (taken bool, err error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "alias":
		if value == "" || strings.Contains(value, "*") {
			return true, fmt.Errorf("%q: an alias is one exact name", word)
		}
		m.aliases = append(m.aliases, value)
	case "released":
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return true, fmt.Errorf("%q: want a date like released=2026-04-23", word)
		}
		m.Released = value
	case "image":
		what, price, priced := strings.Cut(value, "=")
		if !priced {
			return false, nil
		}
		return true, m.imagePrice(what, price)
	case "chat", "completions", "responses", "embeddings", "images", "speech",
		"transcriptions", "moderations", "rerank", "realtime", "searches":
		m.Capabilities = append(m.Capabilities, word)
	default:
		return false, nil
	}
	return true, nil
}

// imagePrice takes a price of images of a quality and a size.
func (m *Model) imagePrice(what, text string) error {
	quality, size, ok := strings.Cut(what, "/")
	if !ok || quality == "" || size == "" {
		return fmt.Errorf("image=%s=%s: want a quality and a size, like image=hd/1024x1792=0.12", what, text)
	}
	p, err := parsePrice("image", text)
	if err != nil {
		return err
	}
	if p > math.MaxInt64/perMillion {
		return fmt.Errorf("image=%s=%s: too much", what, text)
	}
	m.images = append(m.images, imagePrice{quality: quality, size: size, price: p * perMillion})
	return nil
}

// parseTokens reads a number of tokens, - for unknown.
func parseTokens(column, s string) (int64, error) {
	if s == "-" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s %q: want a number of tokens, or -", column, s)
	}
	return n, nil
}

// over lays the row m over the row below it: what m leaves out stays.
func (m *Model) over(below *Model) *Model {
	merged := *m
	if m.ContextTokens == 0 {
		merged.ContextTokens = below.ContextTokens
	}
	if m.MaxOutputTokens == 0 {
		merged.MaxOutputTokens = below.MaxOutputTokens
	}
	if m.prices == "" {
		merged.setTariff(below.Tariff())
		merged.PriceSource, merged.images = below.PriceSource, below.images
	}
	if len(m.Capabilities) == 0 {
		merged.Capabilities = below.Capabilities
	}
	if m.Released == "" {
		merged.Released = below.Released
	}
	merged.aliases = slices.Concat(below.aliases, m.aliases)
	return &merged
}
