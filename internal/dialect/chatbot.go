package dialect

import (
	"strings"

	"tollgate/internal/llm"
)

// readBot is what requests to chatbots read.
const readBot = readChat | 1<<fieldTemperature

// chatbotRoute is a way of talking to a chatbot, with OpenAI's chat completions.
func chatbotRoute(before, after string) Route {
	return Route{
		Method: "POST", Path: before + "{id}" + after, Sent: "/v1/chat/completions", Scope: llm.ScopeChatbot, Format: llm.OpenAI,
		Output: true, Streams: true, Chatbot: true, before: before, after: after, reads: readBot,
	}
}

// chatbotModels is a way of asking which model a chatbot has, as OpenAI's libraries
// ask.
func chatbotModels(after string, model bool) Route {
	r := Route{
		Method: "GET", Path: chatbots + "{id}" + after, Scope: llm.ScopeChatbot, Format: llm.OpenAI,
		Local: true, Chatbot: true, before: chatbots, after: after, model: model,
	}
	if model {
		r.Path += "{model}"
	}
	return r
}

// parts are the chatbot and the model that a path names which leads to a chatbot.
func (r *Route) parts(path string) (name, model string, ok bool) {
	rest, ok := strings.CutPrefix(path, r.before)
	slash := strings.IndexByte(rest, '/')
	if !ok || slash <= 0 {
		return "", "", false
	}
	name = rest[:slash]
	model, ok = strings.CutPrefix(rest[slash:], r.after)
	return name, model, ok && r.model == (model != "")
}

// ChatbotID is the chatbot that the path of a request on the route names, by its
// id or its slug; "" where paths of the route name none.
func (r *Route) ChatbotID(path string) string {
	if !r.Chatbot {
		return ""
	}
	if name, _, ok := r.parts(path); ok {
		return name
	}
	return ""
}

// chatbots is what the addresses of chatbots begin with.
const chatbots = "/chatbots/"

// Chatbot is the chatbot that a path names, by its id or its slug, and the method
// with which the path is asked; front reports whether it is the path of the chatbot
// itself, and no route below it. "" is none.
func Chatbot(path string) (name, method string, front bool) {
	if rest, ok := strings.CutPrefix(path, chatbots); ok && !strings.Contains(rest, "/") {
		return rest, "GET", true
	}
	for i := range routes {
		if name := routes[i].ChatbotID(path); name != "" {
			return name, routes[i].Method, false
		}
	}
	return "", "", false
}

// Naming is a path of the route, or the route's own, with another name for its
// chatbot; a path that names none stays as it is.
func (r *Route) Naming(path, name string) string {
	old := r.ChatbotID(path)
	if old == "" {
		return path
	}
	return r.before + name + path[len(r.before)+len(old):]
}

// chatbotWords is the vocabulary of requests to chatbots. These go to many servers,
// each with fields of its own, by some of which a caller could get round what the
// chatbot lays down; so they may have those of OpenAI's reference only.
var chatbotWords = [...]vocabulary{{
	fields: []named{
		{fieldModel, "model"},
		{fieldStream, "stream"},
		{fieldStreamOptions, "stream_options"},
		{fieldMaxTokens, "max_tokens"},
		{fieldMaxCompletionTokens, "max_completion_tokens"},
		{fieldTemperature, "temperature"},
		{fieldN, "n"},
		{fieldMessages, "messages"},
		{fieldTools, "tools"},
		{fieldFunctions, "functions"},
		{fieldWebSearch, "web_search_options"},
		{fieldPrediction, "prediction"},
		{fieldModalities, "modalities"},
		{fieldServiceTier, "service_tier"},
	},
	harmless: []string{
		"top_p", "stop", "seed", "user", "tool_choice", "parallel_tool_calls", "function_call", "response_format",
		"frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "metadata", "store", "audio",
		"reasoning_effort", "verbosity", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
	},
}}
