package client

import (
	"context"
	"net/http"
	"net/url"

	"tollgate/api"
)

// ChatbotQuery narrows a list of chatbots. The zero value is the first page of all
// that one may see.
type ChatbotQuery struct {
	Page       int    // from 1; 0 = the first
	Size       int    // 1 to 100; 0 = the server's default of 10
	UserID     string // only chatbots of this owner
	AccessMode string // key_required, public, disabled or auto
	Status     string // active or disabled
	Search     string // case-insensitive, in name or slug
	After      string // id of the last chatbot already seen; Page then means nothing
}

func (q ChatbotQuery) encode() string {
	v := paging(q.Page, q.Size)
	setIf(v, "user_id", q.UserID)
	setIf(v, "access_mode", q.AccessMode)
	setIf(v, "status", q.Status)
	setIf(v, "search", q.Search)
	setIf(v, "after", q.After)
	return suffix(v)
}

// Chatbots lists chatbots, newest first.
func (c *Client) Chatbots(ctx context.Context, q ChatbotQuery) (api.ChatbotList, error) {
	return call[api.ChatbotList](ctx, c, http.MethodGet, "/chatbots"+q.encode(), nil)
}

// Chatbot is the chatbot with this id.
func (c *Client) Chatbot(ctx context.Context, id string) (api.Chatbot, error) {
	return call[api.Chatbot](ctx, c, http.MethodGet, chatbotPath(id), nil)
}

// CreateChatbot makes a chatbot.
func (c *Client) CreateChatbot(ctx context.Context, in api.ChatbotInput, opts ...CallOption) (api.Chatbot, error) {
	return call[api.Chatbot](ctx, c, http.MethodPost, "/chatbots", in, opts...)
}

// UpdateChatbot changes the fields that in holds and keeps the others.
func (c *Client) UpdateChatbot(ctx context.Context, id string, in api.ChatbotInput, opts ...CallOption) (api.Chatbot, error) {
	return call[api.Chatbot](ctx, c, http.MethodPatch, chatbotPath(id), in, opts...)
}

// ReplaceChatbot is UpdateChatbot of a whole chatbot as it was read, changed: an
// api.Chatbot, or its JSON. Fields that cannot be set must say what is so; what in
// leaves out stays.
func (c *Client) ReplaceChatbot(ctx context.Context, id string, in any, opts ...CallOption) (api.Chatbot, error) {
	return call[api.Chatbot](ctx, c, http.MethodPut, chatbotPath(id), in, opts...)
}

// DeleteChatbot ends a chatbot for good; its slug is free again.
func (c *Client) DeleteChatbot(ctx context.Context, id string, opts ...CallOption) error {
	_, err := call[none](ctx, c, http.MethodDelete, chatbotPath(id), nil, opts...)
	return err
}

// GrantQuery says which part of the grants of a chatbot to list. The zero value is
// the first page.
type GrantQuery struct {
	Page  int    // from 1; 0 = the first
	Size  int    // 1 to 100; 0 = the server's default of 10
	After string // id of the key of the last grant already seen; Page then means nothing
}

// ChatbotKeys lists the grants of a chatbot, newest first, those that open nothing
// any more too.
func (c *Client) ChatbotKeys(ctx context.Context, id string, q GrantQuery) (api.ChatbotGrantList, error) {
	v := paging(q.Page, q.Size)
	setIf(v, "after", q.After)
	return call[api.ChatbotGrantList](ctx, c, http.MethodGet, chatbotPath(id)+"/keys"+suffix(v), nil)
}

// CreateChatbotKey lets a key open a chatbot.
func (c *Client) CreateChatbotKey(ctx context.Context, id string, in api.ChatbotGrantInput, opts ...CallOption) (api.ChatbotGrant, error) {
	return call[api.ChatbotGrant](ctx, c, http.MethodPost, chatbotPath(id)+"/keys", in, opts...)
}

// UpdateChatbotKey changes when a grant ends.
func (c *Client) UpdateChatbotKey(ctx context.Context, id, keyID string, in api.ChatbotGrantInput) (api.ChatbotGrant, error) {
	return call[api.ChatbotGrant](ctx, c, http.MethodPatch, grantPath(id, keyID), in)
}

// DeleteChatbotKey revokes a grant; it stays in the list.
func (c *Client) DeleteChatbotKey(ctx context.Context, id, keyID string) error {
	_, err := call[none](ctx, c, http.MethodDelete, grantPath(id, keyID), nil)
	return err
}

func chatbotPath(id string) string { return "/chatbots/" + url.PathEscape(id) }

func grantPath(id, keyID string) string {
	return chatbotPath(id) + "/keys/" + url.PathEscape(keyID)
}
