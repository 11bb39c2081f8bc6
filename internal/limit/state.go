package limit

import "tollgate/internal/money"

// Amount is something of each meter. In a hold it is the upper bound, at
// settlement what was used.
type Amount struct {
	Requests int64
	Tokens   int64
	Cost     money.NanoUSD
}

// State is what one subject has used and holds, over all windows at once, so
// that a limit set later finds its history. The zero value has used nothing. It
// is not safe for concurrent use: its owner holds a lock around it.
type State struct {
	spans     [4]span // Day, Week, Month, Total
	minute    trail
	hour      trail
	slots     int64         // requests in flight
	last      int64         // the latest instant seen, Unix seconds: time never runs back here
	withdrawn money.NanoUSD // taken out of the balance; counts as used there, and nowhere else
}

// span is one calendar window's count. It is the window of the instants from
// since, when it was begun, until end.
type span struct {
	since, end int64 // Unix seconds; Total never ends
	used       Amount
	heldTokens int64
	heldCost   money.NanoUSD
}

// Taken is the receipt of a Take: what was taken, and when. It goes back to
// Settle or Undo once.
type Taken struct {
	Amount Amount
	unix   int64
}

// Sums is a subject's history as the ledger has it, to begin a State with after
// a restart.
type Sums struct {
	Day, Week, Month, Total Amount
	Withdrawn               money.NanoUSD // taken out of the balance
	Minutes                 []MinuteSum   // of the last hour and a minute, oldest first
}

// MinuteSum is what was used in one minute.
type MinuteSum struct {
	Unix int64 // its first second
	Used Amount
}

// Widths of the sub-buckets of the trailing windows, in seconds.
const (
	minuteBucket = 1
	hourBucket   = 60
)

// NewState begins a State at the instant unix with history. Minutes do not tell
// at which second something was used; for the trailing minute it counts as used
// in the minute's last second, or now: too strict for at most a minute, never
// too lax.
func NewState(cal *Calendar, unix int64, h Sums) *State {
	s := &State{last: unix, withdrawn: h.Withdrawn}
	for w, used := range [...]Amount{h.Day, h.Week, h.Month, h.Total} {
		s.spans[w] = span{since: unix, end: cal.end(Day + Window(w)), used: used}
	}
	for _, m := range h.Minutes {
		s.hour.add(m.Unix/hourBucket, m.Used)
		s.minute.add(min(m.Unix+59, unix)/minuteBucket, m.Used)
	}
	s.hour.advance(unix / hourBucket)
	s.minute.advance(unix / minuteBucket)
	return s
}

// advance rolls the windows on to unix, which is not before s.last. A window is
// left when it has ended, not when another calendar says otherwise: an
// organisation that changes its time zone does not get its month back.
func (s *State) advance(cal *Calendar, unix int64) {
	s.last = unix
	for w := Day; w < Total; w++ {
		sp := &s.spans[w-Day]
		if unix < sp.end {
			continue
		}
		next := span{since: unix, end: cal.end(w)}
		if cal.start(w) < sp.end {
			// After a change of zone the new window reaches back into the old
			// one; what was used or held there counts here too.
			next.used = sp.used
			next.used.Tokens += sp.heldTokens
			next.used.Cost = next.used.Cost.Add(sp.heldCost)
		}
		*sp = next
	}
	s.minute.advance(unix / minuteBucket)
	s.hour.advance(unix / hourBucket)
}

// take books a as held, and its requests as used: a request counts once it is
// admitted, whatever becomes of it.
func (s *State) take(a Amount, unix int64) {
	for i := range s.spans {
		sp := &s.spans[i]
		sp.used.Requests += a.Requests
		sp.heldTokens += a.Tokens
		sp.heldCost = sp.heldCost.Add(a.Cost)
	}
	s.minute.add(unix/minuteBucket, a)
	s.hour.add(unix/hourBucket, a)
	s.slots++
}

// settle turns a hold into use, in the windows that the hold belongs to.
func (s *State) settle(t *Taken, used Amount) {
	used.Requests = 0
	s.end(t, used)
}

// undo takes a hold back as if it had never been: for a request that was not
// forwarded because of trouble on our side.
func (s *State) undo(t *Taken) {
	s.end(t, Amount{Requests: -t.Amount.Requests})
}

func (s *State) end(t *Taken, used Amount) {
	for i := range s.spans {
		sp := &s.spans[i]
		if t.unix < sp.since {
			continue // it belongs to the window before
		}
		sp.heldTokens -= t.Amount.Tokens
		sp.heldCost -= t.Amount.Cost
		sp.used.Requests += used.Requests
		sp.used.Tokens += used.Tokens
		sp.used.Cost = sp.used.Cost.Add(used.Cost)
	}
	change := Amount{
		Requests: used.Requests,
		Tokens:   used.Tokens - t.Amount.Tokens,
		Cost:     used.Cost - t.Amount.Cost,
	}
	s.minute.correct(t.unix/minuteBucket, change)
	s.hour.correct(t.unix/hourBucket, change)
	s.slots--
}

// Idle reports whether no request is in flight.
func (s *State) Idle() bool { return s.slots == 0 }

// Reading is what a State says about one limit.
type Reading struct {
	Used int64 // settled; on trailing windows, open holds are part of it
	Held int64 // by open requests
	// OpensAt is when the window opens anew (calendar) or begins to give room
	// (trailing), in Unix seconds; 0 = not by time.
	OpensAt int64
}

// Read says what counts against l at an instant, or at the latest one seen if
// that is later.
func (s *State) Read(l *Limit, cal *Calendar, unix int64) Reading {
	if unix >= s.last {
		s.advance(cal, unix)
	}
	return s.read(l)
}

// read is Read on a State that was advanced.
func (s *State) read(l *Limit) Reading {
	if l.Meter == Concurrency {
		return Reading{Held: s.slots}
	}
	switch l.Window {
	case Minute:
		return Reading{Used: s.minute.sum.of(l.Meter), OpensAt: s.minute.opensAt(minuteBucket)}
	case Hour:
		return Reading{Used: s.hour.sum.of(l.Meter), OpensAt: s.hour.opensAt(hourBucket)}
	}
	sp := &s.spans[l.Window-Day]
	r := Reading{Used: sp.used.of(l.Meter), OpensAt: sp.end}
	if l.Window == Total {
		r.OpensAt = 0
	}
	switch l.Meter {
	case Tokens:
		r.Held = sp.heldTokens
	case Cost:
		r.Held = int64(sp.heldCost)
		if l.Balance {
			r.Used = satAdd(r.Used, int64(s.withdrawn))
		}
	}
	return r
}

func (a *Amount) of(m Meter) int64 {
	switch m {
	case Requests:
		return a.Requests
	case Tokens:
		return a.Tokens
	default:
		return int64(a.Cost)
	}
}
