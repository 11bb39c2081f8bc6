package proxy

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/secret"
)

// maxWhole is the largest answer that is kept back until its usage is known, so
// that a header can say what it cost. A larger one is passed on as it comes.
const maxWhole = 1 << 20

// How much of a stream is read at once: little at first, since events are small
// and many streams are open at once, and more where that is there.
const (
	streamBuffer     = 4 << 10
	fullStreamBuffer = 32 << 10
)

// meter passes the answer on and takes its usage from the same bytes.
func (p *Proxy) meter(x *exchange, resp *http.Response) error {
	x.upstreamID = p.opts.Providers.Relay(x.pay.clean, x.w.Header(), resp)
	x.servedAs = served(resp.Header)
	if f := x.coded(resp); f != nil {
		p.done(x, x.result(llm.Tally{}, cutOff, http.StatusBadGateway)) // what it used is in there, and is not known
		return f
	}
	contentType := resp.Header.Get("Content-Type")
	switch {
	case isStream(resp.Header):
		tap := dialect.NewTap(x.route, dialect.Events, x.call.Stream && !x.call.IncludeUsage)
		tap.Expect(x.call.Choices)
		return p.stream(x, resp, tap)
	case x.call.List && isJSON(contentType):
		return p.stream(x, resp, dialect.NewTap(x.route, dialect.List, false))
	}
	tap := dialect.NewTap(x.route, x.shape(contentType), false)
	if x.route.Unit == llm.Characters {
		return p.sound(x, resp, tap)
	}
	return p.whole(x, resp, tap)
}

// coded refuses an answer that is compressed in a way that is not read here: neither
// its usage nor a secret in it would be found. nil = it can be read.
func (x *exchange) coded(resp *http.Response) *fault.Error {
	coding := resp.Header.Get("Content-Encoding")
	if coding == "" {
		return nil
	}
	return fault.New(fault.UpstreamUnavailable, "The provider %s answered with status %d, compressed (%.50q) although it was asked not to; such answers are not passed on. Ask whoever runs it, or the proxy before it, to honour Accept-Encoding.",
		x.target.Provider, resp.StatusCode, x.pay.clean.Text(coding))
}

func isStream(h http.Header) bool {
	v := h["Content-Type"]
	if len(v) == 0 {
		return false
	}
	if v[0] == "text/event-stream" {
		return true
	}
	kind, _, _ := mime.ParseMediaType(v[0])
	return kind == "text/event-stream"
}

