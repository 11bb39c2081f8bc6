package authority

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// The outcomes of an event.
const (
	OutcomeDone     = "done"
	OutcomeRefused  = "refused"  // Code says why
	OutcomeReplayed = "replayed" // sent again with its idempotency key; it had been done
)

// EventHash is the SHA-256 of an event and, through it, of all before it.
type EventHash [32]byte

// Event is one line of an organisation's audit. Lines are never changed; each
// carries the hash of the one before.
type Event struct {
	OrganizationID string
	Sequence       int64 // from 1, without gaps
	At             time.Time
	ActorID        string // a management key, "mk_…", or "system"
	ActorName      string
	ActorUserID    string // the user acted for; "" = nobody
	IP             string // "" = not known
	UserAgent      string
	RequestID      string
	Action         string // like "api_key.update"
	ResourceType   string // like "api_key"
	ResourceID     string // "" = none, or a list
	ResourceName   string
	Outcome        string
	Code           string // of the refusal; "" = none
	Changes        string // JSON [{"field","from","to"}]; "" = nothing changed
	PrevHash       EventHash
	Hash           EventHash
}

// Change is one changed field; From and To are JSON, null for nothing.
type Change struct {
	Field string         `json:"field"`
	From  jsontext.Value `json:"from"`
	To    jsontext.Value `json:"to"`
}

// AuditHead is the newest event of an organisation: what the next one follows.
// The zero value is before the first.
type AuditHead struct {
	Sequence int64
	Hash     EventHash
}

// After is e as the event that follows head. Stores call it in the transaction in
// which they write it.
func (e Event) After(head AuditHead) Event {
	e.Sequence, e.PrevHash = head.Sequence+1, head.Hash
	e.Hash = e.digest()
	return e
}

// digest is the hash of everything in e but Hash. Lengths go before texts, so that
// no two events have the same bytes.
func (e *Event) digest() EventHash {
	h := sha256.New()
	h.Write([]byte("tollgate audit 1\n"))
	h.Write(e.PrevHash[:])
	writeInt(h, e.Sequence)
	writeInt(h, e.At.UnixMilli())
	for _, s := range []string{
		e.OrganizationID, e.ActorID, e.ActorName, e.ActorUserID, e.IP, e.UserAgent, e.RequestID,
		e.Action, e.ResourceType, e.ResourceID, e.ResourceName, e.Outcome, e.Code, e.Changes,
	} {
		writeInt(h, int64(len(s)))
		h.Write([]byte(s))
	}
	return EventHash(h.Sum(nil))
}

