package proxy

import (
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/limit"
	"tollgate/internal/llm"
)

// headers sets the headers that every forwarded answer carries: its id, what is
// left on the tightest limits, and whether the output was clamped.
func (x *exchange) headers() {
	h := x.w.Header()
	id := x.hold.ID().String()
	h["X-Request-Id"] = []string{id}
	if x.route.Format == llm.Anthropic { // whose SDKs show it, for Anthropic to look into
		if x.upstreamID != "" {
			id = x.upstreamID
		}
		h["Request-Id"] = []string{id}
	}
	requests, tokens := x.room()
	rateHeaders(h, x.begun, requests, tokens)
	if n := len(x.attempts); n > 0 {
		h["X-Tollgate-Attempts"] = []string{strconv.Itoa(n + 1)}
	}
	if x.hold.Clamped() {
		h["X-Tollgate-Clamped"] = []string{"max_tokens=" + strconv.FormatInt(x.hold.Output(), 10)}
	}
}

// rateHeaders says what is left on a requests and a tokens limit, in OpenAI's
// headers (https://platform.openai.com/docs/guides/rate-limits) and in those of
// draft-ietf-httpapi-ratelimit-headers. Limits that are not there say nothing.
func rateHeaders(h http.Header, now time.Time, requests, tokens limit.Room) {
	if requests.Limit == nil && tokens.Limit == nil {
		return
	}
	// All values lie in one string and all slices in one array: these headers are
	// on every answer.
	var text [160]byte
	w := headerWriter{header: h, text: text[:0]}
	if requests.Limit != nil {
		w.openAI(requestHeaders, &requests, now)
	}
	if tokens.Limit != nil {
		w.openAI(tokenHeaders, &tokens, now)
	}
	w.begin("Ratelimit-Policy")
	w.policy("requests", &requests)
	w.policy("tokens", &tokens)
	w.begin("Ratelimit")
	w.state("requests", &requests, now)
	w.state("tokens", &tokens, now)
	w.finish()
}

var (
	requestHeaders = [3]string{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"}
	tokenHeaders   = [3]string{"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"}
)

// headerWriter collects header values and sets them all at once.
type headerWriter struct {
	header http.Header
	text   []byte
	names  [8]string
	starts [9]int
	n      int
}

func (w *headerWriter) begin(name string) {
	w.names[w.n], w.starts[w.n] = name, len(w.text)
	w.n++
}

func (w *headerWriter) int(v int64) { w.text = strconv.AppendInt(w.text, v, 10) }

func (w *headerWriter) openAI(names [3]string, r *limit.Room, now time.Time) {
	w.begin(names[0])
	w.int(r.Limit.Max)
	w.begin(names[1])
	w.int(r.Left)
	w.begin(names[2])
	w.int(seconds(r, now))
	w.text = append(w.text, 's')
}

// policy writes `"requests";q=60;w=60`.
func (w *headerWriter) policy(name string, r *limit.Room) {
	if r.Limit == nil {
		return
	}
	w.item(name)
	w.text = append(w.text, ";q="...)
	w.int(r.Limit.Max)
	if span := windowSeconds(r.Limit.Window); span > 0 {
		w.text = append(w.text, ";w="...)
		w.int(span)
	}
}

// state writes `"requests";r=59;t=60`.
func (w *headerWriter) state(name string, r *limit.Room, now time.Time) {
	if r.Limit == nil {
		return
	}
	w.item(name)
	w.text = append(w.text, ";r="...)
	w.int(r.Left)
	w.text = append(w.text, ";t="...)
	w.int(seconds(r, now))
}

func (w *headerWriter) item(name string) {
	if len(w.text) > w.starts[w.n-1] {
		w.text = append(w.text, ", "...)
	}
	w.text = append(w.text, '"')
	w.text = append(w.text, name...)
	w.text = append(w.text, '"')
}

func (w *headerWriter) finish() {
	all, values := string(w.text), make([]string, w.n)
	w.starts[w.n] = len(all)
	for i := range values {
		values[i] = all[w.starts[i]:w.starts[i+1]]
		w.header[w.names[i]] = values[i : i+1 : i+1]
	}
}

// seconds is how long until the limit opens, rounded up.
func seconds(r *limit.Room, now time.Time) int64 {
	if r.OpensAt == 0 {
		return 0
	}
	return max(r.OpensAt-now.Unix(), 0)
}

// windowSeconds is the length of a window; 0 where it varies or never ends.
func windowSeconds(w limit.Window) int64 {
	switch w {
	case limit.Minute:
		return 60
	case limit.Hour:
		return 3600
	case limit.Day:
		return 86_400
	case limit.Week:
		return 604_800
	}
	return 0
}
