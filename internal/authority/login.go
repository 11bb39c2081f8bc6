package authority

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// LogIn is AuthenticateManagement for a call that comes from o, and keeps in the
// audit that it failed: of a known key in its organisation's, of an unknown one in
// that of the organisation that runs the installation. Nothing that was sent is
// kept, not even a part: it may be a secret with one letter wrong. What repeats
// itself is kept once a minute, with how often it was.
//
// Whether it can be kept does not change the answer: who is refused may not learn
// from it that the store is in trouble.
func (a *Authority) LogIn(ctx context.Context, token string, o Origin) (Principal, error) {
	for i, due := 0, a.strangers.overdue(a.now()); i < len(due); i++ {
		if !a.keepStranger(ctx, due[i]) {
			a.strangers.again(due[i+1:]...) // the next caller tries again; this one has waited enough
			break
		}
	}
	p, err := a.whose(ctx, token)
	if err == nil {
		return p.With(o), nil
	}
	if kind := fault.Of(err).Kind; kind != fault.StoreUnavailable && kind != fault.Internal {
		if f, ok := a.strangers.add(attempt{who: p.With(o), code: string(kind)}, a.now()); ok {
			a.keepStranger(ctx, f)
		}
	}
	return Principal{}, err
}

// keepStranger writes f as an event, or has it counted anew.
func (a *Authority) keepStranger(ctx context.Context, f failures) bool {
	if home := a.home.Load(); f.last.who.organizationID == "" && home != nil {
		f.last.who.organizationID = *home
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	e := a.event(deed{p: f.last.who, action: "management_key.log_in", kind: "management_key", id: f.last.who.id, name: f.last.who.name})
	e.Outcome, e.Code = OutcomeRefused, f.last.code
	if f.times > 1 {
		e.Changes = encode([]Change{{Field: "times", From: jsontext.Value("null"), To: jsontext.Value(strconv.FormatInt(f.times, 10))}})
	}
	if a.note(ctx, e) != nil {
		a.strangers.again(f)
		return false
	}
	return true
}

// attempt is one log-in that failed.
type attempt struct {
	who  Principal // names the key, if it is known; and where the call came from
	code string
}

// kin is what makes attempts alike.
type kin struct{ keyID, code, ip string }

// failures are attempts that are alike.
type failures struct {
	last  attempt
	times int64 // since the last event
}

const (
	// strangerEvery is how often attempts that are alike are kept.
	strangerEvery = time.Minute
	// maxKin bounds how many sorts of attempts are told apart: whoever comes from
	// many addresses is one sort in the end.
	maxKin = 100
)

// strangers says which failed log-ins are kept: anybody can cause them, as many as
// they like. It is safe for concurrent use; the zero value is ready.
type strangers struct {
	mu    sync.Mutex
	seen  map[kin]*strangerState // covered by mu; maxKin at most
	sweep time.Time              // covered by mu: when to look for what is overdue
}

type strangerState struct {
	failures
	keptAt time.Time
}

// add counts an attempt, and gives what is to be kept now.
func (s *strangers) add(at attempt, now time.Time) (failures, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := kin{at.who.id, at.code, at.who.origin.IP.String()}
	if s.seen[k] == nil && len(s.seen) >= maxKin {
		k = kin{code: at.code}
	}
	state := s.seen[k]
	if state == nil {
		if s.seen == nil {
			s.seen = map[kin]*strangerState{}
		}
		state = &strangerState{}
		s.seen[k] = state
	}
	state.last = at
	state.times++
	if !state.keptAt.IsZero() && now.Sub(state.keptAt) < strangerEvery {
		return failures{}, false
	}
	return state.take(now), true
}

func (s *strangerState) take(now time.Time) failures {
	f := s.failures
	s.keptAt, s.times = now, 0
	return f
}

// overdue gives what was counted and not kept for a minute, and forgets what has
// not happened again.
func (s *strangers) overdue(now time.Time) []failures {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 || now.Before(s.sweep) {
		return nil
	}
	s.sweep = now.Add(time.Second)
	var due []failures
	for k, state := range s.seen {
		switch {
		case now.Sub(state.keptAt) < strangerEvery:
		case state.times > 0:
			due = append(due, state.take(now))
		default:
			delete(s.seen, k)
		}
	}
	return due
}

// again counts anew what could not be kept.
func (s *strangers) again(all ...failures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range all {
		state := s.seen[kin{f.last.who.id, f.last.code, f.last.who.origin.IP.String()}]
		if state == nil {
			state = s.seen[kin{code: f.last.code}] // there were too many sorts
		}
		if state != nil {
			state.times += f.times
		}
	}
}
