package authority

import (
	"time"

	"tollgate/internal/money"
)

// Kind says what a key is for.
type Kind string

// The kinds of key.
const (
	KindUser       Kind = "user"       // belongs to a user
	KindService    Kind = "service"    // belongs to nobody
	KindStandalone Kind = "standalone" // belongs to nobody, given out for itself
	KindChatbot    Kind = "chatbot"    // opens chatbots
)

// Status is the state of a key, a user or an organisation. Users and
// organisations are active or disabled.
type Status string

// The states.
const (
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled" // may be enabled again
	StatusRevoked  Status = "revoked"  // keys only; for good
	StatusExpired  Status = "expired"  // keys only; derived, never stored
)

// Key is a key of the data plane without its secret. Treat its lists as
// read-only: copies of a Key share them. A nil list allows everything.
type Key struct {
	ID                 string // "key_…"
	OrganizationID     string // "org_…"
	UserID             string // "user_…"; "" = belongs to no user
	Kind               Kind
	Name               string
	Description        string
	Tags               []string
	Prefix             string    // the newest secret's first 8 characters
	Secrets            []Secret  // the newest first: one, or two while an old one still works
	Status             Status    // as stored: active, disabled or revoked; see StatusAt
	DisabledBy         string    // who disabled it: a user, else a management key; "" = nobody, or unknown
	RevokedBy          string    // who revoked it; "" = nobody
	RevokedAt          time.Time // zero = not revoked
	RevokeReason       string    // as given; "" = none
	ExpiresAt          time.Time // refused from this instant on; zero = never
	AutoDeleteOnExpiry *bool     // nil = the configured default
	Scopes             []string
	Permissions        map[string]bool // the application's own words; only true counts
	AllowedModels      []string
	AllowedEndpoints   []string
	AllowedIPs         []string
	AllowedChatbots    []string
	AllowedProviders   []string
	AllowedAPIFormats  []string
	InitialBalance     *money.NanoUSD // of a key that is being made: what its balance begins with; nil = it has none
	Limits
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // 1 at creation, one more with each change
}

// Secret is one of the secrets of a key, without the secret.
type Secret struct {
	ID         string    // "sec_…"
	Prefix     string    // its first 8 characters
	CreatedAt  time.Time //
	ExpiresAt  time.Time // refused from this instant on; zero = as long as the key works
	LastUsedAt time.Time // to within some seconds; zero = never
	// Recoverable is whether it was kept sealed, and can be shown again.
	Recoverable bool
}

// IsActive reports whether the key is neither disabled nor revoked. An expired
// key may be active.
func (k Key) IsActive() bool { return k.Status == StatusActive }

// StatusAt is the key's status at now: revoked, disabled, expired or active, the
// first that holds.
func (k Key) StatusAt(now time.Time) Status {
	if k.Status == StatusActive && !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) {
		return StatusExpired
	}
	return k.Status
}

// KeyFilter says which keys to list. Zero fields filter nothing.
type KeyFilter struct {
	UserID   string
	IsActive *bool
	Kind     Kind
	Tag      string
	Status   Status // StatusActive and StatusExpired tell expired keys from others
	Search   string // in name or description, whatever the case
	After    string // the id of the last key already seen; Page then means nothing
	Page     int    // from 1; 0 = 1
	Size     int    // 1–100; 0 = 10
}

// User is a person of an organisation. Disabling one stops all of their keys, and
// deleting one deletes them.
type User struct {
	ID             string // "user_…"
	OrganizationID string
	Email          string // lower case; unique in the organisation
	Name           string
	Role           string // one of Roles
	Status         Status
	Limits
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // of a user that is being deleted; none that was is ever read
	Version   int64     // 1 at creation, one more with each change
}

// UserFilter says which users to list. Zero fields filter nothing.
type UserFilter struct {
	Status Status
	Search string // in name or email, whatever the case
	After  string // the id of the last user already seen; Page then means nothing
	Page   int    // from 1; 0 = 1
	Size   int    // 1–100; 0 = 10
}

// Organization is who runs this installation; every other row belongs to one.
type Organization struct {
	ID           string // "org_…"
	Name         string
	Timezone     string // IANA name; days, weeks and months begin in it
	Status       Status
	DefaultPrice *DefaultPrice // nil = models without a price are refused under a budget

	MaxKeysPerUser *int64     // live keys that a user may have; nil = any number
	ExpiredKeys    ExpiredKey // what cleaning up does with keys that do not say themselves

	// AllowKeyInQuery takes a key that stands in the query of a request, as Google's
	// API does.
	AllowKeyInQuery bool

	// CredentialFallback lets the next credential pay for a request when the
	// provider refuses the first: the organisation's, then the platform's.
	CredentialFallback bool
	Recoverable        bool // secrets of keys made from now on are kept sealed, and can be shown again
	Limits
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // 1 at creation, one more with each change
}

// ExpiredKey is what cleaning up does with a key that has expired.
type ExpiredKey string

// What cleaning up does. An expired key does not work either way.
const (
	ExpiredDisable ExpiredKey = "disable"
	ExpiredDelete  ExpiredKey = "delete"
)

// DefaultPrice is what a model without a price of its own is charged at.
type DefaultPrice struct {
	Input  money.Price
	Output money.Price
}
