package authority_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

const slowKey = "en_abcdefghijklmnopqrstuvwxyz012345"

var (
	somebody = netip.MustParseAddr("203.0.113.7")
	another  = netip.MustParseAddr("198.51.100.7")
)

// try presents a key from an address, and says how it was answered.
func (h *house) try(t testing.TB, text string, from netip.Addr) fault.Kind {
	t.Helper()
	_, err := h.AuthenticateFrom(t.Context(), text, from)
	if err == nil {
		return ""
	}
	return fault.Of(err).Kind
}

// Wrong keys that begin like a right one are checked a few times a minute and no
// more, from wherever they come; the right one counts for nothing, and works as
// soon as there is room again.
func TestGuessingIsThrottledByBeginning(t *testing.T) {
	h, imports, _ := counted(t)
	h.brought(t, foreignRow("1", byBcrypt(t, slowKey, 4), ""))
	for i := range 5 {
		if kind := h.try(t, fmt.Sprintf("en_abcdewrong%d", i), netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})); kind != fault.KeyInvalid {
			t.Fatalf("guess %d: %q", i, kind)
		}
	}
	asked := imports.secrets
	_, err := h.AuthenticateFrom(t.Context(), "en_abcdewrong5", another)
	if f := fault.Of(err); f.Kind != fault.RateLimited || f.RetryAfter <= 0 || f.RetryAfter > time.Minute {
		t.Errorf("the sixth guess: %v", err)
	}
	if kind := h.try(t, slowKey, somebody); kind != fault.RateLimited {
		t.Errorf("the right key after five wrong ones: %q", kind)
	}
	if imports.secrets != asked {
		t.Errorf("the store was asked for %d refused guesses", imports.secrets-asked)
	}
	if kind := h.try(t, "en_zzzzz-begins-otherwise", somebody); kind != fault.KeyInvalid {
		t.Errorf("a key that begins otherwise: %q", kind)
	}
	h.pass(time.Minute)
	for range 20 {
		if kind := h.try(t, slowKey, somebody); kind != "" {
			t.Fatalf("the right key a minute later: %q", kind)
		}
	}
	// It is known by its hash now: wrong ones are strangers.
	for i := range 20 {
		if kind := h.try(t, fmt.Sprintf("en_abcdeagain%d", i), somebody); kind != fault.KeyInvalid && kind != fault.RateLimited {
			t.Fatalf("%q", kind)
		}
	}
}

func TestGuessingIsThrottledByAddress(t *testing.T) {
	h := newHouse(t)
	for i := range 4 {
		h.brought(t, foreignRow(fmt.Sprint(i), byBcrypt(t, fmt.Sprintf("en_key_%dis-right", i), 4), ""))
	}
	network := netip.MustParseAddr("2001:db8:1:2::1")
	for i := range 10 {
		network = network.Next()
		if kind := h.try(t, fmt.Sprintf("en_key_%dwrong-%d", i%4, i), network); kind != fault.KeyInvalid {
			t.Fatalf("guess %d: %q", i, kind)
		}
	}
	if kind := h.try(t, "en_key_0wrong-x", network.Next()); kind != fault.RateLimited {
		t.Errorf("the eleventh guess from a network: %q", kind)
	}
	if kind := h.try(t, "en_key_0is-right", another); kind != "" {
		t.Errorf("the right key from elsewhere: %q", kind)
	}
	if kind := h.try(t, "en_key_0is-right", network); kind != "" {
		t.Errorf("a key that is known, from there: %q", kind)
	}
}

// The same wrong key over and over, as a client with an old configuration sends it,
// is checked once.
func TestAWrongKeyIsCheckedOnce(t *testing.T) {
	h, imports, _ := counted(t)
	h.brought(t, foreignRow("1", byBcrypt(t, slowKey, 4), ""))
	imports.secrets = 0
	for range 100 {
		if kind := h.try(t, "en_abcdeof-long-ago", somebody); kind != fault.KeyInvalid {
			t.Fatalf("%q", kind)
		}
	}
	if imports.secrets != 1 {
		t.Errorf("it was checked %d times", imports.secrets)
	}
	// An import may make it right.
	h.brought(t, foreignRow("2", byBcrypt(t, "en_abcdeof-long-ago", 4), ""))
	if kind := h.try(t, "en_abcdeof-long-ago", somebody); kind != "" {
		t.Errorf("imported, and it is %q", kind)
	}
}

