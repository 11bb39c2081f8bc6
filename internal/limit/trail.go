package limit

import "tollgate/internal/money"

// trail is a trailing window: 60 sub-buckets and the one that is still partly
// inside, so 61 in all. Counting the whole of the oldest bucket makes it refuse
// up to one bucket early and never late. Only buckets in which something was
// used are kept, oldest first: an idle subject costs no memory.
type trail struct {
	sum     Amount
	buckets []bucket
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
	gone := 0
	for gone < len(t.buckets) && int64(t.buckets[gone].at) < now-trailBuckets {
		b := &t.buckets[gone]
		t.sum.Requests -= int64(b.requests)
		t.sum.Tokens -= b.tokens
		t.sum.Cost -= b.cost
		gone++
	}
	if gone > 0 {
		t.buckets = t.buckets[:copy(t.buckets, t.buckets[gone:])]
	}
}

// add counts a in bucket now, which is not before the newest one.
func (t *trail) add(now int64, a Amount) {
	n := len(t.buckets)
	if n == 0 || int64(t.buckets[n-1].at) < now {
		t.buckets = append(t.buckets, bucket{at: uint32(now)})
		n++
	}
	t.change(&t.buckets[n-1], a)
}

// correct changes what was counted in bucket at; what has left the window needs
// no correction.
func (t *trail) correct(at int64, change Amount) {
	for i := len(t.buckets) - 1; i >= 0 && int64(t.buckets[i].at) >= at; i-- {
		if int64(t.buckets[i].at) == at {
			t.change(&t.buckets[i], change)
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
	if len(t.buckets) == 0 {
		return 0
	}
	return (int64(t.buckets[0].at) + trailBuckets + 1) * width
}

// roomAt is when enough has left the window for excess to be gone, in Unix
// seconds. An excess that never leaves is answered with the last bucket's end.
func (t *trail) roomAt(width, excess int64, m Meter) int64 {
	for i := range t.buckets {
		b := &t.buckets[i]
		a := Amount{Requests: int64(b.requests), Tokens: b.tokens, Cost: b.cost}
		excess -= a.of(m)
		if excess <= 0 || i == len(t.buckets)-1 {
			return (int64(b.at) + trailBuckets + 1) * width
		}
	}
	return 0
}
