package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // organisations' time zones, also where the system has none

	"tollgate/internal/admin"
	"tollgate/internal/authority"
	"tollgate/internal/config"
	"tollgate/internal/counter/memory"
	"tollgate/internal/credential"
	"tollgate/internal/ledger"
	"tollgate/internal/pricing"
	"tollgate/internal/proxy"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/upstream"
	"tollgate/internal/vault"
)

// Options are what a server needs beside its configuration.
type Options struct {
	Log     *slog.Logger // nil = discard
	Version string
}

// Server is the whole program. Make it with New, end it with Close, or have Run
// do both.
type Server struct {
	cfg      *config.Config
	log      *slog.Logger
	rootKey  secret.Text
	listener net.Listener
	http     *http.Server
	proxy    *proxy.Proxy
	admin    http.Handler
	ledger   *ledger.Ledger
	vault    *vault.Vault
	closers  []func() error // in the order of opening; closed in reverse
	ready    atomic.Bool
}

// New opens everything and listens; requests wait until Run. What was opened is
// closed again when something fails.
func New(ctx context.Context, cfg *config.Config, opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, log: opts.Log}
	if err := s.open(ctx, opts); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open builds the house from the ground up.
func (s *Server) open(ctx context.Context, opts Options) error {
	unlock, err := lockDir(s.cfg.Data)
	if err != nil {
		return err
	}
	s.opened(unlock)
	db, err := sqlite.Open(ctx, filepath.Join(s.cfg.Data, "tollgate.db"))
	if err != nil {
		return err
	}
	s.opened(db.Close)
	var auth *authority.Authority
	var client *upstream.Client
	s.vault, err = vault.Open(ctx, db.Seals(), keysets(s.cfg), vault.Options{
		Resealed: func(context.Context) { auth.ForgetCredentials() }, Log: s.log,
		ChecksPerMinute: s.cfg.Credentials.ChecksPerMinute,
		Ask: func(ctx context.Context, a *credential.Account) credential.Verdict {
			return ask(ctx, client, s.cfg.Credentials.CheckTimeout, a)
		},
	})
	if err != nil {
		return err
	}
	s.opened(func() error { s.vault.Close(); return nil })
	auth = authority.New(db.Authority(), authorityOptions(s.cfg, s.vault.Sealer()))
	s.opened(startUpkeep(auth, s.log))
	prices, err := pricing.Open(ctx, db.Prices(), catalogOptions(s.cfg))
	if err != nil {
		return err
	}
	client, err = upstream.New(endpoints(s.cfg), upstream.Options{
		DialTimeout: s.cfg.Upstream.DialTimeout, HeaderTimeout: s.cfg.Upstream.ResponseHeaderTimeout,
		IdleTimeout: s.cfg.Upstream.IdleTimeout, MaxIdlePerHost: int(s.cfg.Upstream.MaxIdlePerHost),
		Usual: usual(s.cfg), Reach: reach.New(s.cfg.Credentials.AllowedNetworks),
	})
	if err != nil {
		return err
	}
	s.opened(func() error { client.Close(); return nil })
	s.opened(startChecks(auth, s.vault, s.cfg.Credentials.CheckInterval, s.log))
	book := db.Ledger()
	s.ledger, err = ledger.Open(ctx, book, memory.New(book.Load), ledger.Options{
		Dir: filepath.Join(s.cfg.Data, "journal"), SegmentBytes: int64(s.cfg.Journal.SegmentBytes),
		SyncInterval: s.cfg.Journal.SyncInterval, ApplyInterval: s.cfg.Journal.ApplyInterval,
		OfflineGrace: s.cfg.Limits.OfflineGrace, HoldFor: s.cfg.Limits.MaxRequestDuration + s.cfg.DrainTimeout + time.Minute,
		Log: s.log,
	})
	if err != nil {
		return err
	}
	s.opened(s.ledger.Close)
	s.opened(startRerates(s.ledger, prices, s.log))
	s.proxy = newProxy(s.cfg, s.log, auth, s.vault, s.ledger, prices, providers{client})
	s.admin = admin.New(admin.Options{
		Vault: s.vault, CheckNew: s.cfg.Credentials.CheckNew, Authority: auth, Ledger: s.ledger, Prices: prices, Configured: client.Configured, Kind: client.Kind,
		FeePercent: s.cfg.Credentials.FeePercent, LeastOutput: s.cfg.Limits.MinOutputTokens, Logger: s.log, Version: opts.Version,
		Address: proxy.NewAddresses(s.cfg.TrustedProxies).Of,
	})
	if err := s.listen(); err != nil {
		return err
	}
	// Last: the key is shown once, so nothing may fail between making and showing it.
	if s.rootKey, err = auth.EnsureRoot(ctx, s.cfg.RootKey); err != nil {
		return fmt.Errorf("make the root key: %w", err)
	}
	return nil
}

