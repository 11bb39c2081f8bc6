package admin

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
	"tollgate/internal/pricing"
	"tollgate/internal/vault"
)

// Meter is what the management API reads of the ledger. *ledger.Ledger is one.
type Meter interface {
	// Usage is what one subject used, days and hours taken in loc.
	Usage(ctx context.Context, subject string, loc *time.Location) (ledger.Usage, error)
	// Totals is what each subject used ever; who used nothing is missing.
	Totals(ctx context.Context, subjects []string) (map[string]ledger.Sum, error)
	// Entries lists entries, newest first, and how many match in all.
	Entries(ctx context.Context, f ledger.Filter) ([]ledger.Entry, int, error)
	// Series sums up the entries that f chooses; days are those of loc.
	Series(ctx context.Context, f ledger.Filter, by []ledger.Dimension, loc *time.Location) ([]ledger.Group, error)
	// Inspect says what counts against each limit of a chain; nothing is taken.
	Inspect(ctx context.Context, chain limit.Chain, loc *time.Location) ([]ledger.LimitState, error)
}

// Ledger is all that the management API needs of the ledger.
type Ledger interface {
	Meter
	Purse
	Booker
	Rerater
}

// Booker sees to it that what is read of a store is complete. *ledger.Ledger is
// one.
type Booker interface {
	// Flush returns once every request whose answer has ended is booked.
	Flush(ctx context.Context) error
}

// Options is what the management API is built from.
type Options struct {
	Authority   *authority.Authority
	Ledger      Ledger
	Prices      *pricing.Book
	Configured  func(provider string) bool     // whether a provider can be used; nil = all can
	Kind        func(provider string) string   // which provider's wire it speaks; nil = that of its own name
	Vault       *vault.Vault                   // nil = there is none
	CheckNew    bool                           // ask providers about new credentials
	FeePercent  int64                          // of the price, for requests that somebody's own credential pays for
	LeastOutput int64                          // tokens of the shortest answer that is forwarded under a hard limit; 0 = 64
	BodyTimeout time.Duration                  // how long a body may take to arrive whole; 0 = 10 s
	Logger      *slog.Logger                   // nil = discard
	Address     func(*http.Request) netip.Addr // of the caller, for the audit; nil = the connection's
	Version     string                         // of the program, for the OpenAPI document
}

// service is what the handlers share. It is immutable after New.
type service struct {
	authority   *authority.Authority
	meter       Meter
	purse       Purse
	booker      Booker
	rerater     Rerater
	prices      *pricing.Book
	configured  func(string) bool
	kind        func(string) string
	vault       *vault.Vault
	checkNew    bool
	feePercent  int64
	leastOutput int64
	bodyTimeout time.Duration
	log         *slog.Logger
	address     func(*http.Request) netip.Addr
	refusals    refusals
	huma        huma.API
	mux         *http.ServeMux
	methods     map[string][]string // the methods of each path, for 405
	described   map[string]route    // the rows of the table by id, for the document
	openAPI     []byte              // the OpenAPI document
}

// New is the handler of /api/v1/…, /openapi.json and /docs; every other path is
// 404. It is safe for concurrent use.
func New(o Options) http.Handler {
	s := newService(o)
	return s.outer(s.mux)
}

// Document is the OpenAPI document of New's handler with the built-in catalogue,
// for who has no server at hand.
func Document(version string) ([]byte, error) {
	prices, err := pricing.Open(context.Background(), nil, catalog.Options{})
	if err != nil {
		return nil, err
	}
	nobody := authority.New(authority.Store{}, authority.Options{})
	return newService(Options{Authority: nobody, Prices: prices, Version: version}).openAPI, nil
}

func newService(o Options) *service {
	s := &service{
		authority: o.Authority, meter: o.Ledger, purse: o.Ledger, booker: o.Ledger, rerater: o.Ledger, prices: o.Prices,
		configured: o.Configured, kind: o.Kind, vault: o.Vault, checkNew: o.CheckNew, feePercent: o.FeePercent, leastOutput: cmp.Or(o.LeastOutput, 64),
		bodyTimeout: cmp.Or(o.BodyTimeout, 10*time.Second), log: o.Logger,
		address: o.Address, mux: http.NewServeMux(),
		methods: map[string][]string{}, described: map[string]route{},
	}
	if s.configured == nil {
		s.configured = func(string) bool { return true }
	}
	if s.address == nil {
		s.address = peerOf
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.huma = humago.New(s.mux, s.humaConfig(o.Version))
	s.routes()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, fault.New(fault.NotFound, "There is nothing at this path. /docs lists what there is, for programs /openapi.json."))
	})
	s.openAPI = s.document()
	s.mountDocs()
	s.refuseOtherMethods()
	return s
}

// outer gives each request an id, survives panics, and lets one trailing slash
// pass, because half of the world writes it.
func (s *service) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = s.withOrigin(withRequestID(w, r))
		seen := &statusWriter{ResponseWriter: w}
		w, r = seen, r.WithContext(context.WithValue(r.Context(), statusKey{}, seen))
		if lines := r.Header.Values("If-Match"); len(lines) > 1 {
			r.Header.Set("If-Match", strings.Join(lines, ", ")) // several lines are one list
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer s.survive(w, r)
		if p := r.URL.Path; len(p) > 1 && strings.HasSuffix(p, "/") {
			r.URL.Path, r.URL.RawPath = p[:len(p)-1], strings.TrimSuffix(r.URL.RawPath, "/")
		}
		// The mux would redirect a path that is not clean; a caller of an API is
		// better served by an error.
		if r.URL.Path != path.Clean(r.URL.Path) {
			r.URL.Path, r.URL.RawPath = "/", ""
		}
		next.ServeHTTP(w, r)
	})
}

// survive answers a panic with 500, or breaks the connection off when an answer
// has begun.
func (s *service) survive(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.log.ErrorContext(r.Context(), "panic in the management API", "panic", v, "route", r.Pattern,
		"request_id", requestID(r.Context()), "stack", string(debug.Stack()))
	if w.Header().Get("Content-Type") != "" { // every answer sets it first
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, r, fault.Of(nil))
}

// refuseOtherMethods answers 405 on every path of the API to the methods that it
// does not have.
func (s *service) refuseOtherMethods() {
	for pattern, methods := range s.methods {
		allow := strings.Join(methods, ", ")
		refuse := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			writeProblem(w, r, fault.New(fault.MethodNotAllowed, "This path takes %s only.", allow))
		}
		if !s.shadows(pattern) {
			s.mux.HandleFunc(pattern, refuse)
			continue
		}
		// The mux wants it method by method where another path, with an id in the
		// place of a word, matches as well.
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} {
			if !slices.Contains(methods, method) {
				s.mux.HandleFunc(method+" "+pattern, refuse)
			}
		}
	}
}

// shadows reports whether a path of the API is also one of the ids of another.
func (s *service) shadows(pattern string) bool {
	words := strings.Split(pattern, "/")
	for other := range s.methods {
		theirs := strings.Split(other, "/")
		if other != pattern && len(theirs) == len(words) && covered(words, theirs) {
			return true
		}
	}
	return false
}

// covered reports whether each of words is that of a pattern, or stands in the
// place of an id.
func covered(words, pattern []string) bool {
	for i, word := range words {
		if word != pattern[i] && !strings.HasPrefix(pattern[i], "{") {
			return false
		}
	}
	return true
}
