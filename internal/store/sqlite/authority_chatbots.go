package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/authority"
)

// CreateChatbot implements authority.ChatbotStore.
func (db *DB) CreateChatbot(ctx context.Context, c authority.Chatbot, act authority.Act) error {
	return db.changed(ctx, "make the chatbot", act, func(tx *sql.Tx) error {
		if err := belongs(ctx, tx, c.OrganizationID, c.UserID); err != nil {
			return err
		}
		columns := chatbotColumns(&c)
		_, err := tx.ExecContext(ctx, insertInto("chatbots", columns), pointers(columns)...)
		return err
	})
}

// ChatbotByID implements authority.ChatbotStore.
func (db *DB) ChatbotByID(ctx context.Context, organizationID, id string) (authority.Chatbot, error) {
	return db.chatbot(ctx, "read the chatbot", "organization_id = ? AND id = ? AND deleted_at IS NULL", organizationID, id)
}

// FindChatbot implements authority.ChatbotStore. No slug looks like an id.
func (db *DB) FindChatbot(ctx context.Context, ref string) (authority.Chatbot, error) {
	if strings.HasPrefix(ref, "bot_") {
		return db.chatbot(ctx, "look up the chatbot", "id = ? AND deleted_at IS NULL", ref)
	}
	return db.chatbot(ctx, "look up the chatbot", "slug = ? AND deleted_at IS NULL", ref)
}

