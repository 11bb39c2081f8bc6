package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// rerateEntries is the permission to correct what was charged.
const rerateEntries = "platform:prices:rerate"

// rerateTime is how long rating anew may take. What was applied by then stays, and
// the rest follows after the next start.
const rerateTime = 30 * time.Minute

// Rerater is what the management API rates anew with. *ledger.Ledger is one.
type Rerater interface {
	// Rerate rates the entries of a period anew.
	Rerate(ctx context.Context, r ledger.Rerate, rate ledger.Rating, apply bool, record func(context.Context, ledger.Rerate) error, tell func(done, total int64)) (ledger.Rerate, error)
	// Rerates are those that were applied, newest first.
	Rerates(ctx context.Context, organizationID string) ([]ledger.Rerate, error)
	// Unpriced lists what was used and charged by no price.
	Unpriced(ctx context.Context, f ledger.Filter) ([]ledger.UnpricedUse, error)
}

// Rating rates entries by the prices of a catalogue that held when they were
// admitted.
func Rating(c *catalog.Catalog) ledger.Rating {
	return func(e *ledger.Entry) (money.NanoUSD, string, string) {
		return c.Rate(e.Provider, e.Model, time.UnixMilli(e.At), e.Usage, e.Prices)
	}
}

func (s *service) rerateRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/unpriced-models", id: "list-unpriced-models", tag: "prices", action: "usage.read",
		summary: "List the models that were used without a price", about: "What they were used for was charged nothing; rating the period anew charges it, once they have a price for that time. What somebody's own credential has paid for needs none.",
		returns: "One page of models, those most used first.", permission: "platform:usage:read", timeout: time.Minute,
	}, s.listUnpriced)
	add(s, route{
		method: http.MethodGet, path: "/rerates", id: "list-rerates", tag: "prices", action: "rerate.list",
		summary: "List the periods that were rated anew, newest first", about: "Those that were applied.",
		returns: "One page of re-rates.", permission: rerateEntries,
	}, s.listRerates)
	add(s, route{
		method: http.MethodPost, path: "/rerates", id: "rerate", tag: "prices", action: "rerate.create",
		summary: "Rate the entries of a period anew", about: "Each costs what the prices say that hold for the instant at which it was admitted. With apply the difference is booked as an entry of its own, with the outcome corrected, at that instant: no entry is changed, and every sum, limit, balance and statement has it at once. Broken off, it goes on after the next start and corrects nothing twice. As JSON Lines it tells how far it is.",
		permission: rerateEntries, body: api.RerateInput{}, samples: rerateSamples(), timeout: rerateTime,
		answer: api.Rerate{}, also: ndjsonMediaType, alsoSample: "{\"done\":500,\"total\":1200}\n{\"done\":1200,\"total\":1200}\n{\"id\":null,\"state\":\"checked\"}\n",
		returns: "What came of it, or would.", codes: []fault.Kind{fault.VersionConflict, fault.NotFound},
	}, s.rerate)
}

type unpricedQuery struct {
	Paging
	From     time.Time `query:"from" doc:"Requests admitted at or after this instant."`
	To       time.Time `query:"to" doc:"Requests admitted before this instant."`
	Provider string    `query:"provider" maxLength:"100" doc:"Only of this provider, such as openai."`
}

func (s *service) listUnpriced(ctx context.Context, who authority.Principal, in *unpricedQuery) (*answer[api.UnpricedList], error) {
	all, err := s.rerater.Unpriced(ctx, ledger.Filter{OrganizationID: who.OrganizationID(), From: in.From, To: in.To, Provider: in.Provider})
	if err != nil {
		return nil, err
	}
	shown, total, err := part(all, in.Paging, func(u ledger.UnpricedUse) string { return u.Provider + "/" + u.Model })
	if err != nil {
		return nil, err
	}
	list := api.UnpricedList{UnpricedModels: []api.UnpricedModel{}, Total: total, Page: in.Page, Size: in.Size}
	for _, u := range shown {
		list.UnpricedModels = append(list.UnpricedModels, api.UnpricedModel{
			ID: u.Provider + "/" + u.Model, Provider: u.Provider, Model: u.Model, IsPriced: s.prices.Catalog().Priced(u.Provider, u.Model, time.Now()).Prices() != "",
			Requests: u.Requests, InputTokens: u.InputTokens, OutputTokens: u.OutputTokens, FirstAt: inUTC(u.FirstAt), LastAt: inUTC(u.LastAt),
		})
	}
	return &answer[api.UnpricedList]{Body: list}, nil
}

func (s *service) listRerates(ctx context.Context, who authority.Principal, in *Paging) (*answer[api.RerateList], error) {
	all, err := s.rerater.Rerates(ctx, who.OrganizationID())
	if err != nil {
		return nil, err
	}
	shown, total, err := part(all, *in, func(r ledger.Rerate) string { return r.ID })
	if err != nil {
		return nil, err
	}
	list := api.RerateList{Rerates: []api.Rerate{}, Total: total, Page: in.Page, Size: in.Size}
	for _, r := range shown {
		list.Rerates = append(list.Rerates, rerateView(r, true))
	}
	return &answer[api.RerateList]{Body: list}, nil
}

type rerateOrder struct {
	Body   json.RawMessage
	Format string `query:"format" enum:"json,jsonl" doc:"Without it, as the Accept header says."`

	accept string
}

// Resolve notes which form the caller wants.
func (o *rerateOrder) Resolve(hc huma.Context) []error {
	o.accept = hc.Header("Accept")
	return nil
}

