package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// posting is a change of the balance of the key that requests are made with.
func posting(kind ledger.BalanceKind, amount money.NanoUSD) ledger.Posting {
	return ledger.Posting{OrganizationID: "org_1", KeyID: "key_1", Kind: kind, Amount: amount, Actor: "mk_1", Reason: "test"}
}

// prepaid is the chain of a key with a balance into which max was paid.
func prepaid(max money.NanoUSD) limit.Chain {
	return chain(limit.Limit{Meter: limit.Cost, Window: limit.Total, Balance: true, Max: int64(max)})
}

func (h house) balance(t testing.TB) ledger.Balance {
	t.Helper()
	all, err := h.Balances(t.Context(), []string{"key_1", "key_none"})
	if err != nil || len(all) > 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all["key_1"]
}

func (h house) post(t testing.TB, p ledger.Posting) ledger.BalanceEntry {
	t.Helper()
	e, err := h.Post(t.Context(), p)
	if err != nil {
		t.Fatalf("%s of %s: %v", p.Kind, p.Amount, err)
	}
	return e
}

func (h house) openBalance(t testing.TB, amount money.NanoUSD) {
	t.Helper()
	if _, err := h.OpenBalance(t.Context(), posting(ledger.Grant, amount)); err != nil {
		t.Fatal(err)
	}
}