// ChatbotNames implements authority.ChatbotNameStore.
func (db *DB) ChatbotNames(ctx context.Context, each func(name string)) error {
	const doing = "read the names of the chatbots"
	rows, err := db.read.QueryContext(ctx, "SELECT id, slug FROM chatbots WHERE deleted_at IS NULL")
	if err != nil {
		return Classify(err, doing)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	for rows.Next() {
		var id, slug string
		if err := rows.Scan(&id, &slug); err != nil {
			return Classify(err, doing)
		}
		each(id)
		each(slug)
	}
	return Classify(rows.Err(), doing)
}

func (db *DB) chatbot(ctx context.Context, doing, where string, args ...any) (authority.Chatbot, error) {
	var c authority.Chatbot
	err := db.one(ctx, doing, "chatbots", readChatbot(&c), where, args...)
	return c, err
}

// UpdateChatbot implements authority.ChatbotStore.
func (db *DB) UpdateChatbot(ctx context.Context, c authority.Chatbot, act authority.Act) error {
	return db.replace(ctx, "change the chatbot", act, place{
		"chatbots", chatbotColumns(&c),
		"organization_id = ? AND id = ? AND deleted_at IS NULL",
		[]any{c.OrganizationID, c.ID},
		c.Version,
	}, func(tx *sql.Tx) error { return belongs(ctx, tx, c.OrganizationID, c.UserID) })
}

// endChatbots writes what becomes of each chatbot of u that is alive.
func endChatbots(ctx context.Context, tx *sql.Tx, u *authority.User, end func(authority.Chatbot) (authority.Chatbot, authority.Act)) error {
	found, err := tx.QueryContext(ctx, "SELECT "+names(readChatbot(new(authority.Chatbot)))+
		" FROM chatbots WHERE organization_id = ? AND user_id = ? AND deleted_at IS NULL ORDER BY id", u.OrganizationID, u.ID)
	if err != nil {
		return err
	}
	rows, err := scanAll(found, readChatbot)
	if err != nil {
		return err
	}
	for _, c := range rows {
		after, act := end(c)
		columns := chatbotColumns(&after)
		if _, err := tx.ExecContext(ctx, updateSet("chatbots", columns, "id = ?"), append(pointers(columns), c.ID)...); err != nil {
			return err
		}
		if err := record(ctx, tx, act); err != nil {
			return err
		}
	}
	return nil
}

// ListChatbots implements authority.ChatbotStore.
func (db *DB) ListChatbots(ctx context.Context, organizationID string, f authority.ChatbotFilter) ([]authority.Chatbot, int, error) {
	var where conditions
	where.add("organization_id = ? AND deleted_at IS NULL", organizationID)
	if f.UserID != "" {
		where.add("user_id = ?", f.UserID)
	}
	if f.AccessMode != "" {
		where.add("access_mode = ?", string(f.AccessMode))
	}
	if f.Status != "" {
		where.add("status = ?", string(f.Status))
	}
	if f.Search != "" {
		where.add("instr(search_text, ?) > 0", authority.SearchText(f.Search))
	}
	const doing = "list the chatbots"
	if f.After != "" {
		if err := db.following(ctx, doing, &where, "chatbots", organizationID, f.After); err != nil {
			return nil, 0, err
		}
		f.Page = 1
	}
	return listPage(ctx, db, doing, "chatbots", readChatbot, where, f.Page, f.Size)
}

// PutGrant implements authority.ChatbotGrantStore.
func (db *DB) PutGrant(ctx context.Context, g authority.ChatbotGrant, act authority.Act) error {
	if g.Version > 1 {
		return db.replace(ctx, "change the grant", act, place{
			"chatbot_grants", grantColumns(&g),
			"organization_id = ? AND chatbot_id = ? AND key_id = ?",
			[]any{g.OrganizationID, g.ChatbotID, g.KeyID},
			g.Version,
		}, nil)
	}
	return db.changed(ctx, "make the grant", act, func(tx *sql.Tx) error { return insertGrant(ctx, tx, &g) })
}

// insertGrant makes a grant. Its chatbot has had its first one with it.
func insertGrant(ctx context.Context, tx *sql.Tx, g *authority.ChatbotGrant) error {
	columns := grantColumns(g)
	if _, err := tx.ExecContext(ctx, insertInto("chatbot_grants", columns), pointers(columns)...); err != nil {
		return err
	}
	return oneRow(tx.ExecContext(ctx, "UPDATE chatbots SET first_grant_at = coalesce(first_grant_at, ?) WHERE organization_id = ? AND id = ?",
		g.CreatedAt.UnixMilli(), g.OrganizationID, g.ChatbotID))
}

// GrantOf implements authority.ChatbotGrantStore.
func (db *DB) GrantOf(ctx context.Context, organizationID, chatbotID, keyID string) (authority.ChatbotGrant, error) {
	var g authority.ChatbotGrant
	err := db.one(ctx, "read the grant", "chatbot_grants", grantColumns(&g),
		"organization_id = ? AND chatbot_id = ? AND key_id = ?", organizationID, chatbotID, keyID)
	return g, err
}

// grantedKeys is grants beside what there is to know of their keys.
const grantedKeys = `(SELECT g.*, coalesce(k.name, '') AS key_name, coalesce(k.key_prefix, '') AS key_prefix,
		CASE WHEN k.deleted_at IS NULL THEN coalesce(k.status, '') ELSE '' END AS key_status,
		k.expires_at AS key_expires_at, coalesce(u.status, 'active') = 'active' AS owner_active
	FROM chatbot_grants g LEFT JOIN api_keys k ON k.organization_id = g.organization_id AND k.id = g.key_id
		LEFT JOIN users u ON u.id = k.user_id)`

// GrantedKey implements authority.ChatbotGrantStore.
func (db *DB) GrantedKey(ctx context.Context, organizationID, chatbotID, keyID string) (authority.GrantedKey, error) {
	var g authority.GrantedKey
	err := db.one(ctx, "read the grant", grantedKeys, grantedColumns(&g),
		"organization_id = ? AND chatbot_id = ? AND key_id = ?", organizationID, chatbotID, keyID)
	return g, err
}

// ListGrants implements authority.ChatbotGrantStore.
func (db *DB) ListGrants(ctx context.Context, organizationID, chatbotID string, f authority.GrantPage) ([]authority.GrantedKey, int, error) {
	const doing = "list the grants"
	var where conditions
	where.add("organization_id = ? AND chatbot_id = ?", organizationID, chatbotID)
	if f.After != "" {
		last, err := db.GrantOf(ctx, organizationID, chatbotID, f.After)
		if err != nil {
			return nil, 0, err
		}
		where.add("(created_at, key_id) < (?, ?)", last.CreatedAt.UnixMilli(), last.KeyID)
		f.Page = 1
	}
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var total int
	which := " WHERE " + strings.Join(where.terms, " AND ")
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM chatbot_grants"+which, where.args...).Scan(&total)
	if err != nil || total <= (f.Page-1)*f.Size {
		return nil, total, Classify(err, doing)
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+names(grantedColumns(new(authority.GrantedKey)))+" FROM "+grantedKeys+which+
		" ORDER BY created_at DESC, key_id DESC LIMIT ? OFFSET ?", append(where.args, f.Size, (f.Page-1)*f.Size)...)
	if err != nil {
		return nil, 0, Classify(err, doing)
	}
	list, err := scanAll(rows, grantedColumns)
	return list, total, Classify(err, doing)
}

// WithActiveKey implements authority.ChatbotGrantStore.
func (db *DB) WithActiveKey(ctx context.Context, organizationID string, chatbotIDs []string, now time.Time) (map[string]bool, error) {
	const doing = "look for keys of chatbots"
	ids, err := json.Marshal(chatbotIDs)
	if err != nil {
		return nil, err
	}
	ms := now.UnixMilli()
	rows, err := db.read.QueryContext(ctx, `SELECT asked.value FROM json_each(?) asked WHERE EXISTS (SELECT 1 FROM `+grantedKeys+`
		WHERE chatbot_id = asked.value AND organization_id = ? AND revoked_at IS NULL
			AND (expires_at IS NULL OR expires_at > ?) AND key_status = 'active'
			AND (key_expires_at IS NULL OR key_expires_at > ?) AND owner_active)`, string(ids), organizationID, ms, ms)
	if err != nil {
		return nil, Classify(err, doing)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	found := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, Classify(err, doing)
		}
		found[id] = true
	}
	return found, Classify(rows.Err(), doing)
}

