package limit

import (
	"math"
	"testing"
	"time"

	"tollgate/internal/money"
)

// TestE6_WithdrawTakesWhatIsFree: n-1, n and n+1 of what is free, with something
// used and something held.
func TestE6_WithdrawTakesWhatIsFree(t *testing.T) {
	cal := CalendarAt(time.Unix(1e9, 0), time.UTC)
	for _, c := range []struct {
		amount money.NanoUSD
		ok     bool
	}{{59, true}, {60, true}, {61, false}, {math.MaxInt64, false}} {
		s := NewState(&cal, 1e9, Sums{Total: Amount{Cost: 10}, Withdrawn: 5})
		ask := &Ask{Unix: 1e9, Calendar: &cal, InputCost: 25}
		Take([]*State{s}, ask, 0)
		free, ok := s.Withdraw(100, c.amount)
		if free != 60 || ok != c.ok {
			t.Errorf("%d of %d: %v", c.amount, free, ok)
		}
		balance, budget := &Limit{Meter: Cost, Window: Total, Balance: true, Max: 100}, &Limit{Meter: Cost, Window: Total, Max: 100}
		want := int64(15)
		if ok {
			want += int64(c.amount)
		}
		if r := s.Read(balance, &cal, 1e9); r.Used != want || r.Held != 25 {
			t.Errorf("after %d: %+v", c.amount, r)
		}
		if r := s.Read(budget, &cal, 1e9); r.Used != 10 {
			t.Errorf("a budget counts what was withdrawn: %+v", r)
		}
		if ok {
			s.PutBack(c.amount)
		}
		if free := s.Free(100); free != 60 {
			t.Errorf("put back: %d are free", free)
		}
	}
}