func TestE6_EveryWrongAmountIsAnErrorOfItsOwn(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	if _, err := h.Post(t.Context(), posting(ledger.Grant, 5)); !errors.Is(err, fault.UnlimitedBalance) {
		t.Errorf("a top-up of an unlimited balance: %v", err)
	}
	h.openBalance(t, 1000)
	seen := map[string]bool{}
	for name, c := range map[string]struct {
		p    ledger.Posting
		want error
	}{
		"zero":               {posting(ledger.Grant, 0), fault.ValidationFailed},
		"negative":           {posting(ledger.Deduct, -1), fault.ValidationFailed},
		"too large":          {posting(ledger.Grant, 1_000_000_000*money.USD+1), fault.ValidationFailed},
		"more than there is": {posting(ledger.Deduct, 1001), fault.InsufficientBalance},
	} {
		_, err := h.Post(t.Context(), c.p)
		if !errors.Is(err, c.want) || seen[err.Error()] {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen[err.Error()] = true
	}
	if _, err := h.OpenBalance(t.Context(), posting(ledger.Grant, 1)); !errors.Is(err, fault.ValidationFailed) {
		t.Errorf("a second balance: %v", err)
	}
	if b := h.balance(t); b != (ledger.Balance{Granted: 1000}) {
		t.Errorf("after nothing but refusals: %+v", b)
	}
	if e := h.post(t, posting(ledger.Deduct, 1000)); e.Amount != -1000 || e.Balance != 0 {
		t.Errorf("all of it: %+v", e)
	}
}

func TestE6_APostingIsDoneOncePerIdempotencyKey(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil, ledger.Options{})
	first := posting(ledger.Grant, 100)
	first.IdempotencyKey = "open"
	for range 2 {
		if _, err := h.OpenBalance(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	p := posting(ledger.Deduct, 60)
	p.IdempotencyKey = "once"
	made := h.post(t, p)
	_ = h.Close()
	h = open(t, dir, nil, ledger.Options{})
	if again := h.post(t, p); again != made {
		t.Errorf("%+v, and again %+v", made, again)
	}
	p.Amount = 61
	if _, err := h.Post(t.Context(), p); !errors.Is(err, fault.IdempotencyConflict) {
		t.Errorf("another amount under the same key: %v", err)
	}
	if b := h.balance(t); b != (ledger.Balance{Granted: 40}) {
		t.Errorf("%+v", b)
	}
}

func TestE6_ADeductionNeverTakesWhatIsHeld(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	h.openBalance(t, 1000)
	stale := prepaid(1000)
	hold, err := h.Reserve(t.Context(), request(stale)) // holds 200
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Post(t.Context(), posting(ledger.Deduct, 801)); !errors.Is(err, fault.InsufficientBalance) {
		t.Fatalf("801 of 800: %v", err)
	}
	h.post(t, posting(ledger.Deduct, 800))
	if _, err := h.Reserve(t.Context(), request(stale)); !errors.Is(err, fault.BudgetHeld) {
		t.Errorf("a request with limits from before the deduction: %v", err)
	}
	if b := h.balance(t); b != (ledger.Balance{Granted: 200, Held: 200}) {
		t.Errorf("%+v", b)
	}
	hold.Settle(used(150))
	if _, err := h.Post(t.Context(), posting(ledger.Adjust, -51)); !errors.Is(err, fault.InsufficientBalance) {
		t.Errorf("51 of 50: %v", err)
	}
	h.post(t, posting(ledger.Adjust, -50))
	if b := h.balance(t); b != (ledger.Balance{Granted: 150, Spent: 150}) {
		t.Errorf("%+v", b)
	}
}

func TestE11_AnExhaustedBalanceIsBalanceExhausted(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	h.openBalance(t, 163)
	_, err := h.Reserve(t.Context(), request(prepaid(163))) // needs 164 at least
	f := fault.Of(err)
	if f.Kind != fault.BalanceExhausted || !strings.Contains(f.Public, "$0.000000163 left") || !strings.Contains(f.Public, "needs at least $0.000000164") {
		t.Errorf("%v", err)
	}
	h.post(t, posting(ledger.Grant, 1))
	hold, err := h.Reserve(t.Context(), request(prepaid(164)))
	if err != nil || hold.Output() != 64 {
		t.Errorf("%v", err)
	}
}

func TestE6_WhatWasSpentBeforeIsNotTakenFromTheBalance(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	spend := func(c limit.Chain, n int64) {
		t.Helper()
		hold, err := h.Reserve(t.Context(), request(c))
		if err != nil {
			t.Fatal(err)
		}
		hold.Settle(used(n))
	}
	spend(chain(), 70)
	open, err := h.Reserve(t.Context(), request(chain())) // ends only after the balance was opened
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.OpenBalance(t.Context(), posting(ledger.Grant, 199)); !errors.Is(err, fault.InsufficientBalance) {
		t.Errorf("a balance below what is held: %v", err)
	}
	h.openBalance(t, 500)
	open.Settle(used(30))
	if b := h.balance(t); b != (ledger.Balance{Granted: 500, Spent: 30}) || b.Available() != 470 {
		t.Errorf("%+v", b)
	}
	spend(prepaid(570), 170)
	if b := h.balance(t); b.Available() != 300 {
		t.Errorf("%+v", b)
	}
}

// unsure is a store whose Post fails as told, before or after it was stored.
type unsure struct {
	ledger.Store
	before, after error
}

func (u *unsure) Post(ctx context.Context, e ledger.BalanceEntry, record func(context.Context) error) error {
	if u.before != nil {
		return u.before
	}
	return errors.Join(u.Store.Post(ctx, e, record), u.after)
}

func TestE6_ADeductionThatFailsTakesNothing(t *testing.T) {
	away := errors.New("disk on fire")
	store := &unsure{}
	h := open(t, t.TempDir(), func(s ledger.Store) ledger.Store { store.Store = s; return store }, ledger.Options{})
	h.openBalance(t, 100)
	store.before = away
	if _, err := h.Post(t.Context(), posting(ledger.Deduct, 100)); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("%v", err)
	}
	store.before, store.after = nil, away
	if e := h.post(t, posting(ledger.Deduct, 60)); e.Balance != 40 {
		t.Errorf("failed, but stored: %+v", e)
	}
	store.after = nil
	refused := posting(ledger.Deduct, 10)
	refused.Record = func(context.Context) error { return away }
	if _, err := h.Post(t.Context(), refused); err == nil {
		t.Error("a change was made that could not be recorded")
	}
	if b := h.balance(t); b != (ledger.Balance{Granted: 40}) {
		t.Errorf("%+v", b)
	}
	h.post(t, posting(ledger.Deduct, 40))
}

func TestE6_ParallelDeductionsAndRequestsNeverPassTheBalance(t *testing.T) {
	const granted = 20_000
	h := open(t, t.TempDir(), nil, ledger.Options{})
	h.openBalance(t, granted)
	var wg sync.WaitGroup
	var out, spent atomic.Int64
	for i := range 8 {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			for range 60 {
				if rng.IntN(3) == 0 {
					n := rng.Int64N(300) + 1
					if _, err := h.Post(context.Background(), posting(ledger.Deduct, money.NanoUSD(n))); err == nil {
						out.Add(n)
					}
					continue
				}
				hold, err := h.Reserve(context.Background(), request(prepaid(granted)))
				if err != nil {
					continue
				}
				n := rng.Int64N(hold.Output() + 101)
				hold.Settle(used(n))
				spent.Add(n)
			}
		})
	}
	wg.Wait()
	b := h.balance(t)
	if int64(b.Granted) != granted-out.Load() || int64(b.Spent) != spent.Load() || b.Held != 0 || b.Available() < 0 {
		t.Errorf("%+v; deducted %d, spent %d", b, out.Load(), spent.Load())
	}
}

