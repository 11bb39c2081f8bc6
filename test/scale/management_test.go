package scale

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/server"
)

// run starts the whole program on dir, until the benchmark ends.
func run(b *testing.B, dir string) (base string) {
	b.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.RootKey = "127.0.0.1:0", dir, rootKey()
	s, err := server.New(ctx, cfg, server.Options{})
	if err != nil {
		stop()
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return "http://" + s.Addr().String()
}

// connections is an HTTP client for n callers at a time.
func connections(b *testing.B, n int) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: n, MaxConnsPerHost: n}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// call sends one call to the management API and gives its answer.
func call(c *http.Client, method, url string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+rootKey().Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// population makes n keys over the API, of many names, tags and states, and tells
// how many a second that were.
func population(tb testing.TB, c *http.Client, base string, n, callers int) (perSecond float64) {
	tb.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				body := fmt.Sprintf(`{"name":"service %d of team %d","description":"made for the figures, %x","tags":["team-%d","all"],"is_active":%t,"budget_limit_cents":%d}`,
					i, i%97, i*7919, i%97, i%10 != 0, 100+i)
				if status, answer, err := call(c, http.MethodPost, base+"/api/v1/api-keys", []byte(body)); err != nil || status != http.StatusCreated {
					tb.Errorf("key %d: %d %s %v", i, status, answer, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(begun).Seconds()
}

// processorTime is what this process has computed, server and client together: a
// figure that other work on the machine does not change much.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCreateKeys makes keys in parallel over the API, each with its event in
// the audit.
func BenchmarkCreateKeys(b *testing.B) {
	const callers = 16
	base, c := run(b, b.TempDir()), connections(b, callers)
	population(b, c, base, 200, callers)
	b.ResetTimer()
	b.ReportMetric(population(b, c, base, max(b.N, 100), callers), "keys/s")
}

// BenchmarkLists reads lists of 10,000 keys over the API, one after another.
func BenchmarkLists(b *testing.B) {
	const callers, stored = 16, 10_000
	dir, err := os.MkdirTemp("", "tollgate-lists-")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	base, c := run(b, dir), connections(b, callers)
	population(b, c, base, stored, callers)
	for name, query := range map[string]string{
		"first page":       "?size=100",
		"last page":        "?size=100&page=100",
		"beyond the end":   "?size=100&page=10000",
		"search":           "?search=service+1234",
		"search for none":  "?search=nothing+like+it",
		"search by phrase": "?search=OF+TEAM+13&size=50",
		"tag":              "?tag=team-42&size=50",
		"tag of all":       "?tag=all&size=100&page=50",
		"inactive":         "?is_active=false&size=100&page=5",
		"all at once":      "?search=team&tag=team-5&is_active=true&kind=service&status=active&size=100",
	} {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			took, before := make([]time.Duration, 0, b.N), processorTime(b)
			for b.Loop() {
				begun := time.Now()
				status, answer, err := call(c, http.MethodGet, base+"/api/v1/api-keys"+query, nil)
				took = append(took, time.Since(begun))
				if err != nil || status != http.StatusOK {
					b.Fatalf("%d %s %v", status, answer, err)
				}
			}
			slices.Sort(took)
			b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(len(took)), "cpu-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
