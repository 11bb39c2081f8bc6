package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Position is a place in the journal: the number of a segment and a byte in it.
// The zero value is before the first record.
type Position struct {
	Segment uint64
	Offset  int64
}

// Compare orders positions.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Segment, q.Segment), cmp.Compare(p.Offset, q.Offset))
}

// journal is an append-only log of records in numbered segment files. A record
// is with the operating system when append returns; it is on the disk when sync
// has run after that. A process always begins a new segment, so a record cut off
// by a crash is the last one of its file.
//
// It is safe for concurrent use.
type journal struct {
	dir          string
	segmentBytes int64

	mu    sync.Mutex
	file  *os.File // the segment appended to; nil after a failure, until the next append
	end   Position // where the next record goes
	buf   []byte   // one encoded record, reused
	dirty bool     // something was appended since the last sync
	ended bool     // closed: nothing is appended any more
	open  map[uint64]int
	// open counts, by segment, the holds whose end is not written yet: such a
	// segment must be kept.
}

const segmentPattern = "journal-%016x.log"

// newJournal begins a segment numbered after in dir.
func newJournal(dir string, segmentBytes int64, after uint64) (*journal, error) {
	j := &journal{dir: dir, segmentBytes: segmentBytes, open: map[uint64]int{}}
	j.end.Segment = after
	return j, j.rotate()
}

// appendHold writes the record of a hold and returns its segment, to be given
// back to appendEnd.
func (j *journal) appendHold(e *Entry) (segment uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(e); err != nil {
		return 0, err
	}
	j.open[j.end.Segment]++
	return j.end.Segment, nil
}

// appendEnd writes the entry of a hold that was recorded in segment.
func (j *journal) appendEnd(e *Entry, segment uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(e); err != nil {
		return err
	}
	j.leave(segment)
	return nil
}

// leave counts one open hold of a segment less. j.mu is held.
func (j *journal) leave(segment uint64) {
	if j.open[segment]--; j.open[segment] <= 0 {
		delete(j.open, segment)
	}
}

// supersede takes note that the hold recorded in segment has a newer record: the
// older one is not needed any more.
func (j *journal) supersede(segment uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.leave(segment)
}

// append writes at the end, never past a record that failed: what is left of
// that one is overwritten. j.mu is held.
func (j *journal) append(e *Entry) error {
	if j.ended {
		return os.ErrClosed
	}
	if j.file == nil || j.end.Offset >= j.segmentBytes {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	j.buf = appendRecord(j.buf[:0], e)
	if len(j.buf) > recordHeader+maxRecord {
		return fmt.Errorf("a record of %d bytes is too large for the journal", len(j.buf))
	}
	if _, err := j.file.WriteAt(j.buf, j.end.Offset); err != nil {
		return err
	}
	j.end.Offset += int64(len(j.buf))
	j.dirty = true
	return nil
}

// rotate begins the next segment. The one before is brought to the disk first.
// j.mu is held, or nobody else knows j yet.
func (j *journal) rotate() error {
	if j.file != nil {
		if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
			j.file = nil
			return err
		}
		j.file = nil
	}
	next := j.end.Segment + 1
	f, err := os.OpenFile(j.path(next), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	for errors.Is(err, os.ErrExist) { // left by a rotation that failed half-way
		next++
		f, err = os.OpenFile(j.path(next), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	}
	if err != nil {
		return err
	}
	if err := syncDir(j.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(j.path(next)))
	}
	j.file, j.end = f, Position{Segment: next}
	return nil
}

// sync brings everything appended so far to the disk. After a failure the kernel
// may have dropped what it could not write, so that segment is not used again.
func (j *journal) sync() error {
	j.mu.Lock()
	f, dirty := j.file, j.dirty
	j.dirty = false
	j.mu.Unlock()
	if !dirty || f == nil {
		return nil
	}
	err := f.Sync()
	if err == nil || errors.Is(err, os.ErrClosed) {
		return nil // closed by rotate, which had synced it
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == f {
		err = errors.Join(err, j.file.Close())
		j.file = nil
	}
	return err
}

// tail is where the next record goes: everything before it is whole.
func (j *journal) tail() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end
}

// oldestOpen is the oldest segment with an open hold, or the current one.
func (j *journal) oldestOpen() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	oldest := j.end.Segment
	for s := range j.open {
		oldest = min(oldest, s)
	}
	return oldest
}

// remove deletes the segments before keep.
func (j *journal) remove(keep uint64) error {
	numbers, err := segments(j.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n < keep {
			err = errors.Join(err, os.Remove(j.path(n)))
		}
	}
	return err
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}

func (j *journal) path(segment uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf(segmentPattern, segment))
}

// segments lists the numbers of the segments in dir, in order.
func segments(dir string) ([]uint64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, f := range files {
		var n uint64
		if _, err := fmt.Sscanf(f.Name(), segmentPattern, &n); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// segmentReader reads the records of one segment from an offset on.
type segmentReader struct {
	file   *os.File
	offset int64 // of the next record
	buf    []byte
	have   []byte // read and not yet decoded
	names  names
}

const readChunk = 256 << 10

// openSegment opens a segment for reading.
func (j *journal) openSegment(segment uint64, offset int64) (*segmentReader, error) {
	f, err := os.Open(j.path(segment))
	if err != nil {
		return nil, err
	}
	return &segmentReader{file: f, offset: offset}, nil
}

// next finds the record at the reader's offset if it ends at or before limit,
// and moves behind it. The payload is good until the next call. At the end of
// what is whole the error is errTorn.
func (r *segmentReader) next(limit int64) (payload []byte, err error) {
	if r.offset >= limit {
		return nil, errTorn
	}
	payload, err = record(r.have)
	if errors.Is(err, errTorn) {
		if err := r.fill(limit); err != nil {
			return nil, err
		}
		payload, err = record(r.have)
	}
	if err != nil {
		return nil, err
	}
	n := recordHeader + len(payload)
	r.have = r.have[n:]
	r.offset += int64(n)
	return payload, nil
}

// resync moves to the next whole record behind damage, and tells how many bytes
// it skipped. Where a crash cut the last record off there is none, and the reader
// stays where it is.
func (r *segmentReader) resync() (skipped int64, found bool) {
	rest, err := io.ReadAll(io.NewSectionReader(r.file, r.offset, math.MaxInt64-r.offset))
	if err != nil {
		return 0, false
	}
	for i := 1; i+recordHeader < len(rest); i++ {
		if _, err := record(rest[i:]); err == nil {
			r.offset += int64(i)
			r.have = nil
			return int64(i), true
		}
	}
	return 0, false
}

// fill reads on from the offset; a record never is larger than the buffer.
func (r *segmentReader) fill(limit int64) error {
	if r.buf == nil {
		r.buf = make([]byte, readChunk)
	}
	want := min(limit-r.offset, int64(len(r.buf)))
	n, err := r.file.ReadAt(r.buf[:want], r.offset)
	if err != nil && err != io.EOF {
		return err
	}
	r.have = r.buf[:n]
	return nil
}

func (r *segmentReader) close() error { return r.file.Close() }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
