package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// paidBy is chain with a credential at its end.
func paidBy(id string, key []limit.Limit, own ...limit.Limit) limit.Chain {
	return append(chain(key...), &limit.Subject{ID: limit.ID{Kind: limit.Credential, ID: id}, Limits: own})
}

func requests(max int64) limit.Limit {
	return limit.Limit{Meter: limit.Requests, Window: limit.Total, Max: max}
}

func slots(max int64) limit.Limit {
	return limit.Limit{Meter: limit.Concurrency, Window: limit.Total, Max: max}
}

func tokensADay(max int64) limit.Limit {
	return limit.Limit{Meter: limit.Tokens, Window: limit.Day, Max: max}
}

func (h house) of(t *testing.T, subject string) ledger.Sum {
	t.Helper()
	u, err := h.Usage(t.Context(), subject, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return u.Total
}

// TestAnExchangedHoldIsOneRequest: with limits that leave room for one request, and
// one that the first payer's hold fills.
func TestAnExchangedHoldIsOneRequest(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{})
	key := []limit.Limit{requests(1), slots(1), budget(200), tokensADay(200)}
	first := request(paidBy("cred_1", key, tokensADay(200)))
	first.InputCost, first.OutputPrice = 0, 0 // the first pays itself
	hold, err := h.Reserve(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	second := request(paidBy("cred_2", key, slots(1)))
	again, err := hold.Exchange(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() != hold.ID() || h.InFlight() != 1 {
		t.Errorf("%s became %s, %d in flight", hold.ID(), again.ID(), h.InFlight())
	}
	if _, ok := hold.Settle(used(1)); ok {
		t.Error("the one that was exchanged is settled too")
	}
	if _, err := hold.Exchange(t.Context(), second); err == nil {
		t.Error("it is exchanged twice")
	}
	e, ok := again.Settle(used(150))
	if !ok || e.CredentialID != "cred_2" || e.Cost != 150 {
		t.Errorf("%+v", e)
	}
	for subject, want := range map[string]int64{"key_1": 1, "cred_1": 0, "cred_2": 1} {
		if got := h.of(t, subject); got.Requests != want {
			t.Errorf("%s: %+v", subject, got)
		}
	}
	states, err := h.Inspect(t.Context(), first.Chain, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		want := map[limit.ID]limit.Reading{
			{Kind: limit.Key, ID: "key_1"}: {Used: map[limit.Meter]int64{limit.Requests: 1, limit.Tokens: 150, limit.Cost: 150}[s.Limit.Meter]},
		}[s.Subject]
		if s.Used != want.Used || s.Held != 0 {
			t.Errorf("%s %s: used %d, held %d", s.Subject, s.Limit.Meter, s.Used, s.Held)
		}
	}
}

func TestAnExchangeThatIsRefusedChangesNothing(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	first := request(paidBy("cred_1", []limit.Limit{slots(1), budget(1000)}))
	hold, err := h.Reserve(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for _, none := range []limit.Limit{tokensADay(0), requests(0), slots(0)} {
		if _, err := hold.Exchange(t.Context(), request(paidBy("cred_2", []limit.Limit{slots(1), budget(1000)}, none))); !errors.As(err, new(*ledger.Refused)) {
			t.Errorf("%s: %v", none.Meter, err)
		}
	}
	states, err := h.Inspect(t.Context(), first.Chain, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if states[0].Held != 1 || states[1].Held != 200 {
		t.Errorf("%+v", states)
	}
	if e, ok := hold.Release(401, "upstream_error", ""); !ok || e.CredentialID != "cred_1" {
		t.Errorf("%+v", e)
	}
	if got := h.of(t, "cred_2"); got.Requests != 0 {
		t.Errorf("cred_2: %+v", got)
	}
	if got := h.of(t, "key_1"); got.Requests != 1 || got.Cost != 0 {
		t.Errorf("key_1: %+v", got)
	}
}

// TestAnExchangeSurvivesTheProcess: what is swept is what was held last, once.
func TestAnExchangeSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{SegmentBytes: 300}) // each record in a file of its own
	first := request(paidBy("cred_1", nil))
	first.InputCost, first.OutputPrice = 0, 0
	hold, err := h.Reserve(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // others come and go in between
		other, err := h.Reserve(t.Context(), request(chain()))
		if err != nil {
			t.Fatal(err)
		}
		other.Settle(used(1))
	}
	if _, err := hold.Exchange(t.Context(), request(paidBy("cred_2", nil))); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		other, err := h.Reserve(t.Context(), request(chain()))
		if err != nil {
			t.Fatal(err)
		}
		other.Settle(used(1))
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, nil, ledger.Options{})
	rows, _, err := again.Entries(t.Context(), ledger.Filter{Outcome: ledger.Unconfirmed})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].CredentialID != "cred_2" || rows[0].Cost != 200 || rows[0].ID != hold.ID() {
		t.Errorf("%+v", rows)
	}
	if got := again.of(t, "key_1"); got.Requests != 11 {
		t.Errorf("%+v", got)
	}
}