// isJSON reports whether a content type is JSON in UTF-8, the only charset that
// JSON has (RFC 8259 section 8.1).
func isJSON(contentType string) bool {
	kind, params, _ := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// whole passes on an answer that is one document. Until its end is there the
// caller has seen nothing, so a provider that breaks off can still be told as an
// error.
func (p *Proxy) whole(x *exchange, resp *http.Response, tap *dialect.Tap) error {
	buf := p.buffers.get(int(min(max(resp.ContentLength, 0), maxWhole)) + 1)
	defer func() { p.buffers.put(buf) }()
	n := 0
	for {
		got, err := resp.Body.Read((*buf)[n:])
		tap.Write((*buf)[n : n+got])
		n += got
		switch {
		case errors.Is(err, io.EOF):
			tap.Ended()
			tap.Close()
			if !tap.Tally().Finished && isJSON(resp.Header.Get("Content-Type")) {
				return p.broken(x, tap, io.ErrUnexpectedEOF)
			}
			entry := p.done(x, x.result(tap.Tally(), x.ending(tap), resp.StatusCode))
			return p.answer(x, resp.StatusCode, x.pay.clean.Bytes((*buf)[:n]), &entry)
		case err != nil:
			return p.broken(x, tap, err)
		case n >= maxWhole:
			return p.large(x, resp, tap, (*buf)[:n])
		case n == len(*buf):
			larger := p.buffers.get(2 * n)
			copy(*larger, (*buf)[:n])
			p.buffers.put(buf)
			buf = larger
		}
	}
}

// ending is how an answer ended, as far as its usage goes: complete when the
// provider has said its last word on that. Without it an answer that the provider
// cut short, or put an error into, leaves
// open what was used.
func (x *exchange) ending(tap *dialect.Tap) ending {
	t := tap.Tally()
	if t.Final || (t.Finished && !tap.Failed()) {
		return complete
	}
	return cutOff
}

// answer writes a document with what it cost.
func (p *Proxy) answer(x *exchange, status int, body []byte, entry *ledger.Entry) error {
	h := x.w.Header()
	x.headers()
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Tollgate-Cost-Usd"] = []string{entry.Cost.String()}
	p.allowWriting(x)
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // it is settled; a caller that left loses only the answer
	return nil
}

// large passes on a document too large to keep back: begun is what of it was
// read already. It goes out in chunks, so that its end is only told once it is
// settled.
func (p *Proxy) large(x *exchange, resp *http.Response, tap *dialect.Tap, begun []byte) error {
	x.headers()
	x.w.WriteHeader(resp.StatusCode)
	out := newOutlet(x, p.opts.WriteTimeout)
	out.pass(begun)
	if !p.pump(x, resp, tap, out) {
		// The only way left to say that this is not the end: net/http cuts the
		// connection.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// sound passes on sound, which is heard while it comes. Before the first of it is
// there the caller has seen nothing, so what fails until then can still be told.
func (p *Proxy) sound(x *exchange, resp *http.Response, tap *dialect.Tap) error {
	buf := p.buffers.get(streamBuffer)
	defer p.buffers.put(buf)
	n, err := resp.Body.Read(*buf)
	if n == 0 && err != nil && !errors.Is(err, io.EOF) {
		return p.broken(x, tap, err)
	}
	return p.large(x, resp, tap, tap.Write((*buf)[:n]))
}

// stream passes on a stream event by event.
func (p *Proxy) stream(x *exchange, resp *http.Response, tap *dialect.Tap) error {
	x.headers()
	x.w.WriteHeader(resp.StatusCode)
	out := newOutlet(x, p.opts.WriteTimeout)
	out.flush() // the head at once: the first event may take its time
	if !p.pump(x, resp, tap, out) {
		f := fault.New(fault.UpstreamUnavailable, "The provider %s broke off in the middle of its answer.", x.target.Provider)
		out.write(tap.Broken(f, x.hold.ID().String()))
	}
	return nil
}

// pump reads the answer to its end, through the tap, into the outlet, settles it,
// and reports whether it came to its proper end, or to one with the provider's own
// words for what went wrong.
func (p *Proxy) pump(x *exchange, resp *http.Response, tap *dialect.Tap, out *outlet) (whole bool) {
	buf := p.buffers.get(streamBuffer)
	defer func() { p.buffers.put(buf) }()
	for n := 0; ; {
		if n == streamBuffer {
			p.buffers.put(buf)
			buf = p.buffers.get(fullStreamBuffer)
		}
		var err error
		n, err = resp.Body.Read(*buf)
		relay := tap.Write((*buf)[:n])
		if tap.Tally().Finished {
			// The caller may take the format's own end for the end, so it is
			// settled before that is passed on.
			p.done(x, x.result(tap.Tally(), x.ending(tap), resp.StatusCode))
		}
		out.pass(relay)
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			tap.Ended()
		}
		rest := tap.Close()
		t := tap.Tally()
		p.done(x, x.result(t, x.ending(tap), resp.StatusCode))
		if whole = t.Finished || (t.Final || tap.Failed()) && errors.Is(err, io.EOF); whole {
			out.pass(rest) // else it may be half an event
		}
		out.write(out.clean.Rest())
		return whole
	}
}

// broken settles an answer that broke off before the caller saw any of it.
func (p *Proxy) broken(x *exchange, tap *dialect.Tap, err error) error {
	tap.Close()
	f := fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s broke off in the middle of its answer.", x.target.Provider)
	p.done(x, x.result(tap.Tally(), x.ending(tap), http.StatusBadGateway))
	if x.left.gone.Load() {
		return nil
	}
	return f
}

// outlet writes to the caller until it leaves; then it swallows.
type outlet struct {
	x        *exchange
	control  *http.ResponseController
	timeout  time.Duration
	deadline time.Time // the write deadline that is set
	clean    *secret.CleanStream
}

func newOutlet(x *exchange, timeout time.Duration) *outlet {
	return &outlet{x: x, control: http.NewResponseController(x.w), timeout: timeout, clean: x.pay.clean.Stream()}
}

// pass passes on what comes from the provider, cleaned.
func (o *outlet) pass(b []byte) { o.write(o.clean.Write(b)) }

// write passes b on at once.
func (o *outlet) write(b []byte) {
	if len(b) == 0 || o.x.left.gone.Load() {
		return
	}
	o.extend()
	if _, err := o.x.w.Write(b); err != nil {
		o.x.left.happened()
		return
	}
	o.flush()
}

func (o *outlet) flush() {
	o.extend()
	if err := o.control.Flush(); err != nil {
		o.x.left.happened()
	}
}

// extend moves the write deadline: a caller that does not read for the time-out
// has left. It moves it at most once a second, for it need not be exact.
func (o *outlet) extend() {
	if now := time.Now(); o.deadline.Sub(now) < o.timeout {
		o.deadline = now.Add(o.timeout + time.Second)
		_ = o.control.SetWriteDeadline(o.deadline) // a recorder in a test has no deadlines
	}
}

// allowWriting gives the caller the time-out to take what is written to it now.
// Every way of answering begins with it or with an outlet: the deadline that was
// set when the request came may have passed while the provider was thinking.
func (p *Proxy) allowWriting(x *exchange) {
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(p.opts.WriteTimeout))
}
