package authority

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
)

// Options are what an Authority may be told. The zero value is ready to use.
type Options struct {
	KeyPrefix        string           // of keys made from now on; "" = key.DefaultPrefix. Older ones go on working.
	ManagementPrefix string           // of management keys made from now on; "" = key.ManagementPrefix. Older ones go on working.
	Providers        []string         // slugs of all providers: which patterns of allowed_models are for one of them; nil = none
	Timezone         string           // of an organisation made from now on, an IANA name; "" = UTC
	Sealer           *secret.Sealer   // for what can be shown or used again; nil = nothing of that kind is taken
	Reach            reach.Policy     // where base URLs that users set may lead; zero = public addresses
	Now              func() time.Time // the clock; nil = time.Now
}

// Authority keeps organisations, users and keys. It is safe for concurrent use.
type Authority struct {
	store            Store
	prefix           string
	managementPrefix string
	providers        []string
	timezone         string
	sealer           *secret.Sealer
	reach            reach.Policy
	now              func() time.Time
	veil             veil

	root atomic.Pointer[key.Hash] // of the root key, once EnsureRoot has seen it
	home atomic.Pointer[string]   // the organization that runs the installation, likewise

	strangers strangers

	keys          *cache[key.Hash, *record]
	users         *cache[userRef, *party]
	organizations *cache[string, *party]
	chatbots      *cache[string, *chatbot] // by id, and by slug
	wallets       *cache[userRef, *wallet]
	uses          uses
	foreign       foreignIndex
	chatbotNames  nameIndex
	guesses       *guesses
}

// New makes an Authority over store. It reads nothing yet.
func New(store Store, opts Options) *Authority {
	a := &Authority{store: store, prefix: opts.KeyPrefix, timezone: opts.Timezone, now: opts.Now}
	a.managementPrefix, a.providers, a.sealer = opts.ManagementPrefix, opts.Providers, opts.Sealer
	a.reach = opts.Reach
	if a.prefix == "" {
		a.prefix = key.DefaultPrefix
	}
	if a.managementPrefix == "" {
		a.managementPrefix = key.ManagementPrefix
	}
	if a.timezone == "" {
		a.timezone = "UTC"
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.veil = newVeil(a.prefix, a.managementPrefix)
	a.keys = newCache(a.loadRecord)
	a.users = newCache(a.loadUser)
	a.organizations = newCache(a.loadOrganization)
	a.chatbots = newCache(a.loadChatbot)
	a.wallets = newCache(a.loadWallet)
	a.foreign = newForeignIndex(func(ctx context.Context, each func(Scheme, []byte)) error {
		return a.store.Imports.ForeignLookups(ctx, each)
	})
	a.chatbotNames = newNameIndex(func(ctx context.Context, each func(string)) error {
		return a.store.ChatbotNames.ChatbotNames(ctx, each)
	})
	a.guesses = newGuesses()
	return a
}

// instant is the present as rows keep it: UTC, whole milliseconds.
func (a *Authority) instant() time.Time { return a.now().UTC().Truncate(time.Millisecond) }

// newID is a fresh id that sorts by the time it was made.
func newID(prefix string) string {
	return prefix + uuid.Must(uuid.NewV7()).String() // fails only without a random source, which ends the program anyway
}

// attempts is how often a change is tried anew when another came between reading
// and writing. Each round lost is one that another caller won.
const attempts = 8

// retry runs change until it is not overtaken by another.
func retry(ctx context.Context, what string, change func() error) error {
	for range attempts {
		err := change()
		if !errors.Is(err, fault.VersionConflict) || ctx.Err() != nil {
			return err
		}
	}
	return fault.New(fault.VersionConflict, "The %s is being changed by many at once. Read it again and retry.", what)
}

// checkVersion compares with the version that the caller expects to change;
// 0 = any.
func checkVersion(what string, expect, have int64) error {
	if expect == 0 || expect == have {
		return nil
	}
	return fault.New(fault.PreconditionFailed,
		"The %s has changed: it is at version %d, not %d. Read it again and repeat the change.", what, have, expect)
}

// absent words a store's bare fault.NotFound; other errors stay as they are.
func absent(err error, what, id string) error {
	var worded *fault.Error
	if errors.Is(err, fault.NotFound) && !errors.As(err, &worded) {
		return fault.Wrap(fault.NotFound, err, "There is no %s.", named(what, id))
	}
	return err
}