// TestExchangesDoNotPassACap: many requests that begin with either of two
// credentials and end with the other one.
func TestExchangesDoNotPassACap(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	limits := []limit.Limit{slots(3), tokensADay(5000)}
	credentials := [2]string{"cred_1", "cred_2"}
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for range 50 {
				hold, err := h.Reserve(t.Context(), request(paidBy(credentials[worker%2], limits, slots(2), tokensADay(3000))))
				if err != nil {
					continue
				}
				if next, err := hold.Exchange(t.Context(), request(paidBy(credentials[1-worker%2], limits, slots(2), tokensADay(3000)))); err == nil {
					hold = next
				} else if !errors.As(err, new(*ledger.Refused)) {
					t.Error(err)
				}
				hold.Settle(used(150))
			}
		})
	}
	wait.Wait()
	if got := h.of(t, "key_1"); got.Tokens > 5000 {
		t.Errorf("key_1 used %d", got.Tokens)
	}
	for _, id := range credentials {
		if got := h.of(t, id); got.Tokens > 3000 {
			t.Errorf("%s used %d", id, got.Tokens)
		}
	}
	for _, id := range credentials {
		states, err := h.Inspect(t.Context(), paidBy(id, limits, slots(2), tokensADay(3000)), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if s.Held != 0 {
				t.Errorf("%s: %d are still held of %s", s.Subject, s.Held, s.Limit.Meter)
			}
		}
	}
	if h.InFlight() != 0 {
		t.Errorf("%d in flight", h.InFlight())
	}
}

// TestWhatCostsNothingNeedsNoMoney: a request that somebody else pays for is
// refused neither by a budget that is used up nor by one of nothing, whatever its
// mode; limits on tokens hold.
func TestWhatCostsNothingNeedsNoMoney(t *testing.T) {
	for name, l := range map[string]limit.Limit{
		"hard": budget(200), "soft": {Meter: limit.Cost, Window: limit.Total, Mode: limit.Soft, Max: 150}, "none": budget(0),
		"balance": {Meter: limit.Cost, Window: limit.Total, Balance: true, Max: 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, t.TempDir(), nil, ledger.Options{})
			if hold, err := h.Reserve(t.Context(), request(chain(l))); err == nil {
				hold.Settle(used(230)) // more than was held: the budget is passed
			}
			_, err := h.Reserve(t.Context(), request(chain(l)))
			if kind := fault.Of(err).Kind; err == nil || kind != fault.BudgetExceeded && kind != fault.BalanceExhausted {
				t.Fatalf("paid: %v", err)
			}
			free := request(paidBy("cred_1", []limit.Limit{l}, tokensADay(200)))
			free.InputCost, free.OutputPrice = 0, 0
			hold, err := h.Reserve(t.Context(), free)
			if err != nil {
				t.Fatalf("free: %v", err)
			}
			r := used(150)
			r.Cost = 0
			hold.Settle(r)
			if _, err := h.Reserve(t.Context(), free); !errors.Is(err, fault.TokensLimited) {
				t.Errorf("the credential's own limit: %v", err)
			}
			if got := fmt.Sprint(h.of(t, "cred_1").Tokens, h.of(t, "cred_1").Cost); got != "150 0.00" {
				t.Error(got)
			}
		})
	}
}
