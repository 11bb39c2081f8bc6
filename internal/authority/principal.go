package authority

import (
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"tollgate/internal/fault"
)

// Principal is who acts in the management API: a management key, for itself or
// for a user. It comes from AuthenticateManagement; the zero value may do
// nothing.
type Principal struct {
	organizationID string
	id             string
	name           string
	userID         string   // "" = acts for nobody
	granted        []string // the management key's own patterns
	role           []string // the user's; means something only with userID
	origin         Origin
	kept           *atomic.Bool // whether the audit has an event of this call; nil = nobody asks
}

// Origin is where one call comes from, as the audit keeps it. The zero value is
// not known.
type Origin struct {
	IP        netip.Addr
	UserAgent string
	RequestID string
	// IdempotencyKey makes what the call makes or changes happen once, however
	// often it is sent within 24 hours; "" = each time.
	IdempotencyKey string
}

// With is p in one call, that comes from o.
func (p Principal) With(o Origin) Principal {
	p.origin, p.kept = o, new(atomic.Bool)
	return p
}

// Kept reports whether the audit has an event of this call, or will have one if
// what is under way succeeds. A door that refuses by itself asks.
func (p Principal) Kept() bool { return p.kept != nil && p.kept.Load() }

// OrganizationID is the one organisation in which the principal acts.
func (p Principal) OrganizationID() string { return p.organizationID }

// ID names the management key: "mk_…".
func (p Principal) ID() string { return p.id }

// Name is the management key's name, for people.
func (p Principal) Name() string { return p.name }

// UserID is the user for whom the principal acts, with that user's role: "user_…";
// "" = nobody.
func (p Principal) UserID() string { return p.userID }

// Can reports whether the principal holds a permission, such as
// "platform:api-keys:read", whoever owns what it is used on.
func (p Principal) Can(permission string) bool {
	return p.organizationID != "" && permits(p.granted, permission) && (p.userID == "" || permits(p.role, permission))
}

// owns reports whether p acts for the user ownerID.
func (p Principal) owns(ownerID string) bool { return p.userID != "" && p.userID == ownerID }

// May reports whether p holds a permission on something that ownerID owns, "" =
// nobody. Owning it stands in for the role; the management key must grant it all
// the same.
func (p Principal) May(permission, ownerID string) bool {
	return p.Can(permission) || p.owns(ownerID) && permits(p.granted, permission)
}

// actor is the user acted for, or else the management key: what rows keep.
func (p Principal) actor() string {
	if p.userID != "" {
		return p.userID
	}
	return p.id
}

// require is nil when p holds permission.
func (p Principal) require(permission string) error {
	if p.Can(permission) {
		return nil
	}
	return denied(permission)
}

// reach is nil when p may do what permission says to something of ownerID. What p
// may not even see is not_found, so that nobody learns by asking what there is.
func (p Principal) reach(see, permission, ownerID, what, id string) error {
	switch {
	case p.May(permission, ownerID):
		return nil
	case p.May(see, ownerID):
		return denied(permission)
	}
	return notThere(what, id)
}

func denied(permission string) error {
	return fault.New(fault.PermissionDenied,
		"This needs the permission %q. Ask an administrator to grant it.", permission)
}

func notThere(what, id string) error {
	return fault.New(fault.NotFound, "There is no %s.", named(what, id))
}

// named is a thing with its id, unless that is none of ours: it may be a secret that
// was put in the wrong place.
func named(what, id string) string {
	if id = resourceID(id); id == "" {
		return what + " of this id"
	}
	return what + " " + strconv.Quote(id)
}

// permits reports whether a list of patterns grants a permission. Segments are
// parted by ":". In a pattern "*" ends a segment and stands for the rest of it;
// as the last segment it stands for all that follow. A pattern with "!" in front
// denies, and a denial outweighs every grant.
func permits(patterns []string, permission string) bool {
	granted := false
	for _, pattern := range patterns {
		if denied, ok := strings.CutPrefix(pattern, "!"); ok {
			if covers(denied, permission) {
				return false
			}
		} else if covers(pattern, permission) {
			granted = true
		}
	}
	return granted
}

// covers reports whether pattern stands for permission. A "*" in permission is a
// character like any other and is covered by a "*" only, so a pattern that covers
// another covers all that the other does.
func covers(pattern, permission string) bool {
	for {
		head, rest, more := strings.Cut(pattern, ":")
		asked, askedRest, askedMore := strings.Cut(permission, ":")
		if head == "*" && !more {
			return true
		}
		if stem, wild := strings.CutSuffix(head, "*"); wild && !strings.HasPrefix(asked, stem) || !wild && head != asked {
			return false
		}
		if !more || !askedMore {
			// "a:b*" covers no more segments, but the "*" at the end of "a:*" does.
			return more == askedMore
		}
		pattern, permission = rest, askedRest
	}
}
