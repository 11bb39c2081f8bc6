package proxy_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tollgate/api"
)

// attempts is what a provider saw of the requests, by their ids: how each attempt was
// paid for and which model it was for, in order.
type attempts struct {
	mu   sync.Mutex
	seen map[string][]attempt
}

type attempt struct{ secret, model string }

// at notes a request and gives what is known of it.
func (a *attempts) at(r *http.Request) attempt {
	body, _ := io.ReadAll(r.Body) // it is in memory
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	now := attempt{secret: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), model: "demo-large"}
	if strings.Contains(string(body), "gpt-4o-mini") {
		now.model = "gpt-4o-mini"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.Header.Get("X-Client-Request-Id")
	a.seen[id] = append(a.seen[id], now)
	return now
}

// TestWhatIsBookedIsWhatWasSent: providers fail and refuse at random, requests go from
// one credential to another and from one target to the next, and meanwhile credentials
// get other secrets and limits, are disabled, deleted and made anew, and everything is
// sealed anew. Each request that a provider saw has one entry, for the model that it
// was asked for last and the credential that this was sent under; what the platform
// pays for costs something, and nothing else does; and in the end nothing is held.
func TestWhatIsBookedIsWhatWasSent(t *testing.T) {
	const workers, each = 8, 40
	g := openTargets(t)
	g.allowFallback()
	ada := g.user("ada@example.com")
	owners := map[string]string{openaiCredential: "", demoCredential: ""} // whose a secret is
	var known sync.Mutex                                                  // covers owners
	secret := func(n int) string { return fmt.Sprintf("sk-PLANTED-%08d", n) }
	bring := func(n int, name string, owner api.Optional[string]) (api.Credential, error) {
		c, err := g.admin.CreateCredential(t.Context(), api.CredentialInput{
			Provider: api.Set("openai"), KeyName: api.Set(name), APIKey: api.Set(secret(n)), UserID: owner, IsDefault: api.Set(true),
		})
		known.Lock()
		owners[secret(n)] = c.ID
		known.Unlock()
		return c, err
	}
	saw := &attempts{seen: map[string][]attempt{}}
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		at := saw.at(r)
		n := rand.IntN(10)
		switch {
		case n < 3 && strings.Contains(at.secret, "PLANTED"):
			w.WriteHeader(http.StatusUnauthorized)
		case n < 5 && at.model == "gpt-4o-mini":
			w.WriteHeader([]int{429, 500, 503}[n%3])
		default:
			g.provider.Provider.ServeHTTP(w, r)
		}
	})
	over, changed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(changed)
		mine, err := bring(0, "mine 0", api.Set(ada.ID))
		shared, other := bring(1, "shared 1", api.Null[string]())
		for n := 2; err == nil && other == nil; n++ {
			select {
			case <-over:
				return
			default:
			}
			change := api.CredentialInput{}
			switch n % 6 {
			case 0:
				change.APIKey = api.Set(secret(n))
				known.Lock()
				owners[secret(n)] = shared.ID
				known.Unlock()
			case 1:
				change.IsActive = api.Set(n%4 == 1)
			case 2:
				change.ConcurrentLimit = api.Set(int64(n % 5))
			case 3:
				change.ConcurrentLimit, change.DailyLimit = api.Null[int64](), api.Set(int64(n*1000))
			case 4:
				if err = g.admin.DeleteCredential(t.Context(), mine.ID); err == nil {
					mine, err = bring(n, fmt.Sprint("mine ", n), api.Set(ada.ID))
				}
				continue
			case 5:
				_, _ = g.admin.RotateVault(t.Context()) // one may be under way
				continue
			}
			_, err = g.admin.UpdateCredential(t.Context(), shared.ID, change)
		}
		t.Errorf("a change: %v", err)
	}()
	k := g.key(api.KeyInput{UserID: api.Set(ada.ID), BudgetLimitCents: api.Set[int64](1_000_000), ConcurrentLimit: api.Set[int64](workers)})
	var load sync.WaitGroup
	for range workers {
		load.Go(func() {
			for n := range each {
				a := ask{key: k.SecretKey, model: []string{"fast", gpt}[n%2], stream: n%3 == 0, max: 20}
				switch r := g.do(a); r.status {
				case 200, 401, 429, 500, 503:
				default:
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		})
	}
	load.Wait()
	close(over)
	<-changed

	models := map[string]string{"gpt-4o-mini": "openai", "demo-large": "demo"}
	left := maps.Clone(saw.seen)
	for _, row := range g.rows(k.APIKey.ID) {
		list := left[row.RequestID]
		delete(left, row.RequestID)
		if len(list) == 0 {
			t.Errorf("booked twice, or never sent: %+v", row)
			continue
		}
		last := list[len(list)-1]
		paid := ""
		if row.CredentialID != nil {
			paid = *row.CredentialID
		}
		if owner, ok := owners[last.secret]; !ok || paid != owner || row.BYOK != (owner != "") || row.Model != last.model || row.Provider != models[last.model] {
			t.Errorf("sent %+v, booked %+v", list, row)
		}
		if costs := row.Outcome == "settled" && !row.BYOK; costs != (row.CostUSD != "0.00") {
			t.Errorf("sent %+v, booked %+v", list, row)
		}
	}
	for id, list := range left {
		t.Errorf("%s has no entry: %+v", id, list)
	}
	// Each slot is free again.
	if _, err := g.admin.UpdateKey(t.Context(), k.APIKey.ID, api.KeyInput{ConcurrentLimit: api.Set[int64](1)}); err != nil {
		t.Fatal(err)
	}
	g.provider.answers(nil)
	if r := g.do(ask{key: k.SecretKey, max: 20}); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
}
