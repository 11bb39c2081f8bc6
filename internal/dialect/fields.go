package dialect

// field is a top-level member of a request body that the gate reads.
type field uint8

// The fields. What each means is said where it is read, in read.go.
const (
	fieldNone field = iota
	fieldModel
	fieldStream
	fieldStreamOptions
	fieldMaxTokens
	fieldMaxCompletionTokens
	fieldN
	fieldBestOf
	fieldMessages
	fieldPrompt
	fieldInput
	fieldTools
	fieldFunctions
	fieldWebSearch
	fieldPrediction
	fieldModalities
	fieldServiceTier
	fieldCount
)

// fieldNames are the names of the fields in JSON.
var fieldNames = [fieldCount]string{
	fieldModel:               "model",
	fieldStream:              "stream",
	fieldStreamOptions:       "stream_options",
	fieldMaxTokens:           "max_tokens",
	fieldMaxCompletionTokens: "max_completion_tokens",
	fieldN:                   "n",
	fieldBestOf:              "best_of",
	fieldMessages:            "messages",
	fieldPrompt:              "prompt",
	fieldInput:               "input",
	fieldTools:               "tools",
	fieldFunctions:           "functions",
	fieldWebSearch:           "web_search_options",
	fieldPrediction:          "prediction",
	fieldModalities:          "modalities",
	fieldServiceTier:         "service_tier",
}

// String is the name of the field in JSON.
func (f field) String() string { return fieldNames[f] }

// fieldOf is the field that is called exactly name, else fieldNone.
func fieldOf(name []byte) field {
	for f := fieldModel; f < fieldCount; f++ {
		if string(name) == fieldNames[f] {
			return f
		}
	}
	return fieldNone
}

// fieldLike is the field that a lenient parser might take name for, though it
// is not called so; else fieldNone.
func fieldLike(name []byte) field {
	for f := fieldModel; f < fieldCount; f++ {
		if alike(name, fieldNames[f]) {
			return f
		}
	}
	return fieldNone
}

// overrides are the fields by which one server or another lets a caller pass
// the output cap, or asks for other models, prompts and services than the body
// otherwise names.
var overrides = [...]string{
	"n_predict", "num_predict", "max_new_tokens", "max_length", "max_output_tokens", "maxOutputTokens", "max_gen_len",
	"options", "models", "plugins", "search_parameters", "extra_body", "route", "transforms", "web_search",
	"enable_search", "cached_content", "cachedContent", "use_beam_search",
	"chat_template", "documents", "prompt_embeds", "mm_processor_kwargs",
}

// overrideOf is the one of overrides that is called name, or that a lenient
// parser might take name for; "" if it is none.
func overrideOf(name []byte) string {
	for _, known := range overrides {
		if string(name) == known {
			return known
		}
	}
	for _, known := range overrides {
		if alike(name, known) { // with none in camel case: those have a twin
			return known
		}
	}
	return ""
}

// fieldSet is a set of fields.
type fieldSet uint32

// readApart are the fields that hold texts, and one that no model sees.
const readApart fieldSet = 1<<fieldMessages | 1<<fieldPrompt | 1<<fieldInput | 1<<fieldStreamOptions

func (set fieldSet) has(f field) bool { return set&(1<<f) != 0 }
