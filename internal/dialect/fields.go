package dialect

import "tollgate/internal/llm"

// field is a top-level member of a request body that the gate reads. What each
// means is said where it is read.
type field uint8

// The fields. A format may call one by a name of its own.
const (
	fieldNone field = iota
	fieldModel
	fieldStream
	fieldMaxTokens
	fieldMaxCompletionTokens
	fieldMessages
	fieldTools
	fieldServiceTier

	// OpenAI's only.
	fieldStreamOptions
	fieldN
	fieldBestOf
	fieldPrompt
	fieldInput
	fieldFunctions
	fieldWebSearch
	fieldPrediction
	fieldModalities
	fieldTemperature // of requests to chatbots

	// Anthropic's only.
	fieldSystem
	fieldThinking
	fieldCacheControl
	fieldContextManagement
	fieldSpeed
	fieldGeo
	fieldServers
	fieldContainer
	fieldFallbacks

	// Gemini's only.
	fieldContents
	fieldInstruction
	fieldConfig
	fieldCachedContent
	fieldContent
	fieldRequests
	fieldWholeRequest

	// OpenAI's Responses only.
	fieldItems
	fieldInstructions
	fieldPrevious
	fieldConversation
	fieldStored
	fieldBackground
	fieldReasoning

	// Cohere's only.
	fieldDocuments
	fieldQuery
	fieldTexts
	fieldImages
	fieldInputs
	// OpenAI's images and sound only.
	fieldSize
	fieldQuality
	fieldSpoken
	fieldStreamFormat
	fieldUpload
	fieldOutputFormat
	fieldSVG
)

// named is a field with one of its names in JSON.
type named struct {
	field
	name string
}

// vocabulary is the top-level names of a format: those that are read, and what
// the others may do to a hold.
type vocabulary struct {
	fields []named

	// overrides are names by which a caller may pass the output cap, or have
	// something billed apart. It is for formats that many servers speak, each with
	// fields of its own.
	overrides []string
	// harmless are all other names that there are. It is for a format with one
	// author, who refuses what he does not know: any other name is as new to us as
	// an override may be.
	harmless []string
}

// vocabulary is that of a route.
func (r *Route) vocabulary() *vocabulary {
	switch {
	case r.Chatbot:
		return &chatbotWords[0]
	case r.answers != answersUsual:
		return r.ownWords()
	case r.Format == llm.Anthropic:
		return &vocabularies[1]
	case r.Format == llm.Gemini:
		return &vocabularies[2]
	case r.Format == llm.Cohere:
		return &vocabularies[3]
	}
	return &vocabularies[0]
}

