package authority

import (
	"time"

	"tollgate/internal/limit"
	"tollgate/internal/policy"
)

// Grant says who is asking on the data plane: a key that exists, or a caller
// without one at an open chatbot, whatever the rules then say. It comes from
// Authenticate or Visit; the zero value is nobody (IsZero) and its rules deny
// everything. It is a small value and safe for concurrent use; it shows the state
// of the moment at which it was given.
type Grant struct {
	rec *record
	bot *chatbot // through which is asked; nil = none
}

// IsZero reports whether the grant is nobody's.
func (g Grant) IsZero() bool { return g.rec == nil }

// KeyID is the key's id, "key_…"; "" without a key.
func (g Grant) KeyID() string {
	if g.rec == nil {
		return ""
	}
	return g.rec.id
}

// KeyName is the key's name, as usage rows keep it.
func (g Grant) KeyName() string {
	if g.rec == nil {
		return ""
	}
	return g.rec.name
}

// UserID is the id of the key's owner, without a key of the chatbot's; "" = none.
func (g Grant) UserID() string {
	if g.rec == nil {
		return ""
	}
	return g.rec.parties.id(ownerParty)
}

// OrganizationID is the organisation's id, "org_…".
func (g Grant) OrganizationID() string {
	if g.rec == nil {
		return ""
	}
	return g.rec.parties.id(organizationParty)
}

// Rules are what the key may ask for. They deny everything for the zero Grant.
func (g Grant) Rules() *policy.Rules {
	if g.rec == nil {
		return new(policy.Rules)
	}
	return &g.rec.rules
}

// Bot is the chatbot through which is asked; zero = none.
func (g Grant) Bot() Bot { return Bot{g.bot} }

// Anonymous reports whether there is no key.
func (g Grant) Anonymous() bool { return g.rec != nil && g.rec.id == "" }

// Chain is whose allowances a request uses: organisation, owner if there is one,
// key or caller without one, and chatbot.
func (g Grant) Chain() limit.Chain {
	if g.rec == nil {
		return nil
	}
	return g.AppendChain(make(limit.Chain, 0, limit.MaxChain))
}

// AppendChain appends Chain to dst, for those who have a place for it: a request
// that is being forwarded.
func (g Grant) AppendChain(dst limit.Chain) limit.Chain {
	if g.rec == nil {
		return dst
	}
	dst = g.rec.parties.appendTo(dst)
	if g.rec.subject.ID.ID != "" {
		dst = append(dst, &g.rec.subject)
	}
	if g.bot != nil {
		dst = append(dst, &g.bot.subject)
	}
	return dst
}

// Location is the time zone in which the organisation's days, weeks and months
// begin.
func (g Grant) Location() *time.Location {
	if g.rec == nil {
		return time.UTC
	}
	return g.rec.parties[organizationParty].location
}

// KeyInQuery reports whether the key may stand in the query of a request.
func (g Grant) KeyInQuery() bool {
	return g.rec != nil && g.rec.parties[organizationParty].keyInQuery
}

// DefaultPrice is what a model without a price is charged at; nil = it is refused
// under a budget.
func (g Grant) DefaultPrice() *DefaultPrice {
	if g.rec == nil {
		return nil
	}
	return g.rec.parties[organizationParty].defaultPrice
}
