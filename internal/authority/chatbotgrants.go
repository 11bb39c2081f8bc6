package authority

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Granting is changing a chatbot: it needs chatbotsUpdate, or to own the chatbot,
// and to see the key. A grant makes no key do what its own rules forbid.

// GrantChatbot lets a key open a chatbot; body is {"key_id": id, "expires_at":
// instant or null}. A grant that was revoked or has expired is given anew. From
// the first grant on a chatbot with the mode auto wants a key. It is in force when
// GrantChatbot returns. Kinds: permission_denied, invalid_json, duplicate_field,
// validation_failed, not_found (the chatbot, or the key), name_taken for a grant
// that there is already, idempotency_conflict, version_conflict,
// store_unavailable.
func (a *Authority) GrantChatbot(ctx context.Context, p Principal, chatbotID string, body []byte) (GrantedKey, error) {
	d := deed{p: p, action: "chatbot.grant", kind: "chatbot", id: chatbotID}
	g, _, err := once(ctx, a, d, body,
		func(d deed) (GrantedKey, secret.Text, error) {
			g, err := a.grantChatbot(ctx, d, body)
			return g, secret.Text{}, err
		},
		func(id string) (GrantedKey, error) {
			asked, _ := a.readGrant(body) // it was right when it was made; its end may have passed
			return a.reachGrant(ctx, p, id, asked.KeyID, chatbotsRead)
		})
	return g, a.refused(ctx, d, err)
}

// readGrant is the grant that body asks for.
func (a *Authority) readGrant(body []byte) (ChatbotGrant, error) {
	list, err := members(body)
	if err != nil {
		return ChatbotGrant{}, err
	}
	var g ChatbotGrant
	e := &edit[ChatbotGrant]{next: &g}
	e.apply(grantFields(a.instant()), list)
	if g.KeyID == "" && !e.failed("key_id") {
		e.fail("key_id", "is required: the id of the key that may open the chatbot")
	}
	return g, e.err()
}

func (a *Authority) grantChatbot(ctx context.Context, d deed, body []byte) (GrantedKey, error) {
	c, err := a.reachChatbot(ctx, d.p, d.id, chatbotsUpdate)
	if err != nil {
		return GrantedKey{}, err
	}
	d.name = c.Name
	asked, err := a.readGrant(body)
	if err != nil {
		return GrantedKey{}, err
	}
	row, err := a.reachKey(ctx, d.p, asked.KeyID, keysRead)
	if err != nil {
		return GrantedKey{}, err
	}
	err = retry(ctx, "grant", func() error {
		before, err := a.store.ChatbotGrants.GrantOf(ctx, d.p.organizationID, c.ID, row.ID)
		switch {
		case isNotFound(err):
			before = ChatbotGrant{}
		case err != nil:
			return err
		case before.live(a.now()):
			return grantTaken()
		}
		next := a.newGrant(d.p, c.ID, row.ID)
		next.ExpiresAt, next.Version = asked.ExpiresAt, before.Version+1
		return a.putGrant(ctx, next, &c, row, a.grantAct(d, &before, &next))
	})
	if errors.Is(err, fault.NameTaken) {
		err = grantTaken()
	}
	if err != nil {
		return GrantedKey{}, err
	}
	return a.store.ChatbotGrants.GrantedKey(ctx, d.p.organizationID, c.ID, row.ID)
}

func grantTaken() error {
	e := fault.New(fault.NameTaken, "This key may open the chatbot already. PATCH the grant to change when it ends, or revoke it first.")
	e.Param = "key_id"
	return e
}

// grantAct is what stands beside the change of a grant. Which key it is about
// stands there also where that does not change.
func (a *Authority) grantAct(d deed, before, after *ChatbotGrant) Act {
	if before != nil && before.Version == 0 {
		before = nil
	}
	table := grantFields(a.instant())
	done := act(a, d, table, before, after)
	list := diff(table, before, after)
	if before != nil {
		id := shown(table[0], after)
		list = append([]Change{{table[0].name, id, id}}, list...)
	}
	done.Event.Changes = a.veil.changes(list)
	return done
}

