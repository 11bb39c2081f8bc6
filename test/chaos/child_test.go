package chaos

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/key"
)

// programDir is where the real binary is built; no other process has it.
func programDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("tollgate-chaos-%d", os.Getpid()))
}

// program builds the real binary, once for all tests that need it.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir(), "tollgate")
	out, err := exec.Command("go", "build", "-o", path, "tollgate/cmd/tollgate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(programDir())
	os.Exit(code)
}

// child is a gate in a process of its own.
type child struct {
	cmd     *exec.Cmd
	serving chan string   // gets the base URL once it listens
	exited  chan struct{} // closed once it has ended
	output  *transcript
}

// house is what outlives the child: its directory, its root key and its
// environment.
type house struct {
	dir, root string
	env       []string
	output    transcript // of all children
}

func newHouse(t *testing.T, p *provider, env ...string) *house {
	t.Helper()
	h := &house{dir: filepath.Join(t.TempDir(), "data"), root: key.New(key.ManagementPrefix).Reveal()}
	h.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(),
		"TOLLGATE_LISTEN=127.0.0.1:0", "TOLLGATE_DATA=" + h.dir, "TOLLGATE_ROOT_KEY=" + h.root,
		"TOLLGATE_DEMO_BASE_URL=" + p.url, "TOLLGATE_DEMO_API_KEY=sk-provider-credential",
		"TOLLGATE_JOURNAL_SEGMENT_BYTES=64KiB", "TOLLGATE_LOG_LEVEL=debug",
	}, env...)
	return h
}

// spawn starts a child. Its end is waited for when the test ends.
func (h *house) spawn(t *testing.T) *child {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(path, "serve"), exited: make(chan struct{}), serving: make(chan string, 1), output: &h.output}
	c.cmd.Env = h.env
	c.cmd.Stderr = &h.output
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(io.TeeReader(stdout, &h.output))
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), " serves "); ok {
				base, _, _ := strings.Cut(rest, ",")
				c.serving <- base
			}
		}
		_ = c.cmd.Wait() // how it ended is asked of ProcessState
		close(c.exited)
	}()
	t.Cleanup(func() { c.kill(t) })
	return c
}

// start starts a child and waits until it serves.
func (h *house) start(t *testing.T) (*child, *gate) {
	t.Helper()
	c := h.spawn(t)
	select {
	case base := <-c.serving:
		return c, newGate(t, base, h.root, &h.output)
	case <-c.exited:
		t.Fatalf("the child ended before it served:\n%s", h.output.tail())
	case <-time.After(30 * time.Second):
		t.Fatalf("the child does not serve:\n%s", h.output.tail())
	}
	return nil, nil
}

// killAfter kills the child at a moment of no meaning to it.
func (c *child) killAfter(t *testing.T, d time.Duration) {
	t.Helper()
	<-time.After(d)
	c.kill(t)
}

// kill ends the child as a crash would, and waits until it is gone.
func (c *child) kill(t *testing.T) {
	t.Helper()
	_ = c.cmd.Process.Kill() // gone already is fine
	c.wait(t)
}

// wait waits for the child's end and gives its exit code.
func (c *child) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-c.exited:
	case <-time.After(30 * time.Second):
		t.Errorf("the child %d does not end:\n%s", c.cmd.Process.Pid, c.output.tail())
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
	return c.cmd.ProcessState.ExitCode()
}

// terminate asks the child to end.
func (c *child) terminate(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// transcript is what children wrote. It is safe for concurrent use.
type transcript struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *transcript) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(b)
}

func (j *transcript) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

func (j *transcript) tail() string {
	s := j.String()
	return s[max(0, len(s)-4000):]
}

// crowd is callers that send request after request until told to stop.
type crowd struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	replies []said
}

// said is a request and what came of it.
type said struct {
	ask   ask
	reply reply
}

// gather starts n callers; next gives each its next request.
func (g *gate) gather(t *testing.T, n int, next func(caller int) ask) *crowd {
	t.Helper()
	ctx, stop := context.WithCancel(within(t, 2*time.Minute))
	c := &crowd{stop: stop}
	for i := range n {
		c.done.Go(func() {
			for ctx.Err() == nil {
				a := next(i)
				r := g.do(ctx, a)
				c.mu.Lock()
				c.replies = append(c.replies, said{a, r})
				c.mu.Unlock()
				if r.status == 0 && ctx.Err() == nil {
					return // nobody answers any more
				}
			}
		})
	}
	return c
}

// disperse ends the callers and gives all that they heard.
func (c *crowd) disperse() []said {
	c.stop()
	c.done.Wait()
	return c.replies
}
