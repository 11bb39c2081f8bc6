package authority

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/fault"
)

// Act is what stands beside a change in its transaction: that it was done, and
// for which idempotency key.
type Act struct {
	Event  Event
	Also   []Event // what was done with it to other resources; behind Event, in order
	Replay Replay  // zero = no idempotency key was sent
}

// deed is one call: who wants what done to what.
type deed struct {
	p      Principal
	action string   // "api_key.create"
	kind   string   // of the resource: "api_key"
	id     string   // of the resource; "" until it is made
	name   string   // of the resource, once it is known
	tells  []Change // what its event tells beside the fields that changed
	replay Replay
}

// Deed is what a door has done by itself and wants kept.
type Deed struct {
	Action       string // like "usage.read"
	ResourceType string // like "api_key"; "" = none
	ResourceID   string
	ResourceName string
	Changes      []Change // what differs; nil = nothing
	Repeated     bool     // it was sent again with its idempotency key, and had been done
	Err          error    // why it was refused; nil = it was done
}

// Audit keeps what a door did or refused by itself: reads of other people's data,
// changes of other keepers, refusals by its own rules. It is a part of the
// transaction that ctx belongs to, if it belongs to one. Kinds: those of d.Err,
// store_unavailable.
func (a *Authority) Audit(ctx context.Context, p Principal, d Deed) error {
	own := deed{p: p, action: d.Action, kind: d.ResourceType, id: d.ResourceID, name: d.ResourceName}
	if d.Err != nil {
		return a.refused(ctx, own, d.Err)
	}
	e := a.event(own)
	e.Changes = a.veil.changes(d.Changes)
	if d.Repeated {
		e.Outcome = OutcomeReplayed
	}
	return a.note(ctx, e)
}

// event is that d was done. What callers wrote is veiled: they may have written a
// secret where none belongs.
func (a *Authority) event(d deed) Event {
	if d.p.kept != nil {
		d.p.kept.Store(true)
	}
	e := Event{
		OrganizationID: d.p.organizationID, At: a.instant(),
		ActorID: d.p.id, ActorName: a.veil.text(d.p.name, maxName), ActorUserID: d.p.userID,
		UserAgent: a.veil.text(d.p.origin.UserAgent, 300), RequestID: a.veil.text(d.p.origin.RequestID, 100),
		Action: d.action, ResourceType: d.kind, ResourceID: resourceID(d.id), ResourceName: a.veil.text(d.name, maxName),
		Outcome: OutcomeDone,
	}
	if d.p.origin.IP.IsValid() {
		e.IP = d.p.origin.IP.Unmap().String()
	}
	if d.tells != nil {
		e.Changes = a.veil.changes(d.tells)
	}
	return e
}

// act is what stands beside the change of before to after; nil is nothing. The
// changed fields are those of table.
func act[T any](a *Authority, d deed, table []field[T], before, after *T) Act {
	e := a.event(d)
	e.Changes = a.veil.changes(append(diff(table, before, after), d.tells...))
	made := d.replay
	if made.Key != "" {
		made.ResourceID, made.At = d.id, e.At
	}
	return Act{Event: e, Replay: made}
}

// note keeps an event that stands beside no change.
func (a *Authority) note(ctx context.Context, e Event) error {
	if e.OrganizationID == "" {
		return nil
	}
	return a.store.Audit.AppendEvent(ctx, Act{Event: e})
}

// refusalTime is how long keeping a refusal may take.
const refusalTime = 5 * time.Second

// refused keeps that d was refused with cause, and gives cause back. What could
// not be tried is no refusal. Whoever leaves before the answer is kept all the
// same. A nil cause is no refusal either.
func (a *Authority) refused(ctx context.Context, d deed, cause error) error {
	if cause == nil {
		return nil
	}
	known := fault.Of(cause)
	if known.Kind == fault.Internal || known.Kind == fault.StoreUnavailable {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	e := a.event(d)
	e.Outcome, e.Code = OutcomeRefused, string(known.Kind)
	if err := a.note(ctx, e); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// clean is s without what would spoil a log line, and no longer than n bytes.
func clean(s string, n int) string {
	b := make([]rune, 0, min(len(s), n))
	size := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || r == 0xfffd {
			r = ' '
		}
		if size += len(string(r)); size > n {
			break
		}
		b = append(b, r)
	}
	return string(b)
}
