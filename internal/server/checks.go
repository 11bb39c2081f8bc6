package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/upstream"
	"tollgate/internal/vault"
)

// maxVerdict is how much of an answer is looked at.
const maxVerdict = 64 << 10

// ask asks a provider whether it takes an account, and says in a word what came of
// it.
func ask(ctx context.Context, client *upstream.Client, timeout time.Duration, a *credential.Account) credential.Verdict {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := client.Ask(ctx, a)
	var network net.Error
	switch {
	case errors.Is(err, upstream.ErrAddress):
		return credential.Failure(credential.AddressDenied)
	case errors.Is(err, upstream.ErrNoAddress):
		return credential.Failure(credential.NotConfigured)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return credential.Failure(credential.Timeout)
	case err != nil:
		return credential.Failure(credential.Unreachable)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxVerdict))
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return credential.Failure(credential.Timeout)
	}
	return credential.Judge(a.Provider, resp.StatusCode, body)
}

const (
	checkRound = time.Minute // how often it is looked for what is due
	checkBatch = 100         // credentials of one round
	checkAtOne = 4           // checks at the same time
)

// startChecks asks providers for each active credential once in every interval. The
// closer ends it and waits for it.
func startChecks(auth *authority.Authority, safe *vault.Vault, every time.Duration, log *slog.Logger) (closer func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	if every > 0 {
		done.Go(func() {
			tick := time.NewTicker(checkRound)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					checkDue(ctx, auth, safe, time.Now().Add(-every), log)
				}
			}
		})
	}
	return func() error {
		cancel()
		done.Wait()
		return nil
	}
}

// checkDue checks what was not checked since an instant, those that wait longest
// first.
func checkDue(ctx context.Context, auth *authority.Authority, safe *vault.Vault, since time.Time, log *slog.Logger) {
	due, err := auth.DueCredentials(ctx, since, checkBatch)
	if err != nil {
		if ctx.Err() == nil {
			log.Warn("credentials that are due could not be looked for; it is tried again", "error", err)
		}
		return
	}
	slots := make(chan struct{}, checkAtOne)
	var wait sync.WaitGroup
	for _, payer := range due {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			verdict, ok := safe.Check(ctx, payer.Provider, payer.Config, payer.Sealed)
			if !ok || ctx.Err() != nil {
				return
			}
			if _, err := auth.Judged(ctx, authority.Principal{}, payer, verdict); err != nil && ctx.Err() == nil {
				log.Warn("what a provider said of a credential could not be kept", "credential_id", payer.ID, "error", err)
			}
		})
	}
	wait.Wait()
}
