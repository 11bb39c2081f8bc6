package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
	"tollgate/internal/pricing"
	"tollgate/internal/tokens"
	"tollgate/internal/vault"
)

// OnDisconnect says what becomes of a request whose caller has left.
type OnDisconnect uint8

// The ways.
const (
	Auto   OnDisconnect = iota // drain under a hard limit, else cancel
	Drain                      // read the answer to its end, so that its usage is known
	Cancel                     // end the request at the provider
)

// Options are a Proxy's parts and figures. Parts are required; zero figures take
// the defaults named.
type Options struct {
	Authority *authority.Authority
	Ledger    *ledger.Ledger
	Prices    *pricing.Book
	Tokens    *tokens.Counter
	Vault     *vault.Vault // opens credentials; nil = there are none
	Providers Providers
	Sockets   Sockets // opens WebSockets to providers
	Addresses Addresses
	Log       *slog.Logger
	Figures   dialect.Figures // what counts for parts of a request that cannot be measured

	MaxBodyBytes    int64         // 32 MiB
	MaxBuffered     int64         // bytes of all bodies that are in memory at once; 1 GiB
	BodyIdleTimeout time.Duration // how long a body may take to begin to come at a fair rate; 30 s
	WriteTimeout    time.Duration // how long a caller may not read what is written to it; 60 s
	MaxDuration     time.Duration // of a request, from admission to its end; 1 h
	LeastOutput     int64         // the lowest output cap a request is clamped to, if the caller's own is not lower; 64
	SocketIdle      time.Duration // how long nothing may be said on a WebSocket; 10 min
	OnDisconnect    OnDisconnect
	DrainTimeout    time.Duration              // how long an answer is read for a caller that left; 30 s
	AutoService     map[string]catalog.Service // by provider: what requests get that leave it to the provider; nil = the usual one
	FeePercent      int64                      // of the price, for requests that somebody's own credential pays for; 0 = they cost nothing
	Passages        map[string][]Passage       // by provider: how what passes through to it is metered
	LogRequests     bool                       // a line for each request that was forwarded; refusals are always logged
}

// Proxy is the data plane. It is safe for concurrent use.
type Proxy struct {
	opts    Options
	buffers buffers
	bodies  bodies
	refused refusals
	cooling cooling
	sockets *sockets
	judging sync.Map        // ids of credentials of which a verdict is being kept
	base    context.Context // of every request at a provider, until cut
	cut     context.CancelFunc
}

// New makes a Proxy.
func New(opts Options) *Proxy {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&opts.BodyIdleTimeout, 30*time.Second)
	set(&opts.WriteTimeout, time.Minute)
	set(&opts.MaxDuration, time.Hour)
	set(&opts.DrainTimeout, 30*time.Second)
	set(&opts.SocketIdle, 10*time.Minute)
	if opts.MaxBodyBytes <= 0 {
		opts.MaxBodyBytes = 32 << 20
	}
	if opts.LeastOutput <= 0 {
		opts.LeastOutput = 64
	}
	if opts.MaxBuffered <= 0 {
		opts.MaxBuffered = 1 << 30
	}
	p := &Proxy{opts: opts, sockets: newSockets()}
	p.bodies = bodies{buffers: &p.buffers, max: opts.MaxBuffered}
	p.base, p.cut = context.WithCancel(context.Background())
	return p
}

// Cut ends every request at its provider. Each is settled as one whose provider
// broke off.
func (p *Proxy) Cut() { p.cut() }

// exchange is one request on its walk, and what the steps found out.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	begun time.Time
	route *dialect.Route // nil = no such path
	ip    netip.Addr
	chatbot

	tokens *tokens.Counter // the Proxy's
	key    string          // as presented
	grant  authority.Grant
	body   *loan // of the buffer that holds the body, until the walk has ended
	call   *dialect.Call
	via
	socket  bool        // it is asked for on a WebSocket, or asks for one
	entered limit.Chain // what counts the WebSocket
	pinned  *pin        // where it has to lead; nil = anywhere
	aimed
	rest       []catalog.Target  // what may take the target's place where it fails
	one        [1]catalog.Target // room for a target that nothing takes the place of
	attempts   []ledger.Attempt  // at targets before it
	sent       time.Time         // when the latest attempt began
	ask        policy.Ask
	subjects   [limit.MaxChain]*limit.Subject // room for the chain
	hold       *ledger.Hold
	left       *departure // the caller's leaving
	upstreamID string
	servedAs   string // how the answer's head says that it was served; "" = it does not
}

// ServeHTTP takes one request through the walk.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r, begun: time.Now(), ip: p.opts.Addresses.Of(r), tokens: p.opts.Tokens}
	defer x.end()
	if err := p.walk(x); err != nil {
		p.refuse(x, err)
	}
}

// end gives back what the walk was lent, also when it is left by a panic: that is
// how an answer that was begun is cut.
func (x *exchange) end() {
	if x.body != nil {
		x.body.end()
	}
}

// walk is the list of steps. An error of it has not been told to the caller yet.
func (p *Proxy) walk(x *exchange) error {
	if done, err := p.front(x); done || err != nil {
		return err
	}
	if err := p.authenticate(x); err != nil {
		return err
	}
	switch {
	case x.via.plain:
		return p.pass(x)
	case x.socket:
		return p.socket(x)
	case x.route.Socket:
		return fault.New(fault.MethodNotAllowed, "%s takes WebSockets only.", x.route.Path)
	}
	if x.route.Method == http.MethodGet {
		return p.models(x)
	}
	if err := p.read(x); err != nil {
		return err
	}
	// A body may take its time, and the key may have been revoked meanwhile.
	x.ask.Now = time.Now()
	if err := p.identify(x); err != nil {
		return err
	}
	if err := x.fix(); err != nil {
		return err
	}
	if err := p.admit(x); err != nil {
		return err
	}
	return p.forward(x)
}

