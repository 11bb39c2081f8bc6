package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (r *Rules) revoked(*Ask) answer { return verdict(r.status != Revoked) }

func (r *Rules) revokedWords(*Ask) string {
	return "This key was revoked. It will not work again; use another key."
}

// disabled also catches a status that nobody has heard of.
func (r *Rules) disabled(*Ask) answer { return verdict(r.status == Active || r.status == Revoked) }

func (r *Rules) disabledWords(*Ask) string {
	return "This key is disabled. Ask whoever gave it to you to enable it."
}

func (r *Rules) expiry(a *Ask) answer {
	if r.expiresAt == 0 {
		return open
	}
	return verdict(a.Now.UnixMilli() < r.expiresAt)
}

func (r *Rules) expiryWords(*Ask) string {
	at := time.UnixMilli(r.expiresAt).UTC().Format(time.RFC3339)
	if r.replaced {
		return "The key has a new secret, and this old one worked until " + at + ". Use the new one."
	}
	return "This key expired at " + at + ". Ask for its expiry to be extended, or use another key."
}

func (r *Rules) owner(*Ask) answer { return verdict(r.ownerActive && r.orgActive) }

func (r *Rules) ownerWords(*Ask) string {
	if !r.orgActive {
		return "The organization of this key is disabled; none of its keys works."
	}
	return "The owner of this key is disabled; none of the owner's keys works."
}

func (r *Rules) ip(a *Ask) answer {
	if r.lists == nil || r.lists.IPs == nil {
		return open
	}
	return verdict(contains(r.lists.IPs, a.IP))
}

// ipWords does not list the allowed addresses: who is refused here may have found
// the key.
func (r *Rules) ipWords(a *Ask) string {
	if !a.IP.IsValid() {
		return "This key works from certain addresses only, and the address of this request is not known."
	}
	return fmt.Sprintf("This key does not work from %s. Use it from an allowed address.", a.IP.Unmap())
}

func (r *Rules) scope(a *Ask) answer {
	if r.lists == nil || r.lists.Scopes == nil {
		return open
	}
	return verdict(slices.Contains(r.lists.Scopes, a.Scope))
}

func (r *Rules) scopeWords(a *Ask) string {
	return refusal("the scope", string(a.Scope), r.lists.Scopes)
}

func (r *Rules) endpoint(a *Ask) answer {
	if r.lists == nil || r.lists.Endpoints == nil {
		return open
	}
	return verdict(anyGlob(r.lists.Endpoints, a.Endpoint) || a.Path != "" && anyGlob(r.lists.Endpoints, a.Path))
}

func (r *Rules) endpointWords(a *Ask) string {
	return refusal("the path", a.Endpoint, r.lists.Endpoints)
}

func (r *Rules) format(a *Ask) answer {
	if r.lists == nil || r.lists.Formats == nil {
		return open
	}
	return verdict(slices.Contains(r.lists.Formats, a.Format))
}

func (r *Rules) formatWords(a *Ask) string {
	return refusal("the API format", string(a.Format), r.lists.Formats)
}

// model matches a pattern against provider/name and, unless the pattern begins
// with a provider, against the bare name: openai/* is not for another provider
// that has models of openai's. An entry that is what the caller wrote, letter by
// letter, admits an alias.
func (r *Rules) model(a *Ask) answer {
	if r.lists == nil || r.lists.Models == nil {
		return open
	}
	if a.Model == "" {
		return denies
	}
	var buf [160]byte // on the stack; longer names cost an allocation
	full := append(buf[:0], a.Provider...)
	full = append(full, '/')
	full = append(full, a.Model...)
	for i, pattern := range r.lists.Models {
		bare := r.lists.ofProvider == nil || !r.lists.ofProvider[i]
		if bare && glob(pattern, a.Model) || glob(pattern, full) || a.Asked != "" && pattern == a.Asked {
			return passes
		}
	}
	return denies
}

func (r *Rules) modelWords(a *Ask) string { return refusal("the model", a.Model, r.lists.Models) }

func (r *Rules) provider(a *Ask) answer {
	if r.lists == nil || r.lists.Providers == nil {
		return open
	}
	return verdict(slices.Contains(r.lists.Providers, a.Provider))
}

func (r *Rules) providerWords(a *Ask) string {
	return refusal("the provider", a.Provider, r.lists.Providers)
}

func verdict(ok bool) answer {
	if ok {
		return passes
	}
	return denies
}

// refusal names what was refused and what the key may use instead.
func refusal[T ~string](what, value string, allowed []T) string {
	return fmt.Sprintf("This key may not use %s %q. It may use: %s.", what, value, listing(allowed))
}

// listing shows a list to people, cut where nobody reads on.
func listing[T ~string](list []T) string {
	const shown = 10
	if len(list) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for i, item := range list[:min(shown, len(list))] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(item))
	}
	if more := len(list) - shown; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
