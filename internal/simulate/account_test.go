package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/simulate"
)

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestBrokenAnswersAreBilledWhole: the account holds the full answer whatever
// becomes of it, in each format.
func TestBrokenAnswersAreBilledWhole(t *testing.T) {
	log := new(syncBuffer)
	p, srv := serve(t, simulate.Options{Keep: true, Log: log})
	formats := []struct{ path, body string }{
		{"/v1/chat/completions", fmt.Sprintf(chatBody, "")},
		{"/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true`)},
		{"/v1/completions", fmt.Sprintf(textBody, `,"stream":true`)},
		{"/v1/messages", fmt.Sprintf(anthropicBody, "")},
		{"/v1/messages", fmt.Sprintf(anthropicBody, `,"stream":true`)},
		{geminiPath, fmt.Sprintf(geminiBody, "")},
		{geminiStream + "?alt=sse", fmt.Sprintf(geminiBody, "")},
		{geminiStream, fmt.Sprintf(geminiBody, "")},
	}
	faults := []struct {
		name     string
		status   int
		finished bool
	}{
		{"", 200, true},
		{"no-usage", 200, true},
		{"usage-twice", 200, true},
		{"bad-json", 200, true},
		{"gzip", 200, true},
		{"cut", 200, false},
		{"hang-mid", 200, false},
		{"cut-before", 0, false},
		{"hang", 0, false},
	}
	for i, f := range formats {
		for _, fault := range faults {
			t.Run(fmt.Sprint(f.path, " ", fault.name), func(t *testing.T) {
				p.Reset()
				id := fmt.Sprintf("id-%d-%s", i, fault.name)
				err := try(t, srv, f.path, f.body, id, fault.name)
				if (err == nil) != fault.finished {
					t.Errorf("the caller saw error %v", err)
				}
				served := p.Served()
				if len(served) != 1 {
					t.Fatalf("%d served, want 1", len(served))
				}
				s := served[0]
				if s.RequestID != id || s.Model != "demo-mini" || s.InputTokens < textTokens || s.OutputTokens != 32 || s.UpstreamID == "" {
					t.Errorf("got %+v", s)
				}
				if s.Status != fault.status || s.Finished != fault.finished {
					t.Errorf("status %d finished %v, want %d %v", s.Status, s.Finished, fault.status, fault.finished)
				}
				if n := strings.Count(log.String(), `"`+id+`"`); n != 1 {
					t.Errorf("%d lines in the log, want 1", n)
				}
			})
		}
	}
}

// try sends a request that may never be answered whole. A hang ends when what
// comes first has come.
func try(t *testing.T, srv *httptest.Server, path, body, id, fault string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if fault == "hang" || fault == "hang-mid" {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, 50*time.Millisecond)
		defer stop()
	}
	r, err := http.NewRequestWithContext(ctx, "POST", srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Client-Request-Id", id)
	r.Header.Set("X-Simulate-Fault", fault)
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestBilledBeforeTheFirstByte(t *testing.T) {
	log := new(syncBuffer)
	_, srv := serve(t, simulate.Options{Log: log})
	for i := range 50 {
		id := fmt.Sprintf("id-%d.", i)
		resp := post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":true`), "X-Client-Request-Id: "+id)
		one := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, one); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), id) {
			t.Fatalf("%s had its first byte before it was billed", id)
		}
	}
}

func TestStatsAndViews(t *testing.T) {
	p, srv := serve(t, simulate.Options{Keep: true})
	for range 3 {
		object(t, post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, "")))
	}
	want := simulate.Stats{Requests: 3, Billed: 3, InputTokens: 3 * chatTokens, OutputTokens: 96, MaxInFlight: 1}
	if got := p.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	get := func(path string, into any) {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	var stats simulate.Stats
	var served []simulate.Served
	get("/simulate/stats", &stats)
	get("/simulate/served", &served)
	if stats != want || len(served) != 3 {
		t.Errorf("over HTTP: %+v, %d served", stats, len(served))
	}
	post(t, srv, "/simulate/reset", "")
	get("/simulate/served", &served)
	if got := p.Stats(); got != (simulate.Stats{}) || len(served) != 0 {
		t.Errorf("after the reset: %+v, %d served", got, len(served))
	}
}

// TestInFlight counts what is served at one time, and never counts a request that
// its caller has seen the end of.
func TestInFlight(t *testing.T) {
	p, srv := serve(t, simulate.Options{})
	var all sync.WaitGroup
	for _, stream := range []string{"true", "false", "true", "false"} {
		all.Go(func() {
			for range 50 {
				resp := post(t, srv, "/v1/chat/completions", fmt.Sprintf(chatBody, `,"stream":`+stream))
				_, _ = io.Copy(io.Discard, resp.Body)
			}
		})
	}
	all.Wait()
	if st := p.Stats(); st.InFlight != 0 || st.MaxInFlight < 1 || st.MaxInFlight > 4 || st.Requests != 200 {
		t.Errorf("got %+v", st)
	}
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := simulate.New(simulate.Options{Behaviour: simulate.Behaviour{Latency: 2 * time.Second, ChunkDelay: time.Second, Chunks: 4}})
		ask := func(extra string, headers ...string) time.Duration {
			r := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(fmt.Sprintf(chatBody, extra)))
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Set(name, value)
			}
			began := time.Now()
			p.ServeHTTP(httptest.NewRecorder(), r)
			return time.Since(began)
		}
		if got := ask(""); got != 2*time.Second {
			t.Errorf("a whole answer took %v, want 2s", got)
		}
		if got := ask(`,"stream":true`); got != 6*time.Second {
			t.Errorf("a stream took %v, want 6s", got)
		}
		if got := ask(`,"stream":true`, "X-Simulate-Latency: 50ms", "X-Simulate-Chunk-Delay: 10ms", "X-Simulate-Chunks: 5"); got != 100*time.Millisecond {
			t.Errorf("a stream with headers took %v, want 100ms", got)
		}
	})
}
