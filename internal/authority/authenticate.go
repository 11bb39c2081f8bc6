package authority

import (
	"context"
	"net/netip"

	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// Authenticate is AuthenticateFrom an address that is not known.
func (a *Authority) Authenticate(ctx context.Context, presented string) (Grant, error) {
	return a.AuthenticateFrom(ctx, presented, netip.Addr{})
}

// AuthenticateFrom tells whose key presented is. It says nothing about what the
// key may do: ask the Grant's Rules. A key that is unknown and one that is not even
// a key are both key_invalid, and look alike; trouble with the store is
// store_unavailable. A key that was used before costs no look-up.
//
// Keys that another system made are known by their hash too. One of which only a
// bcrypt hash is known is checked against that once; wrong ones that begin like it,
// or that come from the same address, are rate_limited, and too many at once are
// overloaded.
func (a *Authority) AuthenticateFrom(ctx context.Context, presented string, from netip.Addr) (Grant, error) {
	if len(presented) > key.MaxForeignLen {
		return Grant{}, unknownKey()
	}
	hash := key.HashOf(presented)
	rec, known := a.keys.values.Load(hash)
	if known && rec.parties.current() {
		a.use(rec, hash)
		return Grant{rec: rec}, nil
	}
	rec, err := a.find(ctx, presented, hash, known, from)
	if err != nil {
		return Grant{}, err
	}
	a.use(rec, hash)
	return Grant{rec: rec}, nil
}

// Recognise is Authenticate for whoever wants to know what would happen to a key,
// which is not to use it.
func (a *Authority) Recognise(ctx context.Context, presented string) (Grant, error) {
	if len(presented) > key.MaxForeignLen {
		return Grant{}, unknownKey()
	}
	hash := key.HashOf(presented)
	_, known := a.keys.values.Load(hash)
	rec, err := a.find(ctx, presented, hash, known, netip.Addr{})
	if err != nil {
		return Grant{}, err
	}
	return Grant{rec: rec}, nil
}

// find is the slow way. The check digits spare the store those that are no keys; a
// key in memory had them right when it was looked up, or was made elsewhere.
func (a *Authority) find(ctx context.Context, presented string, hash key.Hash, known bool, from netip.Addr) (*record, error) {
	if known || key.Wellformed(presented) {
		rec, err := a.lookUp(ctx, hash)
		if known || !isKind(err, fault.KeyInvalid) {
			return rec, err
		}
	}
	return a.findForeign(ctx, presented, hash, from)
}

// GrantByID is the grant that Authenticate would give to whoever holds the key's
// newest secret, for explaining what would happen to them. Kinds: not_found (also
// for a key that the principal may not see), store_unavailable.
func (a *Authority) GrantByID(ctx context.Context, p Principal, id string) (Grant, error) {
	k, err := a.ReadKey(ctx, p, id, "api_key.explain")
	if err != nil {
		return Grant{}, err
	}
	row, err := a.store.Keys.KeyByID(ctx, p.organizationID, k.ID)
	if err != nil {
		return Grant{}, absent(err, "API key", id)
	}
	if len(row.Hashes) == 0 {
		return Grant{}, fault.New(fault.NotFound, "The API key %q has no secret; regenerate it.", id)
	}
	rec, err := a.lookUp(ctx, row.Hashes[0])
	if err != nil {
		return Grant{}, err
	}
	return Grant{rec: rec}, nil
}

// lookUp is the slow way: the key is not in memory, or its owner or organisation
// has changed since.
func (a *Authority) lookUp(ctx context.Context, hash key.Hash) (*record, error) {
	for {
		rec, err := a.keys.get(ctx, hash)
		if isNotFound(err) {
			return nil, unknownKey()
		}
		if err != nil || rec.parties.current() {
			return rec, err
		}
		bound := &record{compiled: rec.compiled}
		if err := a.bind(ctx, bound, rec.parties.id(organizationParty), rec.parties.id(ownerParty)); err != nil {
			return nil, err
		}
		a.keys.exchange(hash, rec, bound)
	}
}

func unknownKey() error {
	return fault.New(fault.KeyInvalid, "The API key is not valid. Check that it was copied whole and has not been replaced.")
}
