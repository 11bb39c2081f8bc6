package server

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/authority"
)

// counted counts what it is asked for.
type counted struct{ flushes, cleanings atomic.Int64 }

func (c *counted) FlushUse(context.Context) error {
	c.flushes.Add(1)
	return nil
}

func (c *counted) CleanUp(context.Context, func(done, total int)) (authority.Cleaned, error) {
	c.cleanings.Add(1)
	return authority.Cleaned{Disabled: 3}, nil
}

func TestUpkeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k counted
		var lines bytes.Buffer
		end := startUpkeep(&k, slog.New(slog.NewTextHandler(&lines, nil)))
		pass := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		pass(35 * time.Second)
		if k.flushes.Load() != 3 || k.cleanings.Load() != 0 {
			t.Errorf("after 35 s: %d flushes, %d cleanings", k.flushes.Load(), k.cleanings.Load())
		}
		pass(30 * time.Second)
		if k.cleanings.Load() != 1 {
			t.Errorf("after a minute: %d flushes, %d cleanings", k.flushes.Load(), k.cleanings.Load())
		}
		pass(time.Hour)
		before := k.flushes.Load()
		if k.cleanings.Load() != 2 {
			t.Errorf("after an hour: %d flushes, %d cleanings", k.flushes.Load(), k.cleanings.Load())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		pass(2 * time.Hour)
		if k.flushes.Load() != before+1 || k.cleanings.Load() != 2 {
			t.Errorf("after the end: %d flushes, had %d; %d cleanings", k.flushes.Load(), before, k.cleanings.Load())
		}
		if !strings.Contains(lines.String(), "disabled=3") {
			t.Errorf("the log: %s", lines.String())
		}
	})
}