// Many who come with one key at once have it checked once, and all get in.
func TestManyComeWithOneKey(t *testing.T) {
	h, imports, _ := counted(t)
	h.brought(t, foreignRow("1", byBcrypt(t, slowKey, 8), ""))
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := h.AuthenticateFrom(t.Context(), slowKey, somebody); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if imports.adoptions != 1 {
		t.Errorf("it was adopted %d times", imports.adoptions)
	}
	if kind := h.try(t, slowKey, somebody); kind != "" {
		t.Errorf("%q", kind)
	}
}

// A revocation that is under way while its key is seen for the first time is in
// force for it.
func TestARevocationMeetsAFirstUse(t *testing.T) {
	for name, secret := range map[string]string{"bcrypt": byBcrypt(t, slowKey, 4), "knox": byKnox([]byte(slowKey))} {
		h, s := tapped(t)
		k := h.brought(t, foreignRow("1", secret, ""))
		first := true
		s.update = func(next func() error) error {
			if first {
				first = false
				h.grant(t, slowKey)
			}
			return next()
		}
		_, err := h.RevokeKey(t.Context(), h.root, k.ID, nil, 0)
		must(t, err)
		if kind := h.verdict(t, slowKey); kind != fault.KeyRevoked {
			t.Errorf("%s: %q", name, kind)
		}
	}
}

// What cannot be stored opens nothing, and is no wrong key; what was stored all the
// same works from then on.
func TestAStoreInTroubleDuringAFirstUse(t *testing.T) {
	for name, after := range map[string]bool{"not stored": false, "stored": true} {
		h, imports, _ := counted(t)
		k := h.brought(t, foreignRow("1", byBcrypt(t, slowKey, 4), ""))
		broken := true
		imports.adopt = func(next func() error) error {
			if !broken {
				return next()
			}
			if after {
				if err := next(); err != nil {
					return err
				}
			}
			return errDisk
		}
		if kind := h.try(t, slowKey, somebody); kind != fault.StoreUnavailable {
			t.Errorf("%s: %q", name, kind)
		}
		broken = false
		g, err := h.AuthenticateFrom(t.Context(), slowKey, somebody)
		if err != nil || g.KeyID() != k.ID {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

// No key is called invalid because nobody could say what was imported.
func TestAStoreThatCannotSayWhatWasImported(t *testing.T) {
	broken := true
	h := newHouse(t, func(s *authority.Store) { s.Imports = brokenImports{s.Imports, &broken} })
	if kind := h.try(t, "sk-anything", somebody); kind != fault.StoreUnavailable {
		t.Errorf("%q", kind)
	}
	broken = false
	if kind := h.try(t, "sk-anything", somebody); kind != fault.KeyInvalid {
		t.Errorf("%q", kind)
	}
}

type brokenImports struct {
	authority.ImportStore
	broken *bool
}

func (s brokenImports) ForeignLookups(ctx context.Context, each func(authority.Scheme, []byte)) error {
	if *s.broken {
		return errDisk
	}
	return s.ImportStore.ForeignLookups(ctx, each)
}

// No more keys that begin alike are taken than one that begins so can be checked
// against at once: the last could never be used.
func TestKeysThatBeginAlikeCanAllBeChecked(t *testing.T) {
	h := newHouse(t)
	for cost, want := range map[int]int{14: 4, 13: 8, 10: 8} {
		var rows []string
		for i := range 9 {
			digest := fmt.Sprintf("$2b$%02d$%s%d", cost, strings.Repeat("a", 52), i)
			rows = append(rows, foreignRow(fmt.Sprintf("%d-%d", cost, i),
				fmt.Sprintf(`{"scheme":"bcrypt","digest":%q,"prefix":"en_c%04d"}`, digest, cost), ""))
		}
		made := 0
		for _, r := range h.bring(t, h.root, "", rows...) {
			switch {
			case r.Outcome == authority.ImportCreated:
				made++
			case r.Err == nil || r.Err.Param != "secret.prefix":
				t.Errorf("%+v", r)
			}
		}
		if made != want {
			t.Errorf("%d keys of cost %d that begin alike, want %d", made, cost, want)
		}
	}
}
