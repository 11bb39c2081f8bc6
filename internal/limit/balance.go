package limit

import "tollgate/internal/money"

// A balance is a Limit whose Max is all that was ever paid in. What is taken out
// of it again is not taken off Max, which requests that are under way may know
// from before, but counts as used in the State: so it is in force at once, for
// every request.

// Spent is what was settled since ever and what open requests hold, in money;
// what was withdrawn is not part of it.
func (s *State) Spent() (used, held money.NanoUSD) {
	total := &s.spans[Total-Day]
	return total.used.Cost, total.heldCost
}

// Free is what is neither used, held nor withdrawn of a balance into which max
// was paid. It is negative when a provider charged more than was held.
func (s *State) Free(max money.NanoUSD) money.NanoUSD {
	used, held := s.Spent()
	return money.NanoUSD(satSub(satSub(satSub(int64(max), int64(used)), int64(held)), int64(s.withdrawn)))
}

// Withdraw takes amount out of a balance into which max was paid, if that much is
// free, and says what was free before. What open requests hold is not free.
func (s *State) Withdraw(max, amount money.NanoUSD) (free money.NanoUSD, ok bool) {
	if free = s.Free(max); amount > free {
		return free, false
	}
	s.withdrawn = s.withdrawn.Add(amount)
	return free, true
}

// PutBack undoes a Withdraw.
func (s *State) PutBack(amount money.NanoUSD) { s.withdrawn -= amount }
