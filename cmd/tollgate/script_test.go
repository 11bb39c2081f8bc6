package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
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
// with the simulated provider: TOLLGATE_URL and TOLLGATE_TOKEN are set. Together
// they use every operation of the management API that there is a command for,
// which is all of them.
func TestScripts(t *testing.T) {
	asked := &operations{}
	t.Run("all", func(t *testing.T) { // returns once the scripts, which run beside one another, have ended
		testscript.Run(t, testscript.Params{
			Dir:                 "testdata",
			RequireExplicitExec: true,
			RequireUniqueNames:  true,
			Setup: func(e *testscript.Env) error {
				url, err := startServer(e, filepath.Join(e.WorkDir, ".server"), asked)
				e.Setenv("TOLLGATE_URL", url)
				e.Setenv("TOLLGATE_TOKEN", testRoot)
				return err
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){"capture": capture, "misuse": misused},
		})
	})
	if flag.Lookup("test.run").Value.String() == "" { // some scripts alone prove nothing
		asked.judge(t)
	}
}

// operations remembers which operations of the management API were asked for.
type operations struct {
	mu    sync.Mutex
	asked map[string]bool // method and route; covered by mu
}

// through is next, remembering what it was asked for: before it answers, because a
// script may be done with an answer before its handler is.
func (o *operations) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.remember(r.Method + " " + r.URL.EscapedPath())
		next.ServeHTTP(w, r)
	})
}

func (o *operations) remember(request string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asked == nil {
		o.asked = map[string]bool{}
	}
	o.asked[request] = true
}

// judge fails for each operation of the document that no script has used.
func (o *operations) judge(t *testing.T) {
	t.Helper()
	text, err := server.OpenAPI("test")
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil || len(doc.Paths) < 20 {
		t.Fatalf("%d paths, %v", len(doc.Paths), err)
	}
	for path, methods := range doc.Paths {
		// Longer paths of the document are other operations: a word is no id.
		route := regexp.MustCompile("^" + regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, "[^/]*[_/a-z0-9][^/]*(/[^/]+)?") + "$")
		for method, op := range methods {
			used := slices.ContainsFunc(slices.Collect(maps.Keys(o.asked)), func(request string) bool {
				verb, at, _ := strings.Cut(request, " ")
				_, word := doc.Paths[at]
				return strings.EqualFold(verb, method) && route.MatchString(at) && (!word || at == path)
			})
			if !used {
				t.Errorf("no script in testdata runs a command for the operation %s (%s %s)", op.OperationID, strings.ToUpper(method), path)
			}
		}
	}
}

// startServer starts a server for one script, and ends it with the script.
func startServer(e *testscript.Env, dir string, asked *operations) (address string, err error) {
	ctx, stop := context.WithCancel(context.Background())
	e.Defer(stop)
	at, ended, err := serveFrom(ctx, dir)
	if err != nil {
		return "", err
	}
	e.Defer(func() {
		stop()
		if err := <-ended; err != nil {
			e.T().Log("the server ended with", err)
		}
	})
	target, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	front := httptest.NewServer(asked.through(httputil.NewSingleHostReverseProxy(target)))
	e.Defer(front.Close)
	return front.URL, nil
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
	cfg.Credentials.CheckNew = false // nobody outside is asked
	cfg.Providers = map[string]config.Provider{"demo": {Kind: "demo", BaseURL: provider.BaseURL, APIKey: secret.New("sk-of-the-provider")}}
	cfg.Providers["cohere"] = config.Provider{BaseURL: strings.TrimSuffix(provider.BaseURL, "/v1")}
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
