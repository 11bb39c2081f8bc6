package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
)

// readCatalog is the permission to see what this installation offers.
const readCatalog = "platform:organization:read"

// catalogRoutes is what can be asked for: presets of keys, models and their
// prices, roles.
func (s *service) catalogRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/presets", id: "list-presets", tag: "presets",
		summary: "List the presets of keys", about: "What a key starts from when the body that makes it names a preset. Fields of the body go before it.",
		returns: "The presets, the plainest first.", permission: readCatalog, action: "preset.list",
	}, s.listPresets)
	add(s, route{
		method: http.MethodGet, path: "/presets/{name}", id: "get-preset", tag: "presets",
		summary: "Show a preset", about: "What a key starts from when the body that makes it names this preset.",
		returns: "The preset.", permission: readCatalog, action: "preset.get",
	}, s.getPreset)
	add(s, route{
		method: http.MethodGet, path: "/models", id: "list-models", tag: "models",
		summary: "List the models of the catalogue", about: "With their prices and sizes. Rows that stand for many models are no models; they are among the prices.",
		returns: "One page of models.", answers: s.modelAnswers(true), permission: readCatalog, action: "model.list",
	}, s.listModels)
	add(s, route{
		method: http.MethodGet, path: "/models/{name...}", id: "get-model", tag: "models",
		summary: "Show the model that a name means", about: "The name as a caller would send it: one of the catalogue, provider/name, an alias, or a dated name. Slashes in it may stand as they are.",
		returns: "The model to which a request with this name goes.", answers: s.modelAnswers(false), permission: readCatalog, action: "model.get",
	}, s.getModel)
	add(s, route{
		method: http.MethodGet, path: "/prices", id: "list-prices", tag: "prices",
		summary: "List the prices in force", about: "One row for each model that has prices, and for each pattern of names.",
		returns: "One page of prices.", answers: s.priceAnswers(true), permission: readCatalog, action: "price.list",
	}, s.listPrices)
	add(s, route{
		method: http.MethodGet, path: "/prices/{name...}", id: "get-price", tag: "prices",
		summary: "Show one row of prices", about: "By its id, provider/model, as the list gives it. Slashes in it may stand as they are.",
		returns: "The prices.", answers: s.priceAnswers(false), permission: readCatalog, action: "price.get",
	}, s.getPrice)
}

func (s *service) listPresets(_ context.Context, _ authority.Principal, in *Paging) (*answer[api.PresetList], error) {
	shown, total, err := part(authority.Presets(), *in, func(p authority.Preset) string { return p.Name })
	if err != nil {
		return nil, err
	}
	list := api.PresetList{Presets: make([]api.Preset, len(shown)), Total: total, Page: in.Page, Size: in.Size}
	for i, p := range shown {
		list.Presets[i] = presetView(p)
	}
	return &answer[api.PresetList]{Body: list}, nil
}

type presetRef struct {
	Name string `path:"name" doc:"Name of the preset." example:"restricted"`
}

