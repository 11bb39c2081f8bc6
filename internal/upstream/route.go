package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// Where a canonical path lies under a base URL, and the header that carries the
// credential there. Base URLs are what each provider's own SDK takes.
//
//	kind                       base URL      canonical path   sent to                credential in
//	openai huggingface custom  …/v1          /v1/x            base + /x              Authorization
//	demo                       …/v1          any              base less /v1 + path   Authorization
//	azure                      resource      /v1/x            /openai/v1/x           api-key
//	                                         /openai/x        /openai/x              api-key
//	anthropic                  host          /v1/messages…    /v1/messages…          x-api-key
//	                                         /v1/x            /v1/x                  Authorization
//	google                     host          /v1/x            /v1beta/openai/x       Authorization
//	                                         /v1beta/x        /v1beta/x              x-goog-api-key
//	cohere                     host          /v1/x            /compatibility/v1/x    Authorization
//	                                         /v2/x            /v2/x                  Authorization
//
// ok is false where the provider has nothing at such a path.
func route(kind, path string) (under, header string, ok bool) {
	v1 := strings.HasPrefix(path, "/v1/")
	switch kind {
	case "openai", "huggingface", "custom":
		return strings.TrimPrefix(path, "/v1"), authorization, v1
	case "demo":
		return path, authorization, true
	case "azure":
		if v1 {
			return "/openai" + path, "Api-Key", true
		}
		return path, "Api-Key", strings.HasPrefix(path, "/openai/")
	case "anthropic":
		if path == "/v1/messages" || strings.HasPrefix(path, "/v1/messages/") {
			return path, "X-Api-Key", true
		}
		return path, authorization, v1
	case "google":
		if v1 {
			return "/v1beta/openai" + strings.TrimPrefix(path, "/v1"), authorization, true
		}
		return path, "X-Goog-Api-Key", strings.HasPrefix(path, "/v1beta/")
	case "cohere":
		if v1 {
			return "/compatibility" + path, authorization, true
		}
		return path, authorization, strings.HasPrefix(path, "/v2/")
	}
	return "", "", false
}

const authorization = "Authorization"

// kinds are the kinds that route knows, as the error for another one lists them.
const kinds = "openai, anthropic, google, cohere, huggingface, azure, custom, demo"

// commonPaths are resolved once at start.
func commonPaths() []string {
	return []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/messages"}
}

// target is a provider made ready: nothing in it changes after newTarget, so all
// requests share it.
type target struct {
	slug, kind string
	base       *url.URL
	clean      secret.Cleaner // of the credential
	bearer     []string       // value of Authorization; nil without a credential
	plain      []string       // value of the other headers; nil without a credential
	ready      map[string]place
}

// place is where a request goes and the header that takes the credential.
type place struct {
	url    *url.URL
	header string
}

func newTarget(p Provider) (*target, error) {
	if p.Slug == "" {
		return nil, errors.New("it has no name: set its slug")
	}
	base, err := parseBase(p.BaseURL)
	if err != nil {
		return nil, err
	}
	if _, _, ok := route(p.Kind, "/v1/x"); !ok {
		return nil, fmt.Errorf("kind %q is not known: use one of %s", p.Kind, kinds)
	}
	if p.Kind == "demo" {
		base.Path = strings.TrimSuffix(base.Path, "/v1")
	}
	t := &target{slug: p.Slug, kind: p.Kind, base: base, ready: make(map[string]place)}
	if own := p.Credential.Reveal(); own != "" {
		if strings.ContainsAny(own, "\r\n\x00") || strings.TrimSpace(own) != own {
			return nil, errors.New("its credential has white space around it or a line break in it: set it again without")
		}
		var clean secret.Cleaner
		if len(own) >= credential.MinSecret { // else it is a word for servers that want none, which answers have by chance
			clean = secret.NewCleaner(own)
		}
		t.authorize(own, clean)
	}
	for _, path := range commonPaths() {
		if at, err := t.place(path); err == nil {
			t.ready[path] = at
		}
	}
	return t, nil
}

// authorize makes t send a credential.
func (t *target) authorize(own string, clean secret.Cleaner) {
	t.clean = clean
	t.bearer, t.plain = []string{"Bearer " + own}, []string{own}
}

// under is t with the credential of an account in the place of its own.
func (t *target) under(a *credential.Account) *target {
	u := *t
	u.authorize(a.Key().Reveal(), a.Cleaner())
	return &u
}

// parseBase refuses what would put a secret into a URL, and so into errors, logs
// and Referer headers.
func parseBase(text string) (*url.URL, error) {
	if text == "" {
		return nil, errors.New("it has no base URL")
	}
	base, err := url.Parse(text)
	switch {
	case err != nil: // its text repeats the URL
		return nil, errors.New("its base URL is not a URL")
	case base.User != nil:
		return nil, errors.New("its base URL carries a user or password: give the credential by itself")
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, errors.New("its base URL must begin with http:// or https:// and a host")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("its base URL has a query or fragment: leave out what follows ? or #")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	return base, nil
}

// place finds where a canonical path lies, from the table made at start where it
// can.
func (t *target) place(path string) (place, error) {
	if at, ok := t.ready[path]; ok {
		return at, nil
	}
	under, header, ok := route(t.kind, path)
	if !ok || hasDotSegment(path) {
		return place{}, fmt.Errorf("a provider of kind %s has no path %q", t.kind, path)
	}
	at := *t.base
	at.Path += under
	return place{url: &at, header: header}, nil
}

// own finds where a path of the provider's own lies. For those whose base URL ends
// in /v1 that is what is below it, and what is beside it.
func (t *target) own(path string) (place, error) {
	if hasDotSegment(path) || !strings.HasPrefix(path, "/") {
		return place{}, fmt.Errorf("a provider has no path %q", path)
	}
	at := *t.base
	rest, v1 := strings.CutPrefix(path, "/v1/")
	switch t.kind {
	case "openai", "huggingface", "custom":
		if v1 {
			at.Path += "/" + rest
			break
		}
		at.Path = strings.TrimSuffix(at.Path, "/v1") + path
	default:
		at.Path += path
	}
	return place{url: &at, header: ownHeader(t.kind, path)}, nil
}

// ownHeader takes the credential at a path of the provider's own.
func ownHeader(kind, path string) string {
	switch {
	case kind == "azure":
		return "Api-Key"
	case kind == "anthropic":
		return "X-Api-Key"
	case kind == "google" && !strings.HasPrefix(path, "/v1beta/openai/"):
		return "X-Goog-Api-Key"
	}
	return authorization
}

// hasDotSegment finds "." and ".." segments: a provider that resolves them would
// serve another path than the one that was admitted.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
