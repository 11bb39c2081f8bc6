package admin

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tollgate/internal/fault"
)

// statusWriter remembers the status of an answer, for the log. huma's own context
// is copied on the way and does not.
type statusWriter struct {
	http.ResponseWriter
	status int // 0 = nothing was sent
}

// WriteHeader notes the first final status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends 200 first when nothing else was.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type statusKey struct{}

// statusOf is the status that was sent to the caller; 0 = none yet.
func statusOf(ctx context.Context) int {
	if w, ok := ctx.Value(statusKey{}).(*statusWriter); ok {
		return w.status
	}
	return 0
}

// quiet is how long a kind of refusal is only counted after it was logged.
const quiet = time.Second

// refusals says which refusals of strangers are logged: anybody can cause them,
// as many as they like. It is safe for concurrent use; the zero value is ready.
type refusals struct {
	mu    sync.Mutex
	kinds map[fault.Kind]*refused // covered by mu; there are only as many as there are kinds
}

type refused struct {
	loggedAt time.Time
	since    int64 // refusals since then
}

// count adds one of a kind. It is how many there were since the last line, this
// one included, when it is time for the next; else 0.
func (r *refusals) count(kind fault.Kind, now time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kinds == nil {
		r.kinds = map[fault.Kind]*refused{}
	}
	k := r.kinds[kind]
	if k == nil {
		k = &refused{}
		r.kinds[kind] = k
	}
	k.since++
	if now.Sub(k.loggedAt) < quiet {
		return 0
	}
	n := k.since
	k.loggedAt, k.since = now, 0
	return n
}
