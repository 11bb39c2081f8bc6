package upstream

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"tollgate/internal/secret"
)

// header is what the provider gets: the caller's end-to-end headers, and the
// provider's own credential.
func (t *target) header(r *Request, credentialIn string) http.Header {
	out := make(http.Header, len(r.Header)+4)
	named := r.Header["Connection"]
	for name, values := range r.Header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if staysHere(name) || (named != nil && namedBy(named, name)) {
			continue
		}
		out[name] = values
	}
	out["Accept-Encoding"] = identityValue // the meter reads the answer
	switch {
	case r.Raw:
		passed(out, r.Header, "Content-Type")
		passed(out, r.Header, "Content-Encoding")
	case r.ContentType != "":
		out["Content-Type"] = []string{r.ContentType}
	default:
		out["Content-Type"] = jsonValue // as the gate has read it, whatever the caller said beside that
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = agentValue
	}
	if r.RequestID != "" {
		out["X-Client-Request-Id"] = []string{r.RequestID}
	}
	if r.Account != nil {
		r.Account.SetHeaders(out)
	}
	// net/http takes this header as leave to send a POST again after it may have
	// been served, which would be billed twice. It looks for the canonical name
	// only, and header names are case-insensitive to the provider.
	lower(out, "Idempotency-Key")
	lower(out, "X-Idempotency-Key")
	if t.plain != nil {
		if credentialIn == authorization {
			out[authorization] = t.bearer
		} else {
			out[credentialIn] = t.plain
		}
	}
	return out
}

var (
	identityValue = []string{"identity"}
	agentValue    = []string{"tollgate"}
	jsonValue     = []string{"application/json"}
)

// passed passes on what the caller says of a body that nobody has read.
func passed(out, in http.Header, name string) {
	if v := in[name]; len(v) > 0 {
		out[name] = v
	}
}

func lower(h http.Header, name string) {
	if v, ok := h[name]; ok {
		delete(h, name)
		h[strings.ToLower(name)] = v
	}
}

// staysHere reports whether a request header, by its canonical name, is not for
// the provider.
func staysHere(name string) bool {
	switch name {
	case "Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Ocp-Apim-Subscription-Key": // the caller's credentials
		return true
	case "Accept-Encoding", "Host", "Content-Length", "Content-Type", "Content-Encoding", "Expect": // said anew, or already answered
		return true
	case "Openai-Organization", "Openai-Project", "Anthropic-Workspace-Id", "Anthropic-User-Profile-Id", "X-Hf-Bill-To", "X-Goog-User-Project": // whose account is billed is the operator's to say
		return true
	case "X-Http-Method-Override", "X-Http-Method", "X-Method-Override": // another request than was admitted
		return true
	case "X-Goog-Fieldmask": // an answer without its usage
		return true
	case "X-Ms-Oai-Image-Generation-Deployment", "Azureml-Model-Deployment": // another model than was admitted
		return true
	case "Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip": // who the caller is
		return true
	}
	return hopByHop(name) || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Tollgate-") ||
		strings.HasPrefix(name, "Sec-Websocket-") // of the caller's own socket; one holds the key
}

// hopByHop holds the headers of one connection (RFC 9110 section 7.6.1, and
// Trailer, since trailers are not passed on).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Authentication-Info", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// namedBy reports whether a Connection header lists name, which makes it
// hop-by-hop too.
func namedBy(connection []string, name string) bool {
	for _, line := range connection {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), name) {
				return true
			}
		}
	}
	return false
}

// Relay copies to dst what of an answer's headers is for the caller, cleaned, and
// returns the provider's own id of the answer.
func Relay(clean secret.Cleaner, dst http.Header, resp *http.Response) (upstreamID string) {
	CopyHeader(dst, resp.Header)
	clean.Header(dst)
	return clean.Text(UpstreamRequestID(resp))
}

// CopyHeader copies a provider's answer headers to the caller's answer, without
// those that speak of the provider's connection, host or account: hop-by-hop
// headers, Content-Length (set it from the answer's ContentLength where the body
// is passed on whole), cookies, the provider's own rate limits and CORS rules,
// and its request id (see UpstreamRequestID). What it says that its answer depends on
// (Vary) is added to what dst says. Values are shared, not copied.
func CopyHeader(dst, src http.Header) {
	named := src["Connection"]
	for name, values := range src {
		if notRelayed(name) || (named != nil && namedBy(named, name)) {
			continue
		}
		if name == "Vary" && len(dst[name]) > 0 {
			values = slices.Concat(dst[name], values)
		}
		dst[name] = values[:len(values):len(values)] // an Add on dst must not write into src
	}
}

func notRelayed(name string) bool {
	switch name {
	case "Openai-Organization", "Openai-Project", "Anthropic-Organization-Id", "Content-Length", "Set-Cookie", "Set-Cookie2", "X-Request-Id", "Request-Id",
		"Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Nel", "Report-To", "Clear-Site-Data", "Server", "Via":
		return true
	}
	return hopByHop(name) || strings.HasPrefix(name, "X-Endpoint-Monthly-") || strings.HasPrefix(name, "X-Trial-Endpoint-") || // Cohere's limits
		strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "Ratelimit") || strings.HasPrefix(name, "Anthropic-Ratelimit-") ||
		strings.HasPrefix(name, "X-Tollgate-") || strings.HasPrefix(name, "Access-Control-")
}

// UpstreamRequestID is the provider's own id of an answer, as its support asks
// for it; "" when it gave none.
func UpstreamRequestID(resp *http.Response) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "Apim-Request-Id", "X-Debug-Trace-Id"} {
		if v := resp.Header[name]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	return ""
}
