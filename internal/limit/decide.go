package limit

import (
	"math"

	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// Ask is what a request wants from its chain: an input that is bounded from
// above, and an output cap that may be lowered until it fits.
type Ask struct {
	Unix        int64         // the instant, in Unix seconds
	Calendar    *Calendar     // the calendar windows around Unix
	Input       int64         // upper bound of the input tokens
	InputCost   money.NanoUSD // upper bound of their cost
	Output      int64         // output tokens wanted per choice; 0 for work without output
	LeastOutput int64         // the lowest output cap worth forwarding, ≤ Output
	Choices     int64         // answers asked for; each may use the whole cap; 0 counts as 1
	OutputPrice money.Price   // the dearest price an output token can have
}

// hold is the Amount to take when the output cap is output. It is bounded, so
// that holds can be added up and taken away again without a thought for the end
// of the numbers.
func (a *Ask) hold(output int64) Amount {
	out := satMul(output, a.choices())
	return Amount{
		Requests: 1,
		Tokens:   min(satAdd(a.Input, out), maxHeldTokens),
		Cost:     min(a.InputCost.Add(a.OutputPrice.CostUp(out)), maxHeldCost),
	}
}

// No request uses that much: a thousand million million tokens, ten million
// dollars.
const (
	maxHeldTokens = 1e15
	maxHeldCost   = 10_000_000 * money.USD
)

// Needs is what the request takes of a meter with the output cap output.
func (a *Ask) Needs(m Meter, output int64) int64 {
	if m == Concurrency {
		return 1
	}
	hold := a.hold(output)
	return hold.of(m)
}

// free reports whether the request costs nothing, whatever it uses.
func (a *Ask) free() bool { return a.InputCost == 0 && a.OutputPrice == 0 }

func (a *Ask) choices() int64 { return max(a.Choices, 1) }

// Refusal says which limit said no, and its figures at that moment.
type Refusal struct {
	Subject ID
	Limit   Limit
	Reading Reading
	Needed  int64 // the least that would have had to fit, in the limit's unit
	// Retry is when trying again may help, in Unix seconds; 0 = when a request
	// in flight ends (Held), or not by time.
	Retry int64
	Held  bool // it would fit if the open holds were given back
}

// Kind is the code of the refusal.
func (r *Refusal) Kind() fault.Kind {
	switch r.Limit.Meter {
	case Requests:
		return fault.RateLimited
	case Concurrency:
		return fault.ConcurrencyLimited
	case Tokens:
		return fault.TokensLimited
	}
	switch {
	case r.Held:
		return fault.BudgetHeld
	case r.Limit.Balance:
		return fault.BalanceExhausted
	}
	return fault.BudgetExceeded
}

// Verdict is an admission, or, where Late is set, none yet.
type Verdict struct {
	// Late is set when another request has already moved a subject's time beyond
	// that of this one: ask again as of Late, in Unix seconds. Otherwise 0. Two
	// requests that read the clock in one order and come in the other must not
	// fall on two sides of midnight.
	Late     int64
	Output   int64 // the output cap per choice with which the request fits
	Requests Room  // on the tightest requests limit, this request not counted
	Tokens   Room  // on the tightest tokens limit, likewise
}

// Room is what is left on a limit. The zero value means there is no such limit.
type Room struct {
	Limit   *Limit
	Left    int64
	OpensAt int64 // Unix seconds; 0 = not by time
}

// note keeps the tighter of the two.
func (r *Room) note(l *Limit, left, opensAt int64) {
	if r.Limit == nil || left < r.Left {
		*r = Room{Limit: l, Left: max(left, 0), OpensAt: opensAt}
	}
}

// Decide finds the output cap with which ask fits on every limit of the chain,
// or the limit that refuses it: rates, slots and tokens first, then money.
// states[i] is the State of chain[i]; all are advanced to the instant, nothing
// is taken.
func Decide(chain Chain, states []*State, ask *Ask) (v Verdict, refusal *Refusal) {
	v.Output = ask.Output
	for i := range chain {
		v.Late = max(v.Late, states[i].last)
	}
	if v.Late > ask.Unix {
		return v, nil
	}
	v.Late = 0
	for i := range chain {
		states[i].advance(ask.Calendar, ask.Unix)
	}
	for _, money := range [...]bool{false, true} {
		for i, subject := range chain {
			for j := range subject.Limits {
				l := &subject.Limits[j]
				if (l.Meter == Cost) != money {
					continue
				}
				r := states[i].read(l)
				fits, refusal := Judge(subject.ID, l, &r, ask)
				if refusal != nil {
					refusal.Retry = states[i].retry(refusal)
					return Verdict{}, refusal
				}
				v.Output = min(v.Output, fits)
				switch l.Meter {
				case Requests:
					v.Requests.note(l, l.Max-r.Used, opensAt(l, &r, ask.Unix))
				case Tokens:
					v.Tokens.note(l, satSub(l.Max-r.Used, r.Held), opensAt(l, &r, ask.Unix))
				}
			}
		}
	}
	return v, nil
}

// opensAt is when l gives room once the request that is being admitted counts
// too: in an empty trailing window, when that one leaves it.
func opensAt(l *Limit, r *Reading, unix int64) int64 {
	switch {
	case r.OpensAt != 0:
		return r.OpensAt
	case l.Window == Minute:
		return unix + (trailBuckets+1)*minuteBucket
	case l.Window == Hour:
		return unix + (trailBuckets+1)*hourBucket
	}
	return 0
}

// Take books the hold for ask with an output cap that Decide gave, on all states
// of the chain.
func Take(states []*State, ask *Ask, output int64) Taken {
	t := Taken{Amount: ask.hold(output), unix: ask.Unix}
	for _, s := range states {
		s.take(t.Amount, t.unix)
	}
	return t
}

// Settle turns the hold into what was used, on all states of its chain.
func Settle(states []*State, t *Taken, used Amount) {
	for _, s := range states {
		s.settle(t, used)
	}
}

// Undo takes the hold back on all states of its chain, its request included.
func Undo(states []*State, t *Taken) {
	for _, s := range states {
		s.undo(t)
	}
}

// Redo puts back on all states of its chain what Undo has taken from them.
func Redo(states []*State, t *Taken) {
	for _, s := range states {
		s.redo(t)
	}
}

// Judge finds the greatest output cap, at most what is asked for, with which ask
// fits on l by a reading of it; or why it does not, without saying when it will.
func Judge(id ID, l *Limit, r *Reading, ask *Ask) (output int64, refusal *Refusal) {
	output, needed, ok := fit(l, r, ask)
	if ok {
		return min(output, ask.Output), nil
	}
	refusal = &Refusal{Subject: id, Limit: *l, Reading: *r, Needed: needed}
	refusal.Held = r.Held > 0 && satAdd(r.Used, needed) <= l.Max
	return 0, refusal
}

// fit is the greatest output cap with which ask fits on l, or what would have
// been needed at least.
func fit(l *Limit, r *Reading, ask *Ask) (output, needed int64, ok bool) {
	if l.Meter == Cost && ask.free() {
		return ask.Output, 0, true // what costs nothing is refused for no lack of money
	}
	if l.Mode == Soft && (l.Meter == Tokens || l.Meter == Cost) {
		return ask.Output, 1, r.Used < l.Max
	}
	room := satSub(satSub(l.Max, r.Used), r.Held)
	needed = ask.Needs(l.Meter, ask.LeastOutput)
	switch l.Meter {
	case Tokens:
		output = satSub(room, ask.Input) / ask.choices()
	case Cost:
		left := money.NanoUSD(satSub(room, int64(ask.InputCost)))
		output = ask.OutputPrice.Affords(left) / ask.choices()
	default:
		output = ask.Output
	}
	return output, needed, needed <= room
}

// retry is when a refused request would fit, in Unix seconds; 0 = not by time.
func (s *State) retry(r *Refusal) int64 {
	l := &r.Limit
	if r.Held || r.Needed > l.Max || l.Meter == Concurrency {
		return 0
	}
	excess := satAdd(r.Reading.Used, r.Needed) - l.Max
	switch l.Window {
	case Minute:
		return s.minute.roomAt(minuteBucket, excess, l.Meter)
	case Hour:
		return s.hour.roomAt(hourBucket, excess, l.Meter)
	}
	return r.Reading.OpensAt
}

func satAdd(a, b int64) int64 {
	return int64(money.NanoUSD(a).Add(money.NanoUSD(b)))
}

func satSub(a, b int64) int64 {
	if b == math.MinInt64 {
		return math.MaxInt64
	}
	return satAdd(a, -b)
}

// satMul is a×b for a, b ≥ 0, or the greatest int64.
func satMul(a, b int64) int64 {
	if a != 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}
