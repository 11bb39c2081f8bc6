package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
)

// Options says how a ledger works. Zero values take the defaults named.
type Options struct {
	Dir           string        // of the journal; made if it is not there
	SegmentBytes  int64         // a journal file is ended at this size; 64 MiB
	SyncInterval  time.Duration // how long a power failure may reach back; 50 ms
	ApplyInterval time.Duration // how long an entry may wait to be booked; 200 ms
	OfflineGrace  time.Duration // how long to admit while nothing can be booked; 5 min
	HoldFor       time.Duration // when an unended hold is swept; 1 h 5 min
	Log           *slog.Logger  // nil = discard
}

// Store is a database with all its sides.
type Store interface {
	Book
	Reader
	Accounts
	Corrections
}

// Ledger is the book. It is safe for concurrent use.
type Ledger struct {
	opts        Options
	log         *slog.Logger
	reader      Reader
	book        Book
	accounts    Accounts
	corrections Corrections
	counters    Allowances
	journal     *journal
	follower    *follower

	holds         *xsync.Map[RequestID, *Hold]
	calendars     sync.Map // location name → *atomic.Pointer[limit.Calendar]
	boundExceeded atomic.Int64

	rerating sync.Mutex  // held while a period is rated anew
	closing  atomic.Bool // long work ends before its end

	balances sync.RWMutex // written while a balance changes, read while one is read

	keptMu sync.Mutex
	kept   []keptEntry // entries that the journal could not take; keptMu covers it

	stop context.CancelFunc
	done sync.WaitGroup
}

type keptEntry struct {
	entry   *Entry
	segment uint64
}

// Open opens the ledger, sweeps what a process that died left open, and books
// what was not booked: when it returns, the sums are complete.
func Open(ctx context.Context, store Store, counters Allowances, opts Options) (*Ledger, error) {
	opts.defaults()
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal directory: %w", err)
	}
	applied, err := store.Applied(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the journal is booked: %w", err)
	}
	j, open, err := recoverJournal(opts.Dir, opts.SegmentBytes, applied)
	if err != nil {
		return nil, fmt.Errorf("recover the journal in %s: %w", opts.Dir, err)
	}
	l := &Ledger{
		opts: opts, log: opts.Log, reader: store, book: store, accounts: store, corrections: store, counters: counters, journal: j,
		holds: xsync.NewMap[RequestID, *Hold](),
		follower: &follower{
			journal: j, book: store, log: opts.Log, every: opts.ApplyInterval, pos: applied,
			wake: make(chan struct{}, 1), changed: make(chan struct{}),
		},
	}
	if len(open) > 0 {
		l.log.Warn("requests were in flight when the process ended; each is booked with its whole hold, unconfirmed", "requests", len(open))
	}
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.follower.run(run) })
	l.done.Go(func() { l.tend(run) })
	if err := l.Flush(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("book what the journal holds: %w", err), l.Close())
	}
	return l, nil
}

func (o *Options) defaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.SyncInterval, 50*time.Millisecond)
	set(&o.ApplyInterval, 200*time.Millisecond)
	set(&o.OfflineGrace, 5*time.Minute)
	set(&o.HoldFor, 65*time.Minute)
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Dir = filepath.Clean(o.Dir)
}

// Close books what is left and closes the journal. Requests still open are swept
// at the next start.
func (l *Ledger) Close() error {
	l.StopRerates()
	l.stop()
	l.done.Wait()
	l.retryKept()
	return l.journal.close()
}

// Flush returns once every entry written before the call is booked. When the
// database is away the error is fault.StoreUnavailable.
func (l *Ledger) Flush(ctx context.Context) error {
	if err := l.follower.flush(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

// InFlight is how many holds are open.
func (l *Ledger) InFlight() int { return l.holds.Size() }

// BoundExceeded is how often a provider reported more than was held. It staying
// zero is the proof that the bounds are right.
func (l *Ledger) BoundExceeded() int64 { return l.boundExceeded.Load() }

// Away is since when entries cannot be booked; zero = they can.
func (l *Ledger) Away() time.Time {
	if since := l.follower.away.Load(); since != 0 {
		return time.Unix(0, since)
	}
	return time.Time{}
}

// Ready reports whether new requests are admitted: the database is there, or has
// not been away for longer than the grace.
func (l *Ledger) Ready() bool { return l.ready(time.Now()) == nil }

// ready refuses new work once the database has been away for too long.
func (l *Ledger) ready(now time.Time) error {
	since := l.follower.away.Load()
	if since == 0 || now.UnixNano()-since < int64(l.opts.OfflineGrace) {
		return nil
	}
	return fault.New(fault.StoreUnavailable, "The database has been away since %s; nothing is admitted until it is back.",
		time.Unix(0, since).UTC().Format(time.RFC3339))
}

// calendar is the windows around now in loc; they change once a day, so they are
// kept.
func (l *Ledger) calendar(now time.Time, loc *time.Location) *limit.Calendar {
	if loc == nil {
		loc = time.UTC
	}
	v, ok := l.calendars.Load(loc.String())
	if !ok {
		v, _ = l.calendars.LoadOrStore(loc.String(), &atomic.Pointer[limit.Calendar]{})
	}
	p := v.(*atomic.Pointer[limit.Calendar])
	if cal := p.Load(); cal != nil && cal.Covers(now.Unix()) {
		return cal
	}
	cal := limit.CalendarAt(now, loc)
	p.Store(&cal)
	return &cal
}

// tend syncs the journal, tries kept entries again, and sweeps holds that have
// expired, until ctx ends.
func (l *Ledger) tend(ctx context.Context) {
	sync := time.NewTicker(l.opts.SyncInterval)
	defer sync.Stop()
	sweep := time.NewTicker(max(min(l.opts.HoldFor/10, 10*time.Second), time.Millisecond))
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sync.C:
			if err := l.journal.sync(); err != nil {
				l.log.Error("the journal cannot be brought to the disk", "error", err)
			}
			l.retryKept()
		case <-sweep.C:
			l.sweep()
		}
	}
}

// sweep books the holds that nobody ended in time, unconfirmed.
func (l *Ledger) sweep() {
	for id, h := range l.holds.All() {
		if time.Since(h.begun) >= l.opts.HoldFor {
			if _, ok := h.Settle(Result{Outcome: Unconfirmed}); ok {
				l.log.Warn("a hold expired; its whole amount is booked, unconfirmed", "request_id", id.String())
			}
		}
	}
}

func (l *Ledger) keep(e *Entry, segment uint64) {
	l.keptMu.Lock()
	defer l.keptMu.Unlock()
	l.kept = append(l.kept, keptEntry{e, segment})
}

func (l *Ledger) retryKept() {
	l.keptMu.Lock()
	defer l.keptMu.Unlock()
	for len(l.kept) > 0 {
		if l.journal.appendEnd(l.kept[0].entry, l.kept[0].segment) != nil {
			return
		}
		l.kept = l.kept[1:]
	}
	l.kept = nil
}

func unavailable(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Wrap(fault.StoreUnavailable, err, "Storage is not available, so nothing can be decided. Try again shortly.")
}