func (s *service) getPreset(_ context.Context, _ authority.Principal, in *presetRef) (*answer[api.Preset], error) {
	for _, p := range authority.Presets() {
		if p.Name == in.Name {
			return &answer[api.Preset]{Body: presetView(p)}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no preset %q.", in.Name)
}

func presetView(p authority.Preset) api.Preset {
	k := p.Key
	return api.Preset{
		Name: p.Name, About: p.About, Needs: notNil(p.Needs), Kind: orNull(string(k.Kind)), Description: k.Description,
		Tags: notNil(k.Tags), Permissions: k.Permissions, Scopes: k.Scopes, AllowedEndpoints: k.AllowedEndpoints, Limits: limitsView(k.Limits),
	}
}

type modelQuery struct {
	Paging
	Provider     string `query:"provider" maxLength:"100" doc:"Only of this provider, such as openai."`
	Capability   string `query:"capability" enum:"chat,completions,responses,embeddings,images,speech,transcriptions,moderations,rerank,realtime,searches" doc:"Only models that are for this."`
	Search       string `query:"search" maxLength:"200" doc:"In id or aliases, whatever the case."`
	IsConfigured string `query:"is_configured" enum:"true,false" doc:"Only models whose provider has a credential, or has none."`
	IsPriced     string `query:"is_priced" enum:"true,false" doc:"Only models with a price for their tokens, or without."`
}

func (q *modelQuery) wants(m api.Model) bool {
	is := func(want string, have bool) bool { return want == "" || (want == "true") == have }
	found := q.Search == "" || slices.ContainsFunc(append([]string{m.ID}, m.Aliases...), func(name string) bool {
		return strings.Contains(strings.ToLower(name), strings.ToLower(q.Search))
	})
	return found && (q.Provider == "" || q.Provider == m.Provider) && (q.Capability == "" || slices.Contains(m.Capabilities, q.Capability)) &&
		is(q.IsConfigured, m.IsConfigured) && is(q.IsPriced, m.IsPriced)
}

func (s *service) listModels(_ context.Context, _ authority.Principal, in *modelQuery) (*answer[api.ModelList], error) {
	var all []api.Model
	for m := range s.prices.Catalog().Models(time.Now()) {
		if view := s.modelView(catalog.Target{Provider: m.Provider, Name: m.Name, Model: m}); in.wants(view) {
			all = append(all, view)
		}
	}
	shown, total, err := part(all, in.Paging, func(m api.Model) string { return m.ID })
	if err != nil {
		return nil, err
	}
	return &answer[api.ModelList]{Body: api.ModelList{Models: append([]api.Model{}, shown...), Total: total, Page: in.Page, Size: in.Size}}, nil
}

type modelRef struct {
	Name string `path:"name" doc:"Name of the model, as a caller would send it." example:"openai/gpt-4o-mini"`
}

func (s *service) getModel(_ context.Context, _ authority.Principal, in *modelRef) (*answer[api.Model], error) {
	target, err := s.prices.Catalog().Resolve(in.Name, time.Now(), s.configured)
	if err != nil {
		return nil, err
	}
	return &answer[api.Model]{Body: s.modelView(target)}, nil
}

// modelView is where a name leads.
func (s *service) modelView(t catalog.Target) api.Model {
	m := t.Model
	view := api.Model{
		ID: t.Provider + "/" + t.Name, Provider: t.Provider, Name: t.Name, Aliases: []string{}, Capabilities: []string{},
		IsConfigured: s.configured(t.Provider),
	}
	for alias, targets := range s.prices.Catalog().Aliases(time.Now()) {
		if first := targets[0]; first.Provider == t.Provider && first.Name == t.Name {
			view.Aliases = append(view.Aliases, alias)
		}
	}
	if m == nil {
		return view
	}
	view.Capabilities = m.Capabilities
	if len(m.Capabilities) == 0 {
		view.Capabilities = []string{"chat"}
	}
	if m.Name == t.Name {
		view.Aliases = append(view.Aliases, m.Aliases()...)
	}
	view.ContextTokens, view.MaxOutputTokens, view.ReleasedOn = positive(m.ContextTokens), positive(m.MaxOutputTokens), orNull(m.Released)
	view.IsPriced = m.Priced
	if m.Prices() != "" {
		prices := tariffView(m.Tariff())
		view.Prices = &prices
		if m.Name != "" { // what no row lists has the default price, and no row
			view.PriceID = orNull(m.ID())
		}
	}
	return view
}

// positive is null for 0, which is not known.
func positive(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

type priceQuery struct {
	Paging
	Provider string    `query:"provider" maxLength:"100" doc:"Only of this provider, such as openai."`
	Model    string    `query:"model" maxLength:"512" doc:"Only of this model, by its name in the row."`
	Source   string    `query:"source" enum:"builtin,config,default,stored" doc:"Only prices from there."`
	At       time.Time `query:"at" doc:"As they are at this instant; left out, now."`
}

func (s *service) listPrices(_ context.Context, _ authority.Principal, in *priceQuery) (*answer[api.PriceList], error) {
	var all []*catalog.Model
	for m := range s.prices.Catalog().Rows(atOrNow(in.At)) {
		if m.Prices() != "" && (in.Provider == "" || in.Provider == m.Provider) && (in.Model == "" || in.Model == m.Name) &&
			(in.Source == "" || in.Source == string(m.PriceSource)) {
			all = append(all, m)
		}
	}
	shown, total, err := part(all, in.Paging, (*catalog.Model).ID)
	if err != nil {
		return nil, err
	}
	list := api.PriceList{Prices: make([]api.Price, len(shown)), Total: total, Page: in.Page, Size: in.Size}
	for i, m := range shown {
		list.Prices[i] = priceView(m)
	}
	return &answer[api.PriceList]{Body: list}, nil
}

// atOrNow is t, or now for the zero time.
func atOrNow(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

type priceRef struct {
	ID string `path:"name" doc:"Id of the prices: provider/model." example:"openai/gpt-4o-mini"`
}

func (s *service) getPrice(_ context.Context, _ authority.Principal, in *priceRef) (*answer[api.Price], error) {
	for m := range s.prices.Catalog().Rows(time.Now()) {
		if m.ID() == in.ID && m.Prices() != "" {
			return &answer[api.Price]{Body: priceView(m)}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There are no prices %q. GET %s/models/… says which prices a model has.", in.ID, prefix)
}

func priceView(m *catalog.Model) api.Price {
	return api.Price{ID: m.ID(), Provider: m.Provider, Model: m.Name, Source: string(m.PriceSource), Since: instant(m.Since), VersionID: orNull(m.VersionID), ModelPricing: tariffView(m.Tariff())}
}

// sampleModel is the model of the examples, as the catalogue has it; nil without
// one.
func (s *service) sampleModel() *catalog.Model {
	if s.prices == nil {
		return nil
	}
	target, err := s.prices.Catalog().Resolve("openai/gpt-4o-mini", time.Time{}, nil)
	if err != nil {
		return nil
	}
	return target.Model
}

// modelAnswers is an example that is what the catalogue says.
func (s *service) modelAnswers(inList bool) []sample {
	m := s.sampleModel()
	if m == nil {
		return nil
	}
	view := s.modelView(catalog.Target{Provider: m.Provider, Name: m.Name, Model: m})
	view.IsConfigured = true
	if !inList {
		return []sample{{"model", "A model with prices", view}}
	}
	return []sample{{"models", "One model", api.ModelList{Models: []api.Model{view}, Total: 1, Page: 1, Size: 100}}}
}

func (s *service) priceAnswers(inList bool) []sample {
	m := s.sampleModel()
	if m == nil {
		return nil
	}
	if !inList {
		return []sample{{"prices", "Prices by the token", priceView(m)}}
	}
	return []sample{{"prices", "One row", api.PriceList{Prices: []api.Price{priceView(m)}, Total: 1, Page: 1, Size: 100}}}
}
