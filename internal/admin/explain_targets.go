package admin

import (
	"strings"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/policy"
)

// aim finds the target of a name that the gate would use first, and says which it
// would pass over, and why, and which may take its place. Where there is none, the
// one is judged whose refusal the gate would give.
func (s *service) aim(grant authority.Grant, wallet authority.Wallet, route *dialect.Route, ask *policy.Ask, name string) (first catalog.Target, detail string, err error) {
	targets, err := s.prices.Catalog().Targets(nil, name, route.Deployment, time.Now(), func(slug string) bool {
		return (s.configured(slug) || wallet.Has(slug)) && route.Speaks(s.kindOf(slug))
	})
	if err != nil {
		return first, "", err
	}
	var usable, passed []string
	var refused *fault.Error
	for _, t := range targets {
		f := s.barred(grant, wallet, route, *ask, t)
		switch {
		case f == nil:
			usable = append(usable, t.Provider+"/"+t.Name)
			if len(usable) == 1 {
				first = t
			}
			continue
		case len(usable) == 0 && (refused == nil || !denied(refused) && denied(f)):
			first, refused = t, f
		}
		passed = append(passed, t.Provider+"/"+t.Name+" ("+string(f.Kind)+")")
	}
	if len(usable) == 0 {
		if refused.Kind == fault.ModelNotFound {
			return first, "", refused
		}
		return first, "The model is " + first.Provider + "/" + first.Name + ".", nil
	}
	detail = "The model is " + usable[0] + "."
	if len(usable) > 1 {
		detail += " Where its provider answers with 429 or 5xx, or cannot be reached, " + strings.Join(usable[1:], ", then ") + " takes its place."
	}
	if len(passed) > 0 {
		detail += " Passed over: " + strings.Join(passed, ", ") + "."
	}
	return first, detail, nil
}

// denied reports whether a rule says that a target may not be used; the gate tells
// the caller that rather than anything else.
func denied(f *fault.Error) bool {
	return f.Kind == fault.ModelDenied || f.Kind == fault.ProviderDenied || f.Kind == fault.ModelUnpriced
}

// barred is why a target is none for the request; nil = it is one.
func (s *service) barred(grant authority.Grant, wallet authority.Wallet, route *dialect.Route, ask policy.Ask, t catalog.Target) *fault.Error {
	if !route.Speaks(s.kindOf(t.Provider)) {
		return route.Foreign(ask.Asked, t.Provider)
	}
	ask.Provider, ask.Model = t.Provider, t.Name
	if f := grant.Rules().AdmitModel(&ask); f != nil {
		return f
	}
	payers := wallet.AppendPayers(nil, t.Provider, s.configured(t.Provider))
	switch {
	case len(payers) == 0:
		return fault.New(fault.ProviderUnconfigured, "There is no credential for the provider %s.", t.Provider)
	case route.Free, payers[0] != nil && s.feePercent == 0, t.Model != nil && t.Model.Priced, grant.DefaultPrice() != nil, !grant.Chain().Budgeted():
		return nil
	}
	return fault.New(fault.ModelUnpriced, "It has no price, and a budget applies.")
}
