package authority

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/secret"
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
//   - fault.IdempotencyConflict when an Act's idempotency key is in use;
//   - a *fault.Error of kind fault.StoreUnavailable for trouble of its own.
//
// What takes an Act writes it too: its events, each as the one that follows the
// organisation's newest (Event.After), and its Replay, unless it is zero.
type Store struct {
	Keys          KeyStore
	KeyCare       KeyCareStore
	Users         UserStore
	Organizations OrganizationStore
	Management    ManagementStore
	Credentials   ManagementKeyStore
	ProviderKeys  CredentialStore
	Verdicts      VerdictStore
	Audit         AuditStore
	Replays       ReplayStore
	Chatbots      ChatbotStore
	ChatbotGrants ChatbotGrantStore
	ChatbotNames  ChatbotNameStore
	Imports       ImportStore
}

// SearchText is the form in which a store keeps what can be searched, and in
// which it is asked for: the parts in lower case, a line each. A store looks for
// one in the other and so needs no patterns, and no escaping of them.
func SearchText(parts ...string) string { return strings.ToLower(strings.Join(parts, "\n")) }

// KeyRow is a key as it is stored.
type KeyRow struct {
	Key
	// Hashes are those of Key.Secrets, in their order. They are wiped with them,
	// so that what is deleted can never match again.
	Hashes []key.Hash
	// Sealed is a secret that has just been made, for an organisation that wants to
	// see it again; nil = there is nothing to be kept. It goes when the secret goes.
	Sealed    *secret.Sealed
	DeletedAt time.Time // zero = alive
	// BalanceMax is the Max of the limit that the key's balance is; the ledger
	// changes it, no write of a key does. nil = no balance.
	BalanceMax *money.NanoUSD
	// Grants are the chatbots that the key opens. KeyByHash fills in those that are
	// not revoked, CreateKey makes them; no other method reads or writes them.
	Grants []ChatbotGrant
	// Import is where a key that is being made comes from; nil = it is made here.
	// Only CreateKey reads it.
	Import *Import
}

// Import is what a key that comes from elsewhere brings along.
type Import struct {
	Imported
	Secret ForeignSecret
}

// KeyStore keeps keys and their secrets.
type KeyStore interface {
	// CreateKey makes a key, its balance and its grants if it has some, and what
	// row.Import says; the same key or row twice is fault.NameTaken. What the key has used before, in the
	// transaction that ctx belongs to, is not taken from its balance. Its user, if it
	// has one, must be one of the organisation, else it is fault.NotFound; unless most
	// is nil, that user must have fewer than *most keys that are neither deleted nor
	// revoked, else it is fault.KeyQuotaReached.
	CreateKey(ctx context.Context, row KeyRow, most *int64, act Act) error
	KeyByID(ctx context.Context, organizationID, id string) (KeyRow, error)
	// KeyByHash finds the key of any organisation that has a secret with this
	// hash; only Authenticate may ask.
	KeyByHash(ctx context.Context, hash key.Hash) (KeyRow, error)
	// ListKeys gives one page, newest first, and how many there are in all. A list
	// after a row that is not there is fault.NotFound, here and below.
	ListKeys(ctx context.Context, organizationID string, f KeyFilter, now time.Time) ([]Key, int, error)
	// UpdateKey replaces the row of the same id whose version is row.Version−1,
	// and its secrets but for when they were last used. A row with DeletedAt
	// becomes a tombstone and loses its secrets.
	UpdateKey(ctx context.Context, row KeyRow, act Act) error
}

// SecretUse is that a secret was used.
type SecretUse struct {
	Hash key.Hash
	At   time.Time
}

