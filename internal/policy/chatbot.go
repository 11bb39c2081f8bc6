package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Grant is that a key opens a chatbot.
type Grant struct {
	Chatbot string // id
	Until   int64  // it opens nothing from this instant on, Unix milliseconds; 0 = never ends
}

// Visitor is the rules of a caller without a key, who may do nothing but talk to a
// chatbot that is open.
func Visitor(organizationActive bool) Rules {
	return Rules{status: Active, visitor: true, ownerActive: true, orgActive: organizationActive}
}

// chatbot binds: a key that names chatbots opens nothing else, so a key printed
// into a web page for a bot does not open the plain API.
func (r *Rules) chatbot(a *Ask) answer {
	if r.lists == nil || r.lists.Chatbots == nil {
		return open
	}
	return verdict(a.Chatbot != nil && slices.Contains(r.lists.Chatbots, a.Chatbot.ID))
}

func (r *Rules) chatbotWords(a *Ask) string {
	if len(r.lists.Chatbots) == 0 {
		return "This key is for chatbots, and it names none. Ask whoever gave it to you to add one."
	}
	if a.Chatbot == nil {
		return "This key works for its chatbots only: " + listing(r.lists.Chatbots) +
			". Send the request to the path of one of them."
	}
	return refusal("the chatbot", a.Chatbot.ID, r.lists.Chatbots)
}

func (r *Rules) chatbotState(a *Ask) answer {
	if a.Chatbot == nil {
		return open
	}
	return verdict(!a.Chatbot.Disabled)
}

func (r *Rules) chatbotStateWords(*Ask) string {
	return "This chatbot is disabled. Ask whoever runs it to enable it."
}

func (r *Rules) chatbotOwner(a *Ask) answer {
	if a.Chatbot == nil {
		return open
	}
	return verdict(a.Chatbot.OwnerActive)
}

func (r *Rules) chatbotOwnerWords(*Ask) string {
	return "The owner of this chatbot is disabled; none of the owner's chatbots works."
}

// origin keeps the pages of other sites from using a chatbot with their visitors'
// browsers. A browser may send such a request without asking first, and only keep
// the answer from the page; whoever is no browser says no origin.
func (r *Rules) origin(a *Ask) answer {
	if a.Chatbot == nil || a.Chatbot.Origins == nil || a.Origin == "" {
		return open
	}
	return verdict(a.Chatbot.Allows(a.Origin))
}

// Allows reports whether pages of an origin, as browsers write it, may use the
// chatbot.
func (c *Chatbot) Allows(origin string) bool {
	return slices.Contains(c.Origins, "*") || slices.Contains(c.Origins, origin)
}

func (r *Rules) originWords(a *Ask) string {
	return fmt.Sprintf("This chatbot may not be used by pages of %.200q. Whoever runs it says which pages may, in its allowed_origins.", a.Origin)
}

// grant wants a live grant of a key, whatever the mode of the chatbot: a key that
// was sent must be a right one. Without a key the chatbot must be open.
func (r *Rules) grant(a *Ask) answer {
	switch {
	case a.Chatbot == nil && r.visitor:
		return denies
	case a.Chatbot == nil:
		return open
	case r.visitor:
		return verdict(a.Chatbot.Open)
	}
	g := r.granted(a.Chatbot.ID)
	return verdict(g != nil && (g.Until == 0 || a.Now.UnixMilli() < g.Until))
}

// granted is the key's grant for a chatbot; nil = it has none.
func (r *Rules) granted(chatbot string) *Grant {
	if r.lists == nil {
		return nil
	}
	tags, tag := r.lists.tags, tagOf(chatbot)
	for i, _ := slices.BinarySearch(tags, tag); i < len(tags) && tags[i] == tag; i++ {
		if g := &r.lists.Grants[i]; g.Chatbot == chatbot {
			return g
		}
	}
	return nil
}

// tagged is grants in the order of their tags, and the tags: these lie together, so
// that looking for one touches little memory, and one id only.
func tagged(grants []Grant) ([]Grant, []uint64) {
	if len(grants) == 0 {
		return grants, nil
	}
	grants = slices.SortedFunc(slices.Values(grants), func(a, b Grant) int { return cmp.Compare(tagOf(a.Chatbot), tagOf(b.Chatbot)) })
	tags := make([]uint64, len(grants))
	for i := range grants {
		tags[i] = tagOf(grants[i].Chatbot)
	}
	return grants, tags
}

// tagOf is the end of a chatbot's id, which is the part of it that is random.
func tagOf(id string) (tag uint64) {
	for i := max(0, len(id)-8); i < len(id); i++ {
		tag = tag<<8 | uint64(id[i])
	}
	return tag
}

func (r *Rules) grantWords(a *Ask) string {
	if a.Chatbot == nil || r.visitor {
		return "This chatbot needs a key."
	}
	if g := r.granted(a.Chatbot.ID); g != nil {
		return fmt.Sprintf("This key could be used with the chatbot until %s. Ask whoever runs the chatbot to extend its grant.",
			time.UnixMilli(g.Until).UTC().Format(time.RFC3339))
	}
	return "This key may not be used with the chatbot. Ask whoever runs the chatbot to grant it to the key, or use another key."
}
