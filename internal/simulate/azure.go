package simulate

import (
	"net/http"
	"strings"
)

// azure is OpenAI's format of chat completions as Azure's deployments speak it:
// with what their filter of contents has found. See
// learn.microsoft.com/azure/ai-services/openai/concepts/content-filter.
type azure struct{ chat }

const filterResults = `"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false}}}]`

func (w azure) whole(dst []byte, a *answer) []byte {
	dst = w.chat.whole(dst, a)
	return append(dst[:len(dst)-1], ","+filterResults+"}"...)
}

// open begins with a chunk that has no choices.
func (w azure) open(dst []byte, a *answer) []byte {
	dst = append(dst, `data: {"choices":[],"created":0,"id":"","model":"","object":"",`+filterResults+"}\n\n"...)
	return w.chat.open(dst, a)
}

// locateAzure reads a path behind /openai/deployments/, which Azure knows only
// together with a version.
func locateAzure(r *http.Request, rest string) location {
	name, verb, _ := strings.Cut(rest, "/")
	if name == "" || strings.ContainsAny(name, "\"\\") || r.URL.Query().Get("api-version") == "" {
		return location{wire: azure{}, azure: true}
	}
	at := locateOpenAI("/" + verb)
	at.model, at.azure = name, true
	if verb == "chat/completions" {
		at.wire = azure{}
	}
	return at
}

// dated reports whether a version of Azure's API is one of those with a date, which
// it does not know under /openai/v1. See
// learn.microsoft.com/azure/foundry/openai/api-version-lifecycle.
func dated(version string) bool { return version != "" && version[0] >= '0' && version[0] <= '9' }
