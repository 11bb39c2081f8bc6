package admin

import (
	"context"
	"strings"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// call is one call of an operation, by somebody who is known.
type call struct {
	route route
	who   authority.Principal
	id    string        // of the object, as it stands in the path; "" = none
	stray []fault.Field // of the query, beside what is declared
}

type callKey struct{}

// callOf is the call that ctx belongs to; guard has put it there.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// principalOf is who acts.
func principalOf(ctx context.Context) authority.Principal { return callOf(ctx).who }

// keep has the audit keep that a call was refused, unless a keeper has seen to
// that already: what the door itself refuses, such as a body that is too large or
// a wrong parameter, reaches no keeper.
func (s *service) keep(ctx context.Context, f *fault.Error) {
	c := callOf(ctx)
	if c.who.ID() == "" || c.who.Kept() {
		return
	}
	deed := authority.Deed{Action: c.route.deed(), ResourceType: c.route.resource(), ResourceID: c.id, Err: f}
	if err := s.authority.Audit(ctx, c.who, deed); fault.Of(err) != f {
		s.log.ErrorContext(ctx, "a refusal could not be kept in the audit", "error", err, "request_id", requestID(ctx))
	}
}

// resource is what the audit calls that with which the operation has to do:
// "api_key".
func (r route) resource() string {
	kind, _, _ := strings.Cut(r.action, ".")
	if kind == "" {
		kind = strings.ReplaceAll(strings.TrimSuffix(r.tag, "s"), "-", "_")
	}
	return kind
}

// deed is what the audit calls the operation: "api_key.create" for create-api-key.
func (r route) deed() string {
	if r.action != "" {
		return r.action
	}
	verb, _, _ := strings.Cut(r.id, "-")
	return r.resource() + "." + verb
}
