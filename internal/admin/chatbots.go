package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
)

// chatbotRoutes is chatbots and which keys open them.
func (s *service) chatbotRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/chatbots", id: "list-chatbots", tag: "chatbots",
		summary: "List chatbots, newest first", about: "Who may not see everybody's sees their own.",
		returns: "One page of chatbots, and how many match in all.",
	}, s.listChatbots)
	add(s, route{
		method: http.MethodPost, path: "/chatbots", id: "create-chatbot", tag: "chatbots",
		summary: "Make a chatbot", about: "A key opens it once it has been granted. To let in callers without a key needs the permission platform:chatbots:manage.",
		status: http.StatusCreated, body: api.ChatbotInput{}, samples: createChatbotSamples(), returns: "The chatbot.",
		codes: []fault.Kind{fault.NameTaken, fault.EscalationDenied},
	}, s.createChatbot)
	add(s, route{
		method: http.MethodGet, path: "/chatbots/{id}", id: "get-chatbot", tag: "chatbots",
		summary: "Show a chatbot", about: "One's own need no permission.", returns: "The chatbot, with what it was used for.",
	}, s.getChatbot)
	add(s, route{
		method: http.MethodPatch, path: "/chatbots/{id}", id: "update-chatbot", tag: "chatbots",
		summary: "Change fields of a chatbot", about: "JSON merge patch (RFC 7396): what is left out stays. In force when the answer is sent. Its owner can tighten its limits and its access mode; to loosen them needs the permission platform:chatbots:manage.",
		body: api.ChatbotInput{}, samples: updateChatbotSamples(), returns: "The chatbot as it is now.",
		codes: []fault.Kind{fault.NameTaken, fault.EscalationDenied, fault.VersionConflict},
	}, s.updateChatbot)
	add(s, route{
		method: http.MethodPut, path: "/chatbots/{id}", id: "replace-chatbot", tag: "chatbots",
		summary: "Set fields of a chatbot", about: "Merges like PATCH, so that what GET answered can be changed and put back.",
		body: api.ChatbotInput{}, samples: updateChatbotSamples(), returns: "The chatbot as it is now.",
		codes: []fault.Kind{fault.NameTaken, fault.EscalationDenied, fault.VersionConflict},
	}, s.updateChatbot)
	add(s, route{
		method: http.MethodDelete, path: "/chatbots/{id}", id: "delete-chatbot", tag: "chatbots",
		summary: "Delete a chatbot for good", about: "Its slug is free again. Its usage stays in the ledger.", status: http.StatusNoContent,
		codes: []fault.Kind{fault.VersionConflict},
	}, s.deleteChatbot)
	add(s, route{
		method: http.MethodGet, path: "/chatbots/{id}/keys", id: "list-chatbot-keys", tag: "chatbots", action: "chatbot.grant.list",
		summary: "List the grants of a chatbot, newest first", about: "All that it ever had, with what each is worth now.",
		returns: "One page of grants, and how many there are in all.",
	}, s.listGrants)
	add(s, route{
		method: http.MethodPost, path: "/chatbots/{id}/keys", id: "create-chatbot-key", tag: "chatbots", action: "chatbot.grant",
		summary: "Let a key open a chatbot", about: "Needs to own the chatbot, or the permission platform:chatbots:update, and to see the key. A grant that was revoked or has expired is given anew. The key's own rules hold all the same: a key that names other chatbots in allowed_chatbots does not open this one.",
		status: http.StatusCreated, body: api.ChatbotGrantInput{}, samples: grantSamples(), returns: "The grant.",
		codes: []fault.Kind{fault.NameTaken, fault.VersionConflict},
	}, s.createGrant)
	add(s, route{
		method: http.MethodPatch, path: "/chatbots/{id}/keys/{key_id}", id: "update-chatbot-key", tag: "chatbots", action: "chatbot.grant.update",
		summary: "Change when a grant ends", about: "In force when the answer is sent. A grant that was revoked is given anew with POST.", body: api.ChatbotGrantInput{}, samples: updateGrantSamples(), returns: "The grant as it is now.",
		codes: []fault.Kind{fault.VersionConflict},
	}, s.updateGrant)
	add(s, route{
		method: http.MethodDelete, path: "/chatbots/{id}/keys/{key_id}", id: "delete-chatbot-key", tag: "chatbots", action: "chatbot.revoke",
		summary: "Revoke a grant", about: "In force when the answer is sent; it stays in the list. Never does the end of a grant open a chatbot.",
		status: http.StatusNoContent, codes: []fault.Kind{fault.VersionConflict},
	}, s.revokeGrant)
}

