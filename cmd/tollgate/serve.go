package main

import (
	"context"
	"errors"
	"fmt"

	"tollgate/internal/config"
	"tollgate/internal/server"
)

// serveCmd starts the server.
type serveCmd struct {
	Config string `placeholder:"FILE" help:"Configuration file, YAML ($$TOLLGATE_CONFIG)."`
	Listen string `placeholder:"ADDR" help:"Address to listen on, host:port ($$TOLLGATE_LISTEN; 127.0.0.1:8080)."`
	Data   string `placeholder:"DIR" help:"Data directory ($$TOLLGATE_DATA; ./tollgate-data)."`
	Check  bool   `help:"Check the configuration, say what is wrong with it, and end."`
}

// Help shows how to start.
func (serveCmd) Help() string {
	return `Serves the data plane (/v1/…) and the management API (/api/v1/…) on one address, with everything it keeps in the data directory. The first start prints a root management key, once.

Every setting can stand in the file or in a TOLLGATE_… variable; provider credentials are read from their usual variables.

Examples:

	OPENAI_API_KEY=sk-… tollgate serve
	TOLLGATE_ROOT_KEY=tgm_… tollgate serve --config tollgate.yaml --data /var/lib/tollgate
	tollgate serve --config tollgate.yaml --check`
}

// Run serves until the context ends, then lets open requests finish.
func (c *serveCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load(t)
	if err != nil {
		return err
	}
	if c.Check {
		t.printf("The configuration is valid: %d providers configured.\n", len(cfg.Configured()))
		return nil
	}
	log := newLog(cfg.Log, t.stderr)
	s, err := server.New(ctx, cfg, server.Options{Log: log, Version: version()})
	if err != nil {
		return err
	}
	if root := s.RootKey(); !root.IsZero() {
		t.printf("Root management key, shown only now:\n\n    %s\n\nKeep it: tollgate keys and the management API need it (TOLLGATE_TOKEN).\n\n", root.Reveal())
	}
	if len(cfg.Configured()) == 0 {
		t.printf("No provider is configured yet: set OPENAI_API_KEY or another provider's variable, or see docs/configuration.md.\n")
	}
	t.printf("tollgate %s serves http://%s, data in %s\n", version(), s.Addr(), cfg.Data)
	return s.Run(ctx)
}

// load reads the configuration and lays the flags over it.
func (c *serveCmd) load(t *terminal) (*config.Config, error) {
	cfg, warnings, err := config.Load(firstSet(c.Config, t.getenv("TOLLGATE_CONFIG")), t.env)
	for _, w := range warnings {
		_, _ = fmt.Fprintf(t.stderr, "tollgate: warning: %s\n", w)
	}
	cfg.Listen, cfg.Data = firstSet(c.Listen, cfg.Listen), firstSet(c.Data, cfg.Data)
	return cfg, wrongConfig(cfg, err)
}

// wrongConfig is all that is wrong with a configuration, in reading it and in
// what was read; nil for nothing.
func wrongConfig(cfg *config.Config, loading error) error {
	if loading == nil {
		return server.Check(cfg)
	}
	return errors.Join(loading, cfg.Validate()) // the catalogue of half a file says nothing
}
