package dialect

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// Route is one path of the data plane and what a request on it may carry. The
// pointers that Find and Routes give out are shared: a Route is never changed.
type Route struct {
	Method  string     // "GET" or "POST"
	Path    string     // for endpoint rules and the ledger; "{id}" and "{model}" stand for a name
	Sent    string     // the upstream's path, if it is another one
	Scope   llm.Scope  // the scope a key needs
	Format  llm.Format // the format of request, answer and errors
	Local   bool       // answered here from the catalogue: nothing is forwarded
	Free    bool       // costs nothing at the provider
	Output  bool       // the answer has output tokens, so a cap can be held for and written
	Open    bool       // a request cannot say a cap on them, so all that the model writes at most is held for
	Form    bool       // the body is a form with files, not JSON
	Unit    llm.Unit   // what is billed of models without a price for tokens
	Streams bool       // a stream is meant to work
	Socket  bool       // there is one on a WebSocket only
	Chatbot bool       // the path names a chatbot, which lays down some of what is asked for: see Call.Fix

	// Deployment says that the path names a deployment of Azure's, which may be
	// called anything.
	Deployment bool

	before, after string   // of the path, around its first {…}; "" = there is none
	model         bool     // behind after stands {model}
	reads         fieldSet // the fields that mean something on this route
	answers       answers  // how its answers say what they have
	unnamed       string   // the model of a body that names none; "" = that is refused
	at            []string // the kinds of providers that have it; nil = all that speak the format
}

// The fields that all forwarded routes of a format read, and those of all that
// generate.
const (
	readAlways = 1<<fieldModel | 1<<fieldServiceTier
	readOutput = readAlways | 1<<fieldStream | 1<<fieldStreamOptions |
		1<<fieldMaxTokens | 1<<fieldMaxCompletionTokens | 1<<fieldN | 1<<fieldBestOf
	readChat = readOutput | 1<<fieldMessages | 1<<fieldTools | 1<<fieldFunctions |
		1<<fieldWebSearch | 1<<fieldPrediction | 1<<fieldModalities
	readResponse = readAlways | 1<<fieldStream | 1<<fieldMaxTokens | 1<<fieldTools | 1<<fieldItems | 1<<fieldInstructions |
		1<<fieldPrevious | 1<<fieldConversation | 1<<fieldStored | 1<<fieldBackground | 1<<fieldReasoning
	readImages = 1<<fieldModel | 1<<fieldPrompt | 1<<fieldN | 1<<fieldSize | 1<<fieldQuality | 1<<fieldStream |
		1<<fieldOutputFormat | 1<<fieldSVG
	readSpeech = 1<<fieldModel | 1<<fieldSpoken | 1<<fieldStreamFormat
	readTokens = 1<<fieldModel | 1<<fieldMessages | 1<<fieldSystem | 1<<fieldTools | 1<<fieldThinking | 1<<fieldCacheControl
	readTurns  = readTokens | 1<<fieldServiceTier | 1<<fieldStream | 1<<fieldMaxTokens | 1<<fieldContextManagement |
		1<<fieldSpeed | 1<<fieldGeo | 1<<fieldServers | 1<<fieldContainer | 1<<fieldFallbacks
	readContents = 1<<fieldModel | 1<<fieldContents | 1<<fieldInstruction | 1<<fieldTools | 1<<fieldConfig |
		1<<fieldCachedContent | 1<<fieldServiceTier
)

