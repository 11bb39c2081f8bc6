package authority

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/key"
)

// Store is where the authority's rows live. Each method is one transaction: all
// of it happens or none. The law is above; a store only keeps rows, keeps apart
// what belongs to different organisations, and answers with
//
//   - fault.NotFound (the Kind, or an error that wraps it) for a row that is not
//     there, is deleted, or belongs to another organisation;
//   - fault.VersionConflict from Update… when the stored version is not the new
//     one less one;
//   - fault.NameTaken for a value that must be unique and is not;
//   - a *fault.Error of kind fault.StoreUnavailable for trouble of its own.
type Store struct {
	Keys          KeyStore
	Users         UserStore
	Organizations OrganizationStore
	Management    ManagementStore
}

// SearchText is the form in which a store keeps what can be searched, and in
// which it is asked for: the parts in lower case, a line each. A store looks for
// one in the other and so needs no patterns, and no escaping of them.
func SearchText(parts ...string) string { return strings.ToLower(strings.Join(parts, "\n")) }

// KeyRow is a key as it is stored.
type KeyRow struct {
	Key
	Hash      key.Hash  // zero once deleted; stored as nothing, so that it can never match
	DeletedAt time.Time // zero = alive
}

// KeyStore keeps keys.
type KeyStore interface {
	CreateKey(ctx context.Context, row KeyRow) error
	KeyByID(ctx context.Context, organizationID, id string) (KeyRow, error)
	// KeyByHash finds a key of any organisation; only Authenticate may ask.
	KeyByHash(ctx context.Context, hash key.Hash) (KeyRow, error)
	// ListKeys gives one page, newest first, and how many there are in all.
	ListKeys(ctx context.Context, organizationID string, f KeyFilter, now time.Time) ([]Key, int, error)
	// UpdateKey replaces the row of the same id whose version is row.Version−1.
	// A row with DeletedAt becomes a tombstone.
	UpdateKey(ctx context.Context, row KeyRow) error
}

// UserStore keeps users.
type UserStore interface {
	CreateUser(ctx context.Context, u User) error
	UserByID(ctx context.Context, organizationID, id string) (User, error)
	ListUsers(ctx context.Context, organizationID string, f UserFilter) ([]User, int, error)
	UpdateUser(ctx context.Context, u User) error
}

// OrganizationStore keeps organisations.
type OrganizationStore interface {
	OrganizationByID(ctx context.Context, id string) (Organization, error)
	UpdateOrganization(ctx context.Context, o Organization) error
}

// ManagementRow is a key of the management API as it is stored.
type ManagementRow struct {
	ID             string // "mk_…"
	OrganizationID string
	Name           string
	Prefix         string // the key's first 8 characters
	Permissions    []string
	Root           bool // made at the first start; one per organisation
	Hash           key.Hash
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// ManagementStore keeps the keys of the management API.
type ManagementStore interface {
	ManagementKeyByHash(ctx context.Context, hash key.Hash) (ManagementRow, error)
	// RootKey is the root key of the oldest organisation: the one that the first
	// start made.
	RootKey(ctx context.Context) (ManagementRow, error)
	// Install stores the first organisation and its root key.
	Install(ctx context.Context, o Organization, root ManagementRow) error
	// UpdateManagementKey replaces the row of the same id.
	UpdateManagementKey(ctx context.Context, row ManagementRow) error
}
