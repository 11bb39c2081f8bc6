package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// connection is one kept connection with the least of an HTTP/1.1 client: the load
// shares its cores with what it measures.
type connection struct {
	net   net.Conn
	in    *bufio.Reader
	tail  [16]byte  // the last bytes of the body
	first time.Time // when the first byte of the latest body was there
}

func dial(addr string) (*connection, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{net: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends a request and reads its answer. It gives the length of the body.
func (c *connection) do(request []byte) (int64, error) {
	if err := c.net.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("no answer: %w", err)
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return 0, c.refused(string(bytes.TrimSpace(line)))
	}
	length, err := c.headers()
	switch {
	case err != nil:
		return 0, err
	case length >= 0:
		c.first = time.Now()
		return length, c.body(length)
	}
	return c.chunks()
}

// headers reads the headers: the length of the body, -1 when it comes in chunks.
func (c *connection) headers() (int64, error) {
	length := int64(-2)
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("headers: %w", err)
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			if length == -2 {
				return 0, errors.New("an answer with neither a length nor chunks")
			}
			return length, nil
		}
		if v, ok := value(line, "content-length:"); ok {
			if length, err = strconv.ParseInt(string(v), 10, 64); err != nil {
				return 0, err
			}
		} else if v, ok := value(line, "transfer-encoding:"); ok && string(v) == "chunked" {
			length = -1
		}
	}
}

func value(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || !strings.EqualFold(string(line[:len(name)]), name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// body reads n bytes and keeps the last of them.
func (c *connection) body(n int64) error {
	for n > 0 {
		if _, err := c.in.Peek(1); err != nil {
			return fmt.Errorf("cut within its body: %w", err)
		}
		part, _ := c.in.Peek(int(min(n, int64(c.in.Buffered()))))
		c.remember(part)
		_, _ = c.in.Discard(len(part))
		n -= int64(len(part))
	}
	return nil
}

func (c *connection) remember(part []byte) {
	if len(part) >= len(c.tail) {
		copy(c.tail[:], part[len(part)-len(c.tail):])
		return
	}
	copy(c.tail[:], c.tail[len(part):])
	copy(c.tail[len(c.tail)-len(part):], part)
}

func (c *connection) chunks() (int64, error) {
	var total int64
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("cut between chunks: %w", err)
		}
		n, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 64)
		if err != nil {
			return 0, fmt.Errorf("not a chunk: %w", err)
		}
		if total == 0 {
			c.first = time.Now()
		}
		if err := c.body(n); err != nil {
			return 0, err
		}
		if _, err := c.in.Discard(2); err != nil {
			return 0, fmt.Errorf("cut after a chunk: %w", err)
		}
		if total += n; n == 0 {
			return total, nil
		}
	}
}

// refused gives an error with the beginning of what was answered.
func (c *connection) refused(status string) error {
	_ = c.net.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	rest, _ := io.ReadAll(io.LimitReader(c.in, 2000))
	_, body, _ := bytes.Cut(rest, []byte("\r\n\r\n"))
	return fmt.Errorf("%s: %.300s", status, body)
}

// crew is the connections of one scenario to one target, kept over all rounds.
type crew struct {
	target   *target
	conns    []*connection
	requests [][]byte // taken in turn
	length   int64    // that each body must have; 0 = not known yet
	stream   bool
	next     atomic.Int64
}

func newCrew(s scenario, t *target, length int64) (*crew, error) {
	w := &crew{target: t, length: length, stream: s.chunks > 0}
	for _, key := range t.keys {
		w.requests = append(w.requests, s.request(t.addr, key))
	}
	for range s.conns {
		c, err := dial(t.addr)
		if err != nil {
			w.close()
			return nil, err
		}
		w.conns = append(w.conns, c)
	}
	return w, nil
}

func (w *crew) close() {
	for _, c := range w.conns {
		_ = c.net.Close()
	}
}

// round sends n requests in all and gives how long each took, a stream to its first byte.
func (w *crew) round(n int) ([]time.Duration, error) {
	took := make([][]time.Duration, len(w.conns))
	failed := make([]error, len(w.conns))
	var sent atomic.Int64
	var all sync.WaitGroup
	for i, c := range w.conns {
		all.Go(func() {
			took[i] = make([]time.Duration, 0, 2*n/len(w.conns)+1)
			for failed[i] == nil && sent.Add(1) <= int64(n) {
				var span time.Duration
				span, failed[i] = w.one(c)
				took[i] = append(took[i], span)
			}
			if failed[i] != nil {
				sent.Add(int64(n)) // the others need not go on
			}
		})
	}
	all.Wait()
	var merged []time.Duration
	for _, spans := range took {
		merged = append(merged, spans...)
	}
	return merged, errors.Join(failed...)
}

func (w *crew) one(c *connection) (time.Duration, error) {
	request := w.requests[int(w.next.Add(1))%len(w.requests)]
	began := time.Now()
	w.target.sent.Add(1)
	length, err := c.do(request)
	span := time.Since(began)
	if w.stream {
		span = c.first.Sub(began)
	}
	switch {
	case err != nil:
		return 0, err
	case w.length > 0 && length != w.length:
		return 0, fmt.Errorf("an answer has %d bytes, the provider's has %d", length, w.length)
	case w.stream && !bytes.HasSuffix(c.tail[:], []byte("data: [DONE]\n\n")):
		return 0, fmt.Errorf("a stream ends with %q", c.tail[:])
	}
	return span, nil
}
