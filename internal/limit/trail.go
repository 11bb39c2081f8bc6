package limit

import "tollgate/internal/money"

// trail is a trailing window: 60 sub-buckets and the one that is still partly
// inside, so 61 in all. Counting the whole of the oldest bucket makes it refuse
// up to one bucket early and never late. Only buckets in which something was
// used are kept: an idle subject costs no memory. The newest is no part of a list,
// since as a rule a request needs no other.
type trail struct {
	sum    Amount
	used   bool   // there is a bucket
	oldest uint32 // the number of the oldest bucket
	newest bucket
	older  []bucket // oldest first
}

// bucket is one sub-bucket. Its fields are small because there are many.
type bucket struct {
	at       uint32 // number of the bucket since 1970: seconds reach to 2106
	requests uint32
	tokens   int64
	cost     money.NanoUSD
}

const trailBuckets = 60

// advance drops what has left the window at bucket now.
func (t *trail) advance(now int64) {
	if !t.used || int64(t.oldest) >= now-trailBuckets {
		return
	}
	gone := 0
	for gone < len(t.older) && int64(t.older[gone].at) < now-trailBuckets {
		t.drop(&t.older[gone])
		gone++
	}
	t.older = t.older[:copy(t.older, t.older[gone:])]
	switch {
	case len(t.older) > 0:
		t.oldest = t.older[0].at
	case int64(t.newest.at) < now-trailBuckets:
		t.drop(&t.newest)
		t.used = false
	default:
		t.oldest = t.newest.at
	}
}

func (t *trail) drop(b *bucket) {
	t.sum.Requests -= int64(b.requests)
	t.sum.Tokens -= b.tokens
	t.sum.Cost -= b.cost
}

// add counts a in bucket now, which is not before the newest one.
func (t *trail) add(now int64, a Amount) {
	switch {
	case !t.used:
		t.used, t.oldest, t.newest = true, uint32(now), bucket{at: uint32(now)}
	case int64(t.newest.at) < now:
		t.older = append(t.older, t.newest)
		t.newest = bucket{at: uint32(now)}
	}
	t.change(&t.newest, a)
}

// correct changes what was counted in bucket at; what has left the window needs
// no correction.
func (t *trail) correct(at int64, change Amount) {
	if !t.used {
		return
	}
	if int64(t.newest.at) == at {
		t.change(&t.newest, change)
		return
	}
	for i := len(t.older) - 1; i >= 0 && int64(t.older[i].at) >= at; i-- {
		if int64(t.older[i].at) == at {
			t.change(&t.older[i], change)
			return
		}
	}
}

func (t *trail) change(b *bucket, a Amount) {
	b.requests = uint32(int64(b.requests) + a.Requests)
	b.tokens += a.Tokens
	b.cost = b.cost.Add(a.Cost)
	t.sum.Requests += a.Requests
	t.sum.Tokens += a.Tokens
	t.sum.Cost = t.sum.Cost.Add(a.Cost)
}

// opensAt is when the oldest bucket leaves, in Unix seconds; 0 when empty.
func (t *trail) opensAt(width int64) int64 {
	if !t.used {
		return 0
	}
	return (int64(t.oldest) + trailBuckets + 1) * width
}

// roomAt is when enough has left the window for excess to be gone, in Unix
// seconds. An excess that never leaves is answered with the last bucket's end.
func (t *trail) roomAt(width, excess int64, m Meter) int64 {
	if !t.used {
		return 0
	}
	for i := range t.older {
		b := &t.older[i]
		a := Amount{Requests: int64(b.requests), Tokens: b.tokens, Cost: b.cost}
		if excess -= a.of(m); excess <= 0 {
			return (int64(b.at) + trailBuckets + 1) * width
		}
	}
	return (int64(t.newest.at) + trailBuckets + 1) * width
}