func (s *Server) opened(closer func() error) { s.closers = append(s.closers, closer) }

func (s *Server) listen() error {
	var err error
	if s.listener, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Listen, err)
	}
	s.opened(func() error {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) { // the HTTP server closes it too
			return err
		}
		return nil
	})
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.route),
		ReadHeaderTimeout: s.cfg.Limits.ReadHeaderTimeout,
		MaxHeaderBytes:    int(s.cfg.Limits.MaxHeaderBytes),
		IdleTimeout:       2 * time.Minute,
		// Set anew with each request; the data plane moves it with each write.
		// Without it the deadline of one answer would stay for the next one on
		// the same connection.
		WriteTimeout: 2 * time.Minute,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.opened(s.http.Close)
	return nil
}

// route sends a request to its door. The data plane is asked first: it is the
// one in a hurry.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// A body that no door reads is read by net/http before it sends the
		// answer; a door that reads it sets its own pace.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.Limits.BodyIdleTimeout))
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/"), strings.HasPrefix(path, "/anthropic/"), strings.HasPrefix(path, "/v1beta/"),
		strings.HasPrefix(path, "/openai/"), strings.HasPrefix(path, "/v2/"), strings.HasPrefix(path, "/chatbots/"), strings.HasPrefix(path, "/api/v1/chatbot/"), strings.HasPrefix(path, "/providers/"):
		s.proxy.ServeHTTP(w, r)
	case path == "/healthz":
		answer(w, http.StatusOK, "ok\n")
	case path == "/readyz":
		s.readyz(w)
	default:
		s.admin.ServeHTTP(w, r)
	}
}

// readyz is 200 exactly when requests are served.
func (s *Server) readyz(w http.ResponseWriter) {
	switch {
	case !s.ready.Load():
		answer(w, http.StatusServiceUnavailable, "draining\n")
	case !s.ledger.Ready():
		answer(w, http.StatusServiceUnavailable, "the database is away\n")
	default:
		answer(w, http.StatusOK, "ready\n")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // nobody left to tell
}

// Addr is the address listened on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// RootKey is the root management key if this start made it; zero otherwise. It
// is not kept anywhere else.
func (s *Server) RootKey() secret.Text { return s.rootKey }

// Run serves until ctx ends, then lets open requests finish, and closes
// everything. A request that is still open at the end of the shutdown time-out is
// cut; its entry is written all the same.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	s.ready.Store(true)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, s.close())
	case <-ctx.Done():
	}
	s.ready.Store(false)
	s.ledger.StopRerates()
	return errors.Join(s.drain(), s.close())
}

// cutTime is how long requests that were cut have to write their entries.
const cutTime = 5 * time.Second

func (s *Server) drain() error {
	if n := s.ledger.InFlight(); n > 0 {
		s.log.Info("waiting for requests in flight", "requests", n, "at_most", s.cfg.ShutdownTimeout.String())
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ShutdownTimeout)
	defer cancel()
	var sockets sync.WaitGroup
	sockets.Go(func() { s.proxy.Drain(ctx) }) // which the HTTP server knows nothing of
	err := s.http.Shutdown(ctx)
	sockets.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("requests in flight are cut", "requests", s.ledger.InFlight())
	s.proxy.Cut()
	last, stop := context.WithTimeout(context.Background(), cutTime)
	defer stop()
	s.proxy.Drain(last)
	if err := s.http.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (s *Server) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// Close closes a server that was never run.
func (s *Server) Close() error { return s.close() }
