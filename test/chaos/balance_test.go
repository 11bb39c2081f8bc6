package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/simulate"
)

// posting is one change of a balance, sent until somebody has said what came of it.
type posting struct {
	key    string // its Idempotency-Key
	change api.BalanceChange
	nano   int64 // what it adds
	done   bool  // answered: made
	over   bool  // answered, one way or the other
}

// bank posts to one balance, through as many processes as it takes.
type bank struct {
	mu       sync.Mutex
	postings []*posting // covered by mu
}

// fresh is a random posting, small enough that deductions are refused now and then.
func (b *bank) fresh() *posting {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &posting{key: fmt.Sprintf("op-%d", len(b.postings)), nano: 1 + rand.Int64N(900_000)}
	kind := []string{"grant", "refund", "adjust", "deduct", "deduct", "deduct"}[rand.IntN(6)]
	p.change = api.BalanceChange{Type: kind, AmountUSD: usd(p.nano), Reason: "round and round"}
	if kind == "deduct" {
		p.nano = -p.nano
	}
	b.postings = append(b.postings, p)
	return p
}

// usd writes nano-dollars.
func usd(nano int64) string { return fmt.Sprintf("0.%09d", nano) }

// send sends a posting once; it is over when the gate has answered what came of it.
func (p *posting) send(ctx context.Context, g *gate, id string) error {
	_, err := g.admin.ChangeBalance(ctx, id, p.change, client.Idempotent(p.key))
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		p.done, p.over = true, true
	case answered && refused.Code == "insufficient_balance":
		p.over = true
	case answered && refused.Code != "store_unavailable":
		return fmt.Errorf("%s %s: %w", p.change.Type, p.change.AmountUSD, err)
	}
	return nil
}

// TestE6_BalancesSurviveKills changes a balance and spends from it at the same time,
// and kills the process in the middle, again and again. What was not answered is
// sent again. In the end every change that was answered is in the book once, no
// other is, and granted is spent and available, to the nano-dollar.
func TestE6_BalancesSurviveKills(t *testing.T) {
	p := newProvider(t, simulate.Behaviour{}, nil)
	h := newHouse(t, p)
	c, g := h.start(t)
	const initial = 4_000_000
	key := g.newKey(t, api.KeyInput{InitialBalanceUSD: api.Set(usd(initial))})
	id, b := key.APIKey.ID, &bank{}
	for range rounds(t, 4) {
		crowd := g.gather(t, 4, func(int) ask {
			return ask{key: key.SecretKey, model: "demo-mini", max: 20, header: map[string]string{"X-Simulate-Output-Tokens": strconv.Itoa(1 + rand.IntN(20))}}
		})
		ctx, stop := context.WithCancel(t.Context())
		var posters sync.WaitGroup
		for range 4 {
			posters.Go(func() {
				for ctx.Err() == nil {
					p := b.fresh()
					if err := p.send(ctx, g, id); err != nil {
						t.Error(err)
						return
					}
					if !p.over {
						return // nobody answers any more
					}
				}
			})
		}
		c.killAfter(t, 150*time.Millisecond+rand.N(150*time.Millisecond))
		stop()
		posters.Wait()
		crowd.disperse()
		c, g = h.start(t)
		b.audit(t, g, key, initial)
	}
	t.Logf("%d postings, %d requests", len(b.postings), len(p.Served()))
}

// audit sends what was not answered again, and adds everything up.
func (b *bank) audit(t *testing.T, g *gate, key api.KeyCreated, initial int64) {
	t.Helper()
	granted, made := initial, map[string]bool{}
	for _, p := range b.postings {
		for tries := 0; !p.over && tries < 10; tries++ {
			if err := p.send(t.Context(), g, key.APIKey.ID); err != nil {
				t.Fatal(err)
			}
		}
		if p.done {
			granted += p.nano
			made[p.key] = true
		}
	}
	var spent int64
	for _, row := range g.rows(t, key.APIKey.ID) {
		spent += nano(t, row.CostUSD)
	}
	k, err := g.admin.Key(t.Context(), key.APIKey.ID)
	if err != nil {
		t.Fatal(err)
	}
	have := k.Balance
	if nano(t, have.GrantedUSD) != granted || nano(t, have.SpentUSD) != spent || nano(t, have.HeldUSD) != 0 ||
		nano(t, have.AvailableUSD) != granted-spent || granted < spent {
		t.Errorf("the balance is %+v; answered for were %d, the rows say %d was spent", *have, granted, spent)
	}
	inBook := map[string]int{}
	for page := 1; ; page++ {
		st, err := g.admin.KeyLedger(t.Context(), key.APIKey.ID, client.LedgerQuery{PageQuery: client.PageQuery{Page: page, Size: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range st.Ledger {
			if line.IdempotencyKey != nil && strings.HasPrefix(*line.IdempotencyKey, "op-") {
				inBook[*line.IdempotencyKey]++
			}
		}
		if len(st.Ledger) < 1000 {
			if nano(t, st.ClosingUSD) != granted-spent {
				t.Errorf("the statement closes with %s, want %d", st.ClosingUSD, granted-spent)
			}
			break
		}
	}
	for op, n := range inBook {
		if n != 1 || !made[op] {
			t.Errorf("%s is in the book %d times; answered: %t", op, n, made[op])
		}
	}
	if len(inBook) != len(made) {
		t.Errorf("%d changes are in the book, %d were answered", len(inBook), len(made))
	}
	v, err := g.admin.VerifyAudit(t.Context(), "")
	if err != nil || len(v.Broken) != 0 {
		t.Errorf("the audit after a kill: %+v, %v", v.Broken, err)
	}
}