type chatbotQuery struct {
	Page       int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size       int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"The most that a page holds."`
	UserID     string `query:"user_id" maxLength:"200" doc:"Only chatbots of this owner."`
	AccessMode string `query:"access_mode" enum:"key_required,public,disabled,auto" doc:"Only chatbots with this access mode."`
	Status     string `query:"status" enum:"active,disabled" doc:"Only chatbots with this status."`
	Search     string `query:"search" maxLength:"200" doc:"In name or slug, whatever the case."`
	After      string `query:"after" maxLength:"200" doc:"Id of the last chatbot already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

func (s *service) listChatbots(ctx context.Context, who authority.Principal, in *chatbotQuery) (*answer[api.ChatbotList], error) {
	list, total, err := s.authority.ListChatbots(ctx, who, authority.ChatbotFilter{
		UserID: in.UserID, AccessMode: authority.AccessMode(in.AccessMode), Status: authority.Status(in.Status),
		Search: in.Search, After: in.After, Page: in.Page, Size: in.Size,
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showChatbots(ctx, who, list)
	if err != nil {
		return nil, err
	}
	return &answer[api.ChatbotList]{Body: api.ChatbotList{Chatbots: shown, Total: total, Page: in.Page, Size: in.Size}}, nil
}

type chatbotAnswer struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.Chatbot
}

type chatbotCreated struct {
	ETag     string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Location string `header:"Location" doc:"The path of the chatbot."`
	Body     api.Chatbot
}

func (s *service) createChatbot(ctx context.Context, who authority.Principal, in *object) (*chatbotCreated, error) {
	c, err := s.authority.CreateChatbot(ctx, who, in.Body)
	made, err := s.answerChatbot(ctx, who, c, err)
	if err != nil {
		return nil, err
	}
	return &chatbotCreated{ETag: made.ETag, Location: prefix + "/chatbots/" + c.ID, Body: made.Body}, nil
}

func (s *service) getChatbot(ctx context.Context, who authority.Principal, in *ref) (*chatbotAnswer, error) {
	c, err := s.authority.ChatbotByID(ctx, who, in.ID)
	return s.answerChatbot(ctx, who, c, err)
}

func (s *service) updateChatbot(ctx context.Context, who authority.Principal, in *change) (*chatbotAnswer, error) {
	body, err := withoutShown[api.ChatbotInput](in.Body, func() (api.Chatbot, error) {
		c, err := s.authority.ChatbotByID(ctx, who, in.ID)
		shown, err := s.answerChatbot(ctx, who, c, err)
		if err != nil {
			return api.Chatbot{}, err
		}
		return shown.Body, nil
	})
	if err != nil {
		return nil, err
	}
	c, err := ifMatching(in.IfMatch, func(version int64) (authority.Chatbot, error) {
		return s.authority.UpdateChatbot(ctx, who, in.ID, body, version)
	})
	return s.answerChatbot(ctx, who, c, err)
}

type chatbotRemoval struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
}

func (s *service) deleteChatbot(ctx context.Context, who authority.Principal, in *chatbotRemoval) (*struct{}, error) {
	_, err := ifMatching(in.IfMatch, func(version int64) (struct{}, error) {
		return struct{}{}, s.authority.DeleteChatbot(ctx, who, in.ID, version)
	})
	return nil, err
}

// answerChatbot is the answer of every operation on one chatbot.
func (s *service) answerChatbot(ctx context.Context, who authority.Principal, c authority.Chatbot, err error) (*chatbotAnswer, error) {
	if err != nil {
		return nil, err
	}
	shown, err := s.showChatbots(ctx, who, []authority.Chatbot{c})
	if err != nil {
		return nil, err
	}
	return &chatbotAnswer{ETag: etag(c.Version), Body: shown[0]}, nil
}

// showChatbots is chatbots as the API shows them: with what they were used for,
// and whether some key opens them.
func (s *service) showChatbots(ctx context.Context, who authority.Principal, list []authority.Chatbot) ([]api.Chatbot, error) {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	used, err := s.meter.Totals(ctx, ids)
	if err != nil {
		return nil, err
	}
	opened, err := s.authority.WithActiveKey(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	views := make([]api.Chatbot, len(list))
	for i := range list {
		views[i] = chatbotView(&list[i], used[ids[i]], opened[ids[i]])
	}
	return views, nil
}

func chatbotView(c *authority.Chatbot, used ledger.Sum, opened bool) api.Chatbot {
	return api.Chatbot{
		ID: c.ID, Name: c.Name, Slug: c.Slug, UserID: orNull(c.UserID), Provider: orNull(c.Provider), Model: c.Model,
		SystemPrompt: c.SystemPrompt, Temperature: c.Temperature, MaxTokens: c.MaxTokens, Greeting: c.Greeting,
		AllowedOrigins: notNil(c.AllowedOrigins), AccessMode: string(c.AccessMode), KeyRequired: !c.Open(), HasActiveAPIKey: opened,
		Status: string(c.Status), IsActive: c.Status == authority.StatusActive, DisabledBy: orNull(c.DisabledBy),
		FirstGrantAt: instant(c.FirstGrantAt), Limits: limitsView(c.Limits),
		AnonymousRateLimitPerMinute: c.Anonymous.RateLimitPerMinute, AnonymousRateLimitPerHour: c.Anonymous.RateLimitPerHour,
		AnonymousRateLimitPerDay: c.Anonymous.RateLimitPerDay, AnonymousTokensPerDay: c.Anonymous.TokensPerDay,
		AnonymousConcurrentLimit: c.Anonymous.ConcurrentLimit,
		TotalRequests:            used.Requests, TotalTokens: used.Tokens, TotalCostUSD: used.Cost.String(), TotalCostCents: used.Cost.Cents(),
		CreatedAt: inUTC(c.CreatedAt), UpdatedAt: inUTC(c.UpdatedAt), LastUsedAt: instant(used.LastAt), Version: c.Version,
	}
}

type grantQuery struct {
	ID    string `path:"id" doc:"Id of the object."`
	Page  int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size  int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"The most that a page holds."`
	After string `query:"after" maxLength:"200" doc:"Id of the key of the last grant already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

func (s *service) listGrants(ctx context.Context, who authority.Principal, in *grantQuery) (*answer[api.ChatbotGrantList], error) {
	grants, total, err := s.authority.ListGrants(ctx, who, in.ID, authority.GrantPage{After: in.After, Page: in.Page, Size: in.Size})
	if err != nil {
		return nil, err
	}
	list := api.ChatbotGrantList{Keys: make([]api.ChatbotGrant, len(grants)), Total: total, Page: in.Page, Size: in.Size}
	for i := range grants {
		list.Keys[i] = grantView(&grants[i])
	}
	return &answer[api.ChatbotGrantList]{Body: list}, nil
}

type newGrant struct {
	ID   string `path:"id" doc:"Id of the object."`
	Body json.RawMessage
}

type grantCreated struct {
	Location string `header:"Location" doc:"The path of the grant."`
	Body     api.ChatbotGrant
}

func (s *service) createGrant(ctx context.Context, who authority.Principal, in *newGrant) (*grantCreated, error) {
	g, err := s.authority.GrantChatbot(ctx, who, in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return &grantCreated{Location: prefix + "/chatbots/" + g.ChatbotID + "/keys/" + g.KeyID, Body: grantView(&g)}, nil
}

type grantRef struct {
	ID    string `path:"id" doc:"Id of the object."`
	KeyID string `path:"key_id" doc:"Id of the key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
}

type grantChange struct {
	ID    string `path:"id" doc:"Id of the object."`
	KeyID string `path:"key_id" doc:"Id of the key." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Body  json.RawMessage
}

func (s *service) updateGrant(ctx context.Context, who authority.Principal, in *grantChange) (*answer[api.ChatbotGrant], error) {
	g, err := s.authority.UpdateGrant(ctx, who, in.ID, in.KeyID, in.Body)
	if err != nil {
		return nil, err
	}
	return &answer[api.ChatbotGrant]{Body: grantView(&g)}, nil
}

func (s *service) revokeGrant(ctx context.Context, who authority.Principal, in *grantRef) (*struct{}, error) {
	return nil, s.authority.RevokeGrant(ctx, who, in.ID, in.KeyID)
}

func grantView(g *authority.GrantedKey) api.ChatbotGrant {
	return api.ChatbotGrant{
		ChatbotID: g.ChatbotID, KeyID: g.KeyID, KeyName: orNull(g.KeyName), KeyPrefix: orNull(g.KeyPrefix),
		Status: string(g.StatusAt(time.Now())), CreatedAt: inUTC(g.CreatedAt), CreatedBy: g.CreatedBy,
		ExpiresAt: instant(g.ExpiresAt), RevokedAt: instant(g.RevokedAt), RevokedBy: orNull(g.RevokedBy),
	}
}
