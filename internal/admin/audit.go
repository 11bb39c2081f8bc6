package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
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
		summary: "Find every event that was changed, taken out or put elsewhere", about: "Reads the whole audit. Keep number and hash of the newest event elsewhere, and send them as head later: who can write the database can write a whole new chain, or cut off the end of this one, and that shows against them alone.",
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
	Page         int       `query:"page" minimum:"1" maximum:"1000000" doc:"Which page, from 1; 1 without it. Not together with before."`
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
		Outcome: q.Outcome, From: q.From, To: q.To, Before: q.Before, Page: q.Page, Size: q.Size,
	}
}

const (
	defaultEvents = 100
	exportEvents  = 1000 // events of an export that are read at once
)

func (s *service) listAudit(ctx context.Context, who authority.Principal, in *auditQuery) (*usageAnswer, error) {
	f := in.filter()
	if f.Page > 0 && f.Before > 0 {
		return nil, invalid([]fault.Field{{Name: "page", Problem: "cannot be sent with before"}})
	}
	if in.lines() {
		f.Size = orDefault(f.Size, exportEvents)
		return s.exportAudit(ctx, who, f, in.Size == 0)
	}
	f.Size = orDefault(f.Size, defaultEvents)
	events, err := s.authority.ListEvents(ctx, who, f)
	if err != nil {
		return nil, err
	}
	list := api.AuditList{AuditEvents: make([]api.AuditEvent, len(events)), Page: max(f.Page, 1), Size: f.Size}
	if f.Before == 0 {
		total, err := s.authority.CountEvents(ctx, who, f)
		if err != nil {
			return nil, err
		}
		list.Total = &total
	}
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
				f.Before, f.Page = events[len(events)-1].Sequence, 0
				events, err = s.authority.ListEvents(ctx, who, f)
			}
			if err != nil { // half an export must not look like a whole one
				s.log.WarnContext(ctx, "an export was broken off", "error", err, "request_id", requestID(ctx))
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}

type verifyQuery struct {
	Head string `query:"head" maxLength:"100" doc:"The head of an earlier answer, from where it was kept: SEQUENCE:HASH. What was cut off or written anew since then is found by it alone." example:"1048:0f343b0931126a20f133d67c2b018a3b4d3b2e0c5a1c7f1c8f7f1a6f2d9c4b7e"`
}

// known is the head that was sent; the zero value is none.
func (q *verifyQuery) known() (authority.AuditHead, error) {
	if q.Head == "" {
		return authority.AuditHead{}, nil
	}
	number, text, _ := strings.Cut(q.Head, ":")
	sequence, err := strconv.ParseInt(number, 10, 64)
	hash, wrong := hex.DecodeString(text)
	if err != nil || wrong != nil || sequence < 1 || len(hash) != len(authority.EventHash{}) {
		return authority.AuditHead{}, invalid([]fault.Field{{Name: "head", Problem: "must be a number and a hash as an earlier answer gave them, like 1048:0f34…"}})
	}
	return authority.AuditHead{Sequence: sequence, Hash: authority.EventHash(hash)}, nil
}

func (s *service) verifyAudit(ctx context.Context, who authority.Principal, in *verifyQuery) (*answer[api.AuditVerdict], error) {
	known, err := in.known()
	if err != nil {
		return nil, err
	}
	v, err := s.authority.VerifyAudit(ctx, who, known, nil)
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
