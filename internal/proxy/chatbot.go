package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// chatbot is what of a request is about the chatbot that its path names.
type chatbot struct {
	name   string        // the id or the slug, as the caller wrote it; "" = none is named
	bot    authority.Bot // as it is now; zero = there is none of that name
	origin string        // of the page that asks; "" = it is no page, or none that says so
}

// front answers what needs no key: whether a page may ask (preflight), and what a
// front end shows. done reports whether it was one of these.
func (p *Proxy) front(x *exchange) (done bool, err error) {
	name, takes, front := dialect.Chatbot(x.r.URL.Path)
	if x.name = name; name == "" {
		return false, nil
	}
	if origin := x.r.Header["Origin"]; len(origin) > 0 {
		x.origin = origin[0]
	}
	if err := p.findBot(x); err != nil {
		return true, err
	}
	switch method := x.r.Method; {
	case method == http.MethodOptions:
		return true, x.preflight(takes)
	case !front:
		return false, nil
	case method != http.MethodGet && method != http.MethodHead:
		return true, fault.New(fault.MethodNotAllowed, "The address of a chatbot takes GET; requests go to /chatbots/{id}/v1/chat/completions.")
	case !x.bot.Serves():
		return true, noChatbot()
	}
	c := x.bot.Chatbot()
	body, err := json.Marshal(api.ChatbotFront{Name: c.Name, Greeting: c.Greeting, KeyRequired: !c.Open()})
	if err != nil {
		return true, err
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Cache-Control", "no-store")
	return true, p.document(x, body)
}

// noChatbot does not repeat what was asked for.
func noChatbot() *fault.Error {
	return fault.New(fault.NotFound, "There is no such chatbot. Check the address that you were given.")
}

// findBot finds the chatbot as it is now. That there is none is said only once it
// is known who asks.
func (p *Proxy) findBot(x *exchange) error {
	bot, err := p.opts.Authority.FindChatbot(x.r.Context(), x.name)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	x.bot = bot
	x.crossOrigin()
	return nil
}

// keyless is what callers without a key may send in the place of one, to a
// chatbot: OpenAI's libraries must be given something.
const keyless = "anonymous"

// visits reports whether the request is one without a key to a chatbot.
func (x *exchange) visits() bool {
	return x.route != nil && x.route.Chatbot && (x.key == "" || x.key == keyless)
}

// enter makes the grant one for the chatbot. Who may not be here at all is not
// told whether there is one.
func (x *exchange) enter() (err error) {
	if f := x.grant.Rules().AdmitCaller(&x.ask); f != nil {
		return f
	}
	if x.grant, err = x.grant.Through(x.bot); err != nil {
		return err
	}
	c := x.bot.Chatbot()
	x.ask.Chatbot, x.ask.Origin = x.bot.Rules(), x.origin
	// What lists of paths name may be the chatbot's id as well as its slug; the
	// request has one of them already.
	x.ask.Endpoint, x.ask.Path = x.r.URL.Path, x.route.Naming(x.r.URL.Path, c.Slug)
	if x.name != c.ID {
		x.ask.Endpoint, x.ask.Path = x.route.Naming(x.r.URL.Path, c.ID), x.r.URL.Path
	}
	return nil
}

// fix asks whether the caller may talk to the chatbot, and lays down what the
// chatbot does.
func (x *exchange) fix() error {
	if !x.route.Chatbot {
		return nil
	}
	if f := x.grant.Rules().AdmitGrant(&x.ask); f != nil {
		return f
	}
	return x.call.Fix(x.bot.Fixed())
}

// withheld is a refusal as a caller without a key may read it: how much others
// have used, and may, is not for whoever comes along.
func withheld(f *fault.Error, r *ledger.Refused) *fault.Error {
	told := *f
	told.Public = fmt.Sprintf("Refused by %s limit (%s). Try again later.", r.Subject.Kind.Whose(), r.Subject.Field(&r.Limit))
	return &told
}

// room is what is left on the tightest limits, of those that the caller may know.
func (x *exchange) room() (requests, tokens limit.Room) {
	requests, tokens = x.hold.Room()
	if !x.grant.Anonymous() {
		return requests, tokens
	}
	if !x.own(requests.Limit) {
		requests = limit.Room{}
	}
	if !x.own(tokens.Limit) {
		tokens = limit.Room{}
	}
	return requests, tokens
}

// own reports whether a limit is the visitor's own.
func (x *exchange) own(l *limit.Limit) bool {
	for _, s := range x.subjects {
		if s == nil || s.ID.Kind != limit.Visitor {
			continue
		}
		for i := range s.Limits {
			if l == &s.Limits[i] {
				return true
			}
		}
	}
	return false
}

// crossOrigin lets the pages read the answer that the chatbot names
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Credentials of the browser
// are never asked for: a key is sent by the page itself.
func (x *exchange) crossOrigin() {
	rules := x.bot.Rules()
	if rules == nil || rules.Origins == nil {
		return
	}
	h := x.w.Header()
	h["Vary"] = []string{"Origin"}
	if x.origin == "" || !rules.Allows(x.origin) {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{x.origin}
	h["Access-Control-Expose-Headers"] = []string{exposed}
}

// exposed are the headers of an answer that a page may read.
const exposed = "X-Request-Id, Retry-After, X-Should-Retry, X-Tollgate-Clamped, Ratelimit, Ratelimit-Policy, " +
	"X-Ratelimit-Limit-Requests, X-Ratelimit-Remaining-Requests, X-Ratelimit-Reset-Requests, " +
	"X-Ratelimit-Limit-Tokens, X-Ratelimit-Remaining-Tokens, X-Ratelimit-Reset-Tokens"

// preflight answers a browser that asks whether a page may ask, which it may with
// one method.
func (x *exchange) preflight(method string) error {
	h := x.w.Header()
	switch {
	case x.bot.IsZero():
		return noChatbot()
	case x.origin == "" || x.r.Header.Get("Access-Control-Request-Method") == "":
		return fault.New(fault.MethodNotAllowed, "OPTIONS is for browsers that ask whether a page may use the chatbot.")
	case h["Access-Control-Allow-Origin"] == nil:
		return fault.New(fault.ChatbotDenied, "This chatbot may not be used from pages of this origin (allowed_origins).")
	}
	h["Access-Control-Allow-Methods"] = []string{method}
	if names := allowedHeaders(x.r.Header["Access-Control-Request-Headers"]); names != "" {
		h["Access-Control-Allow-Headers"] = []string{names}
	}
	h["Access-Control-Max-Age"] = []string{"600"}
	h["Vary"] = []string{"Origin, Access-Control-Request-Headers"}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// allowedHeaders are those of the names that a page may send. There is no * for
// them that would hold for Authorization.
func allowedHeaders(lists []string) string {
	var kept []string
	for name := range strings.SplitSeq(strings.ToLower(strings.Join(lists, ",")), ",") {
		name = strings.TrimSpace(name)
		switch name {
		case "authorization", "x-api-key", "api-key", "x-goog-api-key", "content-type", "accept", "idempotency-key",
			"openai-organization", "openai-project", "openai-beta":
			kept = append(kept, name)
			continue
		}
		// What OpenAI's libraries say of themselves.
		if rest, ok := strings.CutPrefix(name, "x-stainless-"); ok && len(rest) < 50 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz-") == "" && len(kept) < 50 {
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, ", ")
}
