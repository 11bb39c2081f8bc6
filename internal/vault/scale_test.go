package vault_test

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRotationAtScale seals 100,000 credentials anew while values are opened and
// credentials are made; it takes minutes to fill, and runs where TOLLGATE_SCALE is
// set: TOLLGATE_SCALE=1 go test -cpu 1 -run RotationAtScale ./internal/vault
func TestRotationAtScale(t *testing.T) {
	if os.Getenv("TOLLGATE_SCALE") == "" {
		t.Skip("takes minutes: set TOLLGATE_SCALE")
	}
	const n = 100_000
	h := newHouse(t)
	v := h.open()
	began := time.Now()
	a := h.fill(v, n)
	t.Logf("filled with %d in %v", n, time.Since(began))
	stop := make(chan struct{})
	var wait sync.WaitGroup
	var made atomic.Int64
	wait.Go(func() {
		for i := n; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				h.bring(a, i)
				made.Add(1)
			}
		}
	})
	began = time.Now()
	must(t, v.Rotate())
	for v.Rotation().Running() {
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(began)
	close(stop)
	wait.Wait()
	r := v.Rotation()
	t.Logf("sealed %d of %d anew in %v, while %d were made", r.Done, r.Total, took, made.Load())
	if r.Err != nil || len(r.Dropped) != 1 {
		t.Errorf("%+v", r)
	}
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if got := len(h.opened(v)); int64(got) != n+made.Load() {
		t.Errorf("%d values open, of %d", got, n+made.Load())
	}
}
