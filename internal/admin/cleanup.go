package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tollgate/api"
	"tollgate/internal/authority"
)

const (
	cleanUpTime = 10 * time.Minute
	tellEvery   = 100 * time.Millisecond // progress
)

type cleanUpQuery struct {
	Format string `query:"format" enum:"json,jsonl" doc:"Without it, as the Accept header says."`

	accept string
}

// Resolve notes which form the caller wants.
func (q *cleanUpQuery) Resolve(hc huma.Context) []error {
	q.accept = hc.Header("Accept")
	return nil
}

func (q *cleanUpQuery) lines() bool {
	return q.Format == "jsonl" || q.Format == "" && strings.HasPrefix(q.accept, ndjsonMediaType)
}

// cleanUp disables or deletes the keys that have expired. As JSON Lines it tells
// how far it is, and in the last line what was done.
func (s *service) cleanUp(_ context.Context, who authority.Principal, in *cleanUpQuery) (*usageAnswer, error) {
	return &usageAnswer{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(cleanUpTime)) // a writer without deadlines has none to move
		telling := progressWriter{hc: hc, w: w}
		tell := telling.tell
		if !in.lines() {
			tell = nil
		}
		cleaned, err := s.authority.CleanUpExpired(hc.Context(), who, tell)
		switch {
		case err != nil && !telling.begun:
			s.writeRefusal(hc, err)
		case err != nil: // half a job must not look like a whole one
			s.log.WarnContext(hc.Context(), "cleaning up was broken off", "error", err, "request_id", requestID(hc.Context()))
			panic(http.ErrAbortHandler)
		case in.lines():
			telling.line(cleanedView(cleaned))
		default:
			hc.SetHeader("Content-Type", "application/json")
			_ = marshal(hc.BodyWriter(), cleanedView(cleaned)) // a caller that has left
		}
	}}, nil
}

func cleanedView(c authority.Cleaned) api.CleanedUp {
	return api.CleanedUp{Count: c.Keys(), Disabled: c.Disabled, Deleted: c.Deleted, SecretsWiped: c.Wiped}
}

// progressWriter writes JSON Lines that tell how far a job is.
type progressWriter struct {
	hc    huma.Context
	w     http.ResponseWriter
	begun bool
	last  time.Time // when it was told
}

// tell writes a line now and then, and at the end.
func (p *progressWriter) tell(done, total int) {
	if now := time.Now(); done == total || now.Sub(p.last) >= tellEvery {
		p.last = now
		p.line(api.Progress{Done: done, Total: total})
	}
}

func (p *progressWriter) line(v any) {
	if !p.begun {
		p.hc.SetHeader("Content-Type", ndjsonMediaType)
		p.begun = true
	}
	if err := errors.Join(marshal(p.hc.BodyWriter(), v), http.NewResponseController(p.w).Flush()); err != nil {
		return // whoever left does not end the job
	}
}
