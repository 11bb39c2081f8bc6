package dialect

import (
	"fmt"

	"tollgate/internal/llm"
)

// The fields that mean something on the routes of Cohere's format.
const (
	readCohereChat = 1<<fieldModel | 1<<fieldStream | 1<<fieldMaxTokens | 1<<fieldMessages | 1<<fieldTools | 1<<fieldThinking | 1<<fieldDocuments
	readEmbed      = 1<<fieldModel | 1<<fieldTexts | 1<<fieldImages | 1<<fieldInputs
	readRerank     = 1<<fieldModel | 1<<fieldQuery | 1<<fieldDocuments
)

// A search unit is a query with up to 100 documents. One that has more than 500
// tokens, those of the query among them, counts as several (Cohere, "Pricing"); of
// a query at most half of a window is used ("Best practices for using Rerank").
const (
	documentsPerUnit = 100
	documentTokens   = 500
	queryTokens      = 256
)

// cohere reads the value of a field that only Cohere's format has.
func (r *reader) cohere(f field) {
	at := r.i
	switch f {
	case fieldDocuments:
		r.documents()
		r.call.documents = r.since(at)
	case fieldQuery:
		if r.peek() != '"' {
			r.wrong("query", "must be a string")
			return
		}
		r.query = int64(len(r.text()))
	case fieldTexts, fieldImages, fieldInputs:
		r.embedded(f)
	default:
		r.skip()
	}
}

// documents reads what an answer is to rest on, or what is to be ranked: texts, or
// objects with some.
func (r *reader) documents() {
	if r.null() {
		return
	}
	if r.peek() != '[' {
		r.wrong("documents", "must be an array")
		return
	}
	r.open()
	for r.element() {
		if c := r.peek(); c != '"' && c != '{' {
			r.wrong("documents", "must hold strings or objects")
			return
		}
		r.call.listed++
		r.skip()
	}
}

// embedded reads what is to be embedded, which stands in one of three fields.
func (r *reader) embedded(f field) {
	if r.null() {
		return
	}
	names := map[field]string{fieldTexts: "texts", fieldImages: "images", fieldInputs: "inputs"}
	name := names[f]
	if r.embeds != "" {
		r.wrong(name, "stands beside "+r.embeds+": send one of texts, images and inputs")
		return
	}
	r.embeds = name
	if r.peek() != '[' {
		r.wrong(name, "must be an array")
		return
	}
	at := r.i
	kind := byte('"')
	if f == fieldInputs {
		kind = '{'
	}
	r.open()
	for r.element() {
		switch {
		case r.peek() != kind:
			r.wrong(fmt.Sprintf("%s[%d]", name, r.call.Messages), "must be a string, or in inputs an object")
			return
		case f == fieldImages:
			r.imageURL()
		case f == fieldInputs:
			r.message()
		default:
			r.text()
		}
		r.call.Messages++
	}
	if f != fieldImages {
		r.call.texts = r.since(at)
	}
	if m := r.call.Media; m != (Media{}) {
		r.call.Extra = "An image to be embedded"
	}
}

// searchUnits is the most search units that the ranking of the documents can be
// billed as, where the query has so many bytes.
func (c *Call) searchUnits(query int64) int64 {
	room := documentTokens - min(query, queryTokens)
	parts := int64(0)
	s := scanner{b: c.documents.of(c.body)}
	if s.peek() == '[' {
		s.open()
		for s.element() {
			parts += max(1, (int64(len(s.value()))+room-1)/room)
		}
	}
	return max(1, (parts+documentsPerUnit-1)/documentsPerUnit)
}

// cohereRoute is one of Cohere's.
func cohereRoute(path string, scope llm.Scope, output bool, reads fieldSet) Route {
	r := Route{Method: "POST", Path: "/v2/" + path, Scope: scope, Format: llm.Cohere, Output: output, Streams: output, reads: reads}
	if scope == llm.ScopeRerank {
		r.Unit = llm.Searches
	}
	return r
}
