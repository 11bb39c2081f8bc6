package admin

import (
	"net/http"
	"time"

	"tollgate/api"
	"tollgate/internal/fault"
)

// routes is every operation with what is declared beside it. Where permission is
// empty the authority asks for the one that fits the object.
func (s *service) routes() {
	add(s, route{
		method: http.MethodGet, path: "/api-keys", id: "list-api-keys", tag: "api-keys",
		summary: "List keys, newest first", about: "One's own need no permission, and are what one sees without the permission to read everybody's.",
		returns: "One page of keys, and how many match in all.",
	}, s.listKeys)
	add(s, route{
		method: http.MethodPost, path: "/api-keys", id: "create-api-key", tag: "api-keys",
		summary: "Make a key", about: "A field left out takes the preset's value, or else its default: 60 requests a minute, 3,600 an hour, 86,400 a day, everything else unrestricted. The secret is in this answer and nowhere else.",
		status: http.StatusCreated, body: api.KeyInput{}, samples: createKeySamples(), returns: "The key, and its secret for the only time.",
		codes: []fault.Kind{fault.EscalationDenied, fault.KeyQuotaReached},
	}, s.createKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/cleanup", id: "clean-up-api-keys", tag: "api-keys",
		summary: "Clean up the keys that have expired", about: "Each is deleted or disabled, as its auto_delete_on_expiry says, or else the organization's expired_keys; secrets that were replaced and whose time is over are wiped. The server does the same once an hour. It changes nothing about what works: expiry acts by itself. As JSON Lines it tells how far it is.",
		answer: api.CleanedUp{}, also: ndjsonMediaType, alsoSample: "{\"done\":500,\"total\":1200}\n{\"done\":1200,\"total\":1200}\n{\"count\":1200,\"disabled\":1180,\"deleted\":20,\"secrets_wiped\":3}\n",
		returns: "What was done.", timeout: cleanUpTime, action: "api_key.clean_up",
	}, s.cleanUp)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}", id: "get-api-key", tag: "api-keys",
		summary: "Show a key", about: "With what it used in all, and what is left of its balance.", returns: "The key.",
	}, s.getKey)
	add(s, route{
		method: http.MethodPatch, path: "/api-keys/{id}", id: "update-api-key", tag: "api-keys",
		summary: "Change fields of a key", about: "JSON merge patch (RFC 7396): what is left out stays, null lifts. Read-only fields may be sent back with the value that they have. In force when the answer is sent.",
		body: api.KeyInput{}, samples: updateKeySamples(), returns: "The key as it is now.", codes: changesOfKeys(),
	}, s.updateKey)
	add(s, route{
		method: http.MethodPut, path: "/api-keys/{id}", id: "replace-api-key", tag: "api-keys",
		summary: "Set fields of a key", about: putText,
		body: api.KeyInput{}, samples: updateKeySamples(), returns: "The key as it is now.", codes: changesOfKeys(), action: "api_key.update",
	}, s.replaceKey)
	add(s, route{
		method: http.MethodDelete, path: "/api-keys/{id}", id: "delete-api-key", tag: "api-keys",
		summary: "Delete a key for good", about: "Its usage stays in the ledger, and its name with it. With purge=true not even a trace is left in the list of keys; a deleted key can be purged too. What was used and paid stays in the books either way.",
		status: http.StatusNoContent,
	}, s.deleteKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/activate", id: "activate-api-key", tag: "api-keys",
		summary: "Make a disabled key work again", about: "A key that was revoked stays so. Its owner may if it was they who disabled it.",
		returns: "The key as it is now.", codes: []fault.Kind{fault.EscalationDenied, fault.VersionConflict},
	}, s.activateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/deactivate", id: "deactivate-api-key", tag: "api-keys",
		summary: "Disable a key until it is activated", about: "In force when the answer is sent.",
		returns: "The key as it is now.", codes: []fault.Kind{fault.EscalationDenied, fault.VersionConflict},
	}, s.deactivateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/revoke", id: "revoke-api-key", tag: "api-keys",
		summary: "End a key for good", about: "In force when the answer is sent: not one further request is admitted. The key stays visible.",
		body: api.RevokeInput{}, bodyOptional: true, returns: "The key as it is now.",
		samples: []sample{{"why", "With a reason", api.RevokeInput{Reason: "was in a public repository"}}},
	}, s.revokeKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/regenerate", id: "regenerate-api-key", tag: "api-keys",
		summary: "Give a key another secret", about: "Its id, limits and counters stay. The secret is in this answer and nowhere else. The old one stops at once, or after overlap_seconds.",
		body: api.RegenerateInput{}, bodyOptional: true, returns: "The key, and its new secret for the only time.",
		samples: []sample{{"overlap", "The old secret works for another hour", api.RegenerateInput{OverlapSeconds: 3600}}},
	}, s.regenerateKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/extend", id: "extend-api-key", tag: "api-keys",
		summary: "Move a key's expiry", about: "By so many days from now, or from when it expires, whichever is later.",
		body: api.ExtendInput{}, returns: "The key as it is now.", codes: []fault.Kind{fault.EscalationDenied},
		samples: []sample{{"quarter", "Ninety days more", api.ExtendInput{Days: 90}}},
	}, s.extendKey)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/reveal", id: "reveal-api-key", tag: "api-keys",
		summary: "Show the secret of a key again", about: "Only what was made while the organization's recoverable was true is kept, sealed. Needs a permission of its own, which owning the key is not, and a reason, which the audit has before the secret is shown.",
		body: api.RevealInput{}, returns: "The key, and its newest secret.", codes: []fault.Kind{fault.NotRecoverable},
		samples: []sample{{"why", "With its reason", api.RevealInput{Reason: "the vault of the build was lost"}}},
	}, s.revealKey)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/usage", id: "get-api-key-usage", tag: "api-keys",
		summary: "What a key used: ever, today, this hour", about: "Whatever has ended is in it, to the last answer.", returns: "The sums.", action: "api_key.usage.read",
	}, s.keyUsage)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/stats", id: "get-api-key-stats", tag: "api-keys",
		summary: "What a key used, day by day", about: "Every day of the span is there, in the organization's time zone; 3,660 days at most.", returns: "The days and their sum.", action: "api_key.stats.read",
	}, s.keyStats)
	add(s, route{
		method: http.MethodPost, path: "/api-keys/{id}/balance", id: "change-api-key-balance", tag: "api-keys",
		summary: "Put money on a key's balance, or take it out", about: "What requests in flight hold cannot be taken out. In force when the answer is sent.",
		body: api.BalanceChange{}, bodyBytes: 64 << 10, samples: balanceSamples(), returns: "The key, with its balance as it is now.",
		codes: []fault.Kind{fault.EscalationDenied, fault.UnlimitedBalance, fault.InsufficientBalance}, action: actionBalance + "change",
	}, s.changeBalance)
	add(s, route{
		method: http.MethodGet, path: "/api-keys/{id}/ledger", id: "list-api-key-ledger", tag: "api-keys",
		summary: "What happened to a key's balance, newest first", about: "Every posting is a line, and what the requests of a day cost is one line at its end, so that the lines add up to the balance.",
		returns: "One page of the statement.", codes: []fault.Kind{fault.UnlimitedBalance}, action: "api_key.ledger.read",
	}, s.keyLedger)

	add(s, route{
		method: http.MethodGet, path: "/users", id: "list-users", tag: "users",
		summary: "List users, newest first", about: "Needs the permission to read users; one's own is to be had by its id without.",
		returns: "One page of users, and how many match in all.",
	}, s.listUsers)
	add(s, route{
		method: http.MethodPost, path: "/users", id: "create-user", tag: "users",
		summary: "Make a user", about: "The role can be none that may do more than one may oneself.",
		status: http.StatusCreated, body: api.UserInput{}, samples: createUserSamples(), returns: "The user.",
		codes: []fault.Kind{fault.EscalationDenied, fault.NameTaken},
	}, s.createUser)
	add(s, route{
		method: http.MethodGet, path: "/users/{id}", id: "get-user", tag: "users",
		summary: "Show a user", about: "Everybody may see themselves.", returns: "The user.",
	}, s.getUser)
	add(s, route{
		method: http.MethodPatch, path: "/users/{id}", id: "update-user", tag: "users",
		summary: "Change fields of a user", about: "Disabling a user stops all of their keys at once.",
		body: api.UserInput{}, samples: updateUserSamples(), returns: "The user as it is now.",
		codes: []fault.Kind{fault.EscalationDenied, fault.NameTaken, fault.LastOwner},
	}, s.updateUser)
	add(s, route{
		method: http.MethodPut, path: "/users/{id}", id: "replace-user", tag: "users",
		summary: "Set fields of a user", about: putText, action: "user.update",
		body: api.UserInput{}, samples: updateUserSamples(), returns: "The user as it is now.",
		codes: []fault.Kind{fault.EscalationDenied, fault.NameTaken, fault.LastOwner},
	}, s.updateUser)
	add(s, route{
		method: http.MethodDelete, path: "/users/{id}", id: "delete-user", tag: "users",
		summary: "Delete a user for good", about: "Their keys and management keys are deleted with them, and stop at once. Usage and audit go on naming the user. The last active owner cannot be deleted.",
		status: http.StatusNoContent,
		codes:  []fault.Kind{fault.EscalationDenied, fault.LastOwner},
	}, s.deleteUser)

	add(s, route{
		method: http.MethodGet, path: "/organization", id: "get-organization", tag: "organization",
		summary: "Show the organization", about: "The one that the management key belongs to.", returns: "The organization.",
	}, s.getOrganization)
	add(s, route{
		method: http.MethodPatch, path: "/organization", id: "update-organization", tag: "organization",
		summary: "Change fields of the organization", about: "In force for all of its keys when the answer is sent. A change of the time zone moves when days, weeks and months begin, and gives nothing back.",
		body: api.OrganizationInput{}, samples: organizationSamples(), returns: "The organization as it is now.",
	}, s.updateOrganization)
	add(s, route{
		method: http.MethodPut, path: "/organization", id: "replace-organization", tag: "organization",
		summary: "Set fields of the organization", about: putText, action: "organization.update",
		body: api.OrganizationInput{}, samples: organizationSamples(), returns: "The organization as it is now.",
	}, s.updateOrganization)

	add(s, route{
		method: http.MethodGet, path: "/usage", id: "list-usage", tag: "usage",
		summary: "List requests that were forwarded, newest first; or sums of them",
		about:   "What one's own keys used needs no role. As CSV, without size, everything that matches.",
		returns: "One page of entries, or of sums.", answers: usageAnswers(), alsoSample: usageCSVSample(),
		answer: api.UsageList{}, also: csvMediaType, timeout: 2 * time.Minute, action: "usage.read",
	}, s.listUsage)
	add(s, route{
		method: http.MethodPost, path: "/explain", id: "explain", tag: "explain",
		summary: "What the gate would answer to a request, rule by rule", about: "Nothing is taken from any limit, and no provider is asked.",
		permission: "platform:api-keys:read", body: api.ExplainRequest{}, bodyBytes: 64 << 10,
		samples: explainSamples(), answers: explainAnswers(), codes: []fault.Kind{fault.NotFound}, returns: "The verdict, and every rule in the order in which the gate asks them.", action: actionExplain,
	}, s.explain)
	s.chatbotRoutes()
	s.credentialRoutes()
	s.vaultRoutes()
	s.managementRoutes()
	s.catalogRoutes()
	s.priceRoutes()
	s.rerateRoutes()
	s.auditRoutes()
	s.importRoutes()
}

const putText = "Merges like PATCH: what is left out stays, so nothing is lifted by omission; null lifts. Read-only fields may be sent back with the value that they have, so that what GET answered can be changed and put back."

// changesOfKeys are the codes of an operation that changes what restricts a key.
func changesOfKeys() []fault.Kind {
	return []fault.Kind{fault.EscalationDenied, fault.WouldLift}
}
