package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/authority"
)

const ndjsonMediaType = "application/x-ndjson"

// auditRoutes is what was done and refused, and whether that still stands.
func (s *service) auditRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/audit-events", id: "list-audit-events", tag: "audit",
		summary: "List what was done and refused, newest first",
		returns: "A part of the audit.", alsoSample: auditLinesSample(),
		about:  "As JSON Lines without size: everything that matches. That the audit was read is kept in it.",
		answer: api.AuditList{}, also: ndjsonMediaType, timeout: 2 * time.Minute, action: "audit.read",
	}, s.listAudit)
	add(s, route{
		method: http.MethodGet, path: "/audit-events/verify", id: "verify-audit-events", tag: "audit",
		summary: "Find every event that was changed, taken out or put elsewhere", about: "Reads the whole audit. Keep the hash of the newest event elsewhere to compare with later: who can write the database can write a whole new chain.",
		returns: "Whether the audit is as it was written.", timeout: 2 * time.Minute, action: "audit.verify",
	}, s.verifyAudit)
}

type auditQuery struct {
	ActorID      string    `query:"actor_id" maxLength:"200" doc:"Only of this management key, or of those that act for this user."`
	Action       string    `query:"action" maxLength:"200" doc:"Like api_key.update, or api_key.* for all that begin so."`
	ResourceType string    `query:"resource_type" maxLength:"200" doc:"Only about things of this kind, like api_key."`
	ResourceID   string    `query:"resource_id" maxLength:"200" doc:"Only about the thing with this id."`
	Outcome      string    `query:"outcome" enum:"done,refused,replayed" doc:"Only events with this outcome."`
	From         time.Time `query:"from" doc:"At or after this instant."`
	To           time.Time `query:"to" doc:"Before this instant."`
	Before       int64     `query:"before" minimum:"0" maximum:"9007199254740991" doc:"Sequence of the last event already seen: next_before of the answer before."`
	Format       string    `query:"format" enum:"json,jsonl" doc:"Without it, as the Accept header says."`
	Size         int       `query:"size" minimum:"1" maximum:"1000" doc:"The most events. Without it 100 in JSON, and in JSON Lines all."`

	accept string
}

// Resolve notes which form the caller wants.
func (q *auditQuery) Resolve(hc huma.Context) []error {
	q.accept = hc.Header("Accept")
	return nil
}

func (q *auditQuery) lines() bool {
	return q.Format == "jsonl" || q.Format == "" && strings.HasPrefix(q.accept, ndjsonMediaType)
}

func (q *auditQuery) filter() authority.EventFilter {
	return authority.EventFilter{
		ActorID: q.ActorID, Action: q.Action, ResourceType: q.ResourceType, ResourceID: q.ResourceID,
		Outcome: q.Outcome, From: q.From, To: q.To, Before: q.Before, Size: q.Size,
	}
}

const (
	defaultEvents = 100
	exportEvents  = 1000 // events of an export that are read at once
)

func (s *service) listAudit(ctx context.Context, who authority.Principal, in *auditQuery) (*usageAnswer, error) {
	f := in.filter()
	if in.lines() {
		f.Size = orDefault(f.Size, exportEvents)
		return s.exportAudit(ctx, who, f, in.Size == 0)
	}
	f.Size = orDefault(f.Size, defaultEvents)
	events, err := s.authority.ListEvents(ctx, who, f)
	if err != nil {
		return nil, err
	}
	list := api.AuditList{AuditEvents: make([]api.AuditEvent, len(events)), Size: f.Size}
	for i, e := range events {
		list.AuditEvents[i] = eventView(e)
	}
	if len(events) == f.Size && events[len(events)-1].Sequence > 1 {
		list.NextBefore = &events[len(events)-1].Sequence
	}
	return writeJSON(list), nil
}

// exportAudit writes events as JSON Lines, one page or all. They are read while
// they are written, so that no export is too large.
func (s *service) exportAudit(ctx context.Context, who authority.Principal, f authority.EventFilter, all bool) (*usageAnswer, error) {
	events, err := s.authority.ListEvents(ctx, who, f)
	if err != nil {
		return nil, err
	}
	return &usageAnswer{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", ndjsonMediaType)
		hc.SetHeader("Content-Disposition", `attachment; filename="tollgate-audit.jsonl"`)
		for {
			for _, e := range events {
				if err == nil {
					err = marshal(hc.BodyWriter(), eventView(e))
				}
			}
			if err == nil && (!all || len(events) < f.Size) {
				return
			}
			if err == nil {
				f.Before = events[len(events)-1].Sequence
				events, err = s.authority.ListEvents(ctx, who, f)
			}
			if err != nil { // half an export must not look like a whole one
				s.log.WarnContext(ctx, "an export was broken off", "error", err, "request_id", requestID(ctx))
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}

func (s *service) verifyAudit(ctx context.Context, who authority.Principal, _ *struct{}) (*answer[api.AuditVerdict], error) {
	v, err := s.authority.VerifyAudit(ctx, who, nil)
	if err != nil {
		return nil, err
	}
	view := api.AuditVerdict{Events: v.Events, Head: hex.EncodeToString(v.Head[:]), Broken: make([]api.AuditBreak, len(v.Broken))}
	for i, b := range v.Broken {
		view.Broken[i] = api.AuditBreak{Sequence: b.Sequence, Problem: b.Problem}
	}
	return &answer[api.AuditVerdict]{Body: view}, nil
}

func eventView(e authority.Event) api.AuditEvent {
	view := api.AuditEvent{
		Sequence: e.Sequence, OrganizationID: e.OrganizationID, At: inUTC(e.At),
		ActorID: e.ActorID, ActorName: e.ActorName, ActorUserID: orNull(e.ActorUserID),
		IP: orNull(e.IP), UserAgent: orNull(e.UserAgent), RequestID: orNull(e.RequestID), Action: e.Action,
		ResourceType: e.ResourceType, ResourceID: orNull(e.ResourceID), ResourceName: orNull(e.ResourceName),
		Outcome: e.Outcome, Code: orNull(e.Code), Changes: []api.AuditChange{},
		PrevHash: hex.EncodeToString(e.PrevHash[:]), Hash: hex.EncodeToString(e.Hash[:]),
	}
	if e.Changes != "" {
		var changes []api.AuditChange
		if json.Unmarshal([]byte(e.Changes), &changes) != nil { // somebody has changed the store by hand
			changes = []api.AuditChange{{Field: "?", From: []byte("null"), To: []byte("null")}}
		}
		view.Changes = changes
	}
	for i := range view.Changes {
		c := &view.Changes[i]
		if c.From == nil {
			c.From = []byte("null")
		}
		if c.To == nil {
			c.To = []byte("null")
		}
	}
	return view
}
