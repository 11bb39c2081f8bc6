package authority

import (
	"bytes"
	"context"
	"net/netip"

	"golang.org/x/crypto/bcrypt"

	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// findForeign is the key that presented is if another system made it. Of most
// strangers it is known from memory that they are none.
func (a *Authority) findForeign(ctx context.Context, presented string, hash key.Hash, from netip.Addr) (*record, error) {
	if !foreignShape(presented) {
		return nil, unknownKey()
	}
	if err := a.foreign.load(ctx); err != nil {
		return nil, err
	}
	if rec, err := a.findByHash(ctx, hash); !isKind(err, fault.KeyInvalid) {
		return rec, err
	}
	if a.foreign.hasKnox() {
		for _, digest := range knoxDigests(presented) {
			if a.foreign.has(SchemeKnox, digest) {
				return a.adoptKnox(ctx, digest, hash)
			}
		}
	}
	if len(presented) >= lookupBytes && len(presented) <= maxBcryptKey && a.foreign.has(SchemeBcrypt, []byte(presented[:lookupBytes])) {
		return a.proveBcrypt(ctx, presented, hash, from)
	}
	return nil, unknownKey()
}

// findByHash looks up a key that another system made, if its hash may be known.
func (a *Authority) findByHash(ctx context.Context, hash key.Hash) (*record, error) {
	if !a.foreign.hasHash(hash) {
		return nil, unknownKey()
	}
	return a.lookUp(ctx, hash)
}

func (a *Authority) adoptKnox(ctx context.Context, digest []byte, hash key.Hash) (*record, error) {
	list, err := a.store.Imports.ForeignSecrets(ctx, SchemeKnox, digest)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if bytes.Equal(s.Lookup, digest) {
			return a.adopt(ctx, s, hash)
		}
	}
	return a.lookUp(ctx, hash) // it is gone, or adopted meanwhile
}

// proveBcrypt checks presented against the hashes that it may be of, few at a
// time, and no more often than wrong keys may be tried. Callers who come with the
// same key share one check.
func (a *Authority) proveBcrypt(ctx context.Context, presented string, hash key.Hash, from netip.Addr) (*record, error) {
	for {
		wrong, round := a.guesses.known(hash)
		if wrong {
			return nil, unknownKey()
		}
		first, ended := a.guesses.join(hash)
		if first {
			defer a.guesses.leave(hash)
			return a.checkBcrypt(ctx, presented, hash, round, from)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.StoreUnavailable, ctx.Err(), "The look-up took too long. Try again shortly.")
		}
		if rec, err := a.findByHash(ctx, hash); !isKind(err, fault.KeyInvalid) {
			return rec, err
		}
	}
}

func (a *Authority) checkBcrypt(ctx context.Context, presented string, hash key.Hash, round int, from netip.Addr) (*record, error) {
	if rec, err := a.findByHash(ctx, hash); !isKind(err, fault.KeyInvalid) {
		return rec, err // somebody with the same key was first
	}
	begins := []byte(presented[:lookupBytes])
	try, err := a.guesses.begin(begins, from, a.now())
	if err != nil {
		return nil, err
	}
	done, err := a.takeTurn(ctx)
	if err != nil {
		try.right() // it was not tried
		return nil, err
	}
	defer done()
	list, err := a.store.Imports.ForeignSecrets(ctx, SchemeBcrypt, begins)
	if err != nil {
		try.right()
		return nil, err
	}
	for _, s := range list {
		cost, err := bcrypt.Cost(s.Proof)
		if err != nil {
			continue // it was valid when it was imported; what cannot be read opens nothing
		}
		if err := try.spend(cost, a.now()); err != nil {
			return nil, err
		}
		if bcrypt.CompareHashAndPassword(s.Proof, []byte(presented)) == nil {
			try.right()
			return a.adopt(ctx, s, hash)
		}
	}
	a.guesses.remember(hash, round)
	return nil, unknownKey()
}

// takeTurn waits until a key may be checked. Too many who wait are refused, and so
// is who has waited for too long.
func (a *Authority) takeTurn(ctx context.Context) (done func(), err error) {
	busy := fault.New(fault.Overloaded, "Too many keys are being checked for the first time. Try again shortly.")
	busy.RetryAfter = retryProof
	select {
	case a.guesses.waiting <- struct{}{}:
		defer func() { <-a.guesses.waiting }()
	default:
		return nil, busy
	}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	select {
	case a.guesses.turns <- struct{}{}:
		return func() { <-a.guesses.turns }, nil
	case <-ctx.Done():
		return nil, busy
	}
}

// adopt makes a secret that has just been seen one like all others: from now on it
// is found by its hash, and how it was hashed elsewhere is forgotten.
func (a *Authority) adopt(ctx context.Context, s ForeignSecret, hash key.Hash) (*record, error) {
	d := deed{p: system(s.OrganizationID), action: "api_key.adopt", kind: "api_key", id: s.KeyID, name: s.KeyName}
	err := a.store.Imports.AdoptSecret(ctx, s, hash, a.instant(), Act{Event: a.event(d)})
	a.foreign.add(SchemeSHA256, hash[:lookupBytes])                      // also after an error: it may have been stored
	if err != nil && !isNotFound(err) && !isKind(err, fault.NameTaken) { // gone, adopted already, or known by its hash too
		return nil, err
	}
	a.keys.forget(hash) // a look-up under way may have begun before
	return a.lookUp(ctx, hash)
}