func (s *service) rerate(ctx context.Context, who authority.Principal, in *rerateOrder) (*usageAnswer, error) {
	r, apply, err := s.readRerate(ctx, who, in.Body)
	if err != nil {
		return nil, err
	}
	return &usageAnswer{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(rerateTime)) // a writer without deadlines has none to move
		telling := progressWriter{hc: hc, w: w}
		tell := func(done, total int64) { telling.tell(int(done), int(total)) }
		lines := (&cleanUpQuery{in.Format, in.accept}).lines()
		if !lines {
			tell = nil
		}
		ctx := hc.Context()
		if apply {
			// What is begun is done, whether its caller is still there or not.
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), rerateTime)
			defer cancel()
		}
		done, err := s.rerater.Rerate(ctx, r, Rating(s.prices.Catalog()), apply, func(ctx context.Context, r ledger.Rerate) error {
			return s.authority.Audit(ctx, who, rerateDeed(r))
		}, tell)
		switch {
		case err != nil && !telling.begun:
			s.writeRefusal(hc, err)
		case err != nil: // half a job must not look like a whole one
			s.log.WarnContext(ctx, "rating anew was broken off", "error", err, "request_id", requestID(ctx))
			panic(http.ErrAbortHandler)
		case lines:
			telling.line(rerateView(done, apply))
		default:
			hc.SetHeader("Content-Type", "application/json")
			_ = marshal(hc.BodyWriter(), rerateView(done, apply)) // a caller that has left
		}
	}}, nil
}

// readRerate reads the body, and finds the key it names.
func (s *service) readRerate(ctx context.Context, who authority.Principal, body []byte) (r ledger.Rerate, apply bool, err error) {
	in, wrong, err := decodeObject[api.RerateInput](body)
	if err != nil {
		return r, false, err
	}
	instantOf := func(name, text string) (t time.Time) {
		if text == "" {
			return t
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil || t.Year() < 2000 || t.Year() > 9998 {
			wrong = append(wrong, fault.Field{Name: name, Problem: "must be an instant like 2026-11-01T00:00:00Z, or null"})
			return time.Time{}
		}
		return t.UTC()
	}
	r = ledger.Rerate{
		OrganizationID: who.OrganizationID(), From: instantOf("from", in.From), To: instantOf("to", in.To),
		Provider: in.Provider, Model: in.Model, KeyID: in.KeyID, Actor: who.ID(),
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		wrong = append(wrong, fault.Field{Name: "to", Problem: "must be after from"})
	}
	if err := invalid(wrong); err != nil {
		return r, false, err
	}
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return r, false, err
	}
	r.Location = loc.String()
	return r, in.Apply, nil
}

// rerateDeed is what the audit keeps of a re-rate that begins.
func rerateDeed(r ledger.Rerate) authority.Deed {
	d := authority.Deed{Action: "rerate.create", ResourceType: "rerate", ResourceID: r.ID}
	for _, field := range [][2]string{{"provider", r.Provider}, {"model", r.Model}, {"key_id", r.KeyID}} {
		if field[1] != "" {
			d.Changes = append(d.Changes, changed(field[0], field[1]))
		}
	}
	for name, t := range map[string]time.Time{"from": r.From, "to": r.To} {
		if !t.IsZero() {
			d.Changes = append(d.Changes, changed(name, t.Format(time.RFC3339Nano)))
		}
	}
	slices.SortFunc(d.Changes, func(a, b authority.Change) int { return strings.Compare(a.Field, b.Field) })
	return d
}

func rerateView(r ledger.Rerate, applied bool) api.Rerate {
	report := r.Report
	view := api.Rerate{
		State: "checked", From: instant(r.From), To: inUTC(r.To), Provider: orNull(r.Provider), Model: orNull(r.Model), KeyID: orNull(r.KeyID),
		Actor: r.Actor, BeganAt: inUTC(r.BeganAt), EndedAt: instant(r.EndedAt),
		Entries: report.Entries, Corrected: report.Corrected, BeforeUSD: report.Before.String(), AfterUSD: report.After.String(), DifferenceUSD: (report.After - report.Before).String(),
		Models: rerateLines(report.Models), Keys: rerateLines(report.Keys), LeftOut: []api.LeftOut{},
	}
	if applied {
		view.ID, view.State = &r.ID, "running"
		if !r.EndedAt.IsZero() {
			view.State = "done"
		}
	}
	for _, why := range slices.Sorted(maps.Keys(report.LeftOut)) {
		view.LeftOut = append(view.LeftOut, api.LeftOut{Reason: why, Entries: report.LeftOut[why]})
	}
	return view
}

func rerateLines(lines map[string]*ledger.RerateLine) []api.RerateLine {
	by := func(l *ledger.RerateLine) money.NanoUSD { return max(l.After-l.Before, l.Before-l.After) }
	ids := slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(cmp.Compare(by(lines[b]), by(lines[a])), cmp.Compare(a, b))
	})
	out := []api.RerateLine{}
	for _, id := range ids {
		l := lines[id]
		out = append(out, api.RerateLine{
			ID: id, Name: l.Name, Entries: l.Entries, Corrected: l.Corrected,
			BeforeUSD: l.Before.String(), AfterUSD: l.After.String(), DifferenceUSD: (l.After - l.Before).String(),
		})
	}
	return out
}

func rerateSamples() []sample {
	return []sample{
		{"check", "What November would have cost", api.RerateInput{From: "2026-11-01T00:00:00Z", To: "2026-12-01T00:00:00Z"}},
		{"apply", "Book what one model should have cost since then", api.RerateInput{From: "2026-11-01T00:00:00Z", Provider: "openai", Model: "gpt-4o-mini", Apply: true}},
	}
}
