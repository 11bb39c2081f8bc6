package authority

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
)

// record is what the data plane knows of a key: compiled, immutable, small (a
// million of them may be in memory). It shares its owner's and organisation's
// state with all their other keys; once one of these has been retired, the record
// is bound anew before it is used.
type record struct {
	used uint32 // atomic; 1 = it is known that the secret was used, see Authority.use
	compiled
}

// compiled is what of a record never changes.
type compiled struct {
	id, name string
	rules    policy.Rules
	subject  limit.Subject
	parties  parties
}

// retire does nothing: no one keeps a record, except Grants, which show the
// moment at which they were given.
func (*record) retire() {}

// party is one to whom a key belongs, with all their other keys: their allowance
// is used, and their state counts. Immutable but for retired.
type party struct {
	retired      atomic.Bool
	subject      limit.Subject
	active       bool
	location     *time.Location // of an organisation
	defaultPrice *DefaultPrice  // of an organisation; nil = none
	keyInQuery   bool           // of an organisation: it may
	fallback     bool           // of an organisation: another credential may take the place of one that is refused
	recoverable  bool           // of an organisation
}

func (p *party) retire() { p.retired.Store(true) }

// The kinds of party, in the order of the kinds of subject. One more is one more
// line here, and its look-up in bind.
const (
	organizationParty = iota
	ownerParty
	partyKinds
)

// parties are those to whom something belongs, by kind; nil = none of the kind.
// There always is an organisation.
type parties [partyKinds]*party

// current reports whether what they share is still in force.
func (p *parties) current() bool {
	for _, q := range p {
		if q != nil && q.retired.Load() {
			return false
		}
	}
	return true
}

// of reports whether p and q are of the same organisation.
func (p *parties) of(q *parties) bool {
	a, b := p[organizationParty], q[organizationParty]
	return a != nil && b != nil && (a == b || a.subject.ID.ID == b.subject.ID.ID)
}

// appendTo appends them to a chain.
func (p *parties) appendTo(chain limit.Chain) limit.Chain {
	for _, q := range p {
		if q != nil {
			chain = append(chain, &q.subject)
		}
	}
	return chain
}

// id is the id of the party of a kind; "" = none.
func (p *parties) id(kind int) string {
	if q := p[kind]; q != nil {
		return q.subject.ID.ID
	}
	return ""
}

// userRef names a user; the organisation with it, because a store wants both.
type userRef struct{ organizationID, id string }

// loadRecord reads a key and compiles it.
func (a *Authority) loadRecord(ctx context.Context, hash key.Hash) (*record, error) {
	row, err := a.store.Keys.KeyByHash(ctx, hash)
	if err != nil {
		return nil, err
	}
	which := slices.Index(row.Hashes, hash)
	if which < 0 {
		return nil, fault.NotFound // replaced between two reads of the store
	}
	rules, err := a.compile(&row, row.Secrets[which].ExpiresAt)
	if err != nil {
		return nil, err
	}
	rec := &record{compiled: compiled{id: row.ID, name: row.Name, rules: rules}}
	rec.subject = limit.Subject{ID: limit.ID{Kind: limit.Key, ID: row.ID}, Limits: row.Limits.compile()}
	if row.BalanceMax != nil {
		rec.subject.Limits = append(rec.subject.Limits, balanceLimit(*row.BalanceMax))
	}
	return rec, a.bind(ctx, rec, row.OrganizationID, row.UserID)
}

// bind gives rec the present state of those to whom it belongs.
func (a *Authority) bind(ctx context.Context, rec *record, organizationID, userID string) (err error) {
	if rec.parties, err = a.partiesOf(ctx, organizationID, userID); err != nil {
		return orphan(err, rec.id)
	}
	owner := rec.parties[ownerParty]
	rec.rules = rec.rules.With(owner == nil || owner.active, rec.parties[organizationParty].active)
	// Who pays for its requests is looked up with it: a key that works goes on
	// working while the store is away.
	_, err = a.Wallet(ctx, Grant{rec: rec})
	return err
}

