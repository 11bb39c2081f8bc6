package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"tollgate/internal/credential"
)

// Request is one request to a provider.
type Request struct {
	Provider    string              // slug
	Method      string              // "" = POST
	Path        string              // canonical, unescaped: "/v1/chat/completions" for every provider
	RawQuery    string              // the caller's query; `key` is taken out, since it carries the caller's credential
	Header      http.Header         // the caller's headers; read while Do runs, never changed
	Body        []byte              // whole; read until Release is called
	ContentType string              // of the body; "" = JSON
	Account     *credential.Account // whose account it is sent under; nil = the provider's own
	Parts       [][]byte            // sent after Body, one after another: what a rewrite leaves in place need not be copied together

	// Raw says that Path is the provider's own, below the host or what the base URL
	// names of it, and that the body is what the caller's headers say of it: else it
	// is JSON.
	Raw bool

	// From is the body in the place of Body and Parts, where it is not kept whole; nil
	// = there is none. It is read once, while Do runs and until the provider has taken
	// all of it or the answer is closed. Size is its length; -1 = not known.
	From io.Reader
	Size int64

	// Subprotocols are asked for when a WebSocket is opened.
	Subprotocols []string

	// RequestID is sent as X-Client-Request-Id, which OpenAI keeps in its log
	// beside its own id, in place of what the caller sent under that name.
	// "" passes the caller's.
	RequestID string

	// Release is called once, when Body and Parts are not read any more and may
	// be used again. That can be after Do has returned: a provider may answer, or the
	// caller leave, before the whole body was written. nil when nobody waits.
	Release func()
}

func (r *Request) free() {
	if r.Release != nil {
		r.Release()
	}
}

// request builds what the transport sends.
func (t *target) request(ctx context.Context, r *Request) (*http.Request, *sending, error) {
	at, err := t.place(r.Path)
	if r.Raw {
		at, err = t.own(r.Path)
	}
	if err != nil {
		return nil, nil, err
	}
	if q := r.query(at.url.Path); q != "" {
		u := *at.url
		u.RawQuery = q
		at.url = &u
	}
	s := newSending(r)
	out := (&http.Request{
		Method:        method(r.Method),
		URL:           at.url,
		Host:          at.url.Host,
		Header:        t.header(r, at.header),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		ContentLength: s.size,
	}).WithContext(ctx)
	switch {
	case r.From != nil && r.Size != 0:
		s.size, out.ContentLength = r.Size, r.Size
		s.open.Add(1)
		out.Body = &once{from: r.From, of: s}
	case s.size > 0:
		s.open.Add(1)
		out.Body = s.reader(&s.first)
		out.GetBody = s.again
	}
	return out, s, nil
}

// query is the caller's query without keys, and with what the account adds to it at a
// path, unless the caller has said it.
func (r *Request) query(path string) string {
	q := withoutKey(r.RawQuery)
	if r.Account == nil {
		return q
	}
	own := r.Account.Query(path)
	name, _, _ := strings.Cut(own, "=")
	switch {
	case own == "", hasParameter(q, name):
		return q
	case q == "":
		return own
	}
	return q + "&" + own
}

func hasParameter(query, name string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		if before, _, _ := strings.Cut(pair, "="); before == name {
			return true
		}
	}
	return false
}

func method(m string) string {
	if m == "" {
		return http.MethodPost
	}
	return m
}

// withoutKey takes the parameter `key` out of a query and leaves all else byte
// for byte.
func withoutKey(query string) string {
	if !strings.Contains(query, "key") && !strings.Contains(query, "%") {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && strings.EqualFold(plain, "key") {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// sending follows one request's body through the transport: whether any of it
// was taken to be sent, and when the last reader is closed.
type sending struct {
	body    []byte
	parts   [][]byte
	size    int64 // of both
	release func()
	first   reader
	state   atomic.Int32
	open    atomic.Int32 // readers not yet closed, and Do itself
}

// The states of a sending.
const (
	untouched int32 = iota
	began           // a byte of the present attempt's body was taken
	recalled        // given up before any byte was taken; none can be taken any more
)

func newSending(r *Request) *sending {
	s := &sending{body: r.Body, parts: r.Parts, size: int64(len(r.Body)), release: r.Release}
	for _, part := range r.Parts {
		s.size += int64(len(part))
	}
	s.open.Store(1) // Do's own; each reader adds one
	return s
}

// again is the request's GetBody: a fresh reader for another attempt. The
// transport asks for one only when the provider cannot have seen the last attempt
// (nothing was written, or the provider said that it did not process it), so what
// counts begins anew.
func (s *sending) again() (io.ReadCloser, error) {
	s.state.Store(untouched)
	s.open.Add(1)
	return s.reader(new(reader)), nil
}

// recall reports whether no byte of the body was taken, and sees to it that none
// will be: the transport's writer can outlive RoundTrip.
func (s *sending) recall() bool {
	return s.size != 0 && s.state.CompareAndSwap(untouched, recalled)
}

// done drops one hold on the body; the last one releases it.
func (s *sending) done() {
	if s.open.Add(-1) == 0 && s.release != nil {
		s.release()
	}
}

// once is the only pass over a body that is not kept.
type once struct {
	from   io.Reader
	of     *sending
	closed atomic.Bool
}

// Read takes the next bytes, which from then on count as sent.
func (o *once) Read(p []byte) (int, error) {
	if !o.of.state.CompareAndSwap(untouched, began) && o.of.state.Load() == recalled {
		return 0, errRecalled
	}
	return o.from.Read(p)
}

// Close ends the pass. Only the first call counts.
func (o *once) Close() error {
	if !o.closed.Swap(true) {
		o.of.done()
	}
	return nil
}

// reader is one attempt's pass over the body. The HTTP/2 transport closes it while
// another goroutine reads, and after Close the body may belong to somebody else.
type reader struct {
	of     *sending
	mu     sync.Mutex // covers what follows, and the copying out of the body
	rest   []byte     // of the part that is being read
	parts  [][]byte   // after it
	begun  bool
	closed bool
}

// reader makes r a pass from the beginning.
func (s *sending) reader(r *reader) *reader {
	r.of, r.rest, r.parts = s, s.body, s.parts
	return r
}

// Read takes the next bytes, which from then on count as sent.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	if !r.begun && !r.of.state.CompareAndSwap(untouched, began) && r.of.state.Load() == recalled {
		return 0, errRecalled
	}
	r.begun = true
	total := 0
	for total < len(p) {
		if len(r.rest) == 0 {
			if len(r.parts) == 0 {
				break
			}
			r.rest, r.parts = r.parts[0], r.parts[1:]
			continue
		}
		n := copy(p[total:], r.rest)
		r.rest = r.rest[n:]
		total += n
	}
	if total == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return total, nil
}

// Close ends this pass. Only the first call counts.
func (r *reader) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		r.of.done()
	}
	return nil
}

var errRecalled = errors.New("the request was given up")
