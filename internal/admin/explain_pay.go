package admin

import (
	"fmt"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
)

// payment is who would pay the provider, as the gate chooses.
type payment struct {
	payer *authority.Payer // nil = the platform, or nobody
	costs bool             // the request costs something here
}

// pays says who would pay the provider for the request, and why.
func (s *service) pays(e *explanation, wallet authority.Wallet, provider string) {
	payers := wallet.AppendPayers(nil, provider, s.configured(provider))
	if len(payers) == 0 {
		e.pay.costs = true
		e.deny("provider_configured", fault.ProviderUnconfigured, "There is no credential for the provider "+provider+".")
		return
	}
	e.allow("provider_configured", "There is a credential for the provider.")
	e.pay = payment{payer: payers[0], costs: payers[0] == nil || s.feePercent > 0}
	detail := whoPays(payers[0], provider)
	if len(payers) > 1 {
		detail += " Where the provider refuses it, " + named(payers[1]) + " takes its place."
	}
	e.allow("credential", detail)
}

func whoPays(p *authority.Payer, provider string) string {
	switch {
	case p == nil:
		return fmt.Sprintf("The platform's own credential pays: neither the key's owner nor the organization has an active default for %s.", provider)
	case p.UserID != "":
		return fmt.Sprintf("%s pays: it is the default of the key's owner for %s.%s", named(p), provider, known(p))
	}
	return fmt.Sprintf("%s pays: it is the organization's default for %s, and the key's owner has none.%s", named(p), provider, known(p))
}

func known(p *authority.Payer) string {
	if p.Verdict == credential.Invalid {
		return " The provider has refused it."
	}
	return ""
}

func named(p *authority.Payer) string {
	if p == nil {
		return "the platform's own credential"
	}
	return fmt.Sprintf("the credential %q (%s)", p.Name, p.ID)
}

// chain is whose allowances the request would use.
func (e *explanation) chain(grant authority.Grant) limit.Chain {
	chain := grant.Chain()
	if e.pay.payer != nil {
		chain = append(chain, &e.pay.payer.Subject)
	}
	return chain
}

// share is what of a tariff the request would be charged.
func (s *service) share(e *explanation, t catalog.Tariff) catalog.Tariff {
	switch {
	case !e.pay.costs:
		return catalog.Tariff{}
	case e.pay.payer != nil:
		return t.Share(s.feePercent)
	}
	return t
}
