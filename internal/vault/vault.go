package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// ErrReadOnly is the error of a Save where the keyset is given from outside and
// cannot be written from here.
var ErrReadOnly = errors.New("the keyset is given from outside and cannot be written from here")

// Keysets is where the keyset lies.
type Keysets interface {
	// Load reads it; fs.ErrNotExist when there is none.
	Load(ctx context.Context) (*secret.Keyset, error)
	// Create writes the first one, for good before it returns; fs.ErrExist when
	// there is one already.
	Create(ctx context.Context, k *secret.Keyset) error
	// Save writes k in the place of the one there is, all of it or nothing, for
	// good before it returns; ErrReadOnly where that is not possible.
	Save(ctx context.Context, k *secret.Keyset) error
	// String says where it lies, for people.
	String() string
}

// SealKey is a key that sealed values may name.
type SealKey struct {
	ID     secret.KeyID
	Values int64         // how many values are sealed with it
	Sample secret.Sealed // one of them; the zero value without
}

// Seals is where sealed values lie. Each method is one transaction.
type Seals interface {
	// SealKeys are the keys that values may be sealed with.
	SealKeys(ctx context.Context) ([]SealKey, error)
	// AllowSealKey lets values be sealed with a key from now on.
	AllowSealKey(ctx context.Context, id secret.KeyID) error
	// SealedWith gives at most n values that are sealed with a key.
	SealedWith(ctx context.Context, id secret.KeyID, n int) ([]secret.Sealed, error)
	// Reseal writes each value of fresh in the place of the one of old, unless
	// another lies there by now.
	Reseal(ctx context.Context, old, fresh []secret.Sealed) error
	// ForbidSealKey lets nothing be sealed with a key from now on, for good before
	// it returns; false, and nothing happens, while something is.
	ForbidSealKey(ctx context.Context, id secret.KeyID) (bool, error)
}

// Options are what a Vault may be told. The zero value is ready to use.
type Options struct {
	// Resealed is called when values have been sealed anew and a key is about to
	// go: what of them is kept in memory must be read again. nil = nobody keeps any.
	Resealed func(ctx context.Context)
	// Ask asks an account's provider whether it takes it; nil = nobody is there to
	// ask.
	Ask             func(ctx context.Context, a *credential.Account) credential.Verdict
	ChecksPerMinute int64        // that somebody may want; 0 = any number
	Log             *slog.Logger // nil = discard
}

// Vault keeps the keyset. It is safe for concurrent use. End it with Close.
type Vault struct {
	seals   Seals
	keysets Keysets
	sealer  *secret.Sealer
	opts    Options
	running rotating
	pace    pace
}

// Open loads the keyset, or makes the first one. When something is sealed that it
// does not open, the error says what is wrong and what to do; nothing should be
// started then.
func Open(ctx context.Context, seals Seals, keysets Keysets, opts Options) (*Vault, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	used, err := seals.SealKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is sealed: %w", err)
	}
	k, err := keysets.Load(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = create(ctx, keysets, used)
	}
	if err != nil {
		return nil, err
	}
	if err := opensAll(k, keysets, used); err != nil {
		return nil, err
	}
	if err := seals.AllowSealKey(ctx, k.Primary()); err != nil {
		return nil, fmt.Errorf("take the sealing key into use: %w", err)
	}
	return &Vault{seals: seals, keysets: keysets, sealer: secret.NewSealer(k), opts: opts}, nil
}

// create makes the first keyset. Where something is sealed already there was one
// before, and a fresh one would only hide that it is gone.
func create(ctx context.Context, keysets Keysets, used []SealKey) (*secret.Keyset, error) {
	if n := total(used); n > 0 {
		return nil, fmt.Errorf("the keyset is missing: %s does not exist, and %d stored secrets are sealed with it; "+
			"put the keyset back (it belongs into every backup beside the database), nothing else opens them", keysets, n)
	}
	k, err := secret.NewKeyset()
	if err == nil {
		err = keysets.Create(ctx, k)
	}
	if err != nil {
		return nil, fmt.Errorf("make the keyset (%s): %w", keysets, err)
	}
	return k, nil
}

func total(used []SealKey) (n int64) {
	for _, u := range used {
		n += u.Values
	}
	return n
}

// opensAll tries one value of each key, so that another keyset is found out now
// and not by the first request that needs it.
func opensAll(k *secret.Keyset, keysets Keysets, used []SealKey) error {
	var missing []string
	var closed int64
	for _, u := range used {
		if u.Values == 0 {
			continue
		}
		text, err := k.Open(u.Sample)
		clear(text)
		switch {
		case errors.Is(err, secret.ErrUnknownKey):
			missing, closed = append(missing, u.ID.String()), closed+u.Values
		case err != nil:
			return fmt.Errorf("the keyset is wrong: %s has a key %s that does not open what is sealed with it (%w); "+
				"put back the keyset that belongs to this database", keysets, u.ID, err)
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("the keyset is wrong: %s has no key %s, and %d stored secrets are sealed with it; "+
		"put back the keyset that belongs to this database", keysets, strings.Join(missing, " and no key "), closed)
}

// Sealer is what the whole program seals and opens with.
func (v *Vault) Sealer() *secret.Sealer { return v.sealer }
