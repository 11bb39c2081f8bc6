package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tollgate/internal/admin"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/pricing"
)

const (
	flushEvery = 10 * time.Second // how late the last use of a secret is known
	cleanFirst = time.Minute      // after the start
	cleanEvery = time.Hour
	lastFlush  = 5 * time.Second // how long the last one may take
)

// keeper is whom the upkeep calls. *authority.Authority is one.
type keeper interface {
	FlushUse(ctx context.Context) error
	CleanUp(ctx context.Context, progress func(done, total int)) (authority.Cleaned, error)
}

// startUpkeep does what must be done from time to time: it stores when secrets
// were last used, and cleans up keys that have expired. The closer ends it, waits
// for it, and stores what is left; the store must still be open then.
func startUpkeep(k keeper, log *slog.Logger) (closer func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		keepUp(ctx, k, log)
	}()
	return func() error {
		cancel()
		<-done
		last, stop := context.WithTimeout(context.Background(), lastFlush)
		defer stop()
		return k.FlushUse(last)
	}
}

func keepUp(ctx context.Context, k keeper, log *slog.Logger) {
	flush, clean := time.NewTicker(flushEvery), time.NewTimer(cleanFirst)
	defer flush.Stop()
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			if err := k.FlushUse(ctx); err != nil && !errors.Is(err, context.Canceled) {
				log.Warn("the last use of keys could not be stored; it is tried again", "error", err)
			}
		case <-clean.C:
			cleanUp(ctx, k, log)
			clean.Reset(cleanEvery)
		}
	}
}

func cleanUp(ctx context.Context, k keeper, log *slog.Logger) {
	cleaned, err := k.CleanUp(ctx, nil)
	if cleaned != (authority.Cleaned{}) {
		log.Info("cleaned up expired keys", "disabled", cleaned.Disabled, "deleted", cleaned.Deleted, "secrets_wiped", cleaned.Wiped)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Warn("cleaning up expired keys failed; it is tried again", "error", err)
	}
}

// startRerates finishes the periods that were being rated anew when the server was
// stopped, by the prices as they are now. The closer ends it, and waits for it.
func startRerates(book *ledger.Ledger, prices *pricing.Book, log *slog.Logger) (closer func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := book.ResumeRerates(ctx, admin.Rating(prices.Catalog())); err != nil && ctx.Err() == nil {
			log.Error("a period that was being rated anew could not be finished; it is tried again after the next start", "error", err)
		}
	}()
	return func() error {
		cancel()
		<-done
		return nil
	}
}