func writeInt(h hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

// diff is what differs between before and after, by the fields of table; nil is
// nothing. Secrets have no line in any table.
func diff[T any](table []field[T], before, after *T) []Change {
	var changes []Change
	for _, f := range table {
		if f.get == nil {
			continue
		}
		from, to := shown(f, before), shown(f, after)
		if string(from) != string(to) {
			changes = append(changes, Change{f.name, from, to})
		}
	}
	return changes
}

// encode is changes as an event keeps them.
func encode(changes []Change) string {
	if len(changes) == 0 {
		return ""
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return `[{"field":"?"}]` // only for what is no JSON
	}
	return string(text)
}

func shown[T any](f field[T], of *T) jsontext.Value {
	if of == nil {
		return jsontext.Value("null")
	}
	v := f.get(of)
	if r := reflect.ValueOf(v); !r.IsValid() || (r.Kind() == reflect.Slice || r.Kind() == reflect.Map || r.Kind() == reflect.Pointer) && r.IsNil() {
		return jsontext.Value("null")
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return jsontext.Value(`"?"`)
	}
	return text
}

// EventFilter says which events to list. Zero fields filter nothing.
type EventFilter struct {
	ActorID      string // a management key or the user acted for
	Action       string // "api_key.update", or "api_key.*" for all that begin so
	ResourceType string
	ResourceID   string
	Outcome      string
	From, To     time.Time // [From, To)
	Before       int64     // the Sequence of the last event already seen; 0 = from the newest
	Page         int       // from 1; 0 = 1
	Size         int       // 1–1,000; 0 = 100
}

// ListEvents is the audit of the principal's organisation, newest first. That it
// was read is kept as well. Kinds: permission_denied, validation_failed,
// store_unavailable.
func (a *Authority) ListEvents(ctx context.Context, p Principal, f EventFilter) ([]Event, error) {
	d := deed{p: p, action: "audit.read", kind: "audit"}
	if err := p.require(auditRead); err != nil {
		return nil, a.refused(ctx, d, err)
	}
	if f.Size == 0 {
		f.Size = 100
	}
	if f.Size < 1 || f.Size > 1000 || f.Before < 0 {
		return nil, fault.New(fault.ValidationFailed, "size must be from 1 to 1000, and before 0 or more.")
	}
	if err := a.note(ctx, a.event(d)); err != nil {
		return nil, err
	}
	return a.store.Audit.ListEvents(ctx, p.organizationID, f)
}

// CountEvents is how many events f lets through, on all pages. It goes with
// ListEvents, which keeps that the audit was read. Kinds: permission_denied,
// store_unavailable.
func (a *Authority) CountEvents(ctx context.Context, p Principal, f EventFilter) (int, error) {
	if err := p.require(auditRead); err != nil {
		return 0, a.refused(ctx, deed{p: p, action: "audit.read", kind: "audit"}, err)
	}
	f.Page, f.Size = 0, 0
	if f == (EventFilter{}) { // they count without gaps
		head, err := a.store.Audit.AuditHead(ctx, p.organizationID)
		return int(head.Sequence), err
	}
	return a.store.Audit.CountEvents(ctx, p.organizationID, f)
}

// Verdict is what VerifyAudit found.
type Verdict struct {
	Events int64     // how many there are, or should be
	Head   EventHash // of the newest; keep it elsewhere to compare with later
	Broken []Break   // empty = the audit is whole; at most maxBreaks
}

// Break is one place where the audit is not what was written.
type Break struct {
	Sequence int64
	Problem  string
}

const (
	verifyPage = 1000
	maxBreaks  = 1000
)

// VerifyAudit reads the whole audit of the principal's organisation and finds
// every event that was changed, taken out or put elsewhere. Who can write the
// store can also write a whole new chain, or cut off the end of this one and its
// stored head with it: that shows against a head that was kept elsewhere, known;
// its zero value is none. That the audit was verified is kept in it. progress may
// be nil. Kinds: permission_denied, store_unavailable.
func (a *Authority) VerifyAudit(ctx context.Context, p Principal, known AuditHead, progress func(done, total int64)) (Verdict, error) {
	d := deed{p: p, action: "audit.verify", kind: "audit"}
	if err := p.require(auditRead); err != nil {
		return Verdict{}, a.refused(ctx, d, err)
	}
	v, err := a.verify(ctx, p.organizationID, known, progress)
	if err != nil {
		return Verdict{}, err
	}
	if err := a.note(ctx, a.event(d)); err != nil && len(v.Broken) == 0 {
		return Verdict{}, err // behind a broken end nothing may be writable any more; that must be told
	}
	return v, nil
}

func (a *Authority) verify(ctx context.Context, organizationID string, known AuditHead, progress func(done, total int64)) (Verdict, error) {
	head, err := a.store.Audit.AuditHead(ctx, organizationID)
	if err != nil {
		return Verdict{}, err
	}
	c := chain{known: known}
	for !c.full() {
		page, err := a.store.Audit.EventsAfter(ctx, organizationID, c.last.Sequence, verifyPage)
		if err != nil {
			return Verdict{}, err
		}
		for i := range page {
			c.follow(&page[i])
		}
		if progress != nil {
			progress(c.last.Sequence, max(c.last.Sequence, head.Sequence))
		}
		if len(page) > 0 {
			continue
		}
		// What came meanwhile belongs to it: it is at its end when its end stands.
		now, err := a.store.Audit.AuditHead(ctx, organizationID)
		if err != nil {
			return Verdict{}, err
		}
		if now == head {
			break
		}
		head = now
	}
	return c.close(head), nil
}

// chain is a verification under way.
type chain struct {
	last    AuditHead
	known   AuditHead // from elsewhere; Sequence 0 = none
	verdict Verdict
}

func (c *chain) full() bool { return len(c.verdict.Broken) >= maxBreaks }

func (c *chain) breaks(sequence int64, format string, args ...any) {
	c.verdict.Broken = append(c.verdict.Broken, Break{sequence, fmt.Sprintf(format, args...)})
}

func (c *chain) follow(e *Event) {
	switch want := c.last.Sequence + 1; {
	case e.Sequence > want:
		c.breaks(want, "the events %d to %d are missing", want, e.Sequence-1)
	case e.PrevHash != c.last.Hash:
		c.breaks(e.Sequence, "does not follow the event before it")
	}
	if e.digest() != e.Hash {
		c.breaks(e.Sequence, "is not as it was written")
	}
	c.last = AuditHead{e.Sequence, e.Hash}
	if e.Sequence == c.known.Sequence && e.Hash != c.known.Hash {
		c.breaks(e.Sequence, "is not the event whose hash was kept elsewhere: it, or one before it, was written anew")
	}
}

// close compares the end with head: events cut off at the end leave a whole chain.
func (c *chain) close(head AuditHead) Verdict {
	c.verdict.Events, c.verdict.Head = head.Sequence, head.Hash
	if c.known.Sequence > c.last.Sequence && !c.full() {
		c.breaks(c.last.Sequence+1, "the events %d to %d are missing: the hash of the last one was kept elsewhere", c.last.Sequence+1, c.known.Sequence)
	}
	switch {
	case c.full():
	case c.last.Sequence < head.Sequence:
		c.breaks(c.last.Sequence+1, "the events %d to %d are missing", c.last.Sequence+1, head.Sequence)
	case c.last.Sequence > head.Sequence:
		c.breaks(head.Sequence+1, "stands behind the end of the audit")
	case c.last.Hash != head.Hash:
		c.breaks(head.Sequence, "is not the end of the audit")
	}
	return c.verdict
}
