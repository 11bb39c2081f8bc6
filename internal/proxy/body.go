package proxy

import (
	"errors"
	"io"
	"math/bits"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/fault"
)

// leastRate is how fast a body must come on the average, in bytes a second, once
// the first grace is over: a sender slower than that holds memory for nothing.
const leastRate = 16 << 10

// buffers lends byte slices by size, each size twice the one before. The zero
// value is ready. It is safe for concurrent use.
type buffers struct {
	pools [bufferClasses]sync.Pool
}

const (
	smallestBuffer = 4 << 10
	largestFirst   = 256<<10 - 1 // lent before a byte of the body has come
	bufferClasses  = 14          // up to 32 MiB
)

// class is the pool whose slices hold n bytes.
func class(n int) int {
	if n <= smallestBuffer {
		return 0
	}
	return bits.Len(uint(n-1) / smallestBuffer)
}

// get lends a slice with room for n bytes; what is larger than the largest class
// is made and not kept.
func (b *buffers) get(n int) *[]byte {
	c := class(n)
	if c >= bufferClasses {
		buf := make([]byte, n)
		return &buf
	}
	if v := b.pools[c].Get(); v != nil {
		return v.(*[]byte)
	}
	buf := make([]byte, smallestBuffer<<c)
	return &buf
}

// put takes a slice back.
func (b *buffers) put(buf *[]byte) {
	if c := class(cap(*buf)); c < bufferClasses && cap(*buf) == smallestBuffer<<c {
		b.pools[c].Put(buf)
	}
}

// loan is a lent buffer with several readers; the last one gives it back.
type loan struct {
	from    *bodies
	buf     *[]byte
	readers atomic.Int32
}

// share counts one more reader.
func (l *loan) share() *loan {
	l.readers.Add(1)
	return l
}

// end is called once by each reader.
func (l *loan) end() {
	if l.readers.Add(-1) == 0 {
		l.from.put(l.buf)
	}
}

// bodies lends buffers for the callers' bodies, up to max bytes in all, so that
// many large bodies at once cannot take all the memory there is. It is safe for
// concurrent use.
type bodies struct {
	buffers *buffers
	max     int64
	lent    atomic.Int64
}

// get lends a slice with room for n bytes, unless that would be too much.
func (b *bodies) get(n int) (*[]byte, error) {
	buf := b.buffers.get(n)
	if b.lent.Add(int64(cap(*buf))) > b.max {
		b.put(buf)
		f := fault.New(fault.Overloaded, "Too many large requests are being read at the moment. Try again shortly.")
		f.RetryAfter = time.Second
		return nil, f
	}
	return buf, nil
}

// put takes a slice back.
func (b *bodies) put(buf *[]byte) {
	b.lent.Add(-int64(cap(*buf)))
	b.buffers.put(buf)
}

// lend makes a loan of a slice that get gave.
func (b *bodies) lend(buf *[]byte) *loan {
	l := &loan{from: b, buf: buf}
	l.readers.Store(1)
	return l
}

// readBody reads the whole body, at most limit bytes, into a lent buffer of
// which body is the used part. The caller gives the buffer back.
func (p *Proxy) readBody(w http.ResponseWriter, r *http.Request, limit int64) (buf *[]byte, body []byte, err error) {
	if r.ContentLength > limit {
		return nil, nil, tooLarge(limit)
	}
	// The announced size is only a word until the bytes are there, so a large
	// buffer is lent as the body grows.
	if buf, err = p.bodies.get(int(min(max(r.ContentLength, 0), largestFirst)) + 1); err != nil {
		return nil, nil, err
	}
	pace := newPace(w, p.opts.BodyIdleTimeout)
	n := 0
	for {
		if n == len(*buf) {
			if buf, err = p.bodies.grow(buf, n); err != nil {
				return nil, nil, err
			}
		}
		pace.expect(n)
		got, err := r.Body.Read((*buf)[n:])
		n += got
		switch {
		case int64(n) > limit:
			p.bodies.put(buf)
			return nil, nil, tooLarge(limit)
		case errors.Is(err, io.EOF):
			pace.stop()
			return buf, (*buf)[:n], nil
		case err != nil:
			p.bodies.put(buf)
			return nil, nil, bodyFault(err, n)
		}
	}
}

// read reads all that there is into a lent buffer, of which all is the used part. The
// caller gives the buffer back.
func (b *bodies) read(r io.Reader) (buf *[]byte, all []byte, err error) {
	if buf, err = b.get(smallestBuffer); err != nil {
		return nil, nil, err
	}
	for n := 0; ; {
		if n == len(*buf) {
			if buf, err = b.grow(buf, n); err != nil {
				return nil, nil, err
			}
		}
		got, err := r.Read((*buf)[n:])
		n += got
		switch {
		case errors.Is(err, io.EOF):
			return buf, (*buf)[:n], nil
		case err != nil:
			b.put(buf)
			return nil, nil, err
		}
	}
}

// grow lends twice the room and copies the n bytes that are there. The old slice
// is given back in any case.
func (b *bodies) grow(buf *[]byte, n int) (*[]byte, error) {
	defer b.put(buf)
	larger, err := b.get(2 * n)
	if err == nil {
		copy(*larger, (*buf)[:n])
	}
	return larger, err
}

func tooLarge(limit int64) error {
	return fault.New(fault.BodyTooLarge, "The body is larger than %d bytes, the most that is taken here.", limit)
}

func bodyFault(err error, n int) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fault.Wrap(fault.RequestTimeout, err, "The body came too slowly: %d bytes had arrived when time was up.", n)
	}
	return fault.Wrap(fault.InvalidJSON, err, "The body ended early, after %d bytes.", n)
}

// pace bounds how long a body may take: a grace, and then leastRate.
type pace struct {
	control *http.ResponseController
	begun   time.Time
	grace   time.Duration
}

func newPace(w http.ResponseWriter, grace time.Duration) pace {
	return pace{http.NewResponseController(w), time.Now(), grace}
}

// expect sets the time until which the read after n bytes must bring something.
func (p *pace) expect(n int) {
	earned := time.Duration(n) * (time.Second / leastRate)
	_ = p.control.SetReadDeadline(p.begun.Add(p.grace + earned)) // a recorder in a test has no deadlines
}

// stop takes the deadline away: from here on a read that waits is only watching
// whether the caller is still there.
func (p *pace) stop() { _ = p.control.SetReadDeadline(time.Time{}) }
