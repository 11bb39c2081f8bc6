package authority

import (
	"slices"
	"strings"

	"tollgate/internal/fault"
)

// The permissions that are asked for. Those on keys, chatbots and management keys
// are about anybody's; one's own need create by role, and read, update and delete by owning
// them.
const (
	keysCreate    = "platform:api-keys:create"     // for oneself
	keysCreateAny = "platform:api-keys:create-any" // for others, or for nobody
	keysRead      = "platform:api-keys:read"
	keysUpdate    = "platform:api-keys:update"
	keysDelete    = "platform:api-keys:delete"
	keysManage    = "platform:api-keys:manage" // to loosen what restricts a key
	keysPurge     = "platform:api-keys:purge"  // to take away even the tombstone
	keysReveal    = "platform:api-keys:reveal" // to see a secret again
	keysImport    = "platform:api-keys:import" // to bring keys along that another system made

	chatbotsCreate    = "platform:chatbots:create"     // for oneself
	chatbotsCreateAny = "platform:chatbots:create-any" // for others, or for nobody
	chatbotsRead      = "platform:chatbots:read"
	chatbotsUpdate    = "platform:chatbots:update" // also which keys open them
	chatbotsDelete    = "platform:chatbots:delete"
	chatbotsManage    = "platform:chatbots:manage" // to open them to callers without a key, and to loosen their limits

	usersCreate  = "platform:users:create"
	usersRead    = "platform:users:read"
	usersUpdate  = "platform:users:update"
	usersDelete  = "platform:users:delete"
	ownersManage = "platform:owners:manage" // to make and change owners

	organizationRead   = "platform:organization:read"
	organizationUpdate = "platform:organization:update"

	managementCreate    = "platform:management-keys:create"
	managementCreateAny = "platform:management-keys:create-any"
	managementRead      = "platform:management-keys:read"
	managementUpdate    = "platform:management-keys:update"
	managementDelete    = "platform:management-keys:delete"

	credentialsCreate    = "platform:credentials:create"     // for oneself
	credentialsCreateAny = "platform:credentials:create-any" // for others, or for the organization
	credentialsRead      = "platform:credentials:read"
	credentialsUpdate    = "platform:credentials:update"
	credentialsDelete    = "platform:credentials:delete"
	vaultRotate          = "platform:vault:rotate" // to seal everything anew

	auditRead     = "platform:audit:read"
	usageRead     = "platform:usage:read"
	pricesUpdate  = "platform:prices:update" // what models cost, for the whole installation
	pricesRerate  = "platform:prices:rerate" // to correct what was charged
	balanceManage = "platform:balance:manage"
	verifyKeys    = "platform:verify"
)

// Permissions are all permissions that something asks for, in a stable order.
func Permissions() []string {
	return []string{
		keysCreate, keysCreateAny, keysRead, keysUpdate, keysDelete, keysManage, keysPurge, keysReveal, keysImport,
		chatbotsCreate, chatbotsCreateAny, chatbotsRead, chatbotsUpdate, chatbotsDelete, chatbotsManage,
		usersCreate, usersRead, usersUpdate, usersDelete, ownersManage,
		organizationRead, organizationUpdate,
		managementCreate, managementCreateAny, managementRead, managementUpdate, managementDelete,
		credentialsCreate, credentialsCreateAny, credentialsRead, credentialsUpdate, credentialsDelete, vaultRotate,
		auditRead, usageRead, pricesUpdate, pricesRerate, balanceManage, verifyKeys,
	}
}

// Role is what users of a kind may do.
type Role struct {
	Name        string
	Permissions []string // patterns; "!" in front denies, and a denial outweighs every grant
}

// The names of the roles.
const (
	RoleOwner     = "owner"     // everything
	RoleAdmin     = "admin"     // everything but to make and change owners
	RoleAuditor   = "auditor"   // sees everything
	RoleDeveloper = "developer" // own keys, credentials and chatbots, and own management keys
	RoleUser      = "user"      // own keys and credentials
)

// Roles are the roles that there are, the mightiest first. Every one of them may
// make keys and credentials for itself.
func Roles() []Role {
	return []Role{
		{RoleOwner, []string{"*"}},
		{RoleAdmin, []string{"platform:*", "!" + ownersManage}},
		{RoleAuditor, []string{"platform:*:read", keysCreate, credentialsCreate}},
		{RoleDeveloper, []string{keysCreate, credentialsCreate, chatbotsCreate, managementCreate, organizationRead}},
		{RoleUser, []string{keysCreate, credentialsCreate, organizationRead}},
	}
}

// rolePatterns are the patterns of a role; none for one that is not known.
func rolePatterns(name string) []string {
	roles := Roles()
	if i := slices.IndexFunc(roles, func(r Role) bool { return r.Name == name }); i >= 0 {
		return roles[i].Permissions
	}
	return nil
}

// canHand is nil when p holds all that patterns grant, and so may hand it on;
// what names where they stand. forSelf is true when whoever uses them acts for
// p's own user, whose role bounds them in any case.
func (p Principal) canHand(patterns []string, forSelf bool, what string) error {
	holds := p.Can
	if forSelf {
		holds = func(permission string) bool { return permits(p.granted, permission) }
	}
	var beyond []string
	asked := Permissions()
	for _, pattern := range patterns {
		if !strings.HasPrefix(pattern, "!") {
			asked = append(asked, pattern) // also what nobody asks for yet
		}
	}
	for _, own := range slices.Concat(p.granted, p.role) {
		if denied, ok := strings.CutPrefix(own, "!"); ok && (!forSelf || slices.Contains(p.granted, own)) {
			asked = append(asked, denied) // what one is denied must be denied on
		}
	}
	for _, permission := range asked {
		if permits(patterns, permission) && !holds(permission) && !slices.Contains(beyond, permission) {
			beyond = append(beyond, permission)
		}
	}
	if beyond == nil {
		return nil
	}
	return escalation([]fault.Field{{
		Name:    what,
		Problem: "would give more than you hold yourself: " + strings.Join(beyond, ", "),
	}})
}

// escalation refuses to give or take more than one may.
func escalation(fields []fault.Field) error {
	return &fault.Error{Kind: fault.EscalationDenied, Public: summary(fields), Param: fields[0].Name, Fields: fields}
}
