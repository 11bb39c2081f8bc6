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

// fieldSet is a set of fields.
type fieldSet uint32

func (set fieldSet) has(f field) bool { return set&(1<<f) != 0 }
