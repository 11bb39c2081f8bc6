package authority

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"unique"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/policy"
)

// chatbot is what the data plane knows of a chatbot: compiled, and immutable but
// for retired.
type chatbot struct {
	retired atomic.Bool
	compiledChatbot
}

type compiledChatbot struct {
	// What every request reads comes first, and lies together.
	parties  parties
	rules    policy.Chatbot
	subject  limit.Subject
	fixed    dialect.Fixed
	visitors []limit.Limit // of each caller without a key; nil = none
	row      Chatbot
}

func (c *chatbot) retire() { c.retired.Store(true) }

// loadChatbot reads the chatbot with an id or a slug, and compiles it.
func (a *Authority) loadChatbot(ctx context.Context, ref string) (*chatbot, error) {
	row, err := a.store.Chatbots.FindChatbot(ctx, ref)
	if err != nil {
		return nil, err
	}
	row.ID = shared(row.ID)
	c := &chatbot{compiledChatbot: compiledChatbot{row: row, fixed: row.fixed(), visitors: row.Anonymous.compile()}}
	c.subject = limit.Subject{ID: limit.ID{Kind: limit.Chatbot, ID: row.ID}, Limits: row.Limits.compile()}
	return c, a.bindChatbot(ctx, c)
}

// shared is s, in the one place in memory that all who hold the same text share: what
// many chatbots and grants have in common is then there once, and compared without
// being read.
func shared(s string) string { return unique.Make(s).Value() }

// bindChatbot gives c the present state of those to whom it belongs.
func (a *Authority) bindChatbot(ctx context.Context, c *chatbot) (err error) {
	if c.parties, err = a.partiesOf(ctx, c.row.OrganizationID, c.row.UserID); isNotFound(err) {
		return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("chatbot %s: its owner or organization is missing: %v", c.row.ID, err),
			"This chatbot cannot be used at the moment.")
	} else if err != nil {
		return err
	}
	owner := c.parties[ownerParty]
	c.rules = policy.Chatbot{
		ID: c.row.ID, Disabled: c.row.Disabled(), Open: c.row.Open(),
		OwnerActive: owner == nil || owner.active, Origins: c.row.AllowedOrigins,
	}
	// Who pays for callers without a key is looked up with it, as for a key.
	_, err = a.Wallet(ctx, Grant{rec: &record{compiled: compiled{parties: c.parties}}})
	return err
}

// Bot is a chatbot as the data plane sees it, at the moment at which it was found.
// It comes from FindChatbot; the zero value is none (IsZero). It is a small value
// and safe for concurrent use.
type Bot struct{ state *chatbot }

// FindChatbot finds a chatbot by its id or its slug. One that was used before
// costs no look-up, and neither does one that is not there: anybody may ask for
// such. Kinds: not_found, store_unavailable.
func (a *Authority) FindChatbot(ctx context.Context, ref string) (Bot, error) {
	if _, used := a.chatbots.values.Load(ref); !used {
		if err := a.chatbotNames.load(ctx); err != nil {
			return Bot{}, err
		}
		if !a.chatbotNames.has(ref) {
			return Bot{}, noChatbot()
		}
	}
	for {
		c, err := a.chatbots.get(ctx, ref)
		if isNotFound(err) {
			return Bot{}, noChatbot()
		}
		if err != nil {
			return Bot{}, err
		}
		if c.parties.current() {
			return Bot{c}, nil
		}
		bound := &chatbot{compiledChatbot: c.compiledChatbot}
		if err := a.bindChatbot(ctx, bound); err != nil {
			return Bot{}, err
		}
		a.chatbots.exchange(ref, c, bound)
	}
}

// noChatbot does not repeat what was asked for: it stands in a path, and can be
// anything.
func noChatbot() error {
	return fault.New(fault.NotFound, "There is no such chatbot. Check the address that you were given.")
}

// IsZero reports whether b is no chatbot.
func (b Bot) IsZero() bool { return b.state == nil }

// Chatbot is the chatbot as it is stored. Treat it as read-only.
func (b Bot) Chatbot() *Chatbot {
	if b.state == nil {
		return new(Chatbot)
	}
	return &b.state.row
}

// Rules are what rules care about; nil = no chatbot.
func (b Bot) Rules() *policy.Chatbot {
	if b.state == nil {
		return nil
	}
	return &b.state.rules
}

// Fixed is what is laid down for every request to the chatbot.
func (b Bot) Fixed() *dialect.Fixed {
	if b.state == nil {
		return new(dialect.Fixed)
	}
	return &b.state.fixed
}

// Serves reports whether the chatbot lets in anybody at all.
func (b Bot) Serves() bool {
	return b.state != nil && !b.state.rules.Disabled && b.state.rules.OwnerActive && b.state.parties[organizationParty].active
}

// Through is g for requests to a chatbot: its allowance is used as well. Kind:
// not_found for a chatbot of another organisation.
func (g Grant) Through(b Bot) (Grant, error) {
	if g.rec == nil || b.state == nil || !g.rec.parties.of(&b.state.parties) {
		return Grant{rec: g.rec}, noChatbot()
	}
	return Grant{rec: g.rec, bot: b.state}, nil
}

// Visit is the grant of a caller without a key at an address. Kinds: key_missing
// for a chatbot that wants a key, ip_denied for an address that is not known,
// because it could not be counted.
func (b Bot) Visit(from netip.Addr) (Grant, error) {
	switch {
	case b.state == nil || !b.state.rules.Open:
		return Grant{}, fault.New(fault.KeyMissing, "This chatbot needs an API key. Put it in the header \"Authorization: Bearer tg_…\".")
	case !from.IsValid():
		return Grant{}, fault.New(fault.IPDenied, "The address of this request is not known, and callers without a key are counted by it. Send a key.")
	}
	rec := &record{compiled: compiled{parties: b.state.parties}}
	rec.rules = policy.Visitor(b.state.parties[organizationParty].active)
	if b.state.visitors != nil {
		rec.subject = limit.Subject{
			ID:     limit.ID{Kind: limit.Visitor, ID: b.state.row.ID + " " + neighbourhood(from)},
			Limits: b.state.visitors,
		}
	}
	return Grant{rec: rec, bot: b.state}, nil
}

// neighbourhood is what one caller has: an IPv4 address, or the 64 bits of an IPv6
// network, within which a single machine can have any address.
func neighbourhood(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// compileGrants are grants as rules want them.
func compileGrants(rows []ChatbotGrant) []policy.Grant {
	if len(rows) == 0 {
		return nil
	}
	grants := make([]policy.Grant, 0, len(rows))
	for _, g := range rows {
		until := int64(0)
		if !g.ExpiresAt.IsZero() {
			until = g.ExpiresAt.UnixMilli()
		}
		grants = append(grants, policy.Grant{Chatbot: shared(g.ChatbotID), Until: until})
	}
	return grants
}
