package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/secret"
)

// Outgoing is a request on its way to a provider.
type Outgoing struct {
	Provider  string              // slug
	Account   *credential.Account // whose account it is sent under; nil = the platform's own
	Path      string              // canonical: the same for every provider
	Query     string              // what of the query is for the provider
	Header    http.Header         // the caller's; not to be changed
	Form      string              // the body's content type, where it is a form; "" = it is JSON
	Body      [][]byte            // whole, in pieces
	RequestID string              // told to the provider, for its log
	Release   func()              // called once Body is not read any more

	// Raw says that Method, Path and Query are those of the provider itself, and that
	// what the caller's headers say of the body is true of it.
	Raw    bool
	Method string    // "" = POST
	From   io.Reader // the body in the place of Body; nil = there is none
	Size   int64     // of From; -1 = not known
}

// Providers sends requests to providers.
type Providers interface {
	// Configured reports whether requests can be sent to the provider.
	Configured(slug string) bool
	// Kind is the provider's kind: which dialect of its format it speaks.
	Kind(slug string) string
	// Send sends a request and returns the answer, whatever its status. An error
	// that is ErrNotSent means that the provider cannot have served it,
	// fault.UpstreamTimeout that nothing came back in time.
	Send(ctx context.Context, o Outgoing) (*http.Response, error)
	// Relay copies to dst what of the answer's headers is for the caller, cleaned,
	// and returns the provider's id of the request.
	Relay(clean secret.Cleaner, dst http.Header, resp *http.Response) (upstreamID string)
	// Cleaner takes out of answers what a request was sent with.
	Cleaner(slug string, account *credential.Account) secret.Cleaner
}

// ErrNotSent is in the chain of a Send's error when the provider cannot have
// served the request.
var ErrNotSent = errors.New("the request was not sent")

// statusGone is what the entry of a caller that left before the answer's head
// says (nginx's word for it; the caller got nothing).
const statusGone = 499

// departure watches whether the caller leaves.
type departure struct {
	gone   atomic.Bool
	drain  atomic.Bool
	cancel context.CancelFunc // ends the request at the provider
	after  time.Duration      // how long to go on reading when draining
}

// happened takes note that the caller has left: what it does is needed once, and
// harmless twice.
func (d *departure) happened() {
	if d.gone.Swap(true) {
		return
	}
	if d.drain.Load() {
		time.AfterFunc(d.after, d.cancel)
	} else {
		d.cancel()
	}
}

// forward sends the request and takes care of the answer. From here on the hold
// ends whatever happens: should a step be left by a panic, it ends unconfirmed.
func (p *Proxy) forward(x *exchange) error {
	defer func() { x.hold.Settle(ledger.Result{Outcome: ledger.Unconfirmed}) }()
	ctx, cancel := context.WithTimeout(p.base, p.opts.MaxDuration)
	defer cancel()
	x.left = &departure{cancel: cancel, after: p.opts.DrainTimeout}
	x.left.drain.Store(p.drains(x))
	defer context.AfterFunc(x.r.Context(), x.left.happened)()
	for {
		x.sent = time.Now()
		again, err := p.attempt(ctx, x)
		if !again {
			return err
		}
	}
}

// drains reports whether the answer is read to its end for a caller that leaves.
func (p *Proxy) drains(x *exchange) bool {
	return p.opts.OnDisconnect == Drain || (p.opts.OnDisconnect == Auto && x.hard)
}

