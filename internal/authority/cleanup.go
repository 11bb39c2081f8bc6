package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Cleaned is what cleaning up did.
type Cleaned struct {
	Disabled int // keys that had expired
	Deleted  int // keys that had expired
	Wiped    int // secrets that had been replaced and had expired
}

// cleanPage is how many keys cleaning up reads at a time.
const cleanPage = 200

// Keys is how many keys were cleaned up.
func (c Cleaned) Keys() int { return c.Disabled + c.Deleted }

// cleanedFormat is a Cleaned as an idempotency key keeps it.
const cleanedFormat = "disabled %d deleted %d wiped %d"

// CleanUpExpired cleans up in the principal's organisation; see CleanUp. Each key
// has its event, and all of it one more. Kinds: permission_denied,
// idempotency_conflict, store_unavailable.
func (a *Authority) CleanUpExpired(ctx context.Context, p Principal, progress func(done, total int)) (Cleaned, error) {
	d := deed{p: p, action: "api_key.clean_up", kind: "api_key"}
	cleaned, _, err := once(ctx, a, d, nil, func(d deed) (Cleaned, secret.Text, error) {
		cleaned, err := a.cleanUpFor(ctx, d, progress)
		return cleaned, secret.Text{}, err
	}, func(was string) (cleaned Cleaned, err error) {
		_, err = fmt.Sscanf(was, cleanedFormat, &cleaned.Disabled, &cleaned.Deleted, &cleaned.Wiped)
		return cleaned, err
	})
	return cleaned, a.refused(ctx, d, err)
}

func (a *Authority) cleanUpFor(ctx context.Context, d deed, progress func(done, total int)) (Cleaned, error) {
	if err := d.p.require(keysManage); err != nil {
		return Cleaned{}, err
	}
	cleaned, err := a.cleanUp(ctx, d.p.organizationID, func(string) Principal { return d.p }, progress)
	if err != nil {
		return cleaned, err
	}
	d.id = fmt.Sprintf(cleanedFormat, cleaned.Disabled, cleaned.Deleted, cleaned.Wiped)
	before := Cleaned{}
	return cleaned, a.store.Audit.AppendEvent(ctx, act(a, d, cleanedFields(), &before, &cleaned))
}

// cleanedFields is how the audit shows what was cleaned up.
func cleanedFields() []field[Cleaned] {
	return []field[Cleaned]{
		kept("keys_disabled", "", func(c *Cleaned) any { return c.Disabled }),
		kept("keys_deleted", "", func(c *Cleaned) any { return c.Deleted }),
		kept("secrets_wiped", "", func(c *Cleaned) any { return c.Wiped }),
	}
}

// CleanUp deletes or disables keys that have expired, as each of them says, or
// else its organisation, and wipes replaced secrets whose time is over. It changes
// nothing about what works: expiry acts by itself. Their usage stays, under their
// names. progress is told after each key, and may be nil; what was done stays done
// when ctx ends. Kinds: store_unavailable.
func (a *Authority) CleanUp(ctx context.Context, progress func(done, total int)) (Cleaned, error) {
	return a.cleanUp(ctx, "", system, progress)
}

func (a *Authority) cleanUp(ctx context.Context, organizationID string, as func(string) Principal, progress func(done, total int)) (Cleaned, error) {
	var cleaned Cleaned
	defaults := map[string]ExpiredKey{}
	done, after := 0, ""
	for {
		rows, left, err := a.store.KeyCare.ExpiredKeys(ctx, organizationID, a.instant(), after, cleanPage)
		if err != nil || len(rows) == 0 {
			return cleaned, err
		}
		total := done + left
		for _, row := range rows {
			action, ok := defaults[row.OrganizationID]
			if !ok {
				o, err := a.store.Organizations.OrganizationByID(ctx, row.OrganizationID)
				if err != nil {
					return cleaned, err
				}
				action = o.ExpiredKeys
				defaults[o.ID] = action
			}
			if err := a.cleanKey(ctx, as(row.OrganizationID), row, action, &cleaned); err != nil {
				return cleaned, err
			}
			done, after = done+1, row.ID
			if progress != nil {
				progress(done, total)
			}
		}
	}
}

// cleanKey cleans up one key, unless it has been changed meanwhile so that there
// is nothing left to do.
func (a *Authority) cleanKey(ctx context.Context, p Principal, row KeyRow, byDefault ExpiredKey, cleaned *Cleaned) error {
	var did Cleaned
	d := deed{p: p, action: "api_key.expire", kind: "api_key", id: row.ID, name: row.Name}
	err := retry(ctx, "API key", func() error {
		did = Cleaned{}
		before, err := a.store.Keys.KeyByID(ctx, row.OrganizationID, row.ID)
		if err != nil {
			return err
		}
		after := before
		now := a.instant()
		for i := len(after.Secrets) - 1; i > 0; i-- {
			if at := after.Secrets[i].ExpiresAt; !at.IsZero() && !at.After(now) {
				after.Secrets = slices.Delete(slices.Clone(after.Secrets), i, i+1)
				after.Hashes = slices.Delete(slices.Clone(after.Hashes), i, i+1)
				did.Wiped++
			}
		}
		expired := !before.ExpiresAt.IsZero() && !before.ExpiresAt.After(now)
		deletes := byDefault == ExpiredDelete
		if before.AutoDeleteOnExpiry != nil {
			deletes = *before.AutoDeleteOnExpiry
		}
		switch {
		case expired && deletes:
			did = Cleaned{Deleted: 1}
			a.bury(&after)
		case expired && before.Status == StatusActive:
			did.Disabled, after.Status, after.DisabledBy = 1, StatusDisabled, p.actor()
		}
		if did == (Cleaned{}) {
			return nil
		}
		after.Version, after.UpdatedAt = before.Version+1, now
		defer a.refreshKey(ctx, before.Hashes)
		return a.store.Keys.UpdateKey(ctx, after, act(a, d, keyFields(now), &before.Key, &after.Key))
	})
	if errors.Is(err, fault.NotFound) {
		return nil // deleted meanwhile
	}
	if err == nil {
		cleaned.Disabled += did.Disabled
		cleaned.Deleted += did.Deleted
		cleaned.Wiped += did.Wiped
	}
	return err
}
