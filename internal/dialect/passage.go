package dialect

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// passagePrefix is what the paths begin with that pass through to a provider.
const passagePrefix = "/providers/"

// Passage takes apart a path that passes through to a provider: its slug, and the
// path there. ok is false for any other path.
func Passage(path string) (slug, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, passagePrefix)
	if !ok {
		return "", "", false
	}
	slug, rest, _ = strings.Cut(path, "/")
	return slug, "/" + rest, true
}

// PassageRoute is the route of what passes through to a provider of a kind and is no
// route here: errors have the shape of the provider's own format, in which usage is
// read where that is wanted.
func PassageRoute(kind string) *Route {
	format := llm.OpenAI
	switch kind {
	case "anthropic":
		format = llm.Anthropic
	case "google":
		format = llm.Gemini
	case "cohere":
		format = llm.Cohere
	}
	return &Route{Path: passagePrefix + "{provider}/{path}", Scope: llm.ScopePassthrough, Format: format, Output: true, Streams: true}
}

// Own is the route here that is the same request as one with this method and path at
// a provider of a kind, and that path as the route has it; nil = there is none, so
// nothing here reads or bounds such a request. The error, fault.NotFound, is for a
// path that is not plain, or that is a near miss: it differs from such a route's only
// in a way in which a provider might still take it for that, or in the version of the
// provider's API.
func Own(kind, method string, at *url.URL, path string) (r *Route, own string, err error) {
	if !plain(at, path) {
		return nil, "", fault.New(fault.NotFound, "The path is not one that passes through: write it without %%, \\, empty segments, \".\" and \"..\".")
	}
	own = native(kind, path, strings.Clone)
	for i := range routes {
		if r := &routes[i]; r.passes(kind) && r.matches(own) && (method == r.Method || r.Format != llm.Gemini) {
			if method != r.Method {
				return nil, "", nil // such as GET, for what is stored
			}
			return r, own, nil
		}
	}
	loose := native(kind, strings.TrimRight(path, "/"), loosened)
	for i := range routes {
		if r := &routes[i]; r.passes(kind) && r.isNear(loose) {
			return nil, "", fault.New(fault.NotFound, "There is no such path. Write it as %s %s.", r.Method, r.Path)
		}
	}
	if kind == "google" && (loose == "/batch" || strings.HasPrefix(loose, "/batch/")) {
		return nil, "", fault.New(fault.NotFound, "Several requests in one (/batch) do not pass through: send each by itself.")
	}
	return nil, "", nil
}

// passes reports whether requests at a provider of a kind can be the route's.
func (r *Route) passes(kind string) bool {
	return !r.Local && !r.Chatbot && r.Method == http.MethodPost && r.Speaks(kind)
}

// isNear reports whether a loosened path is near to the route's. What Google does with
// a model is a verb behind its name, whatever the model is kept in (tunedModels), and
// the same verb is the method of its RPC.
func (r *Route) isNear(loose string) bool {
	near := Route{Path: loosened(r.Path), Format: r.Format, before: loosened(r.before), after: loosened(r.after)}
	if near.matches(loose) {
		return true
	}
	verb, ok := strings.CutPrefix(near.after, ":")
	return ok && (strings.HasSuffix(loose, near.after) || strings.HasSuffix(loose, "/"+verb))
}

// loosened is a path in lower case and with v1 for every version.
func loosened(path string) string {
	segments := strings.Split(strings.ToLower(path), "/")
	for i, s := range segments {
		if len(s) > 1 && s[0] == 'v' && s[1] >= '0' && s[1] <= '9' && !strings.Contains(s, ":") {
			segments[i] = "v1"
		}
	}
	return strings.Join(segments, "/")
}

// native is the canonical path of what a provider of a kind has at path. All paths are
// taken as as gives them.
func native(kind, path string, as func(string) string) string {
	path = as(path)
	prefix := as(map[string]string{"google": "/v1beta/openai/", "cohere": "/compatibility/v1/"}[kind])
	if rest, ok := strings.CutPrefix(path, prefix); ok && prefix != "" {
		path = "/v1/" + rest
	}
	own, _ := canonical(path)
	return own
}

// plain reports whether a path means the same to whoever reads it: nothing in it is
// encoded, and no segment is empty, or steps elsewhere.
func plain(at *url.URL, path string) bool {
	if at.RawPath != "" || len(path) > 2048 {
		return false
	}
	for i := range len(path) {
		c := path[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("/-._~!$&'()*+,=:@", c) >= 0 {
			continue
		}
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

// Pointed is the count to which a JSON pointer (RFC 6901) leads in an answer,
// rounded up; ok is false where it leads to none.
func Pointed(answer []byte, pointer string) (n int64, ok bool) {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	var at any
	if d.Decode(&at) != nil {
		return 0, false
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := at.(type) {
		case map[string]any:
			at = v[unescape.Replace(step)]
		case []any:
			i, err := strconv.ParseUint(step, 10, 31)
			if err != nil || i >= uint64(len(v)) {
				return 0, false
			}
			at = v[i]
		default:
			return 0, false
		}
	}
	number, ok := at.(json.Number)
	if !ok || len(number) > 32 {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(string(number))
	if !ok || exact.Sign() < 0 {
		return 0, false
	}
	up := new(big.Int).Add(exact.Num(), new(big.Int).Sub(exact.Denom(), big.NewInt(1)))
	up.Div(up, exact.Denom())
	if !up.IsInt64() || up.Int64() > maxTokens {
		return 0, false
	}
	return up.Int64(), true
}
