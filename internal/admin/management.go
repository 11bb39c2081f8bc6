package admin

import (
	"context"
	"net/http"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// managementRoutes is what opens the management API itself.
func (s *service) managementRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/management-keys", id: "list-management-keys", tag: "management-keys",
		summary: "List management keys, newest first", about: "Who may not see everybody's sees their own.",
		returns: "One page of management keys, and how many match in all.",
	}, s.listManagementKeys)
	add(s, route{
		method: http.MethodPost, path: "/management-keys", id: "create-management-key", tag: "management-keys",
		summary: "Make a management key", about: "It can be given no more than one holds oneself. The secret is in this answer and nowhere else.",
		status: http.StatusCreated, body: api.ManagementKeyInput{}, samples: createManagementKeySamples(),
		returns: "The management key, and its secret for the only time.", codes: []fault.Kind{fault.EscalationDenied},
	}, s.createManagementKey)
	add(s, route{
		method: http.MethodGet, path: "/management-keys/{id}", id: "get-management-key", tag: "management-keys",
		summary: "Show a management key", about: "One's own need no permission.", returns: "The management key.",
	}, s.getManagementKey)
	add(s, route{
		method: http.MethodPatch, path: "/management-keys/{id}", id: "update-management-key", tag: "management-keys",
		summary: "Change fields of a management key", about: "JSON merge patch (RFC 7396). It can be given no more than one holds oneself. The root key cannot be changed here.",
		body: api.ManagementKeyInput{}, samples: updateManagementKeySamples(), returns: "The management key as it is now.",
		codes: []fault.Kind{fault.EscalationDenied},
	}, s.updateManagementKey)
	add(s, route{
		method: http.MethodPut, path: "/management-keys/{id}", id: "replace-management-key", tag: "management-keys",
		summary: "Set fields of a management key", about: putText, action: "management_key.update",
		body: api.ManagementKeyInput{}, samples: updateManagementKeySamples(), returns: "The management key as it is now.",
		codes: []fault.Kind{fault.EscalationDenied},
	}, s.updateManagementKey)
	add(s, route{
		method: http.MethodDelete, path: "/management-keys/{id}", id: "delete-management-key", tag: "management-keys",
		summary: "Delete a management key for good", about: "The audit still names it. The root key cannot be deleted.", status: http.StatusNoContent,
	}, s.deleteManagementKey)
	add(s, route{
		method: http.MethodPost, path: "/management-keys/{id}/revoke", id: "revoke-management-key", tag: "management-keys",
		summary: "End a management key for good", about: "It stays visible. The root key cannot be revoked.", returns: "The management key as it is now.",
		codes: []fault.Kind{fault.VersionConflict},
	}, s.revokeManagementKey)
	add(s, route{
		method: http.MethodGet, path: "/roles", id: "list-roles", tag: "roles",
		summary: "List the roles and what they may do", about: "The mightiest first.", returns: "All roles, and every permission that there is.",
		permission: readCatalog, action: "role.list",
	}, s.listRoles)
	add(s, route{
		method: http.MethodGet, path: "/roles/{name}", id: "get-role", tag: "roles",
		summary: "Show a role", about: "What users with this role may do.", returns: "The role.",
		permission: readCatalog, action: "role.get",
	}, s.getRole)
}

type managementAnswer struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.ManagementKey
}

func answerManagementKey(m authority.ManagementKey, err error) (*managementAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &managementAnswer{ETag: etag(m.Version), Body: managementView(m)}, nil
}

func managementView(m authority.ManagementKey) api.ManagementKey {
	return api.ManagementKey{
		ID: m.ID, Name: m.Name, KeyPrefix: m.Prefix, UserID: orNull(m.UserID), Permissions: notNil(m.Permissions), IsRoot: m.Root,
		Status: string(m.StatusAt(time.Now())), IsActive: m.Status == authority.StatusActive,
		ExpiresAt: instant(m.ExpiresAt), CreatedBy: orNull(m.CreatedBy),
		CreatedAt: inUTC(m.CreatedAt), UpdatedAt: inUTC(m.UpdatedAt), Version: m.Version,
	}
}

