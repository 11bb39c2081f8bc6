package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// route is what is declared beside an operation.
type route struct {
	method, path string
	id           string // operationId in the OpenAPI document
	tag          string // group in the OpenAPI document
	action       string // what the audit calls it where the door itself refuses; "" = it follows from tag and id
	summary      string
	about        string // more than the summary says; "" = nothing
	permission   string // asked for here; "" = the authority decides, because it depends on the object
	status       int    // of success; 0 = 200
	body         any    // the type of the body, for the document; nil = the operation has none
	answer       any    // the type of an answer that the handler writes itself, for the document
	also         string // another media type that such an answer may have; "" = none
	bodyOptional bool   // the body may be left out
	bodyBytes    int64  // the largest body; 0 = 1 MiB
	timeout      time.Duration

	codes      []fault.Kind // refusals of its own, for the document, beside those that follow from the rest
	samples    []sample     // bodies that it takes, for the document; the simplest first
	returns    string       // what a successful answer is, for the document; "" = what its status says
	answers    []sample     // answers, for the document; nil = one made of the examples of its fields
	alsoSample string       // an answer in the other media type
}

const (
	prefix         = "/api/v1"
	defaultBody    = 1 << 20
	defaultTimeout = 15 * time.Second
)

// object is a body as it was sent: the authority merges it with what there is,
// where null and absent differ, and judges it.
type object struct {
	Body json.RawMessage
}

// answer is an answer without headers of its own.
type answer[T any] struct{ Body T }

// operation is a handler: who acts, what was sent, what is answered.
type operation[In, Out any] func(ctx context.Context, who authority.Principal, in *In) (*Out, error)

// add mounts an operation: identity, permission, limits, decoding and errors
// around handle.
func add[In, Out any](s *service, r route, handle operation[In, Out]) {
	op := huma.Operation{
		Method: r.method, Path: prefix + r.path, OperationID: r.id, Summary: r.summary, Description: r.about,
		Tags: []string{r.tag}, DefaultStatus: r.status, Responses: map[string]*huma.Response{},
		Security:    []map[string][]string{{"managementKey": {}}},
		Middlewares: huma.Middlewares{s.guard(r)},
	}
	if r.answer != nil {
		op.Responses["200"] = s.answerSchema(r)
	}
	if r.body != nil {
		op.MaxBodyBytes = r.bodyLimit() + 1 // huma refuses a body that reaches its limit
		op.BodyReadTimeout = s.bodyTimeout
		op.SkipValidateBody = true // the authority names every wrong field at once
		op.RequestBody = s.bodySchema(r.body)
	}
	if r.method == http.MethodPost {
		op.Parameters = append(op.Parameters, idempotencyParam())
	}
	huma.Register(s.huma, op, func(ctx context.Context, in *In) (*Out, error) {
		err := invalid(callOf(ctx).stray)
		var out *Out
		if err == nil {
			out, err = handle(ctx, principalOf(ctx), in)
		}
		if err != nil {
			return nil, s.refuse(ctx, err)
		}
		return out, nil
	})
	if op.RequestBody != nil {
		op.RequestBody.Required = !r.bodyOptional
	}
	s.described[r.id] = r
	s.methods[prefix+r.path] = append(s.methods[prefix+r.path], r.method)
}

func (r route) bodyLimit() int64 {
	if r.bodyBytes == 0 {
		return defaultBody
	}
	return r.bodyBytes
}

// guard stands before decoding: who is it, may they, is the body of a kind that
// is read here, and how long may all of it take.
func (s *service) guard(r route) func(huma.Context, func(huma.Context)) {
	timeout := r.timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return func(hc huma.Context, next func(huma.Context)) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(hc.Context(), timeout)
		defer cancel()
		who, err := s.identify(ctx, hc, originOf(ctx, r.method))
		stranger := err != nil
		ctx = context.WithValue(ctx, callKey{}, &call{route: r, who: who, id: hc.Param("id"), stray: strayParams(hc)})
		hc = huma.WithContext(hc, ctx)
		if err == nil {
			err = admit(r, hc, who)
		}
		if err != nil {
			s.writeRefusal(hc, err)
		} else {
			next(hc)
		}
		var sampled []slog.Attr
		if stranger {
			n := s.refusals.count(fault.Of(err).Kind, began)
			if n == 0 {
				return
			}
			sampled = []slog.Attr{slog.String("code", string(fault.Of(err).Kind)), slog.Int64("refusals", n)}
		}
		s.log.LogAttrs(ctx, slog.LevelInfo, "management call",
			slog.String("method", r.method), slog.String("route", prefix+r.path), slog.Int("status", statusOf(ctx)),
			slog.String("actor", who.ID()), slog.String("request_id", requestID(ctx)),
			slog.Int64("duration_ms", time.Since(began).Milliseconds()), slog.GroupAttrs("", sampled...))
	}
}

// admit is nil when who may do this, with a body of this type.
func admit(r route, hc huma.Context, who authority.Principal) error {
	switch {
	case r.permission != "" && !who.Can(r.permission):
		return fault.New(fault.PermissionDenied, "This needs the permission %q. Ask an administrator to grant it.", r.permission)
	case r.body != nil:
		if err := checkMediaType(r.method, hc.Header("Content-Type")); err != nil {
			return err
		}
	}
	if r.method == http.MethodPost {
		return checkIdempotencyKey(originOf(hc.Context(), r.method).IdempotencyKey)
	}
	return nil
}

// identify reads the management key. Only Authorization: Bearer is looked at, so
// that the headers of the data plane can never open this API.
func (s *service) identify(ctx context.Context, hc huma.Context, origin authority.Origin) (authority.Principal, error) {
	var sent []string
	hc.EachHeader(func(name, value string) {
		if http.CanonicalHeaderKey(name) == "Authorization" {
			sent = append(sent, value)
		}
	})
	switch {
	case len(sent) == 0 || sent[0] == "":
		return authority.Principal{}, fault.New(fault.KeyMissing, "Send a management key (%s…) in the header Authorization: Bearer.", s.authority.ManagementPrefix())
	case len(sent) > 1:
		return authority.Principal{}, fault.New(fault.KeyAmbiguous, "More than one Authorization header was sent; send one.")
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return authority.Principal{}, fault.New(fault.KeyMissing, "The Authorization header must be Bearer and a management key (%s…).", s.authority.ManagementPrefix())
	}
	return s.authority.LogIn(ctx, token, origin)
}

// checkMediaType lets JSON pass, and for PATCH the name that RFC 7396 gave it. A
// body without a type is taken for JSON.
func checkMediaType(method, contentType string) error {
	if contentType == "" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && mediaType == "application/json":
		return nil
	case err == nil && mediaType == "application/merge-patch+json" && method == http.MethodPatch:
		return nil
	}
	return fault.New(fault.UnsupportedMediaType, "The body must be JSON: send the header Content-Type: application/json.")
}
