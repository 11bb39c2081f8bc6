package dialect

import "strconv"

// ModelInfo is one row of a model list.
type ModelInfo struct {
	ID      string // the name to ask for
	OwnedBy string // the provider's slug
	Created int64  // Unix seconds; 0 = not known, as the field must be there
}

// ModelList is the body that answers GET /v1/models, models in the order given.
func ModelList(models []ModelInfo) []byte {
	b := make([]byte, 0, 32+96*len(models))
	b = append(b, `{"object":"list","data":[`...)
	for i := range models {
		if i > 0 {
			b = append(b, ',')
		}
		b = models[i].append(b)
	}
	return append(b, "]}"...)
}

// ModelBody is the body that answers GET /v1/models/{id}.
func ModelBody(m ModelInfo) []byte { return m.append(nil) }

func (m *ModelInfo) append(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = appendQuoted(b, m.ID)
	b = append(b, `,"object":"model","created":`...)
	b = strconv.AppendInt(b, m.Created, 10)
	b = append(b, `,"owned_by":`...)
	b = appendQuoted(b, m.OwnedBy)
	return append(b, '}')
}
