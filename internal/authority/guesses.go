package authority

import (
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// What guessing may cost. bcrypt is slow on purpose; the keys that are hashed with
// it are, until each is first used, the one thing with which a stranger could make
// the server work.
const (
	guessesPerKey     = 5                 // wrong ones in a minute that begin alike
	guessesPerAddress = 10                // wrong ones in a minute from one address
	guessWork         = 1 << 12           // work that may be done on wrong ones at once: 16 of cost 12
	workTime          = time.Second / 256 // in which one of these comes back: four times what it takes, about
	maxGuessers       = 10_000            // addresses remembered in a minute
	maxWrong          = 4096              // keys that are known to be wrong
	maxProofsWaiting  = 64                // callers that wait for their turn
	proofTimeout      = 10 * time.Second
	retryProof        = time.Second // when who was turned away may come again
)

// guesses counts keys that were tried against bcrypt hashes, and were wrong. It is
// safe for concurrent use.
type guesses struct {
	turns   chan struct{} // holds a token for each check under way
	waiting chan struct{} // and for each that waits for its turn

	mu        sync.Mutex // covers what follows
	minute    int64
	keys      map[foreignLookup]int
	addresses map[netip.Prefix]int
	work      int64     // left, as of workAt
	workAt    time.Time // zero = all of it
	wrong     map[key.Hash]struct{}
	round     int                        // grows when what was wrong may be right
	checking  map[key.Hash]chan struct{} // closed when the check of the key has ended
}

func newGuesses() *guesses {
	return &guesses{
		turns:   make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4)),
		waiting: make(chan struct{}, maxProofsWaiting),
		wrong:   map[key.Hash]struct{}{}, checking: map[key.Hash]chan struct{}{},
	}
}

// known reports whether the key with this hash was wrong before, and the round
// that it is.
func (g *guesses) known(hash key.Hash) (wrong bool, round int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, wrong = g.wrong[hash]
	return wrong, g.round
}

// remember keeps that a key was wrong, unless something was imported since round.
func (g *guesses) remember(hash key.Hash, round int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if round != g.round {
		return
	}
	if len(g.wrong) >= maxWrong {
		clear(g.wrong)
	}
	g.wrong[hash] = struct{}{}
}

// join says whether the caller is the first to check a key, and has to leave; else
// when the first has.
func (g *guesses) join(hash key.Hash) (first bool, ended <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.checking[hash]; ok {
		return false, c
	}
	g.checking[hash] = make(chan struct{})
	return true, nil
}

func (g *guesses) leave(hash key.Hash) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.checking[hash])
	delete(g.checking, hash)
}

// imported forgets what was wrong: it may be right by now.
func (g *guesses) imported() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.wrong)
	g.round++
}

// guess is one try that is counted as wrong until it turns out right.
type guess struct {
	g       *guesses
	begins  foreignLookup
	address netip.Prefix // zero = not known
	minute  int64
	work    int64
}

// begin counts a try, or refuses it for the wrong ones before it.
func (g *guesses) begin(begins []byte, from netip.Addr, now time.Time) (*guess, error) {
	t := &guess{g: g, begins: lookupOf(begins), minute: now.Unix() / 60}
	if from.IsValid() {
		from = from.Unmap()
		bits := from.BitLen()
		if from.Is6() {
			bits = 64 // whoever has an address has the network
		}
		t.address, _ = from.WithZone("").Prefix(bits)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.minute != t.minute {
		g.minute, g.keys, g.addresses = t.minute, map[foreignLookup]int{}, map[netip.Prefix]int{}
	}
	if g.keys[t.begins] >= guessesPerKey || t.address.IsValid() && g.addresses[t.address] >= guessesPerAddress {
		return nil, tooManyGuesses(time.Unix((t.minute+1)*60, 0).Sub(now))
	}
	if len(g.addresses) >= maxGuessers {
		clear(g.addresses) // so many addresses are no more than as many keys
	}
	g.keys[t.begins]++
	if t.address.IsValid() {
		g.addresses[t.address]++
	}
	return t, nil
}

// spend takes the work of checking against a hash of this cost, or refuses.
func (t *guess) spend(cost int, now time.Time) error {
	need := workOf(cost)
	g := t.g
	g.mu.Lock()
	defer g.mu.Unlock()
	switch passed := now.Sub(g.workAt); {
	case g.workAt.IsZero() || passed > guessWork*workTime:
		g.work, g.workAt = guessWork, now
	case passed > 0: // whole units only: what is left of one counts the next time
		gained := int64(passed / workTime)
		g.work = min(guessWork, g.work+gained)
		g.workAt = g.workAt.Add(time.Duration(gained) * workTime)
	}
	if need > g.work {
		return tooManyGuesses(time.Duration(need-g.work) * workTime)
	}
	g.work -= need
	t.work += need
	return nil
}

// workOf is the work of checking against a hash of this cost.
func workOf(cost int) int64 { return int64(1) << (cost - minBcryptCost) }

// proofWork is that of a hash; 0 for one that cannot be read, or none.
func proofWork(proof []byte) int64 {
	cost, err := bcrypt.Cost(proof)
	if err != nil {
		return 0
	}
	return workOf(cost)
}

// right takes back what was counted.
func (t *guess) right() {
	g := t.g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.work = min(guessWork, g.work+t.work)
	t.work = 0
	if g.minute != t.minute {
		return
	}
	g.keys[t.begins]--
	if g.addresses[t.address] > 0 {
		g.addresses[t.address]--
	}
}

func tooManyGuesses(wait time.Duration) error {
	wait = max(wait, time.Second)
	f := fault.New(fault.RateLimited,
		"Keys like this one were tried too often, and were wrong. Try again in %d seconds.", (wait+time.Second-1)/time.Second)
	f.RetryAfter = wait
	return f
}
