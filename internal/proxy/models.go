package proxy

import (
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

// models answers the list of models, or one of them: those that this key may use
// on the routes of the format that was asked in. What it may not use is not
// found, as if it were not there.
func (p *Proxy) models(x *exchange) error {
	if x.route.Chatbot {
		return p.modelOfChatbot(x)
	}
	x.w.Header().Set("Content-Type", "application/json")
	wallet, err := p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	reaches, known, now := p.reaches(x.route, wallet), p.opts.Prices.Catalog(), x.ask.Now
	if name := x.route.ModelID(x.r.URL.Path); name != "" {
		targets, err := known.Targets(nil, name, false, now, reaches)
		target, ok := usable(x, reaches, name, targets)
		if err != nil || !ok {
			return fault.New(fault.ModelNotFound, "The model %q is not one that this key may use. GET /v1/models lists those that are.", name[:min(len(name), 100)])
		}
		return p.document(x, dialect.ModelBody(x.route.Format, info(name, target)))
	}
	var list []dialect.ModelInfo
	for name, targets := range known.Aliases(now) {
		if target, ok := usable(x, reaches, name, targets); ok {
			list = append(list, info(name, target))
		}
	}
	for m := range known.Models(now) {
		// A name that leads to another provider's model is not listed twice.
		if target, err := known.Resolve(m.Name, now, reaches); err == nil && target.Model == m && mayUse(x, reaches, m.Name, target) {
			list = append(list, info(m.Name, target))
		}
	}
	body, err := dialect.ModelList(x.route.Format, list, x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	return p.document(x, body)
}

// modelOfChatbot answers the same for a chatbot: it has one model, under the name
// that it lays down. Who offers it is not for those who talk to it.
func (p *Proxy) modelOfChatbot(x *exchange) error {
	if f := x.grant.Rules().AdmitGrant(&x.ask); f != nil {
		return f
	}
	wallet, err := p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return err
	}
	name, reaches := x.bot.Fixed().Model, p.reaches(x.route, wallet)
	targets, err := p.opts.Prices.Catalog().Targets(nil, name, false, x.ask.Now, reaches)
	_, there := usable(x, reaches, name, targets)
	there = there && err == nil
	model := dialect.ModelInfo{ID: name, OwnedBy: "chatbot"}
	var body []byte
	switch asked := x.route.ModelID(x.r.URL.Path); {
	case asked == "" && there:
		body, err = dialect.ModelList(x.route.Format, []dialect.ModelInfo{model}, "")
	case asked == "":
		body, err = dialect.ModelList(x.route.Format, nil, "")
	case asked == name && there:
		body, err = dialect.ModelBody(x.route.Format, model), nil
	default:
		err = fault.New(fault.ModelNotFound, "The model %q is not this chatbot's. GET %s lists the one that is.", asked[:min(len(asked), 100)], "/chatbots/{slug}/v1/models")
	}
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "application/json")
	return p.document(x, body)
}

// usable is the first of the targets of a name that the key may use.
func usable(x *exchange, reaches func(string) bool, name string, targets []catalog.Target) (catalog.Target, bool) {
	for _, t := range targets {
		if mayUse(x, reaches, name, t) {
			return t, true
		}
	}
	return catalog.Target{}, false
}

func mayUse(x *exchange, reaches func(string) bool, name string, t catalog.Target) bool {
	ask := x.ask
	ask.Model, ask.Provider, ask.Asked = t.Name, t.Provider, name
	return reaches(t.Provider) && x.grant.Rules().AdmitModel(&ask) == nil
}

func info(name string, t catalog.Target) dialect.ModelInfo {
	m := dialect.ModelInfo{ID: name, OwnedBy: t.Provider}
	if t.Model != nil {
		m.Input, m.Output = t.Model.ContextTokens, t.Model.MaxOutputTokens
		m.Embeds = t.Model.Has("embeddings")
		if released, err := time.Parse(time.DateOnly, t.Model.Released); err == nil {
			m.Created = released.Unix()
		}
	}
	return m
}

func (p *Proxy) document(x *exchange, body []byte) error {
	p.allowWriting(x)
	x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(body) // nobody left to tell
	return nil
}