// newGrant is the grant that p gives now.
func (a *Authority) newGrant(p Principal, chatbotID, keyID string) ChatbotGrant {
	return ChatbotGrant{
		OrganizationID: p.organizationID, ChatbotID: chatbotID, KeyID: keyID,
		CreatedAt: a.instant(), CreatedBy: p.actor(), Version: 1,
	}
}

// putGrant stores a grant. Whatever the store answered, its key and its chatbot
// are forgotten in memory.
func (a *Authority) putGrant(ctx context.Context, g ChatbotGrant, c *Chatbot, k KeyRow, done Act) error {
	defer a.refreshChatbot(ctx, c.ID, c.Slug)
	defer a.refreshKey(ctx, k.Hashes)
	return a.store.ChatbotGrants.PutGrant(ctx, g, done)
}

// UpdateGrant changes when a grant ends; body is {"expires_at": instant or null}.
// Kinds: permission_denied, invalid_json, duplicate_field, validation_failed (also
// for a revoked grant), not_found, version_conflict, store_unavailable.
func (a *Authority) UpdateGrant(ctx context.Context, p Principal, chatbotID, keyID string, body []byte) (GrantedKey, error) {
	d := deed{p: p, action: "chatbot.grant.update", kind: "chatbot", id: chatbotID}
	list, err := members(body)
	if err != nil {
		return GrantedKey{}, a.refused(ctx, d, err)
	}
	return a.changeGrant(ctx, d, keyID, func(g *ChatbotGrant) error {
		current := *g
		if !current.RevokedAt.IsZero() {
			return problem("revoked_at", "the grant was revoked; give it anew with POST")
		}
		e := &edit[ChatbotGrant]{next: g, current: &current}
		e.apply(grantFields(a.instant()), list)
		return e.err()
	})
}

// RevokeGrant ends a grant; it stays in the list. One that is revoked already
// stays as it is. Kinds: permission_denied, not_found, version_conflict,
// store_unavailable.
func (a *Authority) RevokeGrant(ctx context.Context, p Principal, chatbotID, keyID string) error {
	d := deed{p: p, action: "chatbot.revoke", kind: "chatbot", id: chatbotID}
	_, err := a.changeGrant(ctx, d, keyID, func(g *ChatbotGrant) error {
		if g.RevokedAt.IsZero() {
			g.RevokedAt, g.RevokedBy = a.instant(), p.actor()
		}
		return nil
	})
	return err
}

func (a *Authority) changeGrant(ctx context.Context, d deed, keyID string, change func(*ChatbotGrant) error) (GrantedKey, error) {
	err := retry(ctx, "grant", func() error {
		c, err := a.reachChatbot(ctx, d.p, d.id, chatbotsUpdate)
		if err != nil {
			return err
		}
		d.name = c.Name
		before, err := a.store.ChatbotGrants.GrantOf(ctx, d.p.organizationID, c.ID, keyID)
		if err != nil {
			return absentGrant(err, keyID)
		}
		after := before
		if err := change(&after); err != nil {
			return err
		}
		done := a.grantAct(d, &before, &after)
		if reflect.DeepEqual(before, after) {
			return a.note(ctx, done.Event)
		}
		after.Version = before.Version + 1
		row, err := a.store.Keys.KeyByID(ctx, d.p.organizationID, keyID)
		if err != nil && !isNotFound(err) { // a deleted key is in no memory
			return err
		}
		return a.putGrant(ctx, after, &c, row, done)
	})
	if err != nil {
		return GrantedKey{}, a.refused(ctx, d, err)
	}
	g, err := a.store.ChatbotGrants.GrantedKey(ctx, d.p.organizationID, d.id, keyID)
	return g, absentGrant(err, keyID)
}

func absentGrant(err error, keyID string) error {
	return absent(err, "grant of this chatbot for the key", keyID)
}

// reachGrant is a grant of a chatbot to which p may do what permission says.
func (a *Authority) reachGrant(ctx context.Context, p Principal, chatbotID, keyID, permission string) (GrantedKey, error) {
	c, err := a.reachChatbot(ctx, p, chatbotID, permission)
	if err != nil {
		return GrantedKey{}, err
	}
	g, err := a.store.ChatbotGrants.GrantedKey(ctx, p.organizationID, c.ID, keyID)
	return g, absentGrant(err, keyID)
}

