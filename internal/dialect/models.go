package dialect

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/llm"
)

// ModelInfo is one row of a model list.
type ModelInfo struct {
	ID            string // the name to ask for
	OwnedBy       string // the provider's slug
	Created       int64  // Unix seconds; 0 = not known, as the field must be there
	Input, Output int64  // the most tokens that it takes and writes; 0 = not known
	Embeds        bool   // it makes embeddings, and no answers
}

// ModelList is the body that answers a question for the models in a format:
// those in the order given or, where the format has pages and query asks for
// one, that page of them. The error is fault.InvalidField.
func ModelList(f llm.Format, models []ModelInfo, query string) ([]byte, error) {
	switch f {
	case llm.Anthropic:
		return anthropicModels(models, query)
	case llm.Gemini:
		return geminiModelList(models, query)
	}
	b := make([]byte, 0, 32+96*len(models))
	b = append(b, `{"object":"list","data":[`...)
	b = appendModels(b, f, models)
	return append(b, "]}"...), nil
}

func appendModels(b []byte, f llm.Format, models []ModelInfo) []byte {
	for i := range models {
		if i > 0 {
			b = append(b, ',')
		}
		b = models[i].append(b, f)
	}
	return b
}

// ModelBody is the body that answers a question for one model.
func ModelBody(f llm.Format, m ModelInfo) []byte { return m.append(nil, f) }

func (m *ModelInfo) append(b []byte, f llm.Format) []byte {
	switch f {
	case llm.Anthropic:
		return m.appendAnthropic(b)
	case llm.Gemini:
		return m.appendGemini(b)
	}
	b = append(b, `{"id":`...)
	b = appendQuoted(b, m.ID)
	b = append(b, `,"object":"model","created":`...)
	b = strconv.AppendInt(b, m.Created, 10)
	b = append(b, `,"owned_by":`...)
	b = appendQuoted(b, m.OwnedBy)
	return append(b, '}')
}

// appendAnthropic appends the model as Anthropic's API reference has it ("List
// models"). A date that is not known is the epoch, as it is there.
func (m *ModelInfo) appendAnthropic(b []byte) []byte {
	b = append(b, `{"type":"model","id":`...)
	b = appendQuoted(b, m.ID)
	b = append(b, `,"display_name":`...)
	b = appendQuoted(b, m.ID)
	b = append(b, `,"created_at":"`...)
	b = time.Unix(m.Created, 0).UTC().AppendFormat(b, time.RFC3339)
	b = append(b, '"')
	if m.Input > 0 {
		b = strconv.AppendInt(append(b, `,"max_input_tokens":`...), m.Input, 10)
	}
	if m.Output > 0 {
		b = strconv.AppendInt(append(b, `,"max_tokens":`...), m.Output, 10)
	}
	return append(b, '}')
}

// anthropicModels is a page of Anthropic's list: behind a model, before one, or
// from the beginning. Without a limit it is all of them.
func anthropicModels(models []ModelInfo, query string) ([]byte, error) {
	values, _ := url.ParseQuery(query) // what is wrong in it is as if it were not there
	limit, err := pageSize(values, "limit", len(models))
	if err != nil {
		return nil, err
	}
	at := func(name string) int {
		return slices.IndexFunc(models, func(m ModelInfo) bool { return m.ID == values.Get(name) })
	}
	page := models
	if i := at("after_id"); i >= 0 {
		page = models[i+1:]
	}
	more := len(page) > limit
	if i := at("before_id"); i >= 0 {
		page = models[max(i-limit, 0):i]
		more = i > limit
	}
	page = page[:min(limit, len(page))]
	b := make([]byte, 0, 64+128*len(page))
	b = appendModels(append(b, `{"data":[`...), llm.Anthropic, page)
	if len(page) == 0 {
		b = append(b, `],"first_id":null,"last_id":null`...)
	} else {
		b = appendQuoted(append(b, `],"first_id":`...), page[0].ID)
		b = appendQuoted(append(b, `,"last_id":`...), page[len(page)-1].ID)
	}
	b = strconv.AppendBool(append(b, `,"has_more":`...), more)
	return append(b, '}'), nil
}

// pageSize is how long a page is to be; all, where nothing is said.
func pageSize(values url.Values, name string, all int) (int, error) {
	text := values.Get(name)
	if text == "" {
		return max(all, 1), nil
	}
	const most = 1000
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalid(name, "The parameter %q must be a whole number from 1 to %d.", name, most)
	}
	return n, nil
}

// appendGemini appends the model as Google's API reference has it ("Models").
func (m *ModelInfo) appendGemini(b []byte) []byte {
	b = append(b, `{"name":`...)
	b = appendQuoted(b, "models/"+m.ID)
	b = append(b, `,"version":"1","displayName":`...)
	b = appendQuoted(b, m.ID)
	if m.Input > 0 {
		b = strconv.AppendInt(append(b, `,"inputTokenLimit":`...), m.Input, 10)
	}
	if m.Output > 0 {
		b = strconv.AppendInt(append(b, `,"outputTokenLimit":`...), m.Output, 10)
	}
	if m.Embeds {
		return append(b, `,"supportedGenerationMethods":["embedContent","batchEmbedContents"]}`...)
	}
	return append(b, `,"supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"]}`...)
}

// geminiModelList is a page of Google's list. The token of a page is the name of
// the model before it, so that a list that changes meanwhile skips nothing.
func geminiModelList(models []ModelInfo, query string) ([]byte, error) {
	values, _ := url.ParseQuery(query) // what is wrong in it is as if it were not there
	size, err := pageSize(values, "pageSize", len(models))
	if err != nil {
		return nil, err
	}
	page := models
	if token := values.Get("pageToken"); token != "" {
		i := slices.IndexFunc(models, func(m ModelInfo) bool { return m.ID == token })
		if i < 0 {
			return nil, invalid("pageToken", "The parameter \"pageToken\" is none that was given here.")
		}
		page = models[i+1:]
	}
	more := len(page) > size
	page = page[:min(size, len(page))]
	b := make([]byte, 0, 64+192*len(page))
	b = appendModels(append(b, `{"models":[`...), llm.Gemini, page)
	b = append(b, ']')
	if more {
		b = appendQuoted(append(b, `,"nextPageToken":`...), page[len(page)-1].ID)
	}
	return append(b, '}'), nil
}