// TestE6_GrantedIsSpentHeldOrAvailable does anything that can be done to a
// balance, in random order and with restarts in between, orderly and not: the
// figures are those of a simple sum, and nothing is ever below zero.
func TestE6_GrantedIsSpentHeldOrAvailable(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { wander(t, rand.New(rand.NewPCG(seed, 6))) })
	}
}

// crashed is what the sudden end of the process that works in dir leaves behind:
// the files as they are, with nothing booked that had not been.
func crashed(t *testing.T, dir string) (left string) {
	t.Helper()
	left = t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return left
}

func wander(t *testing.T, rng *rand.Rand) {
	dir := t.TempDir()
	quiet := ledger.Options{ApplyInterval: time.Hour} // nothing is written while the files are copied
	h := open(t, dir, nil, quiet)
	before := money.NanoUSD(rng.Int64N(200))
	hold, err := h.Reserve(t.Context(), request(chain()))
	if err != nil {
		t.Fatal(err)
	}
	hold.Settle(used(int64(before)))
	start := money.NanoUSD(rng.Int64N(3000))
	h.openBalance(t, start)
	want := ledger.Balance{Granted: start}
	paid := before + start // the Max of the limit: all that was ever paid in
	holds := map[*ledger.Hold]money.NanoUSD{}
	for step := range 150 {
		switch n := money.NanoUSD(rng.Int64N(900) + 1); rng.IntN(9) {
		case 0:
			kind := []ledger.BalanceKind{ledger.Grant, ledger.Refund, ledger.Adjust}[rng.IntN(3)]
			h.post(t, posting(kind, n))
			want.Granted, paid = want.Granted+n, paid+n
		case 1, 2:
			e, err := h.Post(t.Context(), posting(ledger.Deduct, n))
			if fits := n <= want.Available(); fits != (err == nil) || !fits && !errors.Is(err, fault.InsufficientBalance) {
				t.Fatalf("step %d: take %d of %+v: %v", step, n, want, err)
			}
			if err == nil {
				want.Granted -= n
				if e.Balance != want.Available() {
					t.Fatalf("step %d: the entry says %d, available is %d", step, e.Balance, want.Available())
				}
			}
		case 3, 4, 5:
			hold, err := h.Reserve(t.Context(), request(prepaid(paid)))
			if fits := want.Available() >= 164; fits != (err == nil) {
				t.Fatalf("step %d: a request for 164 or more of %+v: %v", step, want, err)
			}
			if err == nil {
				_, cost := hold.Bound()
				holds[hold] = cost
				want.Held += cost
			}
		case 6, 7:
			for hold, cost := range holds {
				spent := rng.Int64N(int64(cost) + 1)
				hold.Settle(used(spent))
				delete(holds, hold)
				want.Held, want.Spent = want.Held-cost, want.Spent+money.NanoUSD(spent)
				break
			}
		case 8:
			if rng.IntN(4) == 0 { // what is in flight is charged in full
				if rng.IntN(2) == 0 {
					if err := h.Close(); err != nil {
						t.Fatal(err)
					}
				} else {
					dir = crashed(t, dir)
				}
				h = open(t, dir, nil, quiet)
				want.Spent, want.Held = want.Spent+want.Held, 0
				clear(holds)
			}
		}
		if got := h.balance(t); got != want || got.Available() < 0 {
			t.Fatalf("step %d: %+v, want %+v", step, got, want)
		}
	}
	s, err := h.Statement(t.Context(), "key_1", time.Time{}, time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkStatement(t, s, want.Granted-want.Spent)
}

// checkStatement adds a whole statement up.
func checkStatement(t *testing.T, s ledger.Statement, want money.NanoUSD) {
	t.Helper()
	var sum money.NanoUSD
	for i, line := range s.Lines {
		sum += line.Amount
		if line.Running != sum || sum < 0 || i > 0 && line.At.Before(s.Lines[i-1].At) {
			t.Fatalf("line %d: %+v; the sum is %d", i, line, sum)
		}
	}
	if s.Opening != 0 || s.Closing != sum || sum != want {
		t.Errorf("from %d to %d; the lines add up to %d, want %d", s.Opening, s.Closing, sum, want)
	}
}
