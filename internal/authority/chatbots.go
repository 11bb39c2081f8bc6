package authority

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// CreateChatbot makes a chatbot of the fields in body, a JSON object, laid over
// the defaults. It belongs to the principal's own user unless body says otherwise.
// To let in callers without a key needs the permission to manage chatbots. Kinds:
// permission_denied, escalation_denied, invalid_json, duplicate_field,
// validation_failed, name_taken (the slug), idempotency_conflict,
// store_unavailable.
func (a *Authority) CreateChatbot(ctx context.Context, p Principal, body []byte) (Chatbot, error) {
	d := deed{p: p, action: "chatbot.create", kind: "chatbot"}
	c, _, err := once(ctx, a, d, body,
		func(d deed) (Chatbot, secret.Text, error) {
			c, err := a.createChatbot(ctx, d, body)
			return c, secret.Text{}, err
		},
		func(id string) (Chatbot, error) { return a.reachChatbot(ctx, p, id, chatbotsRead) })
	return c, a.refused(ctx, d, err)
}

func (a *Authority) createChatbot(ctx context.Context, d deed, body []byte) (Chatbot, error) {
	// Who may make no chatbot at all learns nothing about the body.
	if !d.p.Can(chatbotsCreate) && !d.p.Can(chatbotsCreateAny) {
		return Chatbot{}, denied(chatbotsCreate)
	}
	list, err := members(body)
	if err != nil {
		return Chatbot{}, err
	}
	c := newChatbot()
	e := &edit[Chatbot]{next: &c}
	e.apply(a.chatbotFields(), list)
	if !e.has("user_id") {
		c.UserID = d.p.userID
	}
	settleChatbot(e, d.p)
	switch {
	case !d.p.owns(c.UserID) && !d.p.Can(chatbotsCreateAny):
		return Chatbot{}, denied(chatbotsCreateAny)
	case d.p.owns(c.UserID) && !d.p.Can(chatbotsCreate):
		return Chatbot{}, denied(chatbotsCreate)
	}
	if err := a.checkOwner(ctx, d.p, e); err != nil {
		return Chatbot{}, err
	}
	if err := e.err(); err != nil {
		return Chatbot{}, err
	}
	if c.AccessMode.openness() > AccessKey.openness() && !d.p.Can(chatbotsManage) {
		return Chatbot{}, escalation([]fault.Field{{
			Name: "access_mode", Problem: string(c.AccessMode) + " lets in callers without a key; ask an administrator to open the chatbot",
		}})
	}
	c.ID, c.OrganizationID, c.Version = newID("bot_"), d.p.organizationID, 1
	c.CreatedAt = a.instant()
	c.UpdatedAt = c.CreatedAt
	d.id, d.name = c.ID, c.Name
	err = a.storeChatbot(ctx, d, &c)
	// Whoever named no slug need not care that another chatbot has the same name.
	for base, n := c.Slug, 2; isKind(err, fault.NameTaken) && !e.has("slug") && n < 100; n++ {
		c.Slug = fmt.Sprintf("%s-%d", strings.TrimRight(fmt.Sprintf("%.60s", base), "-"), n)
		err = a.storeChatbot(ctx, d, &c)
	}
	switch {
	case isNotFound(err): // deleted meanwhile
		return Chatbot{}, problem("user_id", "there is no such user")
	case err != nil:
		return Chatbot{}, slugTaken(err, c.Slug)
	}
	return c, nil
}

func (a *Authority) storeChatbot(ctx context.Context, d deed, c *Chatbot) error {
	defer a.refreshChatbot(ctx, c.ID, c.Slug)
	return a.store.Chatbots.CreateChatbot(ctx, *c, act(a, d, a.chatbotFields(), nil, c))
}

// checkOwner looks whether the user is there to whom a chatbot is to belong.
func (a *Authority) checkOwner(ctx context.Context, p Principal, e *edit[Chatbot]) error {
	if e.next.UserID == "" || e.failed("user_id") {
		return nil
	}
	_, err := a.store.Users.UserByID(ctx, p.organizationID, e.next.UserID)
	if isNotFound(err) {
		e.fail("user_id", "there is no such user")
		return nil
	}
	return err
}

// ChatbotByID is one chatbot. Kinds: not_found (also for one that the principal
// may not see), store_unavailable.
func (a *Authority) ChatbotByID(ctx context.Context, p Principal, id string) (Chatbot, error) {
	d := deed{p: p, action: "chatbot.get", kind: "chatbot", id: id}
	c, err := a.reachChatbot(ctx, p, id, chatbotsRead)
	if err == nil && !p.owns(c.UserID) {
		d.name = c.Name
		err = a.note(ctx, a.event(d))
	}
	if err != nil {
		return Chatbot{}, a.refused(ctx, d, err)
	}
	return c, nil
}

// reachChatbot is a chatbot to which p may do what permission says.
func (a *Authority) reachChatbot(ctx context.Context, p Principal, id, permission string) (Chatbot, error) {
	if p.organizationID == "" {
		return Chatbot{}, denied(permission)
	}
	c, err := a.store.Chatbots.ChatbotByID(ctx, p.organizationID, id)
	if err != nil {
		return Chatbot{}, absent(err, "chatbot", id)
	}
	if err := p.reach(chatbotsRead, permission, c.UserID, "chatbot", id); err != nil {
		return Chatbot{}, err
	}
	return c, nil
}

