package proxy_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tollgate/api"
)

var credentials = flag.Int("credentials", 1000, "how many credentials TestA3_RequestsGoOnWhileEverythingIsSealedAnew seals anew")

// TestA3_RequestsGoOnWhileEverythingIsSealedAnew: each is answered, and was paid for
// with the secret of its owner and no other, while all credentials are sealed with a
// fresh key, twice. With more of them (20,000 take half a minute to fill):
//
//	go test ./internal/proxy -run SealedAnew -v -credentials 20000
func TestA3_RequestsGoOnWhileEverythingIsSealedAnew(t *testing.T) {
	g := open(t, nil)
	const owners = 50
	secretOf := func(owner int) string { return fmt.Sprintf("sk-owner-%03d-PLANTED", owner) }
	var wrong, answered atomic.Int64
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, rest, _ := strings.Cut(string(body), `"user":"`)
		owner, _, _ := strings.Cut(rest, `"`)
		if got := r.Header.Get("Authorization"); got != "Bearer sk-owner-"+owner+"-PLANTED" {
			wrong.Add(1)
			t.Errorf("owner %q: sent with %q", owner, got)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		g.provider.Provider.ServeHTTP(w, r)
	})
	var keys [owners]string
	var ids [owners]string
	for i := range owners {
		u := g.user(fmt.Sprintf("u%d@example.com", i))
		g.bring(api.CredentialInput{UserID: api.Set(u.ID), APIKey: api.Set(secretOf(i))})
		k := g.key(api.KeyInput{UserID: api.Set(u.ID)})
		keys[i], ids[i] = k.SecretKey, k.APIKey.ID
	}
	var fill sync.WaitGroup
	for part := range 4 {
		fill.Go(func() {
			for i := owners + part; i < *credentials; i += 4 {
				if _, err := g.admin.CreateCredential(t.Context(), api.CredentialInput{
					Provider: api.Set("openai"), KeyName: api.Set(fmt.Sprint("more ", i)), APIKey: api.Set(fmt.Sprintf("sk-more-%08d-PLANTED", i)),
				}); err != nil {
					t.Errorf("fill: %v", err)
					return
				}
			}
		})
	}
	fill.Wait()

	over := make(chan struct{})
	var load sync.WaitGroup
	var sent [owners]atomic.Int64
	for worker := range 4 {
		load.Go(func() {
			for n := worker; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				owner := n * 7 % owners
				stream := n%3 == 0
				a := ask{key: keys[owner], stream: stream, body: fmt.Sprintf(`{"model":"openai/gpt-4o-mini","stream":%v,"user":"%03d","messages":[{"role":"user","content":"Hello"}]}`, stream, owner)}
				resp, err := g.http.Do(g.request(t.Context(), a))
				if err != nil {
					t.Errorf("no answer: %v", err)
					return
				}
				sent[owner].Add(1)
				if r := read(resp); !r.complete(stream) {
					t.Errorf("owner %d: %d %s", owner, r.status, r.body)
					return
				}
				answered.Add(1)
			}
		})
	}
	for range 2 {
		before := answered.Load()
		r, err := g.admin.RotateVault(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for r.State == "running" {
			if r, err = g.admin.VaultRotation(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if r.State != "done" || int(r.Done) < *credentials {
			t.Errorf("the rotation: %+v", r)
		}
		t.Logf("%d values sealed anew in %s, %d requests answered meanwhile", r.Done, r.EndedAt.Sub(*r.StartedAt), answered.Load()-before)
		g.eventually("requests", func() bool { return answered.Load() > before+owners })
	}
	close(over)
	load.Wait()
	for i := range owners {
		rows := g.rows(ids[i])
		if len(rows) != int(min(sent[i].Load(), 1000)) {
			t.Errorf("owner %d: %d rows for %d requests", i, len(rows), sent[i].Load())
		}
		for _, row := range rows {
			if !row.BYOK || row.Outcome != "settled" {
				t.Errorf("owner %d: %+v", i, row)
			}
		}
	}
}