func chatbotColumns(c *authority.Chatbot) []column {
	search := authority.SearchText(c.Name, c.Slug)
	return append([]column{
		{"id", &c.ID},
		{"organization_id", &c.OrganizationID},
		{"user_id", optional[string]{&c.UserID}},
		{"name", &c.Name},
		{"slug", &c.Slug},
		{"search_text", &search},
		{"provider", &c.Provider},
		{"model", &c.Model},
		{"system_prompt", &c.SystemPrompt},
		{"temperature", &c.Temperature},
		{"max_tokens", &c.MaxTokens},
		{"greeting", &c.Greeting},
		{"allowed_origins", words{&c.AllowedOrigins}},
		{"access_mode", &c.AccessMode},
		{"status", &c.Status},
		{"disabled_by", optional[string]{&c.DisabledBy}},
		{"anonymous_rate_limit_per_minute", &c.Anonymous.RateLimitPerMinute},
		{"anonymous_rate_limit_per_hour", &c.Anonymous.RateLimitPerHour},
		{"anonymous_rate_limit_per_day", &c.Anonymous.RateLimitPerDay},
		{"anonymous_tokens_per_day", &c.Anonymous.TokensPerDay},
		{"anonymous_concurrent_limit", &c.Anonymous.ConcurrentLimit},
		{"created_at", instant{&c.CreatedAt}},
		{"updated_at", instant{&c.UpdatedAt}},
		{"deleted_at", instant{&c.DeletedAt}},
		{"version", &c.Version},
	}, limitColumns(&c.Limits)...)
}

// readChatbot is chatbotColumns with the one that no change of a chatbot writes.
func readChatbot(c *authority.Chatbot) []column {
	return append(chatbotColumns(c), column{"first_grant_at", instant{&c.FirstGrantAt}})
}

func grantColumns(g *authority.ChatbotGrant) []column {
	return []column{
		{"chatbot_id", &g.ChatbotID},
		{"key_id", &g.KeyID},
		{"organization_id", &g.OrganizationID},
		{"created_at", instant{&g.CreatedAt}},
		{"created_by", &g.CreatedBy},
		{"expires_at", instant{&g.ExpiresAt}},
		{"revoked_at", instant{&g.RevokedAt}},
		{"revoked_by", optional[string]{&g.RevokedBy}},
		{"version", &g.Version},
	}
}

func grantedColumns(g *authority.GrantedKey) []column {
	return append(grantColumns(&g.ChatbotGrant),
		column{"key_name", &g.KeyName},
		column{"key_prefix", &g.KeyPrefix},
		column{"key_status", &g.KeyStatus},
		column{"key_expires_at", instant{&g.KeyExpires}},
		column{"owner_active", &g.OwnerActive})
}

// keyGrants is a key's grants that are not revoked, as a column of its row.
const keyGrants = `(SELECT json_group_array(json_array(g.chatbot_id, g.expires_at)) FROM chatbot_grants g
	WHERE g.key_id = api_keys.id AND g.revoked_at IS NULL)`

// grantList reads keyGrants.
type grantList struct{ of *authority.KeyRow }

// Scan implements sql.Scanner.
func (l grantList) Scan(src any) error {
	l.of.Grants = nil
	var pairs [][2]json.RawMessage
	if _, err := decode(src, &pairs); err != nil {
		return err
	}
	for _, pair := range pairs {
		var g authority.ChatbotGrant
		var until *int64
		if err := errors.Join(json.Unmarshal(pair[0], &g.ChatbotID), json.Unmarshal(pair[1], &until)); err != nil {
			return fmt.Errorf("read the grants of a key: %w", err)
		}
		if until != nil {
			g.ExpiresAt = time.UnixMilli(*until).UTC()
		}
		l.of.Grants = append(l.of.Grants, g)
	}
	return nil
}