// partiesOf looks up those to whom something belongs; userID "" is no owner.
func (a *Authority) partiesOf(ctx context.Context, organizationID, userID string) (p parties, err error) {
	if p[organizationParty], err = a.organizations.get(ctx, organizationID); err != nil || userID == "" {
		return p, err
	}
	p[ownerParty], err = a.users.get(ctx, userRef{organizationID, userID})
	return p, err
}

// orphan keeps a key whose owner's row is missing from being called unknown: the
// store is damaged, the key is not wrong. The cause is not wrapped, because its
// kind is not_found.
func orphan(err error, keyID string) error {
	if isNotFound(err) {
		return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("key %s: its owner or organization is missing: %v", keyID, err),
			"This key cannot be checked at the moment.")
	}
	return err
}

func (a *Authority) loadUser(ctx context.Context, ref userRef) (*party, error) {
	u, err := a.store.Users.UserByID(ctx, ref.organizationID, ref.id)
	if err != nil {
		return nil, err
	}
	return &party{
		subject: limit.Subject{ID: limit.ID{Kind: limit.User, ID: u.ID}, Limits: u.Limits.compile()},
		active:  u.Status == StatusActive,
	}, nil
}

func (a *Authority) loadOrganization(ctx context.Context, id string) (*party, error) {
	o, err := a.store.Organizations.OrganizationByID(ctx, id)
	if err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(o.Timezone)
	if err != nil {
		return nil, fault.Wrap(fault.StoreUnavailable, fmt.Errorf("organization %s: %w", id, err),
			"The time zone of the organization is not known to this server.")
	}
	return &party{
		subject:      limit.Subject{ID: limit.ID{Kind: limit.Organization, ID: o.ID}, Limits: o.Limits.compile()},
		active:       o.Status == StatusActive,
		location:     location,
		defaultPrice: o.DefaultPrice,
		fallback:     o.CredentialFallback,
		keyInQuery:   o.AllowKeyInQuery,
		recoverable:  o.Recoverable,
	}, nil
}

// compile makes the rules of a stored key for one of its secrets; bind adds the owner's state. A prefix
// that cannot be read must not open or close anything silently: the key is then
// not usable until it is mended.
func (a *Authority) compile(k *KeyRow, secretExpiresAt time.Time) (policy.Rules, error) {
	spec := policy.Spec{Status: k.Status.rule(), ExpiresAt: k.ExpiresAt, SecretExpiresAt: secretExpiresAt, Provider: a.isProvider}
	spec.Scopes = as[llm.Scope](k.Scopes)
	spec.Formats = as[llm.Format](k.AllowedAPIFormats)
	spec.Endpoints, spec.Models = k.AllowedEndpoints, k.AllowedModels
	spec.Providers, spec.Chatbots = k.AllowedProviders, k.AllowedChatbots
	if k.Kind == KindChatbot && spec.Chatbots == nil {
		spec.Chatbots = []string{} // a stored key of this kind that names no chatbot opens nothing
	}
	spec.Grants = compileGrants(k.Grants)
	if k.AllowedIPs != nil {
		spec.IPs = make([]netip.Prefix, 0, len(k.AllowedIPs))
	}
	for _, s := range k.AllowedIPs {
		p, err := policy.ParsePrefix(s)
		if err != nil {
			return policy.Rules{}, fault.Wrap(fault.StoreUnavailable, fmt.Errorf("key %s: allowed_ips: %w", k.ID, err),
				"This key cannot be checked: its allowed_ips cannot be read. Set them again.")
		}
		spec.IPs = append(spec.IPs, p)
	}
	return policy.Compile(spec), nil
}

func (a *Authority) isProvider(slug string) bool { return slices.Contains(a.providers, slug) }

func (s Status) rule() policy.Status {
	switch s {
	case StatusActive:
		return policy.Active
	case StatusRevoked:
		return policy.Revoked
	}
	return policy.Disabled
}

// as gives the words of a list their type; nil stays nil.
func as[T ~string](list []string) []T {
	if list == nil {
		return nil
	}
	typed := make([]T, len(list))
	for i, s := range list {
		typed[i] = T(s)
	}
	return typed
}
