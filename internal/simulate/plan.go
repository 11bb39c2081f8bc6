package simulate

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Behaviour is how an answer is given. A zero field means the default.
type Behaviour struct {
	OutputTokens     int64         // of each choice, reasoning included; 32, and the reasoning on top
	InputTokens      int64         // billed in place of what was counted
	ReasoningTokens  int64         // of the output, hidden
	CachedTokens     int64         // of the input, read from a cache
	CacheWriteTokens int64         // of the input, written to a cache
	CacheWrite1h     int64         // of CacheWriteTokens, those for an hour
	InputAudioTokens int64         // of the input, sound that was not cached
	Latency          time.Duration // before the headers
	ChunkDelay       time.Duration // before each chunk of a stream
	Chunks           int64         // of a stream; one a token, at most 100
	Seconds          int64         // of sound that was heard; 9
	Tool             string        // the tool to call; "" = answer with text
	ToolCalls        int64         // how often it is called at once; 1
	Fault            string        // as X-Simulate-Fault; an unknown one makes every answer 400
}

const (
	defaultOutput  = 32
	defaultChunks  = 100
	maxWritten     = 1 << 20 // tokens of a choice: bounds what one request can make
	maxOutputTotal = 16 << 20
	maxBilled      = 1 << 40
)

// readBehaviour lays a request's headers over b. It is called for each request,
// of which nearly none have such headers, so it looks for their common prefix
// once.
func (b Behaviour) read(h http.Header) (Behaviour, error) {
	found := false
	for name := range h {
		if strings.HasPrefix(name, "X-Simulate-") {
			found = true
			break
		}
	}
	if !found {
		return b, nil
	}
	numbers := [...]struct {
		name string
		to   *int64
		most int64
	}{
		{"X-Simulate-Output-Tokens", &b.OutputTokens, maxWritten},
		{"X-Simulate-Reasoning-Tokens", &b.ReasoningTokens, maxWritten},
		{"X-Simulate-Chunks", &b.Chunks, maxWritten},
		{"X-Simulate-Input-Tokens", &b.InputTokens, maxBilled},
		{"X-Simulate-Cached-Tokens", &b.CachedTokens, maxBilled},
		{"X-Simulate-Cache-Write-Tokens", &b.CacheWriteTokens, maxBilled},
		{"X-Simulate-Cache-Write-1h-Tokens", &b.CacheWrite1h, maxBilled},
		{"X-Simulate-Input-Audio-Tokens", &b.InputAudioTokens, maxBilled},
		{"X-Simulate-Tool-Calls", &b.ToolCalls, 100},
		{"X-Simulate-Seconds", &b.Seconds, maxBilled},
	}
	for _, n := range numbers {
		v := h.Get(n.name)
		if v == "" {
			continue
		}
		i, err := strconv.ParseInt(v, 10, 64)
		if err != nil || i < 0 || i > n.most {
			return b, wrong("", "%s: %q is not a whole number from 0 to %d.", n.name, v, n.most)
		}
		*n.to = i
	}
	spans := [...]struct {
		name string
		to   *time.Duration
	}{{"X-Simulate-Latency", &b.Latency}, {"X-Simulate-Chunk-Delay", &b.ChunkDelay}}
	for _, d := range spans {
		v := h.Get(d.name)
		if v == "" {
			continue
		}
		span, err := time.ParseDuration(v)
		if err != nil || span < 0 {
			return b, wrong("", "%s: %q is not a time such as 50ms.", d.name, v)
		}
		*d.to = span
	}
	if v := h.Get("X-Simulate-Tool"); v != "" {
		b.Tool = v
	}
	if v := h.Get("X-Simulate-Fault"); v != "" {
		b.Fault = v
	}
	return b, nil
}

// fault is how an answer goes wrong.
type fault int

const (
	none fault = iota
	status
	cut
	cutBefore
	hang
	hangMid
	noUsage
	usageTwice
	badJSON
	gzipped
	errorMid
	novelties
)

