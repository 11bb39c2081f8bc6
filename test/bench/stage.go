package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tollgate/internal/key"
)

// target is one way to the provider.
type target struct {
	name    string
	addr    string
	pids    func() []int // the processes whose CPU counts; nil for the direct way
	keys    []string     // sent in turn
	root    string       // tollgate's root key; "" for the others
	sent    atomic.Int64 // requests
	answers []int64      // tokens that the answers of the load have had, of one scenario or another
}

// stage owns the processes of a run.
type stage struct {
	dir     string
	started []*process
}

type process struct {
	name  string
	cmd   *exec.Cmd
	input io.Closer
	ended chan struct{}
}

// start brings up the provider and the chosen targets. missing says why a target
// is not there.
func (s *stage) start(ctx context.Context, o options) (targets []*target, missing map[string]string, err error) {
	provider, err := s.role(ctx, "provider", "")
	if err != nil {
		return nil, nil, err
	}
	missing = make(map[string]string)
	for name := range strings.SplitSeq(o.targets, ",") {
		var t *target
		var err error
		switch name = strings.TrimSpace(name); name {
		case "direct":
			t = &target{addr: provider.addr}
		case "rp", "relay":
			t, err = s.role(ctx, name, "http://"+provider.addr)
		case "nginx":
			t, err = s.nginx(ctx, o.nginx, provider.addr)
		case "tollgate":
			t, err = s.tollgate(ctx, o, provider.addr)
		default:
			return nil, nil, fmt.Errorf("there is no target %q: use direct, rp, relay, nginx, tollgate", name)
		}
		if err != nil {
			missing[name] = err.Error()
			continue
		}
		t.name = name
		if t.keys == nil {
			t.keys = []string{"sk-bench"}
		}
		targets = append(targets, t)
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	return targets, missing, nil
}

// role starts this program again as something else.
func (s *stage) role(ctx context.Context, role, to string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-role", role, "-to", to)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := s.spawn(role, cmd)
	if err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return &target{addr: strings.TrimSpace(addr), pids: p.pids}, nil
}

// spawn starts a process that stop will end. What it writes goes to a file.
func (s *stage) spawn(name string, cmd *exec.Cmd) (*process, error) {
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: cmd, input: input, ended: make(chan struct{})}
	s.started = append(s.started, p)
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pids() []int { return []int{p.cmd.Process.Pid} }

// stop ends every process, by its id.
func (s *stage) stop() {
	for _, p := range s.started {
		_ = p.input.Close()
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range s.started {
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			fmt.Fprintf(os.Stderr, "bench: %s did not end by itself\n", p.name)
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	}
}

const nginxConfig = `daemon off; pid %[1]s/nginx.pid; error_log stderr crit; worker_processes auto;
events { worker_connections 4096; }
http {
	access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
	client_max_body_size 32m; client_body_buffer_size 256k; client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream provider { server %[3]s; keepalive 512; keepalive_requests 100000000; }
	server {
		listen %[2]s;
		location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
	}
}
`

func (s *stage) nginx(ctx context.Context, program, provider string) (*target, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, errors.New("not installed")
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(s.dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, s.dir, addr, provider), 0o600); err != nil {
		return nil, err
	}
	p, err := s.spawn("nginx", exec.CommandContext(ctx, path, "-p", s.dir, "-c", config, "-e", "stderr"))
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, p, "http://"+addr+"/v1/models"); err != nil {
		return nil, err
	}
	return &target{addr: addr, pids: func() []int { return withChildren(p.cmd.Process.Pid) }}, nil
}

// keysInTurn is how many keys share the load: one key may be limited to 10,000
// requests a minute at most, and the load of a minute is more.
const keysInTurn = 32

func (s *stage) tollgate(ctx context.Context, o options, provider string) (*target, error) {
	program := o.tollgate
	if program == "" {
		program = filepath.Join(s.dir, "tollgate")
		if err := build(ctx, program); err != nil {
			return nil, err
		}
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	root := key.New(key.ManagementPrefix).Reveal()
	cmd := exec.CommandContext(ctx, program, "serve")
	cmd.Dir = s.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir,
		"TOLLGATE_LISTEN=" + addr, "TOLLGATE_DATA=" + filepath.Join(s.dir, "data"), "TOLLGATE_ROOT_KEY=" + root,
		"TOLLGATE_OPENAI_BASE_URL=http://" + provider + "/v1", "OPENAI_API_KEY=sk-bench",
	}
	p, err := s.spawn("tollgate", cmd)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, p, "http://"+addr+"/readyz"); err != nil {
		return nil, err
	}
	t := &target{addr: addr, pids: p.pids, root: root}
	for i := range keysInTurn {
		secret, err := createKey(ctx, addr, root, fmt.Sprintf("bench %d", i+1))
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, secret)
	}
	return t, nil
}

// createKey makes a key with seven limits and a hard budget, all so high that
// nothing is refused.
func createKey(ctx context.Context, addr, root, name string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"name":                  name,
		"rate_limit_per_minute": 10_000, "rate_limit_per_hour": 100_000, "rate_limit_per_day": 1_000_000,
		"tokens_per_minute": int64(1e14), "tokens_per_day": int64(1e14), "tokens_per_month": int64(1e14),
		"concurrent_limit": 1_000, "budget_limit_cents": int64(1e9), "budget_mode": "hard",
	})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/api/v1/api-keys", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+root)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var made struct {
		Secret string `json:"secret_key"`
	}
	if resp.StatusCode != http.StatusCreated || json.Unmarshal(answer, &made) != nil || made.Secret == "" {
		return "", fmt.Errorf("creating a key: %s: %.200s", resp.Status, answer)
	}
	return made.Secret, nil
}

// ready waits until url answers 200.
func (s *stage) ready(ctx context.Context, p *process, url string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for {
		if resp, err := http.Get(url); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended at once: %s", s.lastWords(p.name))
		case <-limit:
			return fmt.Errorf("%s was not ready in 15 s: %s", url, s.lastWords(p.name))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *stage) lastWords(name string) string {
	log, _ := os.ReadFile(filepath.Join(s.dir, name+".log"))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return lines[len(lines)-1]
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
