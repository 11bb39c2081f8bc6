package authority

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// ReplayWindow is how long an idempotency key is remembered.
const ReplayWindow = 24 * time.Hour

// Replay is what was done for an idempotency key, of one principal.
type Replay struct {
	PrincipalID string
	Key         string   // the SHA-256 of what was sent, in hex: callers may send anything
	RequestHash [32]byte // of what was asked for
	ResourceID  string   // what came of it
	At          time.Time
}

// once does what a call asks for unless the same call, with the same idempotency
// key, has done it within ReplayWindow; then it gives the resource as it is now,
// and no secret. do gets d with what must be stored beside the change. Another
// call with the same key is idempotency_conflict. Calls that come together are
// sorted out by the store.
func once[T any](ctx context.Context, a *Authority, d deed, body []byte,
	do func(deed) (T, secret.Text, error), again func(id string) (T, error),
) (T, secret.Text, error) {
	var none T
	sent := d.p.origin.IdempotencyKey
	if sent == "" || d.p.organizationID == "" {
		return do(d)
	}
	if len(sent) > 255 || strings.ContainsFunc(sent, func(r rune) bool { return r <= ' ' || r > '~' }) {
		e := fault.New(fault.ValidationFailed, "The Idempotency-Key must be 1 to 255 printable characters without white space.")
		e.Param = "Idempotency-Key"
		return none, secret.Text{}, e
	}
	sum := sha256.Sum256([]byte(sent))
	sent = hex.EncodeToString(sum[:])
	d.replay = Replay{PrincipalID: d.p.id, Key: sent, RequestHash: requestHash(d, body)}
	for attempt := 0; ; attempt++ {
		past, err := a.store.Replays.Replayed(ctx, d.p.organizationID, d.p.id, sent, a.instant().Add(-ReplayWindow))
		switch {
		case err == nil && past.RequestHash != d.replay.RequestHash:
			return none, secret.Text{}, fault.New(fault.IdempotencyConflict,
				"This Idempotency-Key was used for another request. Use a fresh one for each request.")
		case err == nil:
			return replayed(ctx, a, d, past, again)
		case !isNotFound(err):
			return none, secret.Text{}, err
		}
		made, text, err := do(d)
		if errors.Is(err, fault.IdempotencyConflict) && attempt < attempts {
			continue // another call with this key has just been faster
		}
		return made, text, err
	}
}

func replayed[T any](ctx context.Context, a *Authority, d deed, past Replay, again func(id string) (T, error)) (T, secret.Text, error) {
	now, err := again(past.ResourceID)
	if err != nil {
		return now, secret.Text{}, err
	}
	d.id = past.ResourceID
	e := a.event(d)
	e.Outcome = OutcomeReplayed
	return now, secret.Text{}, a.note(ctx, e)
}

func requestHash(d deed, body []byte) [32]byte {
	return sha256.Sum256([]byte(d.action + "\n" + d.id + "\n" + string(body)))
}
