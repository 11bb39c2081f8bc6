package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/internal/config"
	"tollgate/internal/secret"
	"tollgate/internal/server"
	"tollgate/internal/simulate"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tollgate": main})
}

const testRoot = "tgm_root_key_of_the_scripts_01"

// Each script in testdata runs the real program against a real server of its own
// with the simulated provider: TOLLGATE_URL and TOLLGATE_TOKEN are set.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			url, err := startServer(e, filepath.Join(e.WorkDir, ".server"))
			e.Setenv("TOLLGATE_URL", url)
			e.Setenv("TOLLGATE_TOKEN", testRoot)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"capture": capture, "misuse": misused},
	})
}

// startServer starts a server for one script, and ends it with the script.
func startServer(e *testscript.Env, dir string) (url string, err error) {
	ctx, stop := context.WithCancel(context.Background())
	e.Defer(stop)
	url, ended, err := serveFrom(ctx, dir)
	if err != nil {
		return "", err
	}
	e.Defer(func() {
		stop()
		if err := <-ended; err != nil {
			e.T().Log("the server ended with", err)
		}
	})
	return url, nil
}

// serveFrom serves from a data directory until ctx ends, with the simulated
// provider, and then says how it ended.
func serveFrom(ctx context.Context, dir string) (url string, ended <-chan error, err error) {
	provider, err := server.Simulate(ctx, simulate.Behaviour{})
	if err != nil {
		return "", nil, err
	}
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.RootKey = "127.0.0.1:0", dir, secret.New(testRoot)
	cfg.Providers = map[string]config.Provider{"demo": {Kind: "demo", BaseURL: provider.BaseURL, APIKey: secret.New("sk-of-the-provider")}}
	s, err := server.New(ctx, cfg, server.Options{})
	if err != nil {
		return "", nil, err
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(s.Run(ctx), provider.Close()) }()
	return "http://" + s.Addr().String(), done, nil
}

// capture NAME [FIELD] sets a variable to the last standard output, or to the
// value of a JSON text field in it.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	value := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		_, after, found := strings.Cut(value, `"`+args[1]+`": "`)
		if !found {
			ts.Fatalf("no field %s in %s", args[1], value)
		}
		value, _, _ = strings.Cut(after, `"`)
	}
	ts.Setenv(args[0], value)
}

// misused runs tollgate with arguments that make no sense.
func misused(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("tollgate", args...)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitUsage {
		ts.Fatalf("tollgate %s: %v, want exit code %d", strings.Join(args, " "), err, exitUsage)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("tollgate %s wrote to the standard output: %s", strings.Join(args, " "), out)
	}
}
