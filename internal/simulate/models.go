package simulate

import (
	"net/http"
	"slices"
)

// models answers a question for the list of models, or for one.
func (wk *work) models() {
	at := &wk.answer.location
	if at.model == "" {
		wk.send(wk.modelList(wk.out[:0]))
		return
	}
	if !slices.Contains(wk.p.opts.Models, at.model) {
		wk.refuse(http.StatusNotFound, wrong("model", "The model '%s' does not exist.", at.model))
		return
	}
	wk.send(wk.model(wk.out[:0], at.model))
}

func (wk *work) modelList(dst []byte) []byte {
	models := wk.p.opts.Models
	switch wk.answer.wire.(type) {
	case gemini:
		dst = append(dst, `{"models":[`...)
	case anthropic:
		dst = append(dst, `{"has_more":false,"first_id":`...)
		dst = append(quote(dst, first(models)), `,"last_id":`...)
		dst = append(quote(dst, first(models[max(len(models)-1, 0):])), `,"data":[`...)
	default:
		dst = append(dst, `{"object":"list","data":[`...)
	}
	for i, name := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wk.model(dst, name)
	}
	return append(dst, `]}`...)
}

func (wk *work) model(dst []byte, name string) []byte {
	switch wk.answer.wire.(type) {
	case gemini:
		dst = quote(append(dst, `{"name":`...), "models/"+name)
		dst = quote(append(dst, `,"version":"1","displayName":`...), name)
		return append(dst, `,"inputTokenLimit":128000,"outputTokenLimit":16384,"supportedGenerationMethods":["generateContent","countTokens"]}`...)
	case anthropic:
		dst = quote(append(dst, `{"type":"model","id":`...), name)
		dst = quote(append(dst, `,"display_name":`...), name)
		return append(dst, `,"created_at":"2025-01-01T00:00:00Z"}`...)
	}
	dst = quote(append(dst, `{"id":`...), name)
	return append(dst, `,"object":"model","created":1735689600,"owned_by":"simulated"}`...)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