// GrantPage says which grants of a chatbot to list.
type GrantPage struct {
	After string // the key of the last grant already seen; Page then means nothing
	Page  int    // from 1; 0 = 1
	Size  int    // 1–100; 0 = 10
}

// ListGrants is one page of all grants that a chatbot ever had, revoked ones and
// those of deleted keys too, newest first, and how many there are. Kinds:
// permission_denied, not_found, validation_failed, store_unavailable.
func (a *Authority) ListGrants(ctx context.Context, p Principal, chatbotID string, f GrantPage) ([]GrantedKey, int, error) {
	d := deed{p: p, action: "chatbot.grant.list", kind: "chatbot", id: chatbotID}
	c, err := a.reachChatbot(ctx, p, chatbotID, chatbotsRead)
	if err == nil {
		d.name = c.Name
		err = page(&f.Page, &f.Size)
	}
	if err == nil && !p.owns(c.UserID) {
		err = a.note(ctx, a.event(d))
	}
	if err != nil {
		return nil, 0, a.refused(ctx, d, err)
	}
	list, total, err := a.store.ChatbotGrants.ListGrants(ctx, p.organizationID, c.ID, f)
	return list, total, a.refused(ctx, d, followed(err))
}

// WithActiveKey says which of the chatbots are opened by some key now: one with a
// live grant that is neither disabled, revoked, expired nor deleted, and whose
// owner is active. It is asked of the store each time, so it is never stale. The
// chatbots must be ones that the principal may see. Kinds: store_unavailable.
func (a *Authority) WithActiveKey(ctx context.Context, p Principal, chatbotIDs []string) (map[string]bool, error) {
	return a.store.ChatbotGrants.WithActiveKey(ctx, p.organizationID, chatbotIDs, a.instant())
}

// opened are the chatbots that a new key of the kind chatbot begins with a grant
// for. An id that is none of ours names a chatbot of elsewhere, which an imported
// key may do: it opens nothing.
func opened(k *Key) []string {
	var ids []string
	if k.Kind == KindChatbot {
		for _, id := range k.AllowedChatbots {
			if strings.HasPrefix(resourceID(id), "bot_") {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// checkOpened looks whether p may give keys for what a new key opens.
func (a *Authority) checkOpened(ctx context.Context, p Principal, e *edit[Key]) error {
	if e.failed("allowed_chatbots") || e.failed("kind") {
		return nil
	}
	for _, id := range opened(e.next) {
		_, err := a.reachChatbot(ctx, p, id, chatbotsUpdate)
		switch {
		case isNotFound(err):
			e.fail("allowed_chatbots", "there is no chatbot "+id)
		case errors.Is(err, fault.PermissionDenied):
			e.fail("allowed_chatbots", "you may not give keys for the chatbot "+id)
		case err != nil:
			return err
		}
	}
	return nil
}

// grantEvents gives done an event for each grant that a new key begins with, and
// says which chatbots these are.
func (a *Authority) grantEvents(ctx context.Context, d deed, row *KeyRow, done *Act) ([]Chatbot, error) {
	var bots []Chatbot
	for i := range row.Grants {
		c, err := a.store.Chatbots.ChatbotByID(ctx, d.p.organizationID, row.Grants[i].ChatbotID)
		if isNotFound(err) { // deleted since the body was judged
			return nil, problem("allowed_chatbots", "there is no chatbot "+row.Grants[i].ChatbotID)
		}
		if err != nil {
			return nil, err
		}
		granted := deed{p: d.p, action: "chatbot.grant", kind: "chatbot", id: c.ID, name: c.Name}
		done.Also = append(done.Also, a.grantAct(granted, nil, &row.Grants[i]).Event)
		bots = append(bots, c)
	}
	return bots, nil
}

func (a *Authority) refreshChatbots(ctx context.Context, bots []Chatbot) {
	for i := range bots {
		a.refreshChatbot(ctx, bots[i].ID, bots[i].Slug)
	}
}
