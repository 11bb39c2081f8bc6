package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// follower reads the journal and books what it finds. One goroutine runs it;
// waiters and away may be read by others.
type follower struct {
	journal *journal
	book    Book
	log     *slog.Logger
	every   time.Duration

	wake chan struct{} // a waiter wants what is there booked now

	mu      sync.Mutex
	pos     Position      // everything before it is booked; mu covers it
	err     error         // why the last try failed; nil once one succeeds
	changed chan struct{} // closed and replaced after each try

	away atomic.Int64 // since when booking fails, Unix nanoseconds; 0 = it does not

	reader  *segmentReader
	batch   []*Entry // the first of entries
	entries []*Entry // used again by each batch
	names   names
}

const (
	maxBatch   = 4096
	maxBackoff = 5 * time.Second
)

// run books until ctx ends, and then once more what is left.
func (f *follower) run(ctx context.Context) {
	timer := time.NewTimer(f.every)
	defer timer.Stop()
	backoff := f.every
	for {
		select {
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxBackoff)
			defer cancel()
			f.try(final)
			if f.reader != nil {
				_ = f.reader.close()
			}
			return
		case <-f.wake:
		case <-timer.C:
		}
		if f.try(ctx) {
			backoff = f.every
		} else {
			backoff = min(2*backoff, maxBackoff)
		}
		timer.Reset(backoff)
	}
}

// try books all there is, tells the waiters, and reports whether it could.
func (f *follower) try(ctx context.Context) bool {
	err := f.catchUp(ctx)
	f.mu.Lock()
	if err != nil && f.err == nil && ctx.Err() == nil {
		f.log.Error("entries cannot be booked; they wait in the journal", "error", err)
	}
	if err == nil && f.err != nil {
		f.log.Info("entries are booked again")
	}
	f.err = err
	if err == nil {
		f.away.Store(0)
	} else {
		f.away.CompareAndSwap(0, time.Now().UnixNano())
	}
	close(f.changed) // last: whoever waited may now ask whether the database is away
	f.changed = make(chan struct{})
	f.mu.Unlock()
	return err == nil
}

// catchUp books everything up to the journal's tail as of now.
func (f *follower) catchUp(ctx context.Context) error {
	tail := f.journal.tail()
	for {
		next, err := f.read(tail)
		if err != nil {
			return err
		}
		f.mu.Lock()
		pos := f.pos
		f.mu.Unlock()
		if next == pos {
			return nil
		}
		if len(f.batch) > 0 {
			if err := f.book.Apply(ctx, f.batch, next); err != nil {
				f.rewind()
				return fmt.Errorf("book %d entries: %w", len(f.batch), err)
			}
		}
		f.mu.Lock()
		f.pos = next
		f.mu.Unlock()
		if err := f.prune(ctx, pos.Segment, next.Segment); err != nil {
			f.log.Warn("old journal segments stay", "error", err)
		}
	}
}

// read fills the batch from the current position on, at most to tail, and
// returns how far it came.
func (f *follower) read(tail Position) (Position, error) {
	f.batch = f.batch[:0]
	f.mu.Lock()
	pos := f.pos
	f.mu.Unlock()
	for len(f.batch) < maxBatch && pos.Compare(tail) < 0 {
		if f.reader == nil {
			r, err := f.journal.openSegment(pos.Segment, pos.Offset)
			if errors.Is(err, os.ErrNotExist) && pos.Segment < tail.Segment {
				pos = f.skip(pos, tail)
				continue
			} else if err != nil {
				return pos, err
			}
			f.reader = r
		}
		limit := tail.Offset
		if pos.Segment < tail.Segment {
			limit = 1<<63 - 1
		}
		payload, err := f.reader.next(limit)
		if err == nil && outcomeOf(payload) != Held {
			err = f.take(payload)
		}
		switch {
		case errors.Is(err, errTorn):
			if pos.Segment == tail.Segment {
				return pos, fmt.Errorf("journal segment %d ends at %d, before its tail %d", pos.Segment, pos.Offset, tail.Offset)
			}
			lost, found := f.reader.resync()
			if found {
				f.log.Error("a part of the journal is damaged and cannot be booked; what follows it is", "segment", pos.Segment, "at_byte", pos.Offset, "bytes", lost)
				continue
			}
			f.rewind()
			pos = f.skip(pos, tail)
		case err != nil:
			f.rewind()
			return pos, fmt.Errorf("journal segment %d at %d: %w", pos.Segment, pos.Offset, err)
		default:
			pos.Offset = f.reader.offset
		}
	}
	return pos, nil
}

// take decodes a record into the batch, into memory that an earlier batch used.
func (f *follower) take(payload []byte) error {
	n := len(f.batch)
	if n == len(f.entries) {
		f.entries = append(f.entries, &Entry{})
	}
	if err := f.entries[n].decode(payload, &f.names); err != nil {
		return err
	}
	f.batch = f.entries[:n+1]
	return nil
}

// skip is the beginning of the next segment that there is after pos.
func (f *follower) skip(pos, tail Position) Position {
	numbers, err := segments(f.journal.dir)
	i, _ := slices.BinarySearch(numbers, pos.Segment+1)
	if err != nil || i == len(numbers) {
		return Position{Segment: tail.Segment}
	}
	return Position{Segment: numbers[i]}
}

// rewind drops the reader, so that the next read opens the segment at pos.
func (f *follower) rewind() {
	if f.reader != nil {
		_ = f.reader.close()
		f.reader = nil
	}
}

// prune deletes segments that nobody needs any more, when the follower has
// entered a new one: all of them is booked and on the disk, and none holds an
// open hold.
func (f *follower) prune(ctx context.Context, before, now uint64) error {
	if before == now {
		return nil
	}
	if err := f.book.Durable(ctx); err != nil {
		return err
	}
	return f.journal.remove(min(now, f.journal.oldestOpen()))
}

// flush returns once everything appended before the call is booked, or with the
// error of the try that could not.
func (f *follower) flush(ctx context.Context) error {
	tail := f.journal.tail()
	f.mu.Lock()
	for f.pos.Compare(tail) < 0 {
		changed := f.changed
		f.mu.Unlock()
		select {
		case f.wake <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.mu.Lock()
		if f.err != nil {
			break
		}
	}
	defer f.mu.Unlock()
	if f.pos.Compare(tail) < 0 {
		return f.err
	}
	return nil
}
