package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/internal/server"
	"tollgate/internal/simulate"
)

// The whole program: the first start prints the root key once, the command line
// works with it, a signal ends it, and the second start prints nothing.
func TestServe(t *testing.T) {
	env := []string{"TOLLGATE_DATA=" + t.TempDir() + "/data", "TOLLGATE_LISTEN=127.0.0.1:0"}
	first := start(t, env, "serve")
	root := regexp.MustCompile(`tgm_[0-9A-Za-z]{38}`).FindString(first.printed())
	if root == "" {
		t.Fatalf("no root key in %q", first.printed())
	}
	resp, err := http.Get(first.url + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("readyz: %v %v", resp, err)
	}
	_ = resp.Body.Close()

	cli := append(env, "TOLLGATE_URL="+first.url, "TOLLGATE_TOKEN="+root)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"keys", "create", "--name", "x", "--quiet"}, cli, strings.NewReader(""), &out, &errs); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if !regexp.MustCompile(`^tg_[0-9A-Za-z]{38}\n$`).MatchString(out.String()) {
		t.Errorf("keys create --quiet printed %q", out.String())
	}
	if code := first.stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, first.errs.String())
	}
	if strings.Contains(first.errs.String(), root) {
		t.Error("the root key is in the log")
	}

	second := start(t, env, "serve")
	if strings.Contains(second.printed(), "tgm_") {
		t.Errorf("a second start prints a root key: %q", second.printed())
	}
	second.stop()
}

func TestServeCheck(t *testing.T) {
	var out, errs bytes.Buffer
	check := func(env ...string) int {
		out.Reset()
		errs.Reset()
		return run(t.Context(), []string{"serve", "--check"}, env, strings.NewReader(""), &out, &errs)
	}
	if code := check("OPENAI_API_KEY=sk-planted"); code != exitDone || !strings.Contains(out.String(), "valid") {
		t.Errorf("exit code %d, %q, %q", code, out.String(), errs.String())
	}
	if code := check("TOLLGATE_LISTEN=nowhere", "OPENAI_API_KEY=sk-planted"); code != exitFailed || !strings.Contains(errs.String(), "listen") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
	if strings.Contains(out.String()+errs.String(), "planted") {
		t.Error("a credential was printed")
	}
	twice := "TOLLGATE_PRICES=[{provider: demo, model: m, input: 1, output: 2}, {provider: demo, model: m, input: 3, output: 4}]"
	for name, tt := range map[string]struct {
		env  []string
		want []string
	}{
		"a price twice":                {[]string{twice}, []string{"demo"}},
		"a price twice, and more":      {[]string{twice, "TOLLGATE_LISTEN=nowhere"}, []string{"demo", "listen"}},
		"a root key that is short":     {[]string{"TOLLGATE_ROOT_KEY=tgm_planted"}, []string{"root_key"}},
		"a root key of another form":   {[]string{"TOLLGATE_ROOT_KEY=tg_planted_planted"}, []string{"root_key"}},
		"not read, and read and wrong": {[]string{"TOLLGATE_DRAIN_TIMEOUT=soon", "TOLLGATE_LISTEN=nowhere"}, []string{"drain_timeout", "listen"}},
	} {
		if code := check(tt.env...); code != exitFailed {
			t.Errorf("%s: exit code %d", name, code)
		}
		for _, want := range tt.want {
			if !strings.Contains(errs.String(), want) || strings.Contains(errs.String(), "planted") {
				t.Errorf("%s: %q does not name %s", name, errs.String(), want)
			}
		}
		doctor := run(t.Context(), []string{"doctor", "--url", "http://127.0.0.1:1"}, tt.env, strings.NewReader(""), &out, &errs)
		for _, want := range tt.want {
			if doctor != exitFailed || !strings.Contains(out.String(), want) {
				t.Errorf("%s: doctor ends with %d, %q", name, doctor, out.String())
			}
		}
	}
}

// An address that holds a password or a token is not printed as it is.
func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	for _, url := range []string{
		"http://user:planted@127.0.0.1:1", "http://127.0.0.1:1/?token=planted", "http://127.0.0.1:1?x=planted", "http://user:pl/planted@127.0.0.1:1",
	} {
		for _, args := range [][]string{{"doctor"}, {"keys", "list"}, {"doctor", "--json"}} {
			var out, errs bytes.Buffer
			env := []string{"TOLLGATE_URL=" + url, "TOLLGATE_TOKEN=tgm_x", "TOLLGATE_OPENAI_BASE_URL=" + url}
			if code := run(t.Context(), args, env, strings.NewReader(""), &out, &errs); code != exitFailed {
				t.Errorf("%s, %s: exit code %d", args, url, code)
			}
			if strings.Contains(out.String()+errs.String(), "planted") {
				t.Errorf("%s, %s: %s%s", args, url, out.String(), errs.String())
			}
		}
	}
}

// The faults that demo takes are those that the simulated provider knows.
func TestDemoFaults(t *testing.T) {
	for fault, known := range map[string]bool{"": true, "nonsense": false, "status=399": false, "status=400": true, "status=599": true, "status=600": false, "status=x": false} {
		if knownFault(fault) != known {
			t.Errorf("%q: %v", fault, !known)
		}
	}
	for _, fault := range append(demoFaults(), "nonsense") {
		provider, err := server.Simulate(t.Context(), simulate.Behaviour{Fault: fault})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond) // hang answers nothing
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, provider.BaseURL+"/chat/completions",
			strings.NewReader(`{"model":"demo-mini","messages":[{"role":"user","content":"Hello"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if refused := err == nil && resp.StatusCode == http.StatusBadRequest; refused == knownFault(fault) {
			t.Errorf("fault %q: the provider refuses it: %v", fault, refused)
		}
		stop()
		_ = provider.Close()
	}
}

// A demo serves a key that works on the simulated provider.
func TestDemo(t *testing.T) {
	demo := start(t, nil, "demo", "--listen", "127.0.0.1:0")
	secretKey := regexp.MustCompile(`tg_[0-9A-Za-z]{38}`).FindString(demo.printed())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, demo.url+"/v1/chat/completions",
		strings.NewReader(`{"model":"demo-mini","messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secretKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "choices") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if code := demo.stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, demo.errs.String())
	}
}

// program is a run of tollgate that goes on until it is stopped.
type program struct {
	url    string
	lines  []string
	errs   bytes.Buffer
	cancel context.CancelFunc
	done   chan int
}

// start runs tollgate until it has printed where it serves.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	p := &program{cancel: cancel, done: make(chan int, 1)}
	read, write := io.Pipe()
	go func() {
		p.done <- run(ctx, args, env, strings.NewReader(""), write, &p.errs)
		_ = write.Close()
	}()
	t.Cleanup(func() { p.cancel() })
	at := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	scanner := bufio.NewScanner(read)
	for scanner.Scan() {
		p.lines = append(p.lines, scanner.Text())
		if strings.Contains(p.printed(), "tg_") || strings.Contains(scanner.Text(), "data in") {
			p.url = at.FindString(p.printed())
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return p
		}
	}
	code := <-p.done
	t.Fatalf("tollgate %s ended with %d before it served: %s", strings.Join(args, " "), code, p.errs.String())
	return nil
}

func (p *program) printed() string { return strings.Join(p.lines, "\n") }

// stop asks the program to end, as a signal does, and waits for it.
func (p *program) stop() int {
	p.cancel()
	return <-p.done
}