// KeyCareStore is what looking after keys needs.
type KeyCareStore interface {
	// ExpiredKeys gives at most n keys with a greater id than after that cleaning
	// up may have to do with, in order of their ids, and how many such keys there
	// are in all: expired ones that are active or may be deleted, and ones with a
	// secret that has expired. organizationID "" is all of them.
	ExpiredKeys(ctx context.Context, organizationID string, now time.Time, after string, n int) ([]KeyRow, int, error)
	// PurgeKey takes a key away altogether, a tombstone too.
	PurgeKey(ctx context.Context, organizationID, id string, act Act) error
	// SealedSecret is a secret of a key of the organisation as it was sealed.
	SealedSecret(ctx context.Context, organizationID, secretID string) (secret.Sealed, error)
	// TouchSecrets keeps when secrets were last used; those that are gone are
	// passed over.
	TouchSecrets(ctx context.Context, uses []SecretUse) error
}

// ImportStore keeps where keys came from, and how secrets are recognised that
// other systems made; and finds whose they are.
type ImportStore interface {
	ImportedKey(ctx context.Context, organizationID, source, sourceID string) (Imported, error)
	// ForeignLookups gives the Scheme and at least the first bytes of the Lookup of
	// every foreign secret of every organisation.
	ForeignLookups(ctx context.Context, each func(Scheme, []byte)) error
	// ForeignSecrets are those of any organisation that are looked for by this.
	ForeignSecrets(ctx context.Context, scheme Scheme, lookup []byte) ([]ForeignSecret, error)
	// AdoptSecret makes a foreign secret one that is found by hash, and its key one
	// version newer. fault.NotFound if it is not as s says any more.
	AdoptSecret(ctx context.Context, s ForeignSecret, hash key.Hash, now time.Time, act Act) error
	// UserByEmail finds an owner by the address in lower case.
	UserByEmail(ctx context.Context, organizationID, email string) (User, error)
}

// UserStore keeps users.
type UserStore interface {
	CreateUser(ctx context.Context, u User, act Act) error
	UserByID(ctx context.Context, organizationID, id string) (User, error)
	ListUsers(ctx context.Context, organizationID string, f UserFilter) ([]User, int, error)
	// UpdateUser replaces the row of the same id whose version is u.Version−1.
	// Unless keep is "", another active user of the organisation must have the
	// role keep; else it is fault.LastOwner.
	UpdateUser(ctx context.Context, u User, keep string, act Act) error
	// DeleteUser is UpdateUser that makes the row a tombstone, whose email is free,
	// and ends what belonged to the user in the same transaction.
	DeleteUser(ctx context.Context, u User, keep string, act Act, estate Estate) error
}

// Estate says what becomes of what belongs to a user who is deleted: of each key
// that is alive, of each credential, and of each management key.
type Estate struct {
	Key        func(KeyRow) (KeyRow, Act) // the tombstone in its place
	Credential func(CredentialRow) (CredentialRow, Act)
	Management func(ManagementRow) Act // it is taken away
	Chatbot    func(Chatbot) (Chatbot, Act)
}

// OrganizationStore keeps organisations.
type OrganizationStore interface {
	OrganizationByID(ctx context.Context, id string) (Organization, error)
	// UpdateOrganization replaces the row. Without Recoverable the sealed secrets of
	// its keys go in the same transaction.
	UpdateOrganization(ctx context.Context, o Organization, act Act) error
}

// ManagementRow is a key of the management API as it is stored.
type ManagementRow struct {
	ManagementKey
	Hash key.Hash
}

// ManagementStore is how keys of the management API are recognised, and how the
// first one comes about.
type ManagementStore interface {
	ManagementKeyByHash(ctx context.Context, hash key.Hash) (ManagementRow, error)
	// RootKey is the root key of the oldest organisation: the one that the first
	// start made.
	RootKey(ctx context.Context) (ManagementRow, error)
	// Install stores the first organisation and its root key.
	Install(ctx context.Context, o Organization, root ManagementRow, act Act) error
}