// routes is the table. Paths of a provider's are the same here as there.
var routes = [...]Route{
	{
		Method: "POST", Path: "/v1/chat/completions", Scope: llm.ScopeChat, Format: llm.OpenAI,
		Output: true, Streams: true, reads: readChat,
	},
	{
		Method: "POST", Path: "/v1/messages", Scope: llm.ScopeChat, Format: llm.Anthropic,
		Output: true, Streams: true, reads: readTurns,
	},
	{
		Method: "POST", Path: "/v1/responses", Scope: llm.ScopeChat, Format: llm.OpenAI,
		Output: true, Streams: true, reads: readResponse, answers: answersResponse, at: responseKinds,
	},
	{
		Method: "GET", Path: "/v1/realtime", Scope: llm.ScopeRealtime, Format: llm.OpenAI, Output: true, Streams: true, Socket: true,
		at: realtimeKinds,
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
		Method: "POST", Path: "/v1/moderations", Scope: llm.ScopeModerations, Format: llm.OpenAI,
		Free: true, reads: 1<<fieldModel | 1<<fieldInput, unnamed: "omni-moderation-latest", at: moderationKinds,
	},
	{
		Method: "POST", Path: "/v1/images/generations", Scope: llm.ScopeImages, Format: llm.OpenAI,
		Output: true, Open: true, Unit: llm.Images, Streams: true, reads: readImages, answers: answersImages, at: imageKinds,
	},
	{
		Method: "POST", Path: "/v1/audio/speech", Scope: llm.ScopeSpeech, Format: llm.OpenAI,
		Output: true, Open: true, Unit: llm.Characters, Streams: true,
		reads: readSpeech, answers: answersSpeech, at: soundKinds,
	},
	{
		Method: "POST", Path: "/v1/images/edits", Scope: llm.ScopeImages, Format: llm.OpenAI, Form: true,
		Output: true, Open: true, Unit: llm.Images, Streams: true, answers: answersImages, at: imageKinds,
	},
	{
		Method: "POST", Path: "/v1/images/variations", Scope: llm.ScopeImages, Format: llm.OpenAI, Form: true,
		Output: true, Open: true, Unit: llm.Images, answers: answersImages, at: imageKinds,
	},
	{
		Method: "POST", Path: "/v1/audio/transcriptions", Scope: llm.ScopeTranscribe, Format: llm.OpenAI, Form: true,
		Output: true, Open: true, Unit: llm.Seconds, Streams: true, answers: answersTranscript, at: soundKinds,
	},
	{
		Method: "POST", Path: "/v1/audio/translations", Scope: llm.ScopeTranscribe, Format: llm.OpenAI, Form: true,
		Output: true, Open: true, Unit: llm.Seconds, answers: answersTranscript, at: soundKinds,
	},
	{
		Method: "POST", Path: "/v1/messages/count_tokens", Scope: llm.ScopeTokens, Format: llm.Anthropic,
		Free: true, reads: readTokens,
	},
	{
		Method: "GET", Path: "/v1/models", Scope: llm.ScopeModels, Format: llm.OpenAI, Local: true,
	},
	{
		Method: "GET", Path: "/v1/models/{id}", Scope: llm.ScopeModels, Format: llm.OpenAI, Local: true, before: "/v1/models/",
	},
	{
		Method: "GET", Path: "/v1/models", Scope: llm.ScopeModels, Format: llm.Anthropic, Local: true,
	},
	{
		Method: "GET", Path: "/v1/models/{id}", Scope: llm.ScopeModels, Format: llm.Anthropic, Local: true, before: "/v1/models/",
	},
	chatbotRoute("/chatbots/", "/v1/chat/completions"),
	chatbotRoute("/api/v1/chatbot/external/", "/chat"),
	chatbotRoute("/api/v1/chatbot/external/", "/chat/completions"),
	chatbotModels("/v1/models", false),
	chatbotModels("/v1/models/", true),
	{
		Method: "POST", Path: geminiModels + "{model}:generateContent", Scope: llm.ScopeChat, Format: llm.Gemini,
		Output: true, before: geminiModels, after: ":generateContent", reads: readContents,
	},
	{
		Method: "POST", Path: geminiModels + "{model}:streamGenerateContent", Scope: llm.ScopeChat, Format: llm.Gemini,
		Output: true, Streams: true, before: geminiModels, after: ":streamGenerateContent", reads: readContents,
	},
	{
		Method: "POST", Path: geminiModels + "{model}:countTokens", Scope: llm.ScopeTokens, Format: llm.Gemini,
		Free: true, before: geminiModels, after: ":countTokens", reads: 1<<fieldModel | 1<<fieldContents | 1<<fieldWholeRequest,
	},
	{
		Method: "POST", Path: geminiModels + "{model}:embedContent", Scope: llm.ScopeEmbeddings, Format: llm.Gemini,
		before: geminiModels, after: ":embedContent", reads: 1<<fieldModel | 1<<fieldContent,
	},
	{
		Method: "POST", Path: geminiModels + "{model}:batchEmbedContents", Scope: llm.ScopeEmbeddings, Format: llm.Gemini,
		before: geminiModels, after: ":batchEmbedContents", reads: 1<<fieldModel | 1<<fieldRequests,
	},
	{
		Method: "GET", Path: "/v1beta/models", Scope: llm.ScopeModels, Format: llm.Gemini, Local: true,
	},
	{
		Method: "GET", Path: geminiModels + "{model}", Scope: llm.ScopeModels, Format: llm.Gemini, Local: true, before: geminiModels,
	},
	cohereRoute("chat", llm.ScopeChat, true, readCohereChat),
	cohereRoute("embed", llm.ScopeEmbeddings, false, readEmbed),
	cohereRoute("rerank", llm.ScopeRerank, false, readRerank),
	deployment("/chat/completions", Route{Scope: llm.ScopeChat, Output: true, Streams: true, reads: readChat}),
	deployment("/completions", Route{Scope: llm.ScopeChat, Output: true, Streams: true, reads: readOutput | 1<<fieldPrompt}),
	deployment("/embeddings", Route{Scope: llm.ScopeEmbeddings, reads: readAlways | 1<<fieldInput}),
	deployment("/images/generations", Route{
		Scope: llm.ScopeImages, Output: true, Open: true, Unit: llm.Images, Streams: true, reads: readImages, answers: answersImages,
	}),
	deployment("/images/edits", Route{
		Scope: llm.ScopeImages, Form: true, Output: true, Open: true, Unit: llm.Images, Streams: true, answers: answersImages,
	}),
	deployment("/audio/speech", Route{
		Scope: llm.ScopeSpeech, Output: true, Open: true, Unit: llm.Characters, Streams: true, reads: readSpeech, answers: answersSpeech,
	}),
	deployment("/audio/transcriptions", Route{
		Scope: llm.ScopeTranscribe, Form: true, Output: true, Open: true, Unit: llm.Seconds, Streams: true, answers: answersTranscript,
	}),
	deployment("/audio/translations", Route{
		Scope: llm.ScopeTranscribe, Form: true, Output: true, Open: true, Unit: llm.Seconds, answers: answersTranscript,
	}),
}