// authenticate finds whose key it is, and asks the rules that need nothing of
// the body.
func (p *Proxy) authenticate(x *exchange) error {
	x.ask = policy.Ask{Now: x.begun, IP: x.ip}
	lost := p.passes(x)
	var protocolKey string
	if x.route == nil && upgrades(x.r) {
		x.route = dialect.SocketRoute(x.r.URL.Path)
		x.socket = x.route != nil
		_, protocolKey = offered(x.r.Header)
	}
	if x.route == nil {
		x.route, lost = dialect.Find(x.r.Method, x.r.URL.Path, x.r.Header)
	}
	query := ""
	if x.format() == llm.Gemini {
		query = x.r.URL.RawQuery
	}
	var inQuery bool
	var err error
	if x.key, inQuery, err = presented(x.r.Header, query); err != nil {
		return err
	}
	switch {
	case protocolKey == "" || protocolKey == x.key:
	case x.key != "":
		return ambiguous()
	default:
		x.key = protocolKey
	}
	if x.visits() {
		return p.identify(x)
	}
	if x.key == "" {
		return fault.New(fault.KeyMissing, "No API key was sent. Put it in the header \"Authorization: Bearer tg_…\".")
	}
	if x.grant, err = p.opts.Authority.AuthenticateFrom(x.r.Context(), x.key, x.ip); err != nil {
		return err
	}
	if inQuery && !x.grant.KeyInQuery() {
		return fault.New(fault.KeyMissing, "The key stands in the query (?key=), where it is not taken: send it in the header x-goog-api-key. The organization's allow_key_in_query would allow it.")
	}
	if lost != nil {
		if f := x.grant.Rules().AdmitCaller(&x.ask); f != nil {
			return f // who may not be here is not told what there is
		}
		return lost
	}
	return x.admitRoute()
}

// identify looks the caller up as they are now, and asks the same rules.
func (p *Proxy) identify(x *exchange) (err error) {
	if x.route.Chatbot {
		if err = p.findBot(x); err != nil {
			return err
		}
	}
	if x.visits() {
		x.grant, err = x.bot.Visit(x.ip)
	} else {
		x.grant, err = p.opts.Authority.AuthenticateFrom(x.r.Context(), x.key, x.ip)
	}
	if err != nil {
		return err
	}
	return x.admitRoute()
}

// again looks the caller up before the request goes out once more: the attempt may
// have taken its time. What they may do is asked anew; who pays is as it is now. On
// an error x is as it was.
func (p *Proxy) again(x *exchange) (wallet authority.Wallet, err error) {
	grant, bot, ask := x.grant, x.bot, x.ask
	x.ask.Now = time.Now()
	if err = p.identify(x); err == nil {
		if f := x.grant.Rules().AdmitGrant(&x.ask); f != nil {
			err = f
		}
	}
	if err == nil {
		wallet, err = p.opts.Authority.Wallet(x.r.Context(), x.grant)
	}
	if err != nil {
		x.grant, x.bot, x.ask = grant, bot, ask
	}
	return wallet, err
}

func (x *exchange) admitRoute() error {
	x.ask.Scope, x.ask.Endpoint, x.ask.Format = x.route.Scope, x.route.Path, x.route.Format
	if x.route.Chatbot {
		if err := x.enter(); err != nil {
			return err
		}
	}
	if x.via.slug != "" {
		x.ask.Scope, x.ask.Endpoint = llm.ScopePassthrough, x.via.whole
		if f := x.grant.Rules().AdmitRoute(&x.ask); f != nil {
			return f
		}
		x.ask.Scope = x.route.Scope
	}
	if f := x.grant.Rules().AdmitRoute(&x.ask); f != nil {
		return f
	}
	return nil
}

// read reads the body and what the gate must know of it.
func (p *Proxy) read(x *exchange) error {
	if !x.route.Form && !jsonBody(x.r.Header) {
		return fault.New(fault.UnsupportedMediaType, "The body must be JSON: send \"Content-Type: application/json\".")
	}
	for _, encoding := range x.r.Header["Content-Encoding"] {
		if encoding != "" && encoding != "identity" {
			return fault.New(fault.UnsupportedMediaType, "The body must not be compressed: send it without Content-Encoding.")
		}
	}
	buf, body, err := p.readBody(x.w, x.r, p.opts.MaxBodyBytes)
	if err != nil {
		return err
	}
	x.body = p.bodies.lend(buf)
	if x.route.Form {
		x.call, err = dialect.ReadForm(x.route, x.r.URL, x.r.Header.Get("Content-Type"), body)
	} else {
		x.call, err = dialect.Read(x.route, x.r.URL, body)
	}
	return err
}

// jsonBody reports whether the body is said to be JSON; saying nothing is taken
// for it, as providers do.
func jsonBody(h http.Header) bool {
	v := h["Content-Type"]
	if len(v) == 0 || v[0] == "" || v[0] == "application/json" {
		return true
	}
	return isJSON(v[0])
}

// format is how the caller is answered, also before there is a route.
func (x *exchange) format() llm.Format {
	if x.route != nil {
		return x.route.Format
	}
	return dialect.FormatOf(x.r.URL.Path, x.r.Header)
}