// vocabularies are OpenAI's, Anthropic's, Gemini's and Cohere's.
var vocabularies = [...]vocabulary{
	{
		fields: []named{
			{fieldModel, "model"},
			{fieldStream, "stream"},
			{fieldStreamOptions, "stream_options"},
			{fieldMaxTokens, "max_tokens"},
			{fieldMaxCompletionTokens, "max_completion_tokens"},
			{fieldN, "n"},
			{fieldBestOf, "best_of"},
			{fieldMessages, "messages"},
			{fieldPrompt, "prompt"},
			{fieldInput, "input"},
			{fieldTools, "tools"},
			{fieldFunctions, "functions"},
			{fieldWebSearch, "web_search_options"},
			{fieldPrediction, "prediction"},
			{fieldModalities, "modalities"},
			{fieldServiceTier, "service_tier"},
		},
		overrides: []string{
			"n_predict", "num_predict", "max_new_tokens", "max_length", "max_output_tokens", "maxOutputTokens", "max_gen_len",
			"options", "models", "plugins", "search_parameters", "extra_body", "route", "transforms", "web_search",
			"enable_search", "cached_content", "cachedContent", "use_beam_search",
			"chat_template", "documents", "prompt_embeds", "mm_processor_kwargs",
			"data_sources", "enhancements", // Azure's, which read and bill more than is here
		},
	},
	{
		fields: []named{
			{fieldModel, "model"},
			{fieldStream, "stream"},
			{fieldMaxTokens, "max_tokens"},
			{fieldMessages, "messages"},
			{fieldSystem, "system"},
			{fieldTools, "tools"},
			{fieldThinking, "thinking"},
			{fieldServiceTier, "service_tier"},
			{fieldCacheControl, "cache_control"},
			{fieldContextManagement, "context_management"},
			{fieldSpeed, "speed"},
			{fieldGeo, "inference_geo"},
			{fieldServers, "mcp_servers"},
			{fieldContainer, "container"},
			{fieldFallbacks, "fallbacks"},
		},
		harmless: []string{
			"temperature", "top_p", "top_k", "stop_sequences", "metadata", "tool_choice", "output_config", "output_format",
			"diagnostics", "user_profile_id",
		},
	},
	{
		// The JSON form of protocol buffers has two names for each field.
		fields: []named{
			{fieldContents, "contents"},
			{fieldConfig, "generationConfig"},
			{fieldConfig, "generation_config"},
			{fieldInstruction, "systemInstruction"},
			{fieldInstruction, "system_instruction"},
			{fieldTools, "tools"},
			{fieldModel, "model"},
			{fieldCachedContent, "cachedContent"},
			{fieldCachedContent, "cached_content"},
			{fieldServiceTier, "serviceTier"},
			{fieldServiceTier, "service_tier"},
			{fieldContent, "content"},
			{fieldRequests, "requests"},
			{fieldWholeRequest, "generateContentRequest"},
			{fieldWholeRequest, "generate_content_request"},
		},
		harmless: []string{
			"toolConfig", "tool_config", "safetySettings", "safety_settings", "labels", "store",
			"taskType", "task_type", "title", "outputDimensionality", "output_dimensionality",
		},
	},
	{
		fields: []named{
			{fieldModel, "model"},
			{fieldStream, "stream"},
			{fieldMaxTokens, "max_tokens"},
			{fieldMessages, "messages"},
			{fieldTools, "tools"},
			{fieldThinking, "thinking"},
			{fieldDocuments, "documents"},
			{fieldQuery, "query"},
			{fieldTexts, "texts"},
			{fieldImages, "images"},
			{fieldInputs, "inputs"},
		},
		harmless: []string{
			"strict_tools", "citation_options", "response_format", "safety_mode", "stop_sequences", "temperature", "seed",
			"frequency_penalty", "presence_penalty", "k", "p", "logprobs", "tool_choice", "priority",
			"input_type", "output_dimension", "embedding_types", "truncate",
			"top_n", "max_tokens_per_doc",
		},
	},
}

// of is the field that is called exactly name, else fieldNone.
func (v *vocabulary) of(name []byte) field {
	for i := range v.fields {
		if string(name) == v.fields[i].name {
			return v.fields[i].field
		}
	}
	return fieldNone
}

// like is the name of the field that a lenient parser might take name for,
// though it is not called so; else "".
func (v *vocabulary) like(name []byte) string {
	for i := range v.fields {
		if alike(name, v.fields[i].name) {
			return v.fields[i].name
		}
	}
	return ""
}

// override is the name, as it is to be shown, of an override that is called so,
// or that a lenient parser might take name for; "" if it is none.
func (v *vocabulary) override(name []byte) string {
	for _, known := range v.harmless {
		if string(name) == known {
			return ""
		}
	}
	if v.harmless != nil {
		return brief(name)
	}
	for _, known := range v.overrides {
		if string(name) == known {
			return known
		}
	}
	for _, known := range v.overrides {
		if alike(name, known) { // with none in camel case: those have a twin
			return known
		}
	}
	return ""
}

// fieldSet is a set of fields.
type fieldSet uint64

// readApart are the fields that hold texts, and one that no model sees.
const readApart fieldSet = 1<<fieldMessages | 1<<fieldPrompt | 1<<fieldInput | 1<<fieldStreamOptions | 1<<fieldItems

func (set fieldSet) has(f field) bool { return set&(1<<f) != 0 }
