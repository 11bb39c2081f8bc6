package dialect

import (
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// Route is one path of the data plane and what a request on it may carry. The
// pointers that Find and Routes give out are shared: a Route is never changed.
type Route struct {
	Method  string     // "GET" or "POST"
	Path    string     // for endpoint rules, the ledger and the upstream; "{id}" stands for what follows
	Scope   llm.Scope  // the scope a key needs
	Format  llm.Format // the format of request, answer and errors
	Local   bool       // answered here from the catalogue: nothing is forwarded
	Output  bool       // the answer has output tokens, so a cap can be held for and written
	Streams bool       // "stream": true is meant to work

	prefix bool     // Path is matched up to "{id}"
	reads  fieldSet // the fields that mean something on this route
}

// The fields that all forwarded routes read, and those of all that generate.
const (
	readAlways = 1<<fieldModel | 1<<fieldServiceTier
	readOutput = readAlways | 1<<fieldStream | 1<<fieldStreamOptions |
		1<<fieldMaxTokens | 1<<fieldMaxCompletionTokens | 1<<fieldN | 1<<fieldBestOf
	readChat = readOutput | 1<<fieldMessages | 1<<fieldTools | 1<<fieldFunctions |
		1<<fieldWebSearch | 1<<fieldPrediction | 1<<fieldModalities
)

// routes is the table. Paths of a provider's are the same here as there.
var routes = [...]Route{
	{
		Method: "POST", Path: "/v1/chat/completions", Scope: llm.ScopeChat, Format: llm.OpenAI,
		Output: true, Streams: true, reads: readChat,
	},
	{
		Method: "POST", Path: "/v1/completions", Scope: llm.ScopeChat, Format: llm.OpenAI,
		Output: true, Streams: true, reads: readOutput | 1<<fieldPrompt,
	},
	{
		Method: "POST", Path: "/v1/embeddings", Scope: llm.ScopeEmbeddings, Format: llm.OpenAI,
		reads: readAlways | 1<<fieldInput,
	},
	{
		Method: "GET", Path: "/v1/models", Scope: llm.ScopeModels, Format: llm.OpenAI, Local: true,
	},
	{
		Method: "GET", Path: modelPrefix + "{id}", Scope: llm.ScopeModels, Format: llm.OpenAI, Local: true,
		prefix: true,
	},
}

const modelPrefix = "/v1/models/"

// Routes are all routes, in a stable order.
func Routes() []*Route {
	list := make([]*Route, len(routes))
	for i := range routes {
		list[i] = &routes[i]
	}
	return list
}

// Find is the route of a request. The error is fault.NotFound for a path that
// is none of ours, and fault.MethodNotAllowed for one that is, with its right
// method in the text.
func Find(method, path string) (*Route, error) {
	var other *Route
	for i := range routes {
		r := &routes[i]
		if !r.matches(path) {
			continue
		}
		if r.Method == method {
			return r, nil
		}
		other = r
	}
	if other != nil {
		return nil, fault.New(fault.MethodNotAllowed, "%s takes %s, not %s.", other.Path, other.Method, method)
	}
	return nil, fault.New(fault.NotFound, "There is no %s here. Check the base URL of your client: it ends in /v1.", path)
}

func (r *Route) matches(path string) bool {
	if r.prefix {
		return len(path) > len(modelPrefix) && strings.HasPrefix(path, modelPrefix)
	}
	return path == r.Path
}

// ModelID is the model that a path of the route /v1/models/{id} names, slashes
// included ("openai/gpt-4o-mini"); "" for other paths.
func ModelID(path string) string {
	id, ok := strings.CutPrefix(path, modelPrefix)
	if !ok {
		return ""
	}
	return id
}
