package proxy

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/catalog"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// serviceOf is the service that a provider's word means; not ok for a word that is
// not known. "" and auto leave it to the provider, which serves as usual unless its
// account says otherwise.
func serviceOf(word string) (s catalog.Service, ok bool) {
	switch word {
	case "", "auto", "default", "standard_only", "standard", "unspecified", "on_demand":
		return catalog.Standard, true
	case "flex":
		return catalog.Flex, true
	case "priority":
		return catalog.Priority, true
	case "fast":
		return catalog.Fast, true
	case "batch":
		return catalog.Batch, true
	}
	if plain := strings.TrimPrefix(strings.ToLower(word), "service_tier_"); plain != word { // Google's long form
		return serviceOf(plain)
	}
	return catalog.Standard, false
}

// wants is the service that the request asks for; not ok for one that is not known.
func (x *exchange) wants() (s catalog.Service, ok bool) {
	if x.call.Fast {
		return catalog.Fast, true
	}
	return serviceOf(x.call.ServiceTier)
}

// unpricedService names the service that the request asks for, if it may cost more
// than the usual one and has no price; "" = it does not.
func (x *exchange) unpricedService() string {
	s, known := x.wants()
	if known && (s == catalog.Standard || s == catalog.Flex) {
		return "" // later is never dearer
	}
	if _, _, priced := x.target.Model.Charged(s); known && priced {
		return ""
	}
	if s == catalog.Fast && known {
		return `The speed "fast"`
	}
	return "The service tier " + strconv.Quote(x.call.ServiceTier)
}

// mayGet is what the request costs under another service that it may get: the one it
// asks for, or the one that the account is set to. Anthropic gives the one that an
// account has bought to whoever does not decline; where that has a price, it is meant
// to be charged.
func (x *exchange) mayGet() catalog.Tariff {
	s, _ := x.wants()
	if x.leavesOpen() {
		s = x.auto
		if x.route.Format == llm.Anthropic {
			s = catalog.Priority
		}
	}
	if s == catalog.Standard {
		return catalog.Tariff{}
	}
	t, _, _ := x.target.Model.Charged(s)
	return t
}

// leavesOpen reports whether the request leaves the service to the provider.
func (x *exchange) leavesOpen() bool {
	return !x.call.Fast && (x.call.ServiceTier == "" || x.call.ServiceTier == "auto")
}

// charge says what the usage of r costs: by the service that the provider says it has
// given, if that has a price; where it says nothing, by the dearer of what was asked
// for and the usual one.
func (x *exchange) charge(r *ledger.Result, said string) {
	r.Cost = x.tariff.Cost(r.Usage)
	if x.prices == "" {
		return
	}
	said = cmp.Or(said, x.servedAs)
	s, known := serviceOf(said)
	if said == "" {
		if s, known = x.wants(); x.leavesOpen() {
			s = x.auto
		}
		known = known && s != catalog.Flex && s != catalog.Batch
	}
	if !known || s == catalog.Standard {
		return
	}
	t, prices, ok := x.target.Model.Charged(s)
	if !ok {
		return
	}
	if x.fee > 0 {
		t = t.Share(x.fee)
		prices = t.String()
	}
	r.Cost, r.Prices = t.Cost(r.Usage), prices
}

// served is how an answer's head says that it was served; "" = it does not.
func served(h http.Header) string { return h.Get("X-Gemini-Service-Tier") }