// ListChatbots is one page of the chatbots that f lets through, newest first, and
// how many there are in all. Who may not see everybody's gets their own. Kinds:
// permission_denied, validation_failed, store_unavailable.
func (a *Authority) ListChatbots(ctx context.Context, p Principal, f ChatbotFilter) ([]Chatbot, int, error) {
	d := deed{p: p, action: "chatbot.list", kind: "chatbot"}
	list, total, err := a.listChatbots(ctx, d, f)
	return list, total, a.refused(ctx, d, err)
}

func (a *Authority) listChatbots(ctx context.Context, d deed, f ChatbotFilter) ([]Chatbot, int, error) {
	if f.UserID == "" && !d.p.Can(chatbotsRead) {
		f.UserID = d.p.userID
	}
	if f.UserID == "" && !d.p.Can(chatbotsRead) || !d.p.May(chatbotsRead, f.UserID) {
		return nil, 0, denied(chatbotsRead)
	}
	if err := page(&f.Page, &f.Size); err != nil {
		return nil, 0, err
	}
	if !d.p.owns(f.UserID) {
		if err := a.note(ctx, a.event(d)); err != nil {
			return nil, 0, err
		}
	}
	list, total, err := a.store.Chatbots.ListChatbots(ctx, d.p.organizationID, f)
	return list, total, followed(err)
}

// UpdateChatbot lays body over the chatbot as it is (RFC 7396). Without the
// permission to manage chatbots its limits can only be tightened, and nobody new
// be let in. A positive expect is the version that the caller has seen; 0 is any.
// The change is in force when UpdateChatbot returns. Kinds: as CreateChatbot, and
// not_found, precondition_failed, version_conflict.
func (a *Authority) UpdateChatbot(ctx context.Context, p Principal, id string, body []byte, expect int64) (Chatbot, error) {
	d := deed{p: p, action: "chatbot.update", kind: "chatbot", id: id}
	list, err := members(body)
	if err != nil {
		return Chatbot{}, a.refused(ctx, d, err)
	}
	return a.changeChatbot(ctx, d, chatbotsUpdate, expect, func(c *Chatbot) error {
		current := *c
		e := &edit[Chatbot]{next: c, current: &current}
		e.apply(a.chatbotFields(), list)
		settleChatbot(e, p)
		if e.has("user_id") && c.UserID != current.UserID {
			if err := a.checkOwner(ctx, p, e); err != nil {
				return err
			}
		}
		return e.err()
	})
}

// DeleteChatbot takes a chatbot out of every list and off the data plane; its slug
// is free again. Its usage, the audit and its grants go on naming it. Kinds:
// permission_denied, not_found, precondition_failed, version_conflict,
// store_unavailable.
func (a *Authority) DeleteChatbot(ctx context.Context, p Principal, id string, expect int64) error {
	_, err := a.changeChatbot(ctx, deed{p: p, action: "chatbot.delete", kind: "chatbot", id: id}, chatbotsDelete, expect,
		func(c *Chatbot) error {
			c.DeletedAt = a.instant()
			return nil
		})
	return err
}

// changeChatbot reads a chatbot, changes it and stores it as one more version,
// unless the change changes nothing; either way it keeps that it was done, or
// refused. Whatever the store answered, the chatbot is forgotten in memory.
func (a *Authority) changeChatbot(ctx context.Context, d deed, permission string, expect int64, change func(*Chatbot) error) (Chatbot, error) {
	var changed Chatbot
	err := retry(ctx, "chatbot", func() error {
		before, err := a.reachChatbot(ctx, d.p, d.id, permission)
		if err != nil {
			return err
		}
		d.name = before.Name
		if err := checkVersion("chatbot", expect, before.Version); err != nil {
			return err
		}
		changed = before
		if err := change(&changed); err != nil {
			return err
		}
		table := a.chatbotFields()
		if !d.p.Can(chatbotsManage) {
			if err := loosened(table, &before, &changed); err != nil {
				return err
			}
		}
		done := act(a, d, table, &before, &changed)
		if reflect.DeepEqual(before, changed) {
			return a.note(ctx, done.Event)
		}
		changed.Version, changed.UpdatedAt = before.Version+1, a.instant()
		defer a.refreshChatbot(ctx, before.ID, before.Slug, changed.Slug)
		return slugTaken(absent(a.store.Chatbots.UpdateChatbot(ctx, changed, done), "chatbot", d.id), changed.Slug)
	})
	if err != nil {
		return Chatbot{}, a.refused(ctx, d, err)
	}
	return changed, nil
}

// refreshChatbot makes memory forget what it knows of a chatbot, by its id and by
// each slug that it had, and know that these names may be there: also after an
// error, since they may have been stored.
func (a *Authority) refreshChatbot(ctx context.Context, refs ...string) {
	for _, ref := range refs {
		a.chatbotNames.add(ref)
		a.chatbots.refresh(ctx, ref)
	}
}

func slugTaken(err error, slug string) error {
	if !errors.Is(err, fault.NameTaken) {
		return err
	}
	e := fault.Wrap(fault.NameTaken, err, "There is a chatbot with the slug %q already.", slug)
	e.Param = "slug"
	return e
}
