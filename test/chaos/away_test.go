package chaos

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/simulate"
)

// lockDatabase takes the database away from everybody who wants to write: it
// holds the lock of SQLite's write-ahead log (WAL_WRITE_LOCK, byte 120 of the
// shared-memory file; "WAL-mode File Format", section 2.3.1) until released.
func lockDatabase(t *testing.T, dir string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "tollgate.db-shm"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: 120, Len: 1}
	for deadline := time.Now().Add(5 * time.Second); ; {
		if err = syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("lock the database: %v", err)
		}
	}
	release = func() { _ = f.Close() } // which drops the lock
	t.Cleanup(release)
	return release
}

// TestDatabaseAway serves and dies while nothing can be written to the database:
// what waited in the journal is booked at the next start.
func TestDatabaseAway(t *testing.T) {
	k := &killer{complete: map[string]reply{}}
	k.provider = newProvider(t, simulate.Behaviour{}, k.trigger.wrap)
	k.house = newHouse(t, k.provider)
	c, g := k.house.start(t)
	k.keys = []api.KeyCreated{g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](2000)}), g.newKey(t, api.KeyInput{})}
	for _, key := range k.keys { // the gate knows them
		r := g.do(t.Context(), ask{key: key.SecretKey})
		k.complete[r.id] = r
	}
	release := lockDatabase(t, k.house.dir)
	begun := len(k.provider.Served())
	struck := k.trigger.arm(300)
	callers := g.gather(t, 8, func(caller int) ask {
		return ask{key: k.keys[caller%2].SecretKey, stream: caller%4 < 2, max: 50}
	})
	<-struck
	c.kill(t)
	release()
	for _, s := range callers.disperse() {
		switch r := s.reply; {
		case r.complete:
			k.complete[r.id] = r
		case r.status != 0 && r.status != http.StatusOK:
			t.Errorf("refused while the database was away: %d %s", r.status, r.body)
		}
	}
	c, g = k.house.start(t)
	k.audit(t, g, 0)
	t.Logf("%d requests were served without the database, %d answered to their end", len(k.provider.Served())-begun, len(k.complete)-2)
	c.kill(t)
}

// TestOfflineGrace keeps the database away for longer than the grace: nothing is
// admitted any more, never with a 401, and all is well once it is back.
func TestOfflineGrace(t *testing.T) {
	p := newProvider(t, simulate.Behaviour{}, nil)
	h := newHouse(t, p, "TOLLGATE_LIMITS_OFFLINE_GRACE=1s")
	c, g := h.start(t)
	key, fresh := g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](100)}), g.newKey(t, api.KeyInput{})
	ctx := within(t, time.Minute)
	g.do(ctx, ask{key: key.SecretKey})
	release := lockDatabase(t, h.dir)
	served := 0
	refused := g.until(ctx, ask{key: key.SecretKey}, func(r reply) bool {
		if r.complete {
			served++
		}
		return !r.complete
	})
	if refused.status != http.StatusServiceUnavailable || refused.code != "store_unavailable" || served == 0 {
		t.Errorf("after %d answers: %d %s", served, refused.status, refused.body)
	}
	for _, secret := range []string{key.SecretKey, fresh.SecretKey} {
		if r := g.do(ctx, ask{key: secret}); r.code != "store_unavailable" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if said := string(g.get(ctx, "/readyz", "")); strings.Contains(said, "ready") {
		t.Errorf("/readyz says %q", said)
	}
	release()
	if r := g.until(ctx, ask{key: key.SecretKey}, func(r reply) bool { return r.complete }); !r.complete {
		t.Errorf("once it is back: %d %s", r.status, r.body)
	}
	g.reconcile(t, key, g.byID(t))
	if n := len(g.rows(t, "")); n != len(p.Served()) {
		t.Errorf("%d entries for %d requests", n, len(p.Served()))
	}
	c.terminate(t)
	if code := c.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// until asks again and again until done says so, or ctx ends.
func (g *gate) until(ctx context.Context, a ask, done func(reply) bool) reply {
	for {
		r := g.do(ctx, a)
		if done(r) || ctx.Err() != nil {
			return r
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestJournalAway takes the journal's directory away: nothing is forwarded that
// could not be recorded, and what is in flight is booked once it is back.
func TestJournalAway(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	p := newProvider(t, simulate.Behaviour{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Wait") != "" {
				close(arrived)
				<-release
			}
			next.ServeHTTP(w, r)
		})
	})
	var journal string
	g, _ := start(t, p, func(c *config.Config) {
		journal = filepath.Join(c.Data, "journal")
		c.Journal.SegmentBytes = 1 // every record begins a file
	})
	key := g.newKey(t, api.KeyInput{BudgetLimitCents: api.Set[int64](100), ConcurrentLimit: api.Set[int64](10)})
	ctx := within(t, time.Minute)
	g.do(ctx, ask{key: key.SecretKey})
	ended := make(chan reply, 1)
	go func() {
		ended <- g.do(ctx, ask{key: key.SecretKey, max: 50, header: map[string]string{"X-Wait": "yes"}})
	}()
	<-arrived
	if err := os.Rename(journal, journal+".away"); err != nil {
		t.Fatal(err)
	}
	_, held, _ := g.counters(t, key, key.APIKey.ID, "budget_limit_cents")
	before := len(p.Served())
	for range 3 {
		if r := g.do(ctx, ask{key: key.SecretKey}); r.status != http.StatusServiceUnavailable || r.code != "store_unavailable" {
			t.Errorf("without a journal: %d %s", r.status, r.body)
		}
	}
	if _, now, _ := g.counters(t, key, key.APIKey.ID, "budget_limit_cents"); now != held || len(p.Served()) != before {
		t.Errorf("%d held, not %d; %d requests were forwarded", now, held, len(p.Served())-before)
	}
	close(release)
	if r := <-ended; !r.complete {
		t.Errorf("what was in flight: %d %s", r.status, r.body)
	}
	if err := os.Rename(journal+".away", journal); err != nil {
		t.Fatal(err)
	}
	if r := g.until(ctx, ask{key: key.SecretKey}, func(r reply) bool { return r.complete }); !r.complete {
		t.Errorf("once it is back: %d %s", r.status, r.body)
	}
	for len(g.rows(t, "")) < len(p.Served()) && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond) // the entry that waited is tried again
	}
	rows := g.byID(t)
	g.reconcile(t, key, rows)
	for _, s := range p.Served() {
		if row := rows[s.RequestID]; row.Outcome != "settled" {
			t.Errorf("billed %+v, booked %+v", s, row)
		}
	}
}
