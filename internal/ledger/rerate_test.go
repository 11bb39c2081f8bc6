package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// anew is what entries cost by the better knowledge of the tests: so much a token,
// for two models of three.
func anew(perToken int64) ledger.Rating {
	return func(e *ledger.Entry) (money.NanoUSD, string, string) {
		if e.Model == "small" && e.Provider == "anthropic" {
			return 0, "", "unpriced"
		}
		return money.NanoUSD(e.Usage.Total() * perToken), fmt.Sprint(perToken), ""
	}
}

// spent is what is counted against the limits of a subject, in total and this month.
func (h house) spent(t testing.TB, id limit.ID) [2]int64 {
	t.Helper()
	got := h.counts(t, limit.Chain{{ID: id, Limits: []limit.Limit{
		{Meter: limit.Cost, Window: limit.Total, Max: 1e18}, {Meter: limit.Cost, Window: limit.Month, Max: 1e18},
	}}})
	return [2]int64{got[0], got[1]}
}

// consistent holds every sum to the entries.
func (h house) consistent(t testing.TB, when string) {
	t.Helper()
	all, _, err := h.Entries(t.Context(), ledger.Filter{Limit: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	month := limit.CalendarAt(time.Now(), time.UTC).Month
	cost, recent, requests := map[limit.ID]int64{}, map[limit.ID]int64{}, map[limit.ID]int64{}
	models := map[string]int64{}
	for i := range all {
		e := &all[i]
		for _, id := range []limit.ID{
			{Kind: limit.Organization, ID: e.OrganizationID},
			{Kind: limit.User, ID: e.UserID},
			{Kind: limit.Key, ID: e.KeyID},
			{Kind: limit.Chatbot, ID: e.ChatbotID},
			{Kind: limit.Credential, ID: e.CredentialID},
		} {
			if id.ID == "" {
				continue
			}
			cost[id] += int64(e.Cost)
			requests[id] += e.Requests()
			if e.At/1000 >= month {
				recent[id] += int64(e.Cost)
			}
		}
		models[e.Provider+"/"+e.Model] += int64(e.Cost)
	}
	for id := range cost {
		totals, err := h.Totals(t.Context(), []string{id.ID})
		if err != nil {
			t.Fatal(err)
		}
		if s := totals[id.ID]; int64(s.Cost) != cost[id] || s.Requests != requests[id] {
			t.Errorf("%s: %s has %+v, its entries %d in %d requests", when, id, s, cost[id], requests[id])
		}
		if got := h.spent(t, id); got != [2]int64{cost[id], recent[id]} {
			t.Errorf("%s: against limits of %s count %v, its entries are %d and %d", when, id, got, cost[id], recent[id])
		}
	}
	groups, err := h.Series(t.Context(), ledger.Filter{}, []ledger.Dimension{ledger.ByProvider, ledger.ByModel}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, g := range groups {
		if int64(g.Cost) != models[g.Provider+"/"+g.Model] {
			t.Errorf("%s: the statistics of %s/%s have %d, its entries %d", when, g.Provider, g.Model, g.Cost, models[g.Provider+"/"+g.Model])
		}
		n += g.Requests
	}
	var want int64
	for i := range all {
		want += all[i].Requests()
	}
	if n != want {
		t.Errorf("%s: the statistics have %d requests, there are %d", when, n, want)
	}
	balances, err := h.Balances(t.Context(), []string{"key_a", "key_b", "key_c"})
	if err != nil {
		t.Fatal(err)
	}
	for key, b := range balances {
		if int64(b.Spent) != cost[limit.ID{Kind: limit.Key, ID: key}] || b.Available() != b.Granted-b.Spent-b.Held {
			t.Errorf("%s: the balance of %s is %+v, its entries %d", when, key, b, cost[limit.ID{Kind: limit.Key, ID: key}])
		}
		if st, err := h.Statement(t.Context(), key, time.Time{}, time.Time{}, time.UTC); err != nil || st.Closing != b.Available()+b.Held {
			t.Errorf("%s: the statement of %s closes with %d, its balance is %+v (%v)", when, key, st.Closing, b, err)
		}
	}
}

// filled is a house with entries of the last two months, a balance that was there
// before them, and subjects that are in use and others that are not.
func filled(t testing.TB, rng *rand.Rand, n int, now time.Time, wrap func(ledger.Store) ledger.Store) house {
	t.Helper()
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{})
	first := ledger.BalanceEntry{ID: "bal_1", OrganizationID: "org_1", KeyID: "key_a", Kind: ledger.Grant, Amount: 1e15, IdempotencyKey: "bal_1", At: time.Now().AddDate(-1, 0, 0)}
	if err := h.store.OpenAccount(t.Context(), first, 0, nil); err != nil {
		t.Fatal(err)
	}
	entries := anyEntries(rng, n, now.AddDate(0, -2, 0), now)
	for _, e := range entries {
		e.BYOK = rng.IntN(5) == 0
	}
	if err := h.store.Apply(t.Context(), entries, ledger.Position{}); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir, wrap, ledger.Options{})
	h.spent(t, limit.ID{Kind: limit.Organization, ID: "org_1"})
	h.spent(t, limit.ID{Kind: limit.Key, ID: "key_a"})
	return h
}

// Whatever is rated anew: history stays, and every sum, limit, balance and statement
// is that of the entries, before and after a restart. Once done, there is nothing to
// be done.
func TestRatedAnewEverythingAgrees(t *testing.T) {
	for round := range 4 {
		rng := rand.New(rand.NewPCG(7, uint64(round)))
		h := filled(t, rng, 400, time.Now(), nil)
		before, _, err := h.Entries(t.Context(), ledger.Filter{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		h.consistent(t, "before")
		r := ledger.Rerate{OrganizationID: "org_1", From: time.Now().AddDate(0, 0, -40), Location: "UTC", Actor: "mk_1"}
		if round%2 == 1 {
			r.KeyID, r.To = "key_a", time.Now().AddDate(0, 0, -3)
		}
		dry, err := h.Rerate(t.Context(), r, anew(3_000_000), false, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if same, _, _ := h.Entries(t.Context(), ledger.Filter{Limit: 10_000}); len(same) != len(before) {
			t.Fatal("a dry run books something")
		}
		recorded := 0
		done, err := h.Rerate(t.Context(), r, anew(3_000_000), true, func(context.Context, ledger.Rerate) error { recorded++; return nil }, nil)
		if err != nil || recorded != 1 || done.EndedAt.IsZero() {
			t.Fatalf("%+v, %v", done, err)
		}
		if a, b := fmt.Sprint(dry.Report.RerateLine, dry.Report.LeftOut), fmt.Sprint(done.Report.RerateLine, done.Report.LeftOut); a != b || done.Report.Corrected == 0 {
			t.Errorf("a dry run says %s, and done it is %s", a, b)
		}
		var models, keys ledger.RerateLine
		for _, m := range done.Report.Models {
			models.Entries, models.Before, models.After = models.Entries+m.Entries, models.Before+m.Before, models.After+m.After
		}
		for _, k := range done.Report.Keys {
			keys.Entries, keys.Before, keys.After = keys.Entries+k.Entries, keys.Before+k.Before, keys.After+k.After
		}
		if models != keys || models.Entries != done.Report.Entries || models.After != done.Report.After {
			t.Errorf("by models %+v, by keys %+v, in all %+v", models, keys, done.Report.RerateLine)
		}
		h.consistent(t, "after")
		after, _, err := h.Entries(t.Context(), ledger.Filter{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		still := map[ledger.RequestID]ledger.Entry{}
		var by money.NanoUSD
		for _, e := range after {
			still[e.ID] = e
			if e.Outcome == ledger.Corrected {
				by += e.Cost
			}
		}
		if by != done.Report.After-done.Report.Before || int64(len(after)-len(before)) != done.Report.Corrected {
			t.Errorf("corrections come to %d in %d entries: %+v", by, len(after)-len(before), done.Report.RerateLine)
		}
		for _, e := range before {
			if !reflect.DeepEqual(still[e.ID], e) {
				t.Errorf("%s was changed: %+v", e.ID, still[e.ID])
			}
		}
		again, err := h.Rerate(t.Context(), r, anew(3_000_000), true, nil, nil)
		if err != nil || again.Report.Corrected != 0 || again.Report.Before != done.Report.After {
			t.Errorf("once more: %+v, %v", again.Report.RerateLine, err)
		}
		if _, err = h.Rerate(t.Context(), r, anew(1_000_000), true, nil, nil); err != nil { // cheaper now
			t.Error(err)
		}
		h.consistent(t, "cheaper")
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		h2 := open(t, h.dir, nil, ledger.Options{})
		h2.consistent(t, "after a restart")
	}
}

// What says nothing about what was used, or was not paid here, stays as it is.
func TestWhatIsNotRatedAnew(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	at := time.Now().Add(-time.Hour)
	var entries []*ledger.Entry
	add := func(change func(*ledger.Entry)) {
		e := &ledger.Entry{
			ID: ledger.NewRequestID(at), At: at.UnixMilli(), OrganizationID: "org_1", KeyID: "key_1", Provider: "openai", Model: "large",
			Outcome: ledger.Settled, Usage: llm.Usage{Input: 10}, Cost: 5, Format: llm.OpenAI, Endpoint: "/v1/chat/completions",
		}
		change(e)
		entries = append(entries, e)
	}
	add(func(*ledger.Entry) {})
	add(func(e *ledger.Entry) { e.Outcome = ledger.Estimated })
	add(func(e *ledger.Entry) { e.BYOK = true })
	add(func(e *ledger.Entry) { e.Outcome = ledger.Unconfirmed })
	add(func(e *ledger.Entry) { e.Outcome, e.Usage, e.Cost = ledger.Failed, llm.Usage{}, 0 })
	add(func(e *ledger.Entry) { e.Usage, e.Cost = llm.Usage{}, 0 })
	add(func(e *ledger.Entry) { e.Usage = llm.Usage{Images: 1} })
	add(func(e *ledger.Entry) { e.Endpoint, e.Model = ledger.OpeningEndpoint, ledger.OpeningModel })
	add(func(e *ledger.Entry) { e.Provider, e.Model = "anthropic", "small" })
	add(func(e *ledger.Entry) { e.KeyID = "key_2" })
	add(func(e *ledger.Entry) { e.OrganizationID = "org_2" })
	if err := h.store.Apply(t.Context(), entries, ledger.Position{}); err != nil {
		t.Fatal(err)
	}
	opened := ledger.BalanceEntry{ID: "bal_1", KeyID: "key_2", Kind: ledger.Grant, Amount: 100, IdempotencyKey: "bal_1", At: at.Add(time.Minute)}
	if err := h.store.OpenAccount(t.Context(), opened, 5, nil); err != nil {
		t.Fatal(err)
	}
	r, err := h.Rerate(t.Context(), ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}, anew(2), true, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{ledger.LeftByok: 1, ledger.LeftUnconfirmed: 1, ledger.LeftUnused: 2, ledger.LeftImported: 1, ledger.LeftBefore: 1, "unpriced": 1}
	if fmt.Sprint(r.Report.LeftOut) != fmt.Sprint(want) || r.Report.Entries != 3 || r.Report.Before != 15 || r.Report.After != 40 {
		t.Errorf("%+v", r.Report)
	}
	list, err := h.Rerates(t.Context(), "org_1")
	if err != nil || len(list) != 1 || list[0].Report.After != 40 || list[0].EndedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err = h.Rerates(t.Context(), "org_2"); err != nil || len(list) != 0 {
		t.Errorf("another organization's: %+v, %v", list, err)
	}
}

// dying is a store that dies at its nth booking of corrections.
type dying struct {
	ledger.Store
	left   int
	stored bool // the last one is stored all the same
}

func (s *dying) Correct(ctx context.Context, r ledger.Rerate, c []ledger.Correction) error {
	if s.left--; s.left > 0 {
		return s.Store.Correct(ctx, r, c)
	}
	if s.left == 0 && s.stored {
		return errors.Join(s.Store.Correct(ctx, r, c), fault.StoreUnavailable)
	}
	return fault.StoreUnavailable
}

func (s *dying) Booked(ctx context.Context, id ledger.RequestID) (bool, error) {
	return s.Store.Booked(ctx, id)
}

// Broken off at any step, with that step stored or not, and then killed: at the next
// start it goes on, and in the end it is as if nothing had been.
func TestRatingAnewGoesOnAfterItWasBrokenOff(t *testing.T) {
	now := time.Now() // or the entries would not be the same each time
	whole := filled(t, rand.New(rand.NewPCG(1, 1)), 1700, now, nil)
	r := ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}
	want, err := whole.Rerate(t.Context(), r, anew(3_000_000), true, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []bool{false, true} {
		for at := 1; at <= 3; at++ {
			h := filled(t, rand.New(rand.NewPCG(1, 1)), 1700, now, func(s ledger.Store) ledger.Store { return &dying{s, at, stored} })
			_, err := h.Rerate(t.Context(), r, anew(3_000_000), true, nil, nil)
			if stored && err == nil && at < 3 { // the last step was found stored, and the next one failed
				t.Errorf("step %d: no error", at)
			}
			h.consistent(t, "broken off")
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, h.dir, nil, ledger.Options{})
			if err := again.ResumeRerates(t.Context(), anew(3_000_000)); err != nil {
				t.Fatal(err)
			}
			again.consistent(t, "gone on")
			list, err := again.Rerates(t.Context(), "")
			if err != nil || len(list) != 1 || list[0].EndedAt.IsZero() || fmt.Sprint(list[0].Report.RerateLine, list[0].Report.LeftOut) != fmt.Sprint(want.Report.RerateLine, want.Report.LeftOut) {
				t.Errorf("stored %t, step %d: %+v\nwant %+v", stored, at, list, want.Report.RerateLine)
			}
		}
	}
}

// Requests are admitted while a period is rated anew, and a hard limit counts what
// is corrected from the moment on at which it is.
func TestLimitsCountWhatIsCorrected(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	c := chain(budget(1000))
	hold, err := h.Reserve(t.Context(), request(c))
	if err != nil {
		t.Fatal(err)
	}
	hold.Settle(used(100))
	if _, err := h.Rerate(t.Context(), ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}, anew(9), true, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Reserve(t.Context(), request(c)); !errors.Is(err, fault.BudgetExceeded) {
		t.Errorf("900 of 1000 are used now, and 200 are asked for: %v", err)
	}
	if _, err := h.Rerate(t.Context(), ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}, anew(2), true, nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Reserve(t.Context(), request(c)); err != nil {
		t.Errorf("200 of 1000 are used now: %v", err)
	}
}

func TestOneRerateAtATime(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	r := ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}
	_, err := h.Rerate(t.Context(), r, anew(1), true, func(ctx context.Context, _ ledger.Rerate) error {
		_, err := h.Rerate(ctx, r, anew(1), true, nil, nil)
		if !errors.Is(err, fault.VersionConflict) {
			t.Errorf("two at once: %v", err)
		}
		return nil
	}, nil)
	if err != nil {
		t.Error(err)
	}
	broken := errors.New("the audit is full")
	if _, err := h.Rerate(t.Context(), r, anew(1), true, func(context.Context, ledger.Rerate) error { return broken }, nil); !errors.Is(err, broken) {
		t.Errorf("what cannot be recorded is begun: %v", err)
	}
	if list, err := h.Rerates(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestUnpriced(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var entries []*ledger.Entry
	add := func(model, prices string, byok bool, o ledger.Outcome, u llm.Usage) {
		at = at.Add(time.Hour)
		entries = append(entries, &ledger.Entry{ID: ledger.NewRequestID(at), At: at.UnixMilli(), OrganizationID: "org_1", KeyID: "key_1", Provider: "openai", Model: model, Prices: prices, BYOK: byok, Outcome: o, Usage: u})
	}
	add("new", "", false, ledger.Settled, llm.Usage{Input: 10, CacheRead: 1, Output: 5})
	add("new", "", false, ledger.Unconfirmed, llm.Usage{Input: 20, Output: 7})
	add("new", "1 2", false, ledger.Settled, llm.Usage{Input: 100})
	add("new", "", true, ledger.Settled, llm.Usage{Input: 100})
	add("old", "1 2", false, ledger.Settled, llm.Usage{Input: 100})
	add("broken", "", false, ledger.Failed, llm.Usage{})
	add("counted", "", false, ledger.Settled, llm.Usage{})
	add("pictures", "", false, ledger.Settled, llm.Usage{Images: 1})
	if err := h.store.Apply(t.Context(), entries, ledger.Position{}); err != nil {
		t.Fatal(err)
	}
	list, err := h.Unpriced(t.Context(), ledger.Filter{OrganizationID: "org_1"})
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if list[0] != (ledger.UnpricedUse{Provider: "openai", Model: "new", Requests: 2, InputTokens: 31, OutputTokens: 12, FirstAt: time.UnixMilli(entries[0].At).UTC(), LastAt: time.UnixMilli(entries[1].At).UTC()}) || list[1].Model != "pictures" {
		t.Errorf("%+v", list)
	}
	if list, err = h.Unpriced(t.Context(), ledger.Filter{OrganizationID: "org_1", From: time.UnixMilli(entries[1].At), To: time.UnixMilli(entries[2].At)}); err != nil || len(list) != 1 || list[0].Requests != 1 {
		t.Errorf("in a period: %+v, %v", list, err)
	}
}

// A server that is being stopped does not wait for the end of long work.
func TestStopRerates(t *testing.T) {
	h := filled(t, rand.New(rand.NewPCG(3, 3)), 900, time.Now(), nil)
	r := ledger.Rerate{OrganizationID: "org_1", Location: "UTC"}
	stopping := anew(7)
	_, err := h.Rerate(t.Context(), r, func(e *ledger.Entry) (money.NanoUSD, string, string) { h.StopRerates(); return stopping(e) }, true, nil, nil)
	if !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("it goes on: %v", err)
	}
	h.consistent(t, "stopped")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, h.dir, nil, ledger.Options{})
	if err := again.ResumeRerates(t.Context(), anew(7)); err != nil {
		t.Fatal(err)
	}
	again.consistent(t, "gone on")
	if list, err := again.Rerates(t.Context(), ""); err != nil || len(list) != 1 || list[0].EndedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}
