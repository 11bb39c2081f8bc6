package authority_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/policy"
)

// grant authenticates or ends the test.
func (h *house) grant(t testing.TB, text string) authority.Grant {
	t.Helper()
	g, err := h.Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// verdict is what the data plane would say to a chat request with the key.
func (h *house) verdict(t testing.TB, text string) fault.Kind {
	t.Helper()
	g, err := h.Authenticate(t.Context(), text)
	if err != nil {
		return fault.Of(err).Kind
	}
	ask := policy.Ask{
		Now: time.UnixMilli(h.now.Load()), Scope: "chat.completions", Endpoint: "/v1/chat/completions",
		Format: "openai", Provider: "openai", Model: "gpt-4o",
	}
	if err := g.Rules().AdmitRoute(&ask); err != nil {
		return err.Kind
	}
	if err := g.Rules().AdmitModel(&ask); err != nil {
		return err.Kind
	}
	return ""
}

func TestAGrantTellsWhoIsAsking(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com","tokens_per_day":1000}`)
	_, err := h.UpdateOrganization(t.Context(), h.root, []byte(`{"timezone":"Europe/Berlin","concurrent_limit":7}`), 0)
	must(t, err)
	k, text := h.key(t, `{"name":"mine","user_id":"`+u.ID+`","budget_limit_cents":250,"budget_type":"monthly","budget_mode":"soft","concurrent_limit":0}`)
	g := h.grant(t, text)
	if g.IsZero() || g.KeyID() != k.ID || g.KeyName() != "mine" || g.UserID() != u.ID ||
		g.OrganizationID() != h.root.OrganizationID() || g.Location().String() != "Europe/Berlin" || g.DefaultPrice() != nil {
		t.Errorf("the grant says %s %q %s %s %s", g.KeyID(), g.KeyName(), g.UserID(), g.OrganizationID(), g.Location())
	}
	same(t, g.Chain(), limit.Chain{
		{ID: limit.ID{Kind: limit.Organization, ID: h.root.OrganizationID()}, Limits: []limit.Limit{
			{Meter: limit.Concurrency, Window: limit.Total, Max: 7},
		}},
		{ID: limit.ID{Kind: limit.User, ID: u.ID}, Limits: []limit.Limit{
			{Meter: limit.Tokens, Window: limit.Day, Max: 1000},
		}},
		{ID: limit.ID{Kind: limit.Key, ID: k.ID}, Limits: []limit.Limit{
			{Meter: limit.Requests, Window: limit.Minute, Max: 60},
			{Meter: limit.Requests, Window: limit.Hour, Max: 3600},
			{Meter: limit.Requests, Window: limit.Day, Max: 86400},
			{Meter: limit.Concurrency, Window: limit.Total, Max: 0},
			{Meter: limit.Cost, Window: limit.Month, Mode: limit.Soft, Max: 2_500_000_000},
		}},
	})

	_, text = h.key(t, `{"name":"nobody's"}`)
	if g := h.grant(t, text); g.UserID() != "" || len(g.Chain()) != 2 {
		t.Errorf("a key without owner has the owner %q and %d subjects", g.UserID(), len(g.Chain()))
	}
}

func TestB11_EveryLimitIsCompiled(t *testing.T) {
	h := newHouse(t)
	for window, want := range map[string]limit.Window{
		"total": limit.Total, "daily": limit.Day, "weekly": limit.Week, "monthly": limit.Month,
	} {
		_, text := h.key(t, `{"name":"a","rate_limit_per_minute":1,"rate_limit_per_hour":2,"rate_limit_per_day":3,
			"tokens_per_minute":4,"tokens_per_day":5,"tokens_per_month":6,"concurrent_limit":7,
			"budget_limit_cents":8,"budget_type":"`+window+`"}`)
		chain := h.grant(t, text).Chain()
		same(t, chain[len(chain)-1].Limits, []limit.Limit{
			{Meter: limit.Requests, Window: limit.Minute, Max: 1},
			{Meter: limit.Requests, Window: limit.Hour, Max: 2},
			{Meter: limit.Requests, Window: limit.Day, Max: 3},
			{Meter: limit.Tokens, Window: limit.Minute, Max: 4},
			{Meter: limit.Tokens, Window: limit.Day, Max: 5},
			{Meter: limit.Tokens, Window: limit.Month, Max: 6},
			{Meter: limit.Concurrency, Window: limit.Total, Max: 7},
			{Meter: limit.Cost, Window: want, Mode: limit.Hard, Max: 80_000_000},
		})
	}
}

func TestTheZeroGrantIsNobody(t *testing.T) {
	var g authority.Grant
	ask := policy.Ask{Now: noon}
	if !g.IsZero() || g.KeyID()+g.KeyName()+g.UserID()+g.OrganizationID() != "" || g.Chain() != nil ||
		g.Location() != time.UTC || g.DefaultPrice() != nil || g.Rules().AdmitRoute(&ask) == nil {
		t.Error("the zero grant is somebody")
	}
}

func TestUnknownAndWrongKeysLookAlike(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a"}`)
	_, first := h.Authenticate(t.Context(), "")
	for _, wrong := range []string{
		"tg_", text[:40], text + "0", text[:40] + "~", "sk-1234", key.New("tg_").Reveal(), key.New("tgm_").Reveal(), key.New("").Reveal(),
	} {
		g, err := h.Authenticate(t.Context(), wrong)
		if is(t, err, fault.KeyInvalid); !g.IsZero() || fault.Of(err).Public != fault.Of(first).Public {
			t.Errorf("%.8s…: %v", wrong, err)
		}
	}
}

func TestKeysOutliveTheirPrefix(t *testing.T) {
	h := newHouse(t)
	_, text := h.key(t, `{"name":"a"}`)
	renamed := authority.New(h.store, authority.Options{KeyPrefix: "acme_"})
	if _, err := renamed.Authenticate(t.Context(), text); err != nil {
		t.Error(err)
	}
	_, made, err := renamed.CreateKey(t.Context(), h.root, []byte(`{"name":"b"}`))
	must(t, err)
	if !key.Valid("acme_", made.Reveal()) {
		t.Error("the prefix is not used")
	}
	h.grant(t, made.Reveal())
}

// Every change is in force as soon as the call that made it has returned, also
// for a key that is in memory.
func TestC11_ChangesAreInForceAtOnce(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	k, text := h.key(t, `{"name":"a","user_id":"`+u.ID+`"}`)
	_, other := h.key(t, `{"name":"b","user_id":"`+u.ID+`"}`)
	update := func(body string) func() error {
		return func() error { h.patch(t, k.ID, body); return nil }
	}
	user := func(body string) func() error {
		return func() error { _, err := h.UpdateUser(t.Context(), h.root, u.ID, []byte(body), 0); return err }
	}
	organization := func(body string) func() error {
		return func() error { _, err := h.UpdateOrganization(t.Context(), h.root, []byte(body), 0); return err }
	}
	for _, step := range []struct {
		name   string
		change func() error
		want   fault.Kind
		others fault.Kind
	}{
		{"as it is", func() error { return nil }, "", ""},
		{"models", update(`{"allowed_models":["claude-*"]}`), fault.ModelDenied, ""},
		{"scopes", update(`{"allowed_models":null,"scopes":["models.list"]}`), fault.ScopeDenied, ""},
		{"formats", update(`{"scopes":null,"allowed_api_formats":["gemini"]}`), fault.FormatDenied, ""},
		{"addresses", update(`{"allowed_api_formats":null,"allowed_ips":["10.0.0.1"]}`), fault.IPDenied, ""},
		{"chatbots", update(`{"allowed_ips":null,"allowed_chatbots":["x"]}`), fault.ChatbotDenied, ""},
		{"endpoints", update(`{"allowed_chatbots":null,"allowed_endpoints":["/x"]}`), fault.EndpointDenied, ""},
		{"providers", update(`{"allowed_endpoints":null,"allowed_providers":["google"]}`), fault.ProviderDenied, ""},
		{"nothing", update(`{"allowed_providers":null}`), "", ""},
		{"owner", user(`{"is_active":false}`), fault.OwnerInactive, fault.OwnerInactive},
		{"owner again", user(`{"is_active":true}`), "", ""},
		{"organization", organization(`{"status":"disabled"}`), fault.OwnerInactive, fault.OwnerInactive},
		{"organization again", organization(`{"status":"active"}`), "", ""},
		{"disabled", func() error { _, err := h.DeactivateKey(t.Context(), h.root, k.ID, 0); return err }, fault.KeyDisabled, ""},
		{"enabled", func() error { _, err := h.ActivateKey(t.Context(), h.root, k.ID, 0); return err }, "", ""},
		{"expires", update(`{"expires_at":"2026-03-01T13:00:00Z"}`), "", ""},
		{"expired", func() error { h.pass(time.Hour); return nil }, fault.KeyExpired, ""},
		{"revoked", func() error { _, err := h.RevokeKey(t.Context(), h.root, k.ID, nil, 0); return err }, fault.KeyRevoked, ""},
		{"deleted", func() error { return h.DeleteKey(t.Context(), h.root, k.ID, 0) }, fault.KeyInvalid, ""},
	} {
		must(t, step.change())
		if got := h.verdict(t, text); got != step.want {
			t.Errorf("%s: the key is told %q, want %q", step.name, got, step.want)
		}
		if got := h.verdict(t, other); got != step.others {
			t.Errorf("%s: the owner's other key is told %q, want %q", step.name, got, step.others)
		}
	}
	_, err := h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"concurrent_limit":3}`), 0)
	must(t, err)
	if chain := h.grant(t, other).Chain(); len(chain[1].Limits) != 1 || chain[1].Limits[0].Max != 3 {
		t.Errorf("the owner's new limit is not in the chain: %+v", chain[1])
	}
}

// tap stands between authority and store.
type tap struct {
	authority.KeyStore
	byHash func(context.Context, func() (authority.KeyRow, error)) (authority.KeyRow, error)
	byID   func() error
	update func(func() error) error
}

func (s *tap) KeyByID(ctx context.Context, organizationID, id string) (authority.KeyRow, error) {
	if s.byID != nil {
		return authority.KeyRow{}, s.byID()
	}
	return s.KeyStore.KeyByID(ctx, organizationID, id)
}

func (s *tap) KeyByHash(ctx context.Context, h key.Hash) (authority.KeyRow, error) {
	next := func() (authority.KeyRow, error) { return s.KeyStore.KeyByHash(ctx, h) }
	if s.byHash == nil {
		return next()
	}
	return s.byHash(ctx, next)
}

func (s *tap) UpdateKey(ctx context.Context, row authority.KeyRow, act authority.Act) error {
	next := func() error { return s.KeyStore.UpdateKey(ctx, row, act) }
	if s.update == nil {
		return next()
	}
	return s.update(next)
}

func tapped(t testing.TB) (*house, *tap) {
	s := &tap{}
	h := newHouse(t, func(store *authority.Store) {
		s.KeyStore = store.Keys
		store.Keys = s
	})
	return h, s
}

var errDisk = fault.Wrap(fault.StoreUnavailable, errors.New("disk on fire"), "The database cannot be used.")

func TestAStoreInTroubleMakesNoKeyInvalid(t *testing.T) {
	h, s := tapped(t)
	_, known := h.key(t, `{"name":"known"}`)
	_, unknown := h.key(t, `{"name":"not seen yet"}`)
	h.grant(t, known)
	s.byHash = func(context.Context, func() (authority.KeyRow, error)) (authority.KeyRow, error) {
		return authority.KeyRow{}, errDisk
	}
	h.grant(t, known) // it goes on working
	_, err := h.Authenticate(t.Context(), unknown)
	if is(t, err, fault.StoreUnavailable); errors.Is(err, fault.KeyInvalid) {
		t.Error("a key that could not be looked up is called invalid")
	}
	s.byHash = nil
	h.grant(t, unknown) // and nothing of the failure is remembered
}

// A write that failed may have been stored all the same: what is in memory is not
// to be trusted either way.
func TestFailedChanges(t *testing.T) {
	for name, test := range map[string]struct {
		update func(func() error) error
		want   fault.Kind
	}{
		"failed, not stored":  {func(func() error) error { return errDisk }, ""},
		"failed, but stored":  {func(next func() error) error { return errors.Join(next(), errDisk) }, fault.KeyDisabled},
		"stored, caller gone": {func(next func() error) error { return errors.Join(next(), context.Canceled) }, fault.KeyDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := tapped(t)
			k, text := h.key(t, `{"name":"a"}`)
			h.grant(t, text)
			s.update = test.update
			if _, err := h.DeactivateKey(t.Context(), h.root, k.ID, 0); err == nil {
				t.Fatal("the failure is not told")
			}
			if got := h.verdict(t, text); got != test.want {
				t.Errorf("the key is told %q, want %q", got, test.want)
			}
			s.update = nil
			_, err := h.DeactivateKey(t.Context(), h.root, k.ID, 0)
			must(t, err)
			if got := h.verdict(t, text); got != fault.KeyDisabled {
				t.Errorf("after the second try the key is told %q", got)
			}
		})
	}
}

// A look-up has read the old row and is slow to say so; meanwhile the key is
// changed. The old row must reach neither memory nor those who wait for it.
func TestASlowLookUpNeverBringsAnOldRecordBack(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testing.T, *house, string)
		want   fault.Kind
	}{
		"update": {func(t *testing.T, h *house, id string) { h.patch(t, id, `{"is_active":false}`) }, fault.KeyDisabled},
		"delete": {func(t *testing.T, h *house, id string) { must(t, h.DeleteKey(t.Context(), h.root, id, 0)) }, fault.KeyInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := tapped(t)
			k, text := h.key(t, `{"name":"a"}`)
			hasRead, goOn := make(chan struct{}), make(chan struct{})
			var first atomic.Bool
			s.byHash = func(_ context.Context, next func() (authority.KeyRow, error)) (authority.KeyRow, error) {
				row, err := next()
				if first.CompareAndSwap(false, true) {
					close(hasRead)
					<-goOn
				}
				return row, err
			}
			early := make(chan fault.Kind, 2)
			for range 2 { // the second joins the first one's look-up
				go func() { early <- h.verdict(t, text) }()
			}
			<-hasRead
			test.change(t, h, k.ID)
			if got := h.verdict(t, text); got != test.want {
				t.Errorf("after the change the key is told %q, want %q", got, test.want)
			}
			close(goOn)
			for range 2 {
				if got := <-early; got != test.want {
					t.Errorf("who came before the change is told %q, want %q", got, test.want)
				}
			}
			if got := h.verdict(t, text); got != test.want {
				t.Errorf("the old record is back: %q, want %q", got, test.want)
			}
		})
	}
}

// Many ask while one changes: nobody who starts after a change has returned sees
// what was before it.
func TestNobodySeesAnOldVersion(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	k, text := h.key(t, `{"name":"a","user_id":"`+u.ID+`","concurrent_limit":0}`)
	var floor atomic.Int64 // a change to this value has returned
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				atLeast := floor.Load()
				chain := h.grant(t, text).Chain()
				byKey, byUser := chain[2].Limits[len(chain[2].Limits)-1].Max, int64(0)
				if len(chain[1].Limits) > 0 {
					byUser = chain[1].Limits[0].Max
				}
				if byKey < atLeast || byUser < atLeast {
					t.Errorf("saw limits %d and %d after a change to %d", byKey, byUser, atLeast)
					return
				}
			}
		})
	}
	for i := range int64(100) {
		body := fmt.Sprintf(`{"concurrent_limit":%d}`, i+1)
		h.patch(t, k.ID, body)
		_, err := h.UpdateUser(t.Context(), h.root, u.ID, []byte(body), 0)
		must(t, err)
		floor.Store(i + 1)
	}
	close(done)
	wg.Wait()
}

func TestOneLookUpForManyWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := tapped(t)
		_, text := h.key(t, `{"name":"a"}`)
		var reads atomic.Int64
		goOn := make(chan struct{})
		s.byHash = func(_ context.Context, next func() (authority.KeyRow, error)) (authority.KeyRow, error) {
			reads.Add(1)
			<-goOn
			return next()
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { h.grant(t, text) })
		}
		synctest.Wait()
		close(goOn)
		wg.Wait()
		if reads.Load() != 1 {
			t.Errorf("%d look-ups for one key", reads.Load())
		}
	})
}

func TestAFloodOfUnknownKeysIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := tapped(t)
		_, known := h.key(t, `{"name":"known"}`)
		h.grant(t, known)
		var reading, most atomic.Int64
		goOn := make(chan struct{})
		s.byHash = func(context.Context, func() (authority.KeyRow, error)) (authority.KeyRow, error) {
			if n := reading.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-goOn
			reading.Add(-1)
			return authority.KeyRow{}, fault.NotFound
		}
		var invalid, unavailable atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				who := t.Context()
				if i >= 100 {
					who = ctx // these leave
				}
				switch _, err := h.Authenticate(who, key.New("tg_").Reveal()); {
				case errors.Is(err, fault.KeyInvalid):
					invalid.Add(1)
				case errors.Is(err, fault.StoreUnavailable) && errors.Is(err, context.Canceled):
					unavailable.Add(1)
				default:
					t.Errorf("an unknown key is %v", err)
				}
			})
		}
		synctest.Wait()
		if n := most.Load(); n != 16 {
			t.Errorf("%d look-ups at once, want 16", n)
		}
		h.grant(t, known) // keys in memory do not queue
		cancel()
		synctest.Wait()
		if unavailable.Load() != 100 {
			t.Errorf("%d of 100 who left were let go", unavailable.Load())
		}
		close(goOn)
		wg.Wait()
		if invalid.Load() != 100 || most.Load() != 16 {
			t.Errorf("%d of 100 who stayed were told, %d look-ups at once", invalid.Load(), most.Load())
		}
	})
}

func TestALookUpThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := tapped(t)
		s.byHash = func(ctx context.Context, _ func() (authority.KeyRow, error)) (authority.KeyRow, error) {
			<-ctx.Done()
			return authority.KeyRow{}, ctx.Err()
		}
		began := time.Now()
		_, err := h.Authenticate(t.Context(), key.New("tg_").Reveal())
		if is(t, err, fault.StoreUnavailable); time.Since(began) > 10*time.Second {
			t.Errorf("it took %s", time.Since(began))
		}
	})
}
