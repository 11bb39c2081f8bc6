package admin

import (
	"net/http"
	"time"

	"tollgate/api"
)

// routes is every operation with what is declared beside it. Where permission is
// empty the authority asks for the one that fits the object.
func (s *service) routes() {
	add(s, route{
		method: http.MethodGet, path: "/api-keys", id: "list-api-keys", tag: "api-keys",
		summary: "List keys, newest first",
	}, s.listKeys)
	add(s, route{
		method: http.MethodPost, path: "/api-keys", id: "create-api-key", tag: "api-keys",
		summary: "Make a key", about: "The secret is in this answer and nowhere else.",
		status: http.StatusCreated, body: api.KeyInput{},
	}, s.createKey)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}", id: "get-api-key", tag: "api-keys",
		summary: "Show a key",
	}, s.getKey)
	add(s, route{
		method: http.MethodPatch, path: "/api-keys/{id}", id: "update-api-key", tag: "api-keys",
		summary: "Change fields of a key", about: "JSON merge patch (RFC 7396): what is left out stays, null lifts. Read-only fields may be sent back with the value that they have. In force when the answer is sent.",
		body: api.KeyInput{},
	}, s.updateKey)
	add(s, route{
		method: http.MethodPut, path: "/api-keys/{id}", id: "replace-api-key", tag: "api-keys",
		summary: "Set fields of a key", about: "Merges like PATCH: what is left out stays, so nothing is lifted by omission; null lifts. Read-only fields may be sent back with the value that they have, so that what GET answered can be changed and put back.",
		body: api.KeyInput{},
	}, s.replaceKey)
	add(s, route{
		method: http.MethodDelete, path: "/api-keys/{id}", id: "delete-api-key", tag: "api-keys",
		summary: "Delete a key for good", about: "Its usage stays in the ledger, and its name with it. With purge=true not even a trace is left in the list of keys; a deleted key can be purged too.",
		status: http.StatusNoContent,
	}, s.deleteKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/activate", id: "activate-api-key", tag: "api-keys",
		summary: "Make a disabled key work again",
	}, s.activateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/deactivate", id: "deactivate-api-key", tag: "api-keys",
		summary: "Disable a key until it is activated",
	}, s.deactivateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/revoke", id: "revoke-api-key", tag: "api-keys",
		summary: "End a key for good", about: "It stays visible.",
		body: api.RevokeInput{}, bodyOptional: true,
	}, s.revokeKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/regenerate", id: "regenerate-api-key", tag: "api-keys",
		summary: "Give a key another secret", about: "Its id, limits and counters stay. The secret is in this answer and nowhere else. The old one stops at once, or after overlap_seconds.",
		body: api.RegenerateInput{}, bodyOptional: true,
	}, s.regenerateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/extend", id: "extend-api-key", tag: "api-keys",
		summary: "Move a key's expiry", about: "By so many days from now, or from when it expires, whichever is later.",
		body: api.ExtendInput{},
	}, s.extendKey)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/usage", id: "get-api-key-usage", tag: "api-keys",
		summary: "What a key used: ever, today, this hour",
	}, s.keyUsage)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/stats", id: "get-api-key-stats", tag: "api-keys",
		summary: "What a key used, day by day",
	}, s.keyStats)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/balance", id: "change-api-key-balance", tag: "api-keys",
		summary: "Put money on a key's balance, or take it out", about: "What requests in flight hold cannot be taken out. In force when the answer is sent.",
		body: api.BalanceChange{}, bodyBytes: 64 << 10,
	}, s.changeBalance)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/ledger", id: "list-api-key-ledger", tag: "api-keys",
		summary: "What happened to a key's balance, newest first",
	}, s.keyLedger)

	add(s, route{
		method: http.MethodGet, path: "/users", id: "list-users", tag: "users",
		summary: "List users, newest first",
	}, s.listUsers)
	add(s, route{
		method: http.MethodPost, path: "/users", id: "create-user", tag: "users",
		summary: "Make a user", status: http.StatusCreated, body: api.UserInput{},
	}, s.createUser)
	add(s, route{
		method: http.MethodGet, path: "/users/{id}", id: "get-user", tag: "users",
		summary: "Show a user",
	}, s.getUser)
	add(s, route{
		method: http.MethodPatch, path: "/users/{id}", id: "update-user", tag: "users",
		summary: "Change fields of a user", about: "Disabling a user stops all of their keys at once.",
		body: api.UserInput{},
	}, s.updateUser)

	add(s, route{
		method: http.MethodGet, path: "/organization", id: "get-organization", tag: "organization",
		summary: "Show the organization",
	}, s.getOrganization)
	add(s, route{
		method: http.MethodPatch, path: "/organization", id: "update-organization", tag: "organization",
		summary: "Change fields of the organization", body: api.OrganizationInput{},
	}, s.updateOrganization)

	add(s, route{
		method: http.MethodGet, path: "/usage", id: "list-usage", tag: "usage",
		summary: "List requests that were forwarded, newest first; or sums of them",
		about:   "What one's own keys used needs no permission.",
		answer:  api.UsageList{}, also: csvMediaType, timeout: 2 * time.Minute,
	}, s.listUsage)
	add(s, route{
		method: http.MethodPost, path: "/explain", id: "explain", tag: "explain",
		summary: "What the gate would answer to a request, rule by rule", about: "Nothing is taken from any limit, and no provider is asked.",
		permission: "platform:api-keys:read", body: api.ExplainRequest{}, bodyBytes: 64 << 10,
	}, s.explain)
	s.managementRoutes()
	s.auditRoutes()
	s.importRoutes()
}
