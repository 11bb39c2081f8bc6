package simulate

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Served is one request as the provider billed it.
type Served struct {
	RequestID        string `json:"request_id"`  // X-Client-Request-Id, as the caller sent it
	UpstreamID       string `json:"upstream_id"` // x-request-id of the answer
	Model            string `json:"model"`
	InputTokens      int64  `json:"input_tokens"` // all of them, cached or not
	CachedTokens     int64  `json:"cached_tokens"`
	CacheWriteTokens int64  `json:"cache_write_tokens"`
	CacheWrite1h     int64  `json:"cache_write_1h_tokens"` // of those
	InputAudioTokens int64  `json:"input_audio_tokens"`    // of the input
	OutputTokens     int64  `json:"output_tokens"`         // all of them, reasoning included
	ReasoningTokens  int64  `json:"reasoning_tokens"`      // of the output
	SearchUnits      int64  `json:"search_units"`          // beside the tokens
	Images           int64  `json:"images"`                // that were made
	Characters       int64  `json:"characters"`            // that were read aloud
	Seconds          int64  `json:"seconds"`               // of sound that were heard
	Finished         bool   `json:"finished"`              // the last byte was written
	Status           int    `json:"status"`                // of the answer; 0 while, or if, it has not begun
}

// Stats are the totals since the start or the last reset.
type Stats struct {
	Requests     int64 `json:"requests"`      // came, of the kinds that cost tokens
	Billed       int64 `json:"billed"`        // were served
	Refused      int64 `json:"refused"`       // got an error status, of any kind
	InputTokens  int64 `json:"input_tokens"`  // billed
	OutputTokens int64 `json:"output_tokens"` // billed
	InFlight     int64 `json:"in_flight"`     // are being served
	MaxInFlight  int64 `json:"max_in_flight"` // were, at most, at one time
}

// account is what was served. Its totals are atomic; mu covers the list, its
// entries and the log.
type account struct {
	requests, billed, refused atomic.Int64
	input, output             atomic.Int64
	inFlight, maxInFlight     atomic.Int64

	keep   bool
	log    io.Writer
	mu     sync.Mutex
	served []*Served
}

// Served lists what was billed, and what was refused by a fault with its status
// and no tokens, in the order of arrival; nil unless Options.Keep.
func (p *Provider) Served() []Served {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	var all []Served
	for _, s := range p.account.served {
		all = append(all, *s)
	}
	return all
}

// Stats gives the totals.
func (p *Provider) Stats() Stats {
	a := &p.account
	return Stats{
		Requests: a.requests.Load(), Billed: a.billed.Load(), Refused: a.refused.Load(),
		InputTokens: a.input.Load(), OutputTokens: a.output.Load(),
		InFlight: a.inFlight.Load(), MaxInFlight: a.maxInFlight.Load(),
	}
}

// Reset empties the account. What is in flight stays so.
func (p *Provider) Reset() {
	a := &p.account
	a.mu.Lock()
	a.served = nil
	a.mu.Unlock()
	for _, n := range []*atomic.Int64{&a.requests, &a.billed, &a.refused, &a.input, &a.output} {
		n.Store(0)
	}
	a.maxInFlight.Store(a.inFlight.Load())
}

// begin counts a request in.
func (wk *work) begin() {
	a := &wk.p.account
	a.requests.Add(1)
	wk.inFlight = true
	now := a.inFlight.Add(1)
	for most := a.maxInFlight.Load(); now > most && !a.maxInFlight.CompareAndSwap(most, now); {
		most = a.maxInFlight.Load()
	}
}

// done counts a request out. It comes before the last byte is written: from that
// byte on the caller may send its next request.
func (wk *work) done() {
	if wk.inFlight {
		wk.inFlight = false
		wk.p.account.inFlight.Add(-1)
	}
}

// finish makes sure that nothing stays counted in.
func (wk *work) finish() { wk.done() }

// bill puts the whole answer into the account. It comes before the answer's first
// byte, so that the account is never behind what a caller has seen.
func (wk *work) bill() {
	ac, a := &wk.p.account, &wk.answer
	ac.billed.Add(1)
	ac.input.Add(a.input)
	ac.output.Add(a.output())
	if !ac.keep && ac.log == nil {
		return
	}
	s := wk.entry()
	s.InputTokens, s.CachedTokens, s.CacheWriteTokens = a.input, a.CachedTokens, a.CacheWriteTokens
	s.CacheWrite1h, s.InputAudioTokens = a.CacheWrite1h, a.InputAudioTokens
	s.OutputTokens, s.ReasoningTokens, s.SearchUnits = a.output(), a.hidden(), a.ask.searches
	s.Images, s.Characters, s.Seconds = a.pictures, a.characters, a.heard
	ac.mu.Lock()
	defer ac.mu.Unlock()
	if ac.keep {
		ac.served = append(ac.served, s)
		wk.served = s
	}
	if ac.log != nil {
		line, _ := json.Marshal(s) // strings and numbers only: cannot fail
		_, _ = ac.log.Write(append(line, '\n'))
	}
}

// keepRefused puts a refusal that was asked for into the list, without tokens.
func (wk *work) keepRefused() {
	if !wk.p.account.keep {
		return
	}
	s := wk.entry()
	s.Status, s.Finished = wk.answer.code, true
	wk.p.account.mu.Lock()
	defer wk.p.account.mu.Unlock()
	wk.p.account.served = append(wk.p.account.served, s)
}

func (wk *work) entry() *Served {
	return &Served{RequestID: wk.r.Header.Get("X-Client-Request-Id"), UpstreamID: wk.requestID, Model: wk.answer.ask.model}
}

// answered notes that an answer begins.
func (a *account) answered(s *Served) {
	if s != nil {
		a.mu.Lock()
		s.Status = http.StatusOK
		a.mu.Unlock()
	}
}

// complete notes that the last byte was written, if it was.
func (wk *work) complete(err error) {
	if wk.served != nil && err == nil {
		wk.p.account.mu.Lock()
		wk.served.Finished = true
		wk.p.account.mu.Unlock()
	}
}

// view shows or empties the account over HTTP.
func (p *Provider) view(w http.ResponseWriter, r *http.Request) {
	var shown any
	switch r.Method + " " + r.URL.Path {
	case "GET /simulate/served":
		if shown = p.Served(); shown.([]Served) == nil {
			shown = []Served{}
		}
	case "GET /simulate/stats":
		shown = p.Stats()
	case "POST /simulate/reset":
		p.Reset()
		shown = p.Stats()
	default:
		http.Error(w, "there are GET /simulate/served, GET /simulate/stats and POST /simulate/reset", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(shown)
}
