package authority

import (
	"context"
	"sync"
	"sync/atomic"

	"tollgate/internal/key"
)

// uses is which secrets were used since that was last stored, each once.
type uses struct {
	mu   sync.Mutex
	list []key.Hash // covered by mu
}

func (u *uses) add(hashes ...key.Hash) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.list = append(u.list, hashes...)
}

func (u *uses) take() []key.Hash {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.list
	u.list = nil
	return list
}

// use keeps that a secret was used. All but the first time after FlushUse it costs
// one read of memory.
func (a *Authority) use(rec *record, hash key.Hash) {
	if atomic.LoadUint32(&rec.used) == 0 && atomic.CompareAndSwapUint32(&rec.used, 0, 1) {
		a.uses.add(hash)
	}
}

// flushPage is how many uses are stored at once: a change of a key waits no longer
// than that takes.
const flushPage = 2000

// FlushUse stores, for the secrets that were used since the last call, that they
// were last used now: call it every few seconds, and at the end. What could not be
// stored is stored the next time. Kinds: store_unavailable.
func (a *Authority) FlushUse(ctx context.Context) error {
	list := a.uses.take()
	for len(list) > 0 {
		page := list[:min(flushPage, len(list))]
		now := a.instant()
		seen := make([]SecretUse, len(page))
		for i, hash := range page {
			seen[i] = SecretUse{hash, now}
			if rec, ok := a.keys.values.Load(hash); ok {
				atomic.StoreUint32(&rec.used, 0)
			}
		}
		if err := a.store.KeyCare.TouchSecrets(ctx, seen); err != nil {
			a.uses.add(list...)
			return err
		}
		list = list[len(page):]
	}
	return nil
}