// readFault reads the text of a fault; code is the status that it asks for.
func readFault(text string) (f fault, code int, err error) {
	switch text {
	case "":
		return none, 0, nil
	case "cut":
		return cut, 0, nil
	case "cut-before":
		return cutBefore, 0, nil
	case "hang":
		return hang, 0, nil
	case "hang-mid":
		return hangMid, 0, nil
	case "no-usage":
		return noUsage, 0, nil
	case "usage-twice":
		return usageTwice, 0, nil
	case "bad-json":
		return badJSON, 0, nil
	case "gzip":
		return gzipped, 0, nil
	case "error-mid":
		return errorMid, 0, nil
	case "novelties":
		return novelties, 0, nil
	}
	if digits, ok := strings.CutPrefix(text, "status="); ok {
		if code, err := strconv.Atoi(digits); err == nil && code >= 400 && code <= 599 {
			return status, code, nil
		}
	}
	return none, 0, wrong("", "X-Simulate-Fault: %q is not known; use status=400 to status=599, cut, cut-before, hang, hang-mid, no-usage, usage-twice, bad-json, gzip, error-mid or novelties.", text)
}

// ending is why an answer stops; each format has its own word for it.
type ending int

const (
	finished ending = iota
	capped
	called // a tool
)

// plan is everything about one answer, decided before its first byte.
type plan struct {
	Behaviour
	fault     fault
	code      int
	input     int64 // billed
	perChoice int64 // output tokens of each choice
	reasoning int64 // of perChoice
	choices   int64
	charged   int64 // choices billed
	ending    ending
	chunks    int64

	pictures, characters, heard int64 // billed, where that is what the model is billed by
}

// newPlan decides about an answer to a.
func newPlan(b Behaviour, a *ask, op operation) (plan, error) {
	p := plan{Behaviour: b, input: a.input, choices: a.choices, charged: a.charged}
	var err error
	if p.fault, p.code, err = readFault(b.Fault); err != nil {
		return p, err
	}
	if b.InputTokens > 0 {
		p.input = b.InputTokens
	}
	p.CachedTokens = min(p.CachedTokens, p.input)
	p.CacheWriteTokens = min(max(p.CacheWriteTokens, p.CacheWrite1h), p.input-p.CachedTokens)
	p.CacheWrite1h = min(p.CacheWrite1h, p.CacheWriteTokens)
	p.InputAudioTokens = min(p.InputAudioTokens, p.input-p.CachedTokens-p.CacheWriteTokens)
	p.ToolCalls = max(p.ToolCalls, 1)
	switch op {
	case embed, rank, moderate: // which costs nothing
		p.choices, p.charged = 0, 0
		if op == moderate {
			p.input = 0
		}
		return p, nil
	case draw, speak, hear:
		p.medium(a, op)
		return p, nil
	}
	p.perChoice = b.OutputTokens
	if p.perChoice == 0 {
		p.perChoice = max(defaultOutput, b.Chunks) + b.ReasoningTokens
	}
	if !a.tools {
		p.Tool = ""
	}
	if p.Tool != "" {
		p.ending = called
	}
	if a.limit > 0 && p.perChoice > a.limit {
		p.perChoice, p.ending = a.limit, capped
	}
	p.reasoning = min(b.ReasoningTokens, p.perChoice)
	if p.perChoice*p.charged > maxOutputTotal {
		return p, fmt.Errorf("%d tokens in all are more than the %d that one answer can have", p.perChoice*p.charged, maxOutputTotal)
	}
	p.chunks = b.Chunks
	if p.chunks == 0 {
		p.chunks = defaultChunks
	}
	p.chunks = min(p.chunks, p.perChoice-p.reasoning)
	return p, nil
}

// calls is how many tools are called.
func (p *plan) calls() int64 {
	if p.Tool == "" {
		return 0
	}
	return p.ToolCalls
}

// output is every output token that is billed.
func (p *plan) output() int64 { return p.perChoice * p.charged }

// hidden is every reasoning token that is billed.
func (p *plan) hidden() int64 { return p.reasoning * p.charged }

// span is the tokens of a choice that stand in chunk i.
func (p *plan) span(i int64) (from, to int64) {
	visible := p.perChoice - p.reasoning
	return i * visible / p.chunks, (i + 1) * visible / p.chunks
}
