package simulate

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a Provider behaves. The zero value is a provider that answers
// at once with 32 tokens and keeps only totals.
type Options struct {
	Behaviour              // what a request's headers do not say
	Models       []string  // what the model lists show; DefaultModels when nil. Any name is answered
	Keep         bool      // keep each request for Served
	Log          io.Writer // gets one line of JSON for each billed request, when it is billed; nil = none
	MaxBodyBytes int64     // a longer body is 413; 0 = 64 MiB
}

// DefaultModels are the models that the lists show unless Options say otherwise.
func DefaultModels() []string { return []string{"demo-mini", "demo-large", "demo-embed"} }

// Provider is the simulated provider. It is safe for concurrent use.
type Provider struct {
	opts    Options
	account account
	lastID  atomic.Uint64
	works   sync.Pool // of *work
	vector  *vector
}

// New makes a Provider.
func New(opts Options) *Provider {
	if opts.Models == nil {
		opts.Models = DefaultModels()
	}
	if opts.MaxBodyBytes <= 0 {
		opts.MaxBodyBytes = 64 << 20
	}
	p := &Provider{opts: opts, vector: newVector()}
	p.account.keep, p.account.log = opts.Keep, opts.Log
	p.lastID.Store(uint64(time.Now().UnixNano())) // so that ids differ from those of an earlier run
	p.works.New = func() any { return new(work) }
	return p
}

// ServeHTTP answers one request.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/simulate/") {
		p.view(w, r)
		return
	}
	at := locate(r)
	if _, ok := at.wire.(responses); ok && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && r.Method == http.MethodGet {
		p.socket(w, r)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/realtime") && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		p.realtime(w, r)
		return
	}
	wk := p.works.Get().(*work)
	wk.start(p, w, r, at)
	defer p.recycle(wk)
	wk.serve()
}

// recycle keeps a work's buffers for another request, unless one was huge.
func (p *Provider) recycle(wk *work) {
	wk.finish()
	if cap(wk.in) <= 1<<20 && cap(wk.out) <= 1<<20 {
		wk.reset()
		p.works.Put(wk)
	}
}

// operation is what a path does.
type operation int

const (
	nothing operation = iota
	generate
	complete // the old text completions
	embed
	rank // documents by a query
	count
	listModels
	moderate
	draw
	speak
	hear
)

// location is what a path asks for.
type location struct {
	wire   wire
	op     operation
	stream bool   // Gemini says it in the path
	sse    bool   // Gemini: server-sent events, not an array
	form   bool   // the body is a form
	batch  bool   // Gemini: several embeddings
	azure  bool   // it is a deployment of Azure's
	model  string // where the path names it
}

// locate reads a path. Base URLs of OpenAI's kind end in /v1, and other providers
// offer OpenAI's format under a prefix of theirs; all of them lead to the same
// answers.
func locate(r *http.Request) location {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v1beta/models"); ok {
		at := locateGemini(rest)
		at.sse = at.stream && r.URL.Query().Get("alt") == "sse"
		return at
	}
	if rest, ok := strings.CutPrefix(path, "/v2"); ok {
		return locateCohere(rest)
	}
	if rest, ok := strings.CutPrefix(path, "/openai/deployments/"); ok {
		return locateAzure(r, rest)
	}
	if strings.HasPrefix(path, "/openai/v1/") && dated(r.URL.Query().Get("api-version")) {
		return location{wire: chat{}}
	}
	for _, prefix := range [...]string{"/v1beta/openai", "/compatibility/v1", "/openai/v1", "/v1"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			path = rest
			break
		}
	}
	switch path {
	case "/messages":
		return location{wire: anthropic{}, op: generate}
	case "/messages/count_tokens":
		return location{wire: anthropic{}, op: count}
	}
	if rest, ok := strings.CutPrefix(path, "/models"); ok && (rest == "" || rest[0] == '/') {
		at := location{wire: chat{}, op: listModels, model: strings.TrimPrefix(rest, "/")}
		if r.Header.Get("Anthropic-Version") != "" {
			at.wire = anthropic{}
		}
		return at
	}
	return locateOpenAI(path)
}

// locateOpenAI reads a path behind a base URL of OpenAI's kind.
func locateOpenAI(path string) location {
	switch path {
	case "/chat/completions":
		return location{wire: chat{}, op: generate}
	case "/completions":
		return location{wire: text{}, op: complete}
	case "/moderations":
		return location{wire: chat{}, op: moderate}
	case "/images/generations", "/images/edits", "/images/variations":
		return location{wire: drawing{}, op: draw, form: path != "/images/generations"}
	case "/audio/speech":
		return location{wire: speaking{}, op: speak, stream: true}
	case "/audio/transcriptions", "/audio/translations":
		return location{wire: hearing{}, op: hear, form: true}
	case "/responses":
		return location{wire: responses{}, op: generate}
	case "/embeddings":
		return location{wire: chat{}, op: embed}
	}
	return location{wire: chat{}}
}

func locateGemini(rest string) location {
	name, verb, _ := strings.Cut(strings.TrimPrefix(rest, "/"), ":")
	at := location{wire: gemini{}, model: name}
	if strings.ContainsAny(name, "\"\\/") {
		return at
	}
	switch verb {
	case "generateContent":
		at.op = generate
	case "streamGenerateContent":
		at.op, at.stream = generate, true
	case "countTokens":
		at.op = count
	case "embedContent", "batchEmbedContents":
		at.op, at.batch = embed, verb == "batchEmbedContents"
	case "":
		at.op = listModels
	}
	return at
}

// authorised takes any credential, and none, but not the word "invalid".
func authorised(r *http.Request) bool {
	h := r.Header
	return h.Get("Authorization") != "Bearer invalid" && h.Get("X-Api-Key") != "invalid" && h.Get("Api-Key") != "invalid" &&
		h.Get("X-Goog-Api-Key") != "invalid" && (r.URL.RawQuery == "" || r.URL.Query().Get("key") != "invalid")
}

// nextID is a fresh id: a prefix and 16 hexadecimal digits.
func (p *Provider) nextID(prefix string) string {
	b := make([]byte, 0, 40)
	b = append(b, prefix...)
	n := p.lastID.Add(1)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[n>>shift&15])
	}
	return string(b)
}

// read takes the whole body into buf.
func read(buf []byte, r *http.Request, most int64) ([]byte, error) {
	n := r.ContentLength
	if n > most {
		return buf, errTooLarge
	}
	if n < 0 {
		b := bytes.NewBuffer(buf[:0])
		_, err := b.ReadFrom(io.LimitReader(r.Body, most+1))
		if err == nil && int64(b.Len()) > most {
			err = errTooLarge
		}
		return b.Bytes(), err
	}
	if int64(cap(buf)) < n+1 {
		buf = make([]byte, n+1)
	}
	if _, err := io.ReadFull(r.Body, buf[:n]); err != nil {
		return buf[:0], err
	}
	// The end must be read too: only then does net/http watch for the caller's leaving.
	_, _ = r.Body.Read(buf[n : n+1])
	return buf[:n], nil
}

func itoa(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
