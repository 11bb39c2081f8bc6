package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tollgate/api"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// refuse tells the caller why, in its own format, and takes note of it.
func (p *Proxy) refuse(x *exchange, err error) {
	f := fault.Of(err)
	status := api.Status(string(f.Kind))
	clear(x.w.Header()) // a provider's answer that broke off may have left its own
	id := ledger.NewRequestID(x.begun)
	if x.hold.Valid() {
		id = x.hold.ID()
		x.headers()
	}
	x.crossOrigin()
	p.record(x, f, status, id)
	if r, ok := errors.AsType[*ledger.Refused](err); ok {
		if x.grant.Anonymous() && r.Subject.Kind != limit.Visitor {
			f = withheld(f, r)
		} else {
			refusedHeaders(x.w.Header(), x.begun, r)
		}
	}
	if status == http.StatusRequestEntityTooLarge || f.Kind == fault.RequestTimeout {
		x.w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	p.allowWriting(x)
	dialect.WriteError(x.w, x.format(), f, status, id.String())
}

// refusedHeaders shows the limit that refused.
func refusedHeaders(h http.Header, now time.Time, r *ledger.Refused) {
	room := limit.Room{Limit: &r.Limit, Left: max(r.Limit.Max-r.Reading.Used-r.Reading.Held, 0), OpensAt: r.Retry}
	switch r.Limit.Meter {
	case limit.Requests:
		rateHeaders(h, now, room, limit.Room{})
	case limit.Tokens:
		rateHeaders(h, now, limit.Room{}, room)
	}
}

// record writes a refusal to the log: the first of its sort at once, those that
// repeat it counted, a line a second at most.
func (p *Proxy) record(x *exchange, f *fault.Error, status int, id ledger.RequestID) {
	level := slog.LevelInfo
	switch {
	case f.Kind == fault.Internal:
		level = slog.LevelError
	case status >= 500:
		level = slog.LevelWarn
	}
	repeated, write := p.refused.note(x.grant.KeyID(), f.Kind, x.begun)
	if !write {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", id.String()), slog.String("code", string(f.Kind)), slog.Int("status", status),
		slog.String("key_id", x.grant.KeyID()), slog.String("client_ip", x.ip.String()), slog.String("path", x.shownPath()),
	}
	if x.target.Model != nil { // any other name is the caller's own writing, and can hold anything
		attrs = append(attrs, slog.String("model", x.target.Model.Name))
	}
	if !x.bot.IsZero() {
		attrs = append(attrs, slog.String("chatbot_id", x.bot.Chatbot().ID))
	}
	if repeated > 0 {
		attrs = append(attrs, slog.Int("more_like_it", repeated))
	}
	if f.Err != nil {
		attrs = append(attrs, slog.String("cause", f.Err.Error()))
	}
	p.opts.Log.LogAttrs(x.r.Context(), level, "refused", attrs...)
}

// shownPath is the canonical path, or a mark where the caller wrote it: what callers
// write can hold anything, a key too.
func (x *exchange) shownPath() string {
	if x.route == nil {
		return "(unknown)"
	}
	return x.route.Path
}

// refusals counts refusals of one sort, so that a flood of them does not flood
// the log. The zero value is ready. It is safe for concurrent use.
type refusals struct {
	mu   sync.Mutex
	seen map[refusal]*tally
}

type refusal struct {
	keyID string
	kind  fault.Kind
}

type tally struct {
	second int64
	kept   int
}

// maxRefusals bounds the sorts remembered; then all are forgotten.
const maxRefusals = 10_000

// note reports whether to write a line now, and for how many earlier ones it
// also stands.
func (r *refusals) note(keyID string, kind fault.Kind, now time.Time) (repeated int, write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || len(r.seen) >= maxRefusals {
		r.seen = map[refusal]*tally{}
	}
	t := r.seen[refusal{keyID, kind}]
	if t == nil {
		t = &tally{}
		r.seen[refusal{keyID, kind}] = t
	}
	if t.second == now.Unix() {
		t.kept++
		return 0, false
	}
	repeated, t.second, t.kept = t.kept, now.Unix(), 0
	return repeated, true
}
