package ledger

import (
	"errors"
	"maps"
	"math"
	"slices"
	"time"
)

// recoverJournal reads what an earlier process left in dir, begins a new segment
// after it, and writes there the entries of the holds it left open.
func recoverJournal(dir string, segmentBytes int64, applied Position) (*journal, []*Entry, error) {
	numbers, err := segments(dir)
	if err != nil {
		return nil, nil, err
	}
	left := &journal{dir: dir}
	open := map[RequestID]*Entry{}
	last := applied.Segment
	for _, n := range numbers {
		if err := left.scan(n, open); err != nil {
			return nil, nil, err
		}
		last = max(last, n)
	}
	j, err := newJournal(dir, segmentBytes, last)
	if err != nil {
		return nil, nil, err
	}
	swept := slices.SortedFunc(maps.Values(open), func(a, b *Entry) int { return int(a.At - b.At) })
	now := time.Now().UnixMilli()
	for _, e := range swept {
		e.Outcome = Unconfirmed
		e.DurationMS = max(now-e.At, 0)
		if err := j.append(e); err != nil {
			return nil, nil, errors.Join(err, j.close())
		}
	}
	return j, swept, j.sync()
}

// scan reads a whole segment and keeps open up to date: a hold opens, any other
// outcome ends it.
func (j *journal) scan(segment uint64, open map[RequestID]*Entry) error {
	r, err := j.openSegment(segment, 0)
	if err != nil {
		return err
	}
	defer func() { _ = r.close() }()
	for {
		payload, err := r.next(math.MaxInt64)
		if errors.Is(err, errTorn) {
			if _, found := r.resync(); found {
				continue
			}
			return nil
		} else if err != nil {
			return err
		}
		e := &Entry{}
		if err := e.decode(payload, &r.names); err != nil {
			return err
		}
		if e.Outcome == Held {
			open[e.ID] = e
		} else {
			delete(open, e.ID)
		}
	}
}
