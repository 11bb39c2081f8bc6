package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Rotation is what sealing everything anew with a fresh key has come to.
type Rotation struct {
	Key       secret.KeyID   // the fresh one; 0 = none was made since the start
	Done      int64          // values sealed with it by this rotation
	Total     int64          // values that it began with, and those that came under an old key since
	Dropped   []secret.KeyID // keys that are no longer in the keyset
	Unneeded  []secret.KeyID // keys that nothing is sealed with and that cannot be taken out from here
	StartedAt time.Time      // zero = never
	EndedAt   time.Time      // zero = it goes on
	Err       error          // why it ended early; nil = it did not
}

// Running reports whether it goes on.
func (r Rotation) Running() bool { return !r.StartedAt.IsZero() && r.EndedAt.IsZero() }

// rotating is the one rotation at a time.
type rotating struct {
	mu     sync.Mutex
	now    Rotation           // covered by mu
	cancel context.CancelFunc // covered by mu; nil while none runs
	done   sync.WaitGroup
}

// Rotation is the one under way, or else the latest since the start.
func (v *Vault) Rotation() Rotation {
	v.running.mu.Lock()
	defer v.running.mu.Unlock()
	return v.running.now
}

// Rotate begins to seal everything anew with a fresh key, and goes on by itself;
// Rotation tells how far it is. One that was broken off, by a fault or the end of
// the process, is taken up where it was: no key is made while values wait. Every
// value can be opened all the while. Kinds: version_conflict when one is under way
// already.
func (v *Vault) Rotate() error {
	r := &v.running
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.Running() {
		return fault.New(fault.VersionConflict, "A rotation is under way already; wait for it to end.")
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.now, r.cancel = Rotation{StartedAt: time.Now()}, cancel
	r.done.Go(func() {
		defer cancel()
		err := v.rotate(ctx)
		v.tell(func(now *Rotation) { now.EndedAt, now.Err = time.Now(), err })
		if err != nil {
			v.opts.Log.Error("sealing everything anew was broken off; every secret still opens, and the next rotation goes on from there", "error", err)
			return
		}
		ended := v.Rotation()
		v.opts.Log.Info("everything is sealed with a fresh key", "key", ended.Key.String(), "values", ended.Done,
			"duration_ms", ended.EndedAt.Sub(ended.StartedAt).Milliseconds())
	})
	return nil
}

// Close breaks off a rotation that is under way and waits for it.
func (v *Vault) Close() {
	v.running.mu.Lock()
	if v.running.cancel != nil {
		v.running.cancel()
	}
	v.running.mu.Unlock()
	v.running.done.Wait()
}

func (v *Vault) tell(change func(*Rotation)) {
	v.running.mu.Lock()
	defer v.running.mu.Unlock()
	change(&v.running.now)
}

// page is how many values are sealed anew in one transaction: few enough that
// nobody who wants to write waits for long.
const page = 256

// rotate does it. The order is what keeps everything readable: a key is in the
// keyset, on the disk, before anything is sealed with it, and leaves it only after
// the store has said, for good, that nothing is.
func (v *Vault) rotate(ctx context.Context) error {
	used, err := v.seals.SealKeys(ctx)
	if err != nil {
		return err
	}
	waiting := int64(0)
	for _, u := range used {
		if u.ID != v.sealer.Keyset().Primary() {
			waiting += u.Values
		}
	}
	if waiting == 0 {
		if err := v.grow(ctx); err != nil {
			return err
		}
		waiting = total(used)
	}
	fresh := v.sealer.Keyset().Primary()
	v.tell(func(now *Rotation) { now.Key, now.Total = fresh, waiting })
	for _, u := range used {
		if u.ID == fresh {
			continue
		}
		if err := v.retire(ctx, u.ID); err != nil {
			return err
		}
	}
	return v.shrink(ctx)
}

// grow makes a fresh key and seals with it from now on.
func (v *Vault) grow(ctx context.Context) error {
	k, err := v.sealer.Keyset().Grown()
	if err != nil {
		return err
	}
	switch err := v.keysets.Save(ctx, k); {
	case errors.Is(err, ErrReadOnly):
		return fmt.Errorf("%w (%s): add a key to it there, as the primary one, start again, and rotate", err, v.keysets)
	case err != nil:
		return err
	}
	if err := v.seals.AllowSealKey(ctx, k.Primary()); err != nil {
		return err
	}
	v.sealer.Use(k)
	return nil
}

// retire seals anew what is sealed with a key, until nothing is and nothing can
// be: who sealed with it just before the fresh key came may still be writing.
func (v *Vault) retire(ctx context.Context, id secret.KeyID) error {
	for {
		old, err := v.seals.SealedWith(ctx, id, page)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			gone, err := v.seals.ForbidSealKey(ctx, id)
			if err != nil || gone {
				return err
			}
			continue
		}
		if err := v.reseal(ctx, old); err != nil {
			return err
		}
	}
}

func (v *Vault) reseal(ctx context.Context, old []secret.Sealed) error {
	fresh := make([]secret.Sealed, len(old))
	for i, s := range old {
		var err error
		if fresh[i], err = v.sealer.Keyset().Reseal(s); err != nil {
			return err
		}
	}
	if err := v.seals.Reseal(ctx, old, fresh); err != nil {
		return err
	}
	v.tell(func(now *Rotation) {
		now.Done += int64(len(old))
		now.Total = max(now.Total, now.Done)
	})
	return nil
}

// shrink takes the keys that nothing is sealed with out of the keyset.
func (v *Vault) shrink(ctx context.Context) error {
	k := v.sealer.Keyset()
	old := k.IDs()[1:]
	if v.opts.Resealed != nil {
		v.opts.Resealed(ctx)
	}
	if len(old) == 0 {
		return nil
	}
	smaller, err := k.Without(old...)
	if err != nil {
		return err
	}
	switch err := v.keysets.Save(ctx, smaller); {
	case errors.Is(err, ErrReadOnly):
		v.tell(func(now *Rotation) { now.Unneeded = old })
		return nil
	case err != nil:
		return err
	}
	v.sealer.Use(smaller)
	v.tell(func(now *Rotation) { now.Dropped = old })
	return nil
}