// ManagementKeyStore keeps the keys of the management API.
type ManagementKeyStore interface {
	// CreateManagementKey makes a management key. Its user, if it has one, must be
	// one of the organisation, else it is fault.NotFound.
	CreateManagementKey(ctx context.Context, row ManagementRow, act Act) error
	ManagementKeyByID(ctx context.Context, organizationID, id string) (ManagementRow, error)
	// ListManagementKeys gives one page, newest first, and how many there are in all.
	ListManagementKeys(ctx context.Context, organizationID string, f ManagementFilter) ([]ManagementKey, int, error)
	// UpdateManagementKey replaces the row of the same id whose version is
	// row.Version−1.
	UpdateManagementKey(ctx context.Context, row ManagementRow, act Act) error
	DeleteManagementKey(ctx context.Context, organizationID, id string, act Act) error
}

// AuditStore keeps events.
type AuditStore interface {
	// AppendEvent writes what stands beside no change of a row.
	AppendEvent(ctx context.Context, act Act) error
	// ListEvents gives f.Size events at most, newest first.
	ListEvents(ctx context.Context, organizationID string, f EventFilter) ([]Event, error)
	// CountEvents is how many events f lets through, on all pages.
	CountEvents(ctx context.Context, organizationID string, f EventFilter) (int, error)
	// EventsAfter gives at most n events with a greater sequence, oldest first.
	EventsAfter(ctx context.Context, organizationID string, sequence int64, n int) ([]Event, error)
	// AuditHead is what the next event will follow.
	AuditHead(ctx context.Context, organizationID string) (AuditHead, error)
}

// ReplayStore keeps what was done for which idempotency key.
type ReplayStore interface {
	// Replayed is what a principal did with an idempotency key since an instant.
	Replayed(ctx context.Context, organizationID, principalID, idempotencyKey string, since time.Time) (Replay, error)
}

// ChatbotStore keeps chatbots. A deleted one is there for nobody.
type ChatbotStore interface {
	// CreateChatbot makes a chatbot; a slug that another one has is fault.NameTaken.
	// Its user, if it has one, must be one of the organisation, else it is
	// fault.NotFound; so it is in UpdateChatbot.
	CreateChatbot(ctx context.Context, c Chatbot, act Act) error
	ChatbotByID(ctx context.Context, organizationID, id string) (Chatbot, error)
	// FindChatbot finds the chatbot of any organisation that has this id or slug;
	// only the data plane may ask.
	FindChatbot(ctx context.Context, ref string) (Chatbot, error)
	// ListChatbots gives one page, newest first, and how many there are in all.
	ListChatbots(ctx context.Context, organizationID string, f ChatbotFilter) ([]Chatbot, int, error)
	// UpdateChatbot replaces the row of the same id whose version is c.Version−1,
	// but for FirstGrantAt. A row with DeletedAt becomes a tombstone.
	UpdateChatbot(ctx context.Context, c Chatbot, act Act) error
}

// ChatbotNameStore tells which chatbots there are.
type ChatbotNameStore interface {
	// ChatbotNames gives each the id and the slug of every chatbot that is not
	// deleted, of all organisations.
	ChatbotNames(ctx context.Context, each func(name string)) error
}

// ChatbotGrantStore keeps which keys open which chatbots. Grants are never taken
// away; their keys may be.
type ChatbotGrantStore interface {
	// PutGrant makes a grant whose version is 1, fault.NameTaken if the key has one
	// for the chatbot, or replaces the one whose version is g.Version−1. A chatbot
	// that had none before has had its first one with it.
	PutGrant(ctx context.Context, g ChatbotGrant, act Act) error
	GrantOf(ctx context.Context, organizationID, chatbotID, keyID string) (ChatbotGrant, error)
	GrantedKey(ctx context.Context, organizationID, chatbotID, keyID string) (GrantedKey, error)
	// ListGrants gives one page, newest first, and how many there are in all.
	ListGrants(ctx context.Context, organizationID, chatbotID string, f GrantPage) ([]GrantedKey, int, error)
	// WithActiveKey are those of the chatbots that have a grant for which
	// GrantedKey.StatusAt is active at now.
	WithActiveKey(ctx context.Context, organizationID string, chatbotIDs []string, now time.Time) (map[string]bool, error)
}