const (
	// anthropicPrefix may stand before the paths of Anthropic's format.
	anthropicPrefix = "/anthropic"
	geminiModels    = "/v1beta/models/"
)

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
func Find(method, path string, h http.Header) (*Route, error) {
	own, of := canonical(path)
	format := FormatOf(path, h)
	var other *Route
	for i := range routes {
		r := &routes[i]
		switch {
		case !r.matches(own), of != "" && r.Format != of, r.Local && r.Format != format:
		case r.Method == method:
			return r, nil
		default:
			other = r
		}
	}
	if other != nil {
		return nil, fault.New(fault.MethodNotAllowed, "%s takes %s, not %s.", other.Path, other.Method, method)
	}
	return nil, fault.New(fault.NotFound, "There is no %s here. Check the base URL of your client: %s.", path, bases[format])
}

// bases are the base URLs of the formats' SDKs, for people.
var bases = map[llm.Format]string{
	llm.OpenAI:    "it ends in /v1",
	llm.Anthropic: "it is this server's without /v1, or with /anthropic behind it",
	llm.Gemini:    "it is this server's without /v1beta",
	llm.Cohere:    "it is this server's without /v2",
}

// canonical is path without the prefix of a format, which may stand before all
// paths of that format. Azure's has two spellings: with /v1, and the older without.
func canonical(path string) (own string, of llm.Format) {
	if rest, ok := strings.CutPrefix(path, anthropicPrefix); ok && strings.HasPrefix(rest, "/") {
		return rest, llm.Anthropic
	}
	rest, ok := strings.CutPrefix(path, azurePrefix)
	switch {
	case !ok, strings.HasPrefix(path, azureDeployments):
		return path, ""
	case strings.HasPrefix(rest, "v1/"):
		return path[len(azurePrefix)-1:], llm.OpenAI
	}
	return "/v1/" + rest, llm.OpenAI
}

