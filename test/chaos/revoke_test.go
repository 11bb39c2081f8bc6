package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/simulate"
)

// The load under which keys are ended: so many requests a second in all, on so
// many keys at a time.
const (
	perSecond = 2000
	underLoad = 8
	callersOf = 48
)

// victim is a key that is used until it is ended, and somewhat longer.
type victim struct {
	made  api.KeyCreated
	owner string
	// ended is the code that every request must get which is sent once it is set:
	// that is after the answer to the call that ended the key.
	ended atomic.Pointer[string]
	after atomic.Int64 // requests that were sent since, and refused
}

// endings are the ways to end a victim, or to tighten it so that nothing it sends
// fits any more, each with the code of the refusal.
var endings = []struct {
	name, code string
	end        func(ctx context.Context, c *client.Client, v *victim) error
}{
	{"revoke", "key_revoked", func(ctx context.Context, c *client.Client, v *victim) error {
		_, err := c.RevokeKeyFor(ctx, v.made.APIKey.ID, "chaos")
		return err
	}},
	{"deactivate", "key_disabled", func(ctx context.Context, c *client.Client, v *victim) error {
		_, err := c.DeactivateKey(ctx, v.made.APIKey.ID)
		return err
	}},
	{"delete", "key_invalid", func(ctx context.Context, c *client.Client, v *victim) error {
		return c.DeleteKey(ctx, v.made.APIKey.ID)
	}},
	{"regenerate", "key_invalid", func(ctx context.Context, c *client.Client, v *victim) error {
		_, err := c.RegenerateKey(ctx, v.made.APIKey.ID, api.RegenerateInput{})
		return err
	}},
	{"other models", "model_denied", tighten(api.KeyInput{AllowedModels: api.Set([]string{"demo-mini"})})},
	{"other addresses", "ip_denied", tighten(api.KeyInput{AllowedIPs: api.Set([]string{"203.0.113.7"})})},
	{"other scopes", "scope_denied", tighten(api.KeyInput{Scopes: api.Set([]string{"models.list"})})},
	{"no budget", "budget_exceeded", tighten(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})},
	{"no tokens", "tokens_limited", tighten(api.KeyInput{TokensPerDay: api.Set[int64](0)})},
	{"no slots", "concurrency_limited", tighten(api.KeyInput{ConcurrentLimit: api.Set[int64](0)})},
	{"owner disabled", "owner_inactive", func(ctx context.Context, c *client.Client, v *victim) error {
		_, err := c.UpdateUser(ctx, v.owner, api.UserInput{IsActive: api.Set(false)})
		return err
	}},
	{"owner deleted", "key_invalid", func(ctx context.Context, c *client.Client, v *victim) error {
		return c.DeleteUser(ctx, v.owner)
	}},
}

func tighten(in api.KeyInput) func(context.Context, *client.Client, *victim) error {
	return func(ctx context.Context, c *client.Client, v *victim) error {
		_, err := c.UpdateKey(ctx, v.made.APIKey.ID, in)
		return err
	}
}

// TestC11_NotOneRequestPassesAfterTheAnswer ends keys at moments of no meaning to
// them, in every way there is, while they are used 2,000 times a second. Not one
// request that is sent after the answer to that may be admitted.
func TestC11_NotOneRequestPassesAfterTheAnswer(t *testing.T) {
	p := newProvider(t, simulate.Behaviour{Chunks: 2}, nil)
	g, _ := start(t, p, nil)
	r := &revoker{g: g}
	for i := range r.victims {
		r.victims[i].Store(r.victim(t))
	}
	ctx, stop := context.WithCancel(within(t, 2*time.Minute))
	defer stop()
	var callers sync.WaitGroup
	begun := time.Now()
	for range callersOf {
		callers.Go(func() { r.call(ctx, begun) })
	}
	n := rounds(t, 5*len(endings))
	for i := range n {
		r.end(t, ctx, i%len(endings))
	}
	took := time.Since(begun)
	stop()
	callers.Wait()
	for _, wrong := range r.wrong {
		t.Error(wrong)
	}
	t.Logf("%d keys ended in %s under %.0f requests a second; %d requests were sent after the answers, none was admitted",
		n, took.Round(time.Millisecond), float64(r.sent.Load())/took.Seconds(), r.after.Load())
	if r.after.Load() < int64(n) {
		t.Errorf("only %d requests were sent to %d ended keys", r.after.Load(), n)
	}
}

// revoker is the load, and what went wrong under it.
type revoker struct {
	g       *gate
	victims [underLoad]atomic.Pointer[victim]
	turns   atomic.Int64
	sent    atomic.Int64
	after   atomic.Int64 // of these, to a key that had been ended

	mu    sync.Mutex
	wrong []string // covered by mu
}

// victim is a fresh key of a fresh owner.
func (r *revoker) victim(t *testing.T) *victim {
	t.Helper()
	owner, err := r.g.admin.CreateUser(t.Context(), api.UserInput{Email: api.Set(fmt.Sprintf("%x@example.com", rand.Uint64()))})
	if err != nil {
		t.Fatal(err)
	}
	return &victim{owner: owner.ID, made: r.g.newKey(t, api.KeyInput{UserID: api.Set(owner.ID)})}
}

// call sends requests with any of the keys, in turn with the other callers.
func (r *revoker) call(ctx context.Context, begun time.Time) {
	for {
		turn := begun.Add(time.Duration(r.turns.Add(1)) * time.Second / perSecond)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(turn)):
		}
		v := r.victims[rand.IntN(underLoad)].Load()
		ended := v.ended.Load() // before it is sent
		reply := r.g.do(ctx, ask{key: v.made.SecretKey, stream: rand.IntN(4) == 0, max: 5})
		if ctx.Err() != nil {
			return
		}
		r.sent.Add(1)
		switch {
		case ended == nil && reply.err != nil:
			r.fail("%s: %v", v.made.APIKey.ID, reply.err)
		case ended == nil: // on its way when the key was ended, or before: either answer is right
		case reply.status == http.StatusOK || reply.code != *ended:
			r.fail("%s was ended, and a request sent after that got %d %s, not %s", v.made.APIKey.ID, reply.status, reply.code, *ended)
		default:
			r.after.Add(1)
			v.after.Add(1)
		}
	}
}

func (r *revoker) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) < 20 {
		r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
	}
}

// end ends a key at a random moment, watches the load run into it for a while, and
// puts another key in its place.
func (r *revoker) end(t *testing.T, ctx context.Context, way int) {
	t.Helper()
	slot := rand.IntN(underLoad)
	v := r.victims[slot].Load()
	<-time.After(rand.N(4 * time.Millisecond))
	if err := endings[way].end(ctx, r.g.admin, v); err != nil {
		t.Fatalf("%s: %v", endings[way].name, err)
	}
	v.ended.Store(&endings[way].code)
	next := r.victim(t) // meanwhile
	for v.after.Load() < 5 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
	r.victims[slot].Store(next)
}
