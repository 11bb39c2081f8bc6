package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/llm"
)

// Status is the stored state of a key. Whether it has expired is not a state but
// a matter of the moment: see Spec.ExpiresAt.
type Status uint8

// The states. The zero value is no state and denies.
const (
	Active   Status = iota + 1
	Disabled        // may be enabled again
	Revoked         // for good
)

// Spec is the restrictions of a key as they are stored. A nil list restricts
// nothing; an empty one that is not nil lets nothing through.
type Spec struct {
	Status             Status
	ExpiresAt          time.Time // denied from this instant on; zero = never
	SecretExpiresAt    time.Time // the same for the secret that is used: an old one that was replaced; zero = never
	OwnerActive        bool      // true also when the key has no owner
	OrganizationActive bool
	// Provider reports whether a word is a provider's slug; nil = none is. A
	// pattern of Models that begins with one and a slash is for that provider.
	Provider func(slug string) bool
	Lists
}

// Lists are the allow-lists of a key: nil = all.
type Lists struct {
	IPs       []netip.Prefix // as ParsePrefix gives them
	Scopes    []llm.Scope
	Endpoints []string // canonical paths, with *
	Formats   []llm.Format
	Chatbots  []string // ids; a key that has some opens nothing but these chatbots
	Models    []string // names, provider/name, with *, or exact aliases
	Providers []string // slugs
	Grants    []Grant  // the chatbots that the key opens, each once

	// ofProvider says of each of Models whether it begins with a provider; nil =
	// none does.
	ofProvider []bool

	tags []uint64 // of Grants, see tagged
}

// Rules is a compiled Spec: immutable, safe for concurrent use, and small for a
// key without lists. The zero value denies everything.
type Rules struct {
	lists       *Lists // nil = no lists
	expiresAt   int64  // Unix milliseconds, the key's or the secret's, what comes first; 0 = never
	status      Status
	replaced    bool // expiresAt is the secret's, not the key's
	ownerActive bool
	orgActive   bool
	visitor     bool // there is no key
}

// Compile makes Rules of s. The lists are shared with s and must not be changed
// afterwards.
func Compile(s Spec) Rules {
	r := Rules{status: s.Status, ownerActive: s.OwnerActive, orgActive: s.OrganizationActive}
	if !s.ExpiresAt.IsZero() {
		r.expiresAt = s.ExpiresAt.UnixMilli()
	}
	if at := s.SecretExpiresAt; !at.IsZero() && (r.expiresAt == 0 || at.UnixMilli() < r.expiresAt) {
		r.expiresAt, r.replaced = at.UnixMilli(), true
	}
	if s.Lists.any() {
		lists := s.Lists
		lists.IPs = disjoint(lists.IPs)
		lists.Grants, lists.tags = tagged(lists.Grants)
		lists.ofProvider = beginWith(s.Provider, lists.Models)
		r.lists = &lists
	}
	return r
}

// With is r for an owner and an organisation in another state.
func (r Rules) With(ownerActive, organizationActive bool) Rules {
	r.ownerActive, r.orgActive = ownerActive, organizationActive
	return r
}

func (l *Lists) any() bool {
	return l.IPs != nil || l.Scopes != nil || l.Endpoints != nil || l.Formats != nil ||
		l.Chatbots != nil || l.Models != nil || l.Providers != nil || l.Grants != nil
}

// beginWith says of each pattern whether its first segment is a provider; nil =
// no pattern's is.
func beginWith(provider func(string) bool, patterns []string) []bool {
	if provider == nil {
		return nil
	}
	var marks []bool
	for i, pattern := range patterns {
		if first, _, ok := strings.Cut(pattern, "/"); ok && provider(first) {
			if marks == nil {
				marks = make([]bool, len(patterns))
			}
			marks[i] = true
		}
	}
	return marks
}

// disjoint sorts prefixes and drops those inside another, so that one binary
// search decides. A nil list stays nil.
func disjoint(prefixes []netip.Prefix) []netip.Prefix {
	if prefixes == nil {
		return nil
	}
	kept := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range slices.SortedFunc(slices.Values(prefixes), netip.Prefix.Compare) {
		// What contains p sorts before it, and what lies between the two is inside
		// as well, so only the last one kept can contain it.
		if n := len(kept); n == 0 || !kept[n-1].Contains(p.Addr()) {
			kept = append(kept, p)
		}
	}
	return kept
}