// attempt sends the request to the target, under the account of who pays. It is
// true when another account, or another target, takes the place of one that failed.
func (p *Proxy) attempt(ctx context.Context, x *exchange) (again bool, err error) {
	resp, err := p.opts.Providers.Send(ctx, p.outgoing(x))
	if err != nil {
		return p.unanswered(x, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if (resp.StatusCode < 200 || resp.StatusCode > 299) && (!x.via.plain || resp.StatusCode != http.StatusNotModified) {
		return p.failed(x, resp)
	}
	if x.pay.payer != nil && x.pay.payer.Verdict == credential.Invalid {
		p.judged(x, credential.Verdict{State: credential.Valid})
	}
	if x.via.plain {
		return false, p.passOn(x, resp)
	}
	return false, p.meter(x, resp)
}

// outgoing is the request as the provider gets it.
func (p *Proxy) outgoing(x *exchange) Outgoing {
	o := Outgoing{
		Provider: x.target.Provider, Account: x.pay.account, Path: x.path, Header: x.r.Header, RequestID: x.hold.ID().String(),
	}
	if !x.via.plain {
		o.Query = x.call.QueryFor(p.kind(x.target.Provider))
		o.Form, o.Body, o.Release = x.call.Form(), x.call.Segments(x.edit(), nil), x.body.share().end
		return o
	}
	o.Raw, o.Method, o.Query, o.Size = true, x.r.Method, x.call.Query, x.r.ContentLength
	if o.Size != 0 {
		o.From = &upload{from: x.r.Body, pace: newPace(x.w, p.opts.BodyIdleTimeout)}
	}
	return o
}

// edit is what must change in the body: the provider's own name of the model,
// the output cap that was held for, and that a stream tells its usage.
func (x *exchange) edit() dialect.Edit {
	e := dialect.Edit{Model: x.target.Name, CapField: "max_tokens"}
	if x.hard && x.route.Output {
		e.MaxOutput = x.hold.Output()
	}
	older := x.call.Older()
	if x.native && !older {
		e.CapField = "max_completion_tokens"
	}
	e.IncludeUsage = x.call.Stream && !x.call.IncludeUsage && !older
	return e
}

// unanswered settles a request to which no answer came; or it is true when it was
// not even sent, and goes to another target.
func (p *Proxy) unanswered(x *exchange, err error) (again bool, _ error) {
	if errors.Is(err, ErrNotSent) {
		if p.fallBack(x, 0) {
			return true, nil
		}
		f := fault.Wrap(fault.UpstreamUnavailable, err, "The provider %s cannot be reached; nothing was sent and nothing is charged.", x.target.Provider)
		p.done(x, ledger.Result{Outcome: ledger.Failed, Status: http.StatusBadGateway, Code: f.Kind})
		return false, f
	}
	switch {
	case x.left.gone.Load():
		p.done(x, x.result(llm.Tally{}, cutOff, statusGone))
		return false, nil
	case errors.Is(err, fault.UpstreamTimeout), errors.Is(err, context.DeadlineExceeded):
		f := fault.Wrap(fault.UpstreamTimeout, err, "The provider %s did not answer in time.", x.target.Provider)
		p.done(x, x.unknown(http.StatusGatewayTimeout, f.Kind))
		return false, f
	}
	f := fault.Wrap(fault.UpstreamUnavailable, err, "The connection to the provider %s was lost before it answered.", x.target.Provider)
	p.done(x, x.unknown(http.StatusBadGateway, f.Kind))
	return false, f
}

// failed passes the provider's own refusal on, which used nothing; or it is true, and
// has passed nothing on, when what is refused is who pays, and another does instead,
// or when the request goes to another target.
func (p *Proxy) failed(x *exchange, resp *http.Response) (again bool, err error) {
	buf := p.buffers.get(maxErrorBody)
	defer p.buffers.put(buf)
	defer time.AfterFunc(p.opts.DrainTimeout, x.left.cancel).Stop() // a status is enough; its words may not take for ever
	n, _ := readFull(resp.Body, (*buf)[:maxErrorBody])              // a refusal that breaks off, or cannot be read, is still one
	if x.pay.payer != nil && credential.Refused(x.pay.payer.Provider, resp.StatusCode, (*buf)[:n]) {
		p.judged(x, credential.Verdict{State: credential.Invalid, Code: credential.Rejected})
		if p.another(x) {
			return true, nil
		}
	}
	if fails(resp.StatusCode) {
		p.cool(x, resp.Header)
		if p.fallBack(x, resp.StatusCode) {
			return true, nil
		}
	}
	x.upstreamID = p.opts.Providers.Relay(x.pay.clean, x.w.Header(), resp)
	f := x.coded(resp)
	if f == nil && resp.StatusCode < 400 {
		f = fault.New(fault.UpstreamUnavailable, "The provider %s answered with status %d, which is no answer to this request.", x.target.Provider, resp.StatusCode)
	}
	if f != nil {
		p.done(x, ledger.Result{Outcome: ledger.Failed, Status: http.StatusBadGateway, Code: f.Kind, UpstreamID: x.upstreamID})
		return false, f
	}
	p.done(x, ledger.Result{Outcome: ledger.Failed, Status: resp.StatusCode, Code: "upstream_error", UpstreamID: x.upstreamID})
	x.headers()
	p.allowWriting(x)
	x.w.WriteHeader(resp.StatusCode)
	clean := x.pay.clean.Stream()
	_, _ = x.w.Write(clean.Write((*buf)[:n])) // a caller that left misses nothing
	if n < maxErrorBody {
		_, _ = x.w.Write(clean.Rest()) // else it may be a credential that was cut
	}
	return false, nil
}

// maxErrorBody is how much of a provider's error is passed on.
const maxErrorBody = 64 << 10