// FormatOf is the format in which a request is to be answered, whether there is
// a route for it or not. Where two formats share a path, the headers of
// Anthropic's SDKs decide.
func FormatOf(path string, h http.Header) llm.Format {
	own, of := canonical(path)
	switch {
	case of != "":
		return of
	case strings.HasPrefix(path, "/v1beta/"):
		return llm.Gemini
	case strings.HasPrefix(path, "/v2/"):
		return llm.Cohere
	case own == "/v1/messages", strings.HasPrefix(own, "/v1/messages/"):
		return llm.Anthropic
	case (own == "/v1/models" || strings.HasPrefix(own, "/v1/models/")) &&
		(len(h["Anthropic-Version"]) > 0 || len(h["X-Api-Key"]) > 0 && len(h["Authorization"]) == 0):
		return llm.Anthropic
	}
	return llm.OpenAI
}

// Is reports whether a path, canonical or as a caller writes it, is the route's.
func (r *Route) Is(path string) bool {
	own, of := canonical(path)
	return path == r.Path || r.matches(own) && (of == "" || r.Format == of)
}

func (r *Route) matches(path string) bool {
	if r.before == "" {
		return path == r.Path
	}
	if r.Chatbot {
		return r.ChatbotID(path) != ""
	}
	if len(path) <= len(r.before)+len(r.after) || !strings.HasPrefix(path, r.before) || !strings.HasSuffix(path, r.after) {
		return false
	}
	return r.after != "" || r.Format != llm.Gemini || !strings.Contains(path, ":")
}

// ModelID is the model that the path of a request on the route names, slashes
// included ("openai/gpt-4o-mini"); "" where paths of the route name none.
func (r *Route) ModelID(path string) string {
	if r.Chatbot {
		_, model, _ := r.parts(path)
		return model
	}
	if r.before == "" {
		return ""
	}
	own, _ := canonical(path)
	return strings.TrimSuffix(strings.TrimPrefix(own, r.before), r.after)
}

// Speaks reports whether providers of a kind offer the route: each format but
// OpenAI's is its author's alone, and so are deployments. The simulated provider
// has them all.
func (r *Route) Speaks(kind string) bool {
	switch {
	case kind == "demo":
		return true
	case r.at != nil:
		return slices.Contains(r.at, kind)
	case r.Deployment:
		return kind == "azure"
	case r.Format == llm.Anthropic:
		return kind == "anthropic"
	case r.Format == llm.Gemini:
		return kind == "google"
	case r.Format == llm.Cohere:
		return kind == "cohere"
	}
	return true
}

// Foreign is the refusal of a model whose provider does not have the route.
func (r *Route) Foreign(model, provider string) *fault.Error {
	f := fault.New(fault.ModelNotFound, "The model %q is %s's, which does not have %s.", model, provider, r.Path)
	if r.Scope == llm.ScopeChat {
		f.Public += " POST /v1/chat/completions reaches it."
	}
	f.Param = "model"
	return f
}

// keptQuery is what of a request's query is for the provider. All else stays
// here: it can carry the caller's key, and ask for an answer in another form.
func (r *Route) keptQuery(query string) (string, error) {
	switch r.Format {
	case llm.Anthropic:
		values, err := url.ParseQuery(query)
		if err == nil && values.Get("beta") == "true" {
			return "beta=true", nil // what Anthropic's SDKs add for what is new
		}
	case llm.OpenAI:
		version, err := apiVersion(query)
		if err != nil || version == "" || isDated(version) && !r.Deployment {
			return "", err
		}
		return "api-version=" + version, nil
	}
	return "", nil
}
