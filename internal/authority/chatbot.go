package authority

import (
	"strings"
	"time"

	"tollgate/internal/dialect"
)

// AccessMode says who may talk to a chatbot.
type AccessMode string

// The modes.
const (
	// AccessKey wants a key that holds a live grant for the chatbot.
	AccessKey AccessMode = "key_required"
	// AccessPublic lets in callers without a key as well.
	AccessPublic AccessMode = "public"
	// AccessAuto is public until the chatbot gets its first grant, and from then
	// on for good wants a key, whatever becomes of the grants.
	AccessAuto AccessMode = "auto"
	// AccessDisabled lets nobody in.
	AccessDisabled AccessMode = "disabled"
)

// openness orders the modes by who gets in: none of them lets in more than those
// behind it.
func (m AccessMode) openness() int {
	switch m {
	case AccessDisabled:
		return 0
	case AccessKey:
		return 1
	case AccessAuto:
		return 2
	}
	return 3
}

// Chatbot is a model with instructions, under an address of its own. Treat its
// lists as read-only: copies of a Chatbot share them.
type Chatbot struct {
	ID             string // "bot_…"
	OrganizationID string // "org_…"
	UserID         string // its owner, "user_…"; "" = the organisation's
	Name           string // for people, also those who talk to it
	Slug           string // its address; unique among all chatbots that are not deleted
	Provider       string // slug; "" = the one that has the model
	Model          string // a name, an alias, or provider/name
	SystemPrompt   string // what the model is told first; "" = nothing, callers may
	Temperature    *float64
	MaxTokens      *int64   // the longest answer; nil = as long as the model's
	Greeting       string   // for front ends to show
	AllowedOrigins []string // pages that may use it; nil = no page of another site
	AccessMode     AccessMode
	Status         Status    // active or disabled
	DisabledBy     string    // a user, else a management key; "" = nobody
	FirstGrantAt   time.Time // when it got its first grant; zero = it never had one. No change of a chatbot writes it.
	Limits                   // of all requests to it together
	Anonymous      Limits    // of each caller without a key, by address: rates, tokens a day, requests in flight
	CreatedAt      time.Time
	UpdatedAt      time.Time
	DeletedAt      time.Time // zero = alive
	Version        int64     // 1 at creation, one more with each change
}

// Open reports whether callers without a key are let in.
func (c *Chatbot) Open() bool {
	return c.Status == StatusActive && (c.AccessMode == AccessPublic || c.AccessMode == AccessAuto && c.FirstGrantAt.IsZero())
}

// Disabled reports whether nobody is let in.
func (c *Chatbot) Disabled() bool { return c.Status != StatusActive || c.AccessMode == AccessDisabled }

// AskedModel is the name of the model as a caller would ask for it.
func (c *Chatbot) AskedModel() string {
	if c.Provider == "" || strings.HasPrefix(c.Model, c.Provider+"/") {
		return c.Model
	}
	return c.Provider + "/" + c.Model
}

// fixed is what the chatbot lays down.
func (c *Chatbot) fixed() dialect.Fixed {
	f := dialect.Fixed{Model: shared(c.AskedModel()), Prompt: dialect.NewPrompt(c.SystemPrompt), Temperature: c.Temperature}
	if c.MaxTokens != nil {
		f.MaxOutput = *c.MaxTokens
	}
	return f
}

// ChatbotFilter says which chatbots to list. Zero fields filter nothing.
type ChatbotFilter struct {
	UserID     string
	AccessMode AccessMode
	Status     Status
	Search     string // in name or slug, whatever the case
	After      string // the id of the last chatbot already seen; Page then means nothing
	Page       int    // from 1; 0 = 1
	Size       int    // 1–100; 0 = 10
}

// ChatbotGrant is that a key opens a chatbot. There is one at most for each pair.
type ChatbotGrant struct {
	OrganizationID string
	ChatbotID      string
	KeyID          string
	CreatedAt      time.Time // anew when a revoked grant is given again
	CreatedBy      string    // a user, else a management key
	ExpiresAt      time.Time // opens nothing from this instant on; zero = never
	RevokedAt      time.Time // zero = not revoked
	RevokedBy      string
	Version        int64 // 1 at creation, one more with each change
}

// live reports whether the grant itself opens the chatbot at now; its key may not
// work all the same.
func (g *ChatbotGrant) live(now time.Time) bool {
	return g.RevokedAt.IsZero() && (g.ExpiresAt.IsZero() || now.Before(g.ExpiresAt))
}

// GrantStatus is what a grant is worth, or why it is worth nothing.
type GrantStatus string

// The states, the first that holds.
const (
	GrantRevoked       GrantStatus = "revoked"
	GrantExpired       GrantStatus = "expired"
	GrantKeyDeleted    GrantStatus = "key_deleted"
	GrantKeyRevoked    GrantStatus = "key_revoked"
	GrantKeyDisabled   GrantStatus = "key_disabled"
	GrantKeyExpired    GrantStatus = "key_expired"
	GrantOwnerInactive GrantStatus = "owner_inactive"
	GrantActive        GrantStatus = "active"
)

// GrantedKey is a grant with what there is to know of its key.
type GrantedKey struct {
	ChatbotGrant
	KeyName     string // "" = purged
	KeyPrefix   string
	KeyStatus   Status // as stored; "" = the key was deleted
	KeyExpires  time.Time
	OwnerActive bool // true also without owner
}

// StatusAt is the grant's status at now, its key's and its key's owner's counted.
func (g *GrantedKey) StatusAt(now time.Time) GrantStatus {
	k := Key{Status: g.KeyStatus, ExpiresAt: g.KeyExpires}
	switch status := k.StatusAt(now); {
	case !g.RevokedAt.IsZero():
		return GrantRevoked
	case !g.live(now):
		return GrantExpired
	case status == "":
		return GrantKeyDeleted
	case status == StatusRevoked:
		return GrantKeyRevoked
	case status == StatusExpired:
		return GrantKeyExpired
	case status != StatusActive:
		return GrantKeyDisabled
	case !g.OwnerActive:
		return GrantOwnerInactive
	}
	return GrantActive
}
