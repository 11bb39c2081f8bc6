package authority

import (
	"strings"

	"tollgate/internal/fault"
)

// Principal is who acts in the management API. It comes from
// AuthenticateManagement; the zero value may do nothing.
type Principal struct {
	organizationID string
	id             string
	name           string
	permissions    []string
}

// OrganizationID is the one organisation in which the principal acts.
func (p Principal) OrganizationID() string { return p.organizationID }

// ID names the actor: "mk_…".
func (p Principal) ID() string { return p.id }

// Name is the actor's name, for people.
func (p Principal) Name() string { return p.name }

// Can reports whether the principal holds a permission, such as
// "platform:api-keys:read".
func (p Principal) Can(permission string) bool { return permits(p.permissions, permission) }

// require is nil when p holds permission.
func (p Principal) require(permission string) error {
	if p.organizationID != "" && p.Can(permission) {
		return nil
	}
	return fault.New(fault.PermissionDenied,
		"This needs the permission %q. Ask an administrator to grant it.", permission)
}

// The permissions that the authority asks for.
const (
	keysCreate = "platform:api-keys:create"
	keysRead   = "platform:api-keys:read"
	keysUpdate = "platform:api-keys:update"
	keysDelete = "platform:api-keys:delete"

	usersCreate = "platform:users:create"
	usersRead   = "platform:users:read"
	usersUpdate = "platform:users:update"

	organizationRead   = "platform:organization:read"
	organizationUpdate = "platform:organization:update"
)

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
			return more == askedMore
		}
		pattern, permission = rest, askedRest
	}
}
