package proxy

import (
	"errors"
	"io"
	"net/http"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// upload is the body of a request that passes through, read at the pace that every
// body has to keep.
type upload struct {
	from io.Reader
	pace pace
	n    int
}

// Read reads what has come.
func (u *upload) Read(b []byte) (int, error) {
	u.pace.expect(u.n)
	n, err := u.from.Read(b)
	u.n += n
	if errors.Is(err, io.EOF) {
		u.pace.stop()
	}
	return n, err
}

// passOn passes an answer on for which there is no route here.
func (p *Proxy) passOn(x *exchange, resp *http.Response) error {
	switch rule := x.via.rule; {
	case rule == nil || !rule.metered():
		x.upstreamID = p.opts.Providers.Relay(x.pay.clean, x.w.Header(), resp)
		return p.copyAnswer(x, resp)
	case rule.Format != "":
		return p.meter(x, resp)
	}
	x.upstreamID = p.opts.Providers.Relay(x.pay.clean, x.w.Header(), resp)
	return p.pointed(x, resp)
}

// copyAnswer passes on an answer of which nothing is read. Its last bytes go out once
// it is settled.
func (p *Proxy) copyAnswer(x *exchange, resp *http.Response) error {
	x.headers()
	if x.via.rule != nil && !x.route.Free {
		_, cost := x.hold.Bound()
		x.w.Header()["X-Tollgate-Cost-Usd"] = []string{cost.String()}
	}
	x.w.WriteHeader(resp.StatusCode)
	out := newOutlet(x, p.opts.WriteTimeout)
	if resp.ContentLength < 0 {
		out.flush() // a stream: the first of it may take its time
	}
	one, other := p.buffers.get(streamBuffer), p.buffers.get(streamBuffer)
	defer func() { p.buffers.put(one); p.buffers.put(other) }()
	var last []byte
	for {
		n, err := resp.Body.Read(*one)
		if err != nil {
			end := complete
			if !errors.Is(err, io.EOF) {
				end = cutOff
			}
			p.done(x, x.passed(llm.Tally{}, end, resp.StatusCode))
			if end == cutOff {
				panic(http.ErrAbortHandler) // the only way left to say that this is not the end
			}
			out.pass(last)
			out.pass((*one)[:n])
			out.write(out.clean.Rest())
			return nil
		}
		if resp.ContentLength < 0 { // what comes in pieces is wanted in pieces
			out.pass((*one)[:n])
			continue
		}
		out.pass(last)
		last = (*one)[:n]
		one, other = other, one
	}
}

// pointed keeps an answer back until the counts are found to which the rule points.
// A larger one than is kept back is passed on unread.
func (p *Proxy) pointed(x *exchange, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxWhole+1))
	if err != nil {
		f := fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s broke off in the middle of its answer.", x.target.Provider)
		p.done(x, x.passed(llm.Tally{}, cutOff, http.StatusBadGateway))
		return f
	}
	if len(body) > maxWhole {
		p.done(x, x.passed(llm.Tally{}, complete, resp.StatusCode))
		x.headers()
		x.w.WriteHeader(resp.StatusCode)
		out := newOutlet(x, p.opts.WriteTimeout)
		out.pass(body)
		return p.rest(resp, out)
	}
	entry := p.done(x, x.passed(x.via.rule.found(body), complete, resp.StatusCode))
	return p.answer(x, resp.StatusCode, x.pay.clean.Bytes(body), &entry)
}

// rest passes on what follows.
func (p *Proxy) rest(resp *http.Response, out *outlet) error {
	buf := p.buffers.get(streamBuffer)
	defer p.buffers.put(buf)
	for {
		n, err := resp.Body.Read(*buf)
		out.pass((*buf)[:n])
		switch {
		case errors.Is(err, io.EOF):
			out.write(out.clean.Rest())
			return nil
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
}

// found is what the rule's pointers lead to. All of them must lead somewhere.
func (m *Passage) found(body []byte) llm.Tally {
	t := llm.Tally{Finished: true, Final: true, Reported: true}
	for _, of := range [...]struct {
		pointer string
		to      *int64
	}{{m.Input, &t.Usage.Input}, {m.Output, &t.Usage.Output}} {
		if of.pointer == "" {
			continue
		}
		n, ok := dialect.Pointed(body, of.pointer)
		if !ok {
			return llm.Tally{Finished: true}
		}
		*of.to = n
	}
	return t
}
