package admin

import (
	"context"
	"encoding/json"

	"tollgate/api"
	"tollgate/internal/authority"
)

type userAnswer struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.User
}

type userQuery struct {
	Page   int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size   int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"The most that a page holds."`
	Status string `query:"status" enum:"active,disabled" doc:"Only users with this status."`
	Search string `query:"search" maxLength:"200" doc:"In name or email, whatever the case."`
	After  string `query:"after" maxLength:"200" doc:"Id of the last user already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

func (s *service) listUsers(ctx context.Context, who authority.Principal, in *userQuery) (*answer[api.UserList], error) {
	users, total, err := s.authority.ListUsers(ctx, who, authority.UserFilter{
		Status: authority.Status(in.Status), Search: in.Search, After: in.After, Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	list := api.UserList{Users: make([]api.User, len(users)), Total: total, Page: in.Page, Size: in.Size}
	for i, u := range users {
		list.Users[i] = userView(u)
	}
	return &answer[api.UserList]{Body: list}, nil
}

type userCreated struct {
	ETag     string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Location string `header:"Location" doc:"Path of what was made."`
	Body     api.User
}

func (s *service) createUser(ctx context.Context, who authority.Principal, in *object) (*userCreated, error) {
	u, err := s.authority.CreateUser(ctx, who, in.Body)
	if err != nil {
		return nil, err
	}
	return &userCreated{ETag: etag(u.Version), Location: prefix + "/users/" + u.ID, Body: userView(u)}, nil
}

func (s *service) getUser(ctx context.Context, who authority.Principal, in *ref) (*userAnswer, error) {
	u, err := s.authority.UserByID(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &userAnswer{ETag: etag(u.Version), Body: userView(u)}, nil
}

func (s *service) updateUser(ctx context.Context, who authority.Principal, in *change) (*userAnswer, error) {
	body, err := withoutShown[api.UserInput](in.Body, func() (api.User, error) {
		u, err := s.authority.UserByID(ctx, who, in.ID)
		return userView(u), err
	})
	if err != nil {
		return nil, err
	}
	u, err := ifMatching(in.IfMatch, func(version int64) (authority.User, error) {
		return s.authority.UpdateUser(ctx, who, in.ID, body, version)
	})
	if err != nil {
		return nil, err
	}
	return &userAnswer{ETag: etag(u.Version), Body: userView(u)}, nil
}

func (s *service) deleteUser(ctx context.Context, who authority.Principal, in *version) (*struct{}, error) {
	return ifMatching(in.IfMatch, func(version int64) (*struct{}, error) {
		return nil, s.authority.DeleteUser(ctx, who, in.ID, version)
	})
}

type organizationAnswer struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.Organization
}

func (s *service) getOrganization(ctx context.Context, who authority.Principal, _ *struct{}) (*organizationAnswer, error) {
	o, err := s.authority.Organization(ctx, who)
	if err != nil {
		return nil, err
	}
	return &organizationAnswer{ETag: etag(o.Version), Body: organizationView(o)}, nil
}

type organizationChange struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
	Body    json.RawMessage
}

func (s *service) updateOrganization(ctx context.Context, who authority.Principal, in *organizationChange) (*organizationAnswer, error) {
	body, err := withoutShown[api.OrganizationInput](in.Body, func() (api.Organization, error) {
		o, err := s.authority.Organization(ctx, who)
		return organizationView(o), err
	})
	if err != nil {
		return nil, err
	}
	o, err := ifMatching(in.IfMatch, func(version int64) (authority.Organization, error) {
		return s.authority.UpdateOrganization(ctx, who, body, version)
	})
	if err != nil {
		return nil, err
	}
	return &organizationAnswer{ETag: etag(o.Version), Body: organizationView(o)}, nil
}