type managementQuery struct {
	Page   int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size   int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"The most that a page holds."`
	UserID string `query:"user_id" maxLength:"200" doc:"Only those that act for this user."`
	After  string `query:"after" maxLength:"200" doc:"Id of the last one already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

func (s *service) listManagementKeys(ctx context.Context, who authority.Principal, in *managementQuery) (*answer[api.ManagementKeyList], error) {
	keys, total, err := s.authority.ListManagementKeys(ctx, who, authority.ManagementFilter{UserID: in.UserID, After: in.After, Page: in.Page, Size: in.Size})
	if err != nil {
		return nil, err
	}
	list := api.ManagementKeyList{ManagementKeys: make([]api.ManagementKey, len(keys)), Total: total, Page: in.Page, Size: in.Size}
	for i, m := range keys {
		list.ManagementKeys[i] = managementView(m)
	}
	return &answer[api.ManagementKeyList]{Body: list}, nil
}

type managementCreated struct {
	ETag     string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Location string `header:"Location" doc:"Path of what was made."`
	Body     api.ManagementKeyCreated
}

func (s *service) createManagementKey(ctx context.Context, who authority.Principal, in *object) (*managementCreated, error) {
	m, text, err := s.authority.CreateManagementKey(ctx, who, in.Body)
	if err != nil {
		return nil, err
	}
	return &managementCreated{
		ETag: etag(m.Version), Location: prefix + "/management-keys/" + m.ID,
		Body: api.ManagementKeyCreated{ManagementKey: managementView(m), SecretKey: text.Reveal()},
	}, nil
}

func (s *service) getManagementKey(ctx context.Context, who authority.Principal, in *ref) (*managementAnswer, error) {
	return answerManagementKey(s.authority.ManagementKeyByID(ctx, who, in.ID))
}

func (s *service) updateManagementKey(ctx context.Context, who authority.Principal, in *change) (*managementAnswer, error) {
	body, err := withoutShown[api.ManagementKeyInput](in.Body, func() (api.ManagementKey, error) {
		m, err := s.authority.ManagementKeyByID(ctx, who, in.ID)
		return managementView(m), err
	})
	if err != nil {
		return nil, err
	}
	return answerManagementKey(ifMatching(in.IfMatch, func(version int64) (authority.ManagementKey, error) {
		return s.authority.UpdateManagementKey(ctx, who, in.ID, body, version)
	}))
}

func (s *service) revokeManagementKey(ctx context.Context, who authority.Principal, in *version) (*managementAnswer, error) {
	return answerManagementKey(ifMatching(in.IfMatch, func(version int64) (authority.ManagementKey, error) {
		return s.authority.RevokeManagementKey(ctx, who, in.ID, version)
	}))
}

func (s *service) deleteManagementKey(ctx context.Context, who authority.Principal, in *version) (*struct{}, error) {
	return ifMatching(in.IfMatch, func(version int64) (*struct{}, error) {
		return nil, s.authority.DeleteManagementKey(ctx, who, in.ID, version)
	})
}

func (s *service) listRoles(_ context.Context, _ authority.Principal, in *Paging) (*answer[api.RoleList], error) {
	shown, total, err := part(authority.Roles(), *in, func(r authority.Role) string { return r.Name })
	if err != nil {
		return nil, err
	}
	list := api.RoleList{Roles: make([]api.Role, len(shown)), Permissions: authority.Permissions(), Total: total, Page: in.Page, Size: in.Size}
	for i, r := range shown {
		list.Roles[i] = api.Role{Name: r.Name, Permissions: r.Permissions}
	}
	return &answer[api.RoleList]{Body: list}, nil
}

type roleRef struct {
	Name string `path:"name" doc:"Name of the role." example:"developer"`
}

func (s *service) getRole(_ context.Context, _ authority.Principal, in *roleRef) (*answer[api.Role], error) {
	for _, r := range authority.Roles() {
		if r.Name == in.Name {
			return &answer[api.Role]{Body: api.Role{Name: r.Name, Permissions: r.Permissions}}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no role %q.", in.Name)
}
