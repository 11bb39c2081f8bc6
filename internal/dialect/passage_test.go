package dialect_test

import (
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

func TestPassage(t *testing.T) {
	for path, want := range map[string][2]string{
		"/providers/openai/v1/files": {"openai", "/v1/files"},
		"/providers/openai/":         {"openai", "/"},
		"/providers/openai":          {"openai", "/"},
		"/providers//v1":             {"", "/v1"},
	} {
		if slug, rest, ok := dialect.Passage(path); !ok || slug != want[0] || rest != want[1] {
			t.Errorf("%s: %q %q %v", path, slug, rest, ok)
		}
	}
	for _, path := range []string{"/v1/providers/x", "/providers", "providers/x", "/Providers/x/y"} {
		if _, _, ok := dialect.Passage(path); ok {
			t.Errorf("%s passes through", path)
		}
	}
}

// Own finds the route that a provider's path is, however the provider calls it, and
// refuses what only looks like it.
func TestOwn(t *testing.T) {
	for _, tt := range []struct{ kind, method, path, own string }{
		{"openai", "POST", "/v1/chat/completions", "/v1/chat/completions"},
		{"custom", "POST", "/v1/embeddings", "/v1/embeddings"},
		{"google", "POST", "/v1beta/openai/chat/completions", "/v1/chat/completions"},
		{"google", "POST", "/v1beta/models/m:streamGenerateContent", "/v1beta/models/{model}:streamGenerateContent"},
		{"cohere", "POST", "/compatibility/v1/chat/completions", "/v1/chat/completions"},
		{"azure", "POST", "/openai/v1/chat/completions", "/v1/chat/completions"},
		{"azure", "POST", "/openai/deployments/d/chat/completions", "/openai/deployments/{model}/chat/completions"},
		{"anthropic", "POST", "/v1/messages", "/v1/messages"},
		{"anthropic", "POST", "/v1/messages/count_tokens", "/v1/messages/count_tokens"},

		{"openai", "GET", "/v1/chat/completions", ""},
		{"openai", "POST", "/v1/messages", ""}, // which OpenAI does not have
		{"openai", "GET", "/v1/models", ""},
		{"anthropic", "POST", "/v1/messages/batches", ""},
		{"anthropic", "POST", "/v1/complete", ""},
		{"google", "POST", "/v1beta/models/m:batchGenerateContent", ""}, // later, like files of requests at OpenAI
		{"google", "POST", "/v1beta/models/m:predictLongRunning", ""},
		{"google", "POST", "/v1beta/tunedModels", ""},
		{"google", "GET", "/v1/models/m", ""},
		{"google", "DELETE", "/v1beta/cachedContents/c", ""},
		{"cohere", "POST", "/v1/embed-jobs", ""},
		{"cohere", "POST", "/v1/tokenize", ""},
		{"custom", "POST", "/v2/rerank", ""}, // which is Cohere's alone
		{"openai", "POST", "/", ""},
		{"openai", "POST", "/v1/files/", ""},
	} {
		r, _, err := dialect.Own(tt.kind, tt.method, &url.URL{Path: tt.path}, tt.path)
		got := ""
		if r != nil {
			got = r.Path
		}
		if err != nil || got != tt.own {
			t.Errorf("%s %s %s: %q, %v; want %q", tt.kind, tt.method, tt.path, got, err, tt.own)
		}
	}
	for _, path := range []string{
		"/v1/chat/completions/", "/V1/chat/completions", "/v1/CHAT/completions", "/a//b", "/a/../b", "/..", "/a/.", "/a%b", "/a b", "/a\\b", "/a\x00", "/é",
		"/a;b", "/a?b", "/a#b", "/a[b", "/" + strings.Repeat("a", 2048),
	} {
		if r, _, err := dialect.Own("openai", "POST", &url.URL{Path: path}, path); err == nil {
			t.Errorf("%q is taken for %v", path, r)
		}
	}
	for kind, paths := range map[string][]string{
		"azure": {"/OpenAI/v1/chat/completions", "/openai/V1/chat/completions", "/OPENAI/Deployments/d/chat/completions/"},
		"google": {
			"/v1beta/OpenAI/chat/completions", "/V1BETA/openai/embeddings", "/v1beta/MODELS/m:GenerateContent",
			"/v1/models/m:generateContent", "/v1alpha/models/m:streamGenerateContent", "/v1beta2/models/m:embedContent", "/v1/models/m:batchEmbedContents/",
			"/v1/models/m:countTokens", "/v1beta/tunedModels/t:generateContent", "/v1beta/TunedModels/t:streamgeneratecontent", "/v1beta/dynamic/d:generateContent",
			"/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "/v1internal:generateContent", "/v1/openai/chat/completions", "/v1alpha/openai/embeddings",
			"/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent", "/$rpc/google.ai.generativelanguage.v1.GenerativeService/StreamGenerateContent",
			"/batch", "/batch/generativelanguage/v1beta",
		},
		"cohere": {"/Compatibility/v1/chat/completions", "/compatibility/v2/embeddings", "/V2/chat", "/v1/chat", "/v1/embed", "/v1/rerank"},
		"openai": {"/v2/chat/completions", "/v1beta/responses"},
	} {
		for _, path := range paths {
			if r, _, err := dialect.Own(kind, "POST", &url.URL{Path: path}, path); err == nil {
				t.Errorf("%s at %s is taken for %v", path, kind, r)
			}
		}
	}
	for _, method := range []string{"GET", "PUT"} { // of Google's there is nothing else at these
		if r, _, err := dialect.Own("google", method, &url.URL{}, "/v1beta/models/m:generateContent"); err == nil {
			t.Errorf("%s is taken for %v", method, r)
		}
	}
	_, _, err := dialect.Own("google", "POST", &url.URL{}, "/v1/tunedModels/t:streamGenerateContent")
	if err == nil || !strings.Contains(err.Error(), "POST /v1beta/models/{model}:streamGenerateContent") {
		t.Errorf("the route is not named: %v", err)
	}
	if _, _, err := dialect.Own("openai", "POST", &url.URL{Path: "/a/b", RawPath: "/a%2fb"}, "/a/b"); err == nil {
		t.Error("an encoded slash is taken")
	}
}

func TestPointed(t *testing.T) {
	const doc = `{"a":{"b":[1,{"c":12}],"d/e":3,"f~g":4,"":5},"n":null,"s":"7","x":1.0000001,"neg":-1,"big":1e30,"e":1e2,"huge":1e999999999,"ok":1000000000000}`
	for pointer, want := range map[string]int64{
		"/a/b/0": 1, "/a/b/1/c": 12, "/a/d~1e": 3, "/a/f~0g": 4, "/a/": 5, "/x": 2, "/e": 100, "/ok": 1_000_000_000_000,
		"/a": -1, "/a/b/2": -1, "/a/b/-": -1, "/a/b/01x": -1, "/n": -1, "/s": -1, "/neg": -1, "/big": -1, "/nothing/at/all": -1, "/n/x": -1,
	} {
		n, ok := dialect.Pointed([]byte(doc), pointer)
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%s: %d %v, want %d", pointer, n, ok, want)
		}
	}
	if _, ok := dialect.Pointed([]byte(doc), "/huge"); ok {
		t.Error("a number that nobody can hold is taken")
	}
	if _, ok := dialect.Pointed([]byte(`{"a":1`), "/a"); ok {
		t.Error("half a document is read")
	}
}
