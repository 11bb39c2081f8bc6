package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/fault"
)

// problem is an error answer in huma's hands: the document and the headers that
// go with it.
type problem struct {
	api.Problem
	headers http.Header
}

// Error is for logs.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus tells huma the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders tells huma the headers.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType tells huma the media type.
func (p *problem) ContentType(string) string { return api.ProblemMediaType }

// MarshalJSON writes the document alone.
func (p *problem) MarshalJSON() ([]byte, error) { return json.Marshal(p.Problem) }

// problemOf is the document for an error.
func problemOf(ctx context.Context, f *fault.Error) *problem {
	status := api.Status(string(f.Kind))
	p := &problem{
		Problem: api.Problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status,
			Detail: f.Public, Code: string(f.Kind), Param: f.Param, RequestID: requestID(ctx),
		},
		headers: http.Header{},
	}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, api.FieldError{Field: field.Name, Message: field.Problem})
	}
	if status == http.StatusUnauthorized {
		p.headers.Set("WWW-Authenticate", `Bearer realm="tollgate"`)
	}
	if f.RetryAfter > 0 {
		p.headers.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(f.RetryAfter.Seconds())), 10))
	}
	return p
}

// refuse turns any error into an answer. What is not classified is logged here,
// the only time, and nothing of it is shown.
func (s *service) refuse(ctx context.Context, err error) *problem {
	f := fault.Of(err)
	switch {
	case f.Kind == fault.Internal && errors.Is(err, context.DeadlineExceeded):
		f = fault.Wrap(fault.StoreUnavailable, err, "This took too long and was given up. Try again shortly.")
		fallthrough
	case f.Kind == fault.StoreUnavailable:
		s.log.WarnContext(ctx, "management call failed for now", "error", err, "request_id", requestID(ctx))
	case f.Kind == fault.Internal && !errors.Is(err, context.Canceled):
		s.log.ErrorContext(ctx, "management call failed", "error", err, "request_id", requestID(ctx))
	}
	s.keep(ctx, f)
	return problemOf(ctx, f)
}

// writeRefusal answers from a middleware.
func (s *service) writeRefusal(hc huma.Context, err error) {
	p := s.refuse(hc.Context(), err)
	for name, values := range p.headers {
		hc.SetHeader(name, values[0])
	}
	hc.SetHeader("Content-Type", api.ProblemMediaType)
	hc.SetStatus(p.Status)
	_ = json.NewEncoder(hc.BodyWriter()).Encode(p)
}

// writeProblem answers where no operation was found.
func writeProblem(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	p := problemOf(r.Context(), f)
	w.Header().Set("Content-Type", api.ProblemMediaType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// translate turns huma's own errors, of parameters and of reading the body, into
// problems with a code. Submitted values are left out.
func (s *service) translate(hc huma.Context, _ string, v any) (any, error) {
	theirs, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	f := &fault.Error{}
	switch theirs.Status {
	case http.StatusBadRequest:
		f.Kind, f.Public = fault.InvalidJSON, "The body is empty; send a JSON object."
	case http.StatusRequestTimeout:
		f.Kind, f.Public = fault.RequestTimeout, "The body did not arrive in time."
	case http.StatusRequestEntityTooLarge:
		f.Kind, f.Public = fault.BodyTooLarge, "The body is larger than this operation takes."
	case http.StatusUnprocessableEntity:
		f.Kind = fault.ValidationFailed
		f.Fields = callOf(hc.Context()).stray
		for _, e := range theirs.Errors {
			_, name, _ := strings.Cut(e.Location, ".")
			name, _, _ = strings.Cut(name, "[") // of a list
			if !slices.ContainsFunc(f.Fields, func(f fault.Field) bool { return f.Name == name }) {
				f.Fields = append(f.Fields, fault.Field{Name: name, Problem: want(hc.Operation(), name)})
			}
		}
		slices.SortFunc(f.Fields, func(a, b fault.Field) int { return strings.Compare(a.Name, b.Name) })
		if e, ok := errors.AsType[*fault.Error](invalid(f.Fields)); ok {
			f = e
		}
	default:
		f = fault.Of(theirs)
	}
	s.keep(hc.Context(), f)
	return problemOf(hc.Context(), f), nil
}

// want says what a parameter must be, in the words of its declaration.
func want(op *huma.Operation, name string) string {
	for _, p := range op.Parameters {
		if p.In != "path" && p.Name == name {
			return wantOf(p.Schema)
		}
	}
	return "cannot be read"
}

// strayParams is what of a query the operation does not know, or knows once only:
// of two values it would take one without a word.
func strayParams(hc huma.Context) (stray []fault.Field) {
	var known []string
	for _, p := range hc.Operation().Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	others := "is not a known parameter; this operation takes none"
	if known != nil {
		others = "is not a known parameter; there are " + strings.Join(known, ", ")
	}
	u := hc.URL()
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(known, name):
			stray = append(stray, fault.Field{Name: name, Problem: others})
		case len(query[name]) > 1:
			stray = append(stray, fault.Field{Name: name, Problem: "is there more than once; send it once"})
		}
	}
	return stray
}

func wantOf(s *huma.Schema) string {
	switch {
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = fmt.Sprint(w)
		}
		return "must be one of " + strings.Join(words, ", ")
	case s.Type == huma.TypeInteger && s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("must be a whole number from %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Type == huma.TypeInteger:
		return "must be a whole number"
	case s.Format == "date-time":
		return "must be an instant like 2030-01-31T23:59:59Z"
	case s.MaxLength != nil:
		return fmt.Sprintf("must have at most %d characters", *s.MaxLength)
	}
	return "cannot be read"
}

type requestIDKey struct{}

const requestIDHeader = "X-Request-Id"

// withRequestID gives the request an id, unless an outer handler has announced
// one, and announces it.
func withRequestID(w http.ResponseWriter, r *http.Request) *http.Request {
	id := w.Header().Get(requestIDHeader)
	if id == "" {
		id = "req_" + strings.ToLower(rand.Text())
		w.Header().Set(requestIDHeader, id)
	}
	return r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
