package policy_test

import (
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/policy"
)

// at bot_1, in the state that change makes.
func atBot(change func(*policy.Chatbot)) policy.Ask {
	a := bot("bot_1")
	change(a.Chatbot)
	return a
}

func fromPage(origin string, origins ...string) policy.Ask {
	a := atBot(func(c *policy.Chatbot) { c.Origins = origins })
	a.Origin = origin
	return a
}

// A grant opens one chatbot until it ends, and nothing that the key's own list of
// chatbots does not.
func TestGrants(t *testing.T) {
	granted := func(until time.Time, change ...func(*policy.Spec)) policy.Spec {
		return with(func(s *policy.Spec) {
			g := policy.Grant{Chatbot: "bot_1"}
			if !until.IsZero() {
				g.Until = until.UnixMilli()
			}
			s.Grants = []policy.Grant{{Chatbot: "bot_0"}, g, {Chatbot: "bot_2"}}
			for _, c := range change {
				c(s)
			}
		})
	}
	only := func(ids ...string) func(*policy.Spec) { return func(s *policy.Spec) { s.Chatbots = ids } }
	open := func(c *policy.Chatbot) { c.Open = true }
	for name, test := range map[string]struct {
		spec    policy.Spec
		rulings []ruling
	}{
		"without end": {granted(time.Time{}), []ruling{
			allow(bot("bot_1")),
			allow(bot("bot_2")),
			deny(fault.ChatbotDenied, bot("bot_3")),
			deny(fault.ChatbotDenied, bot("bot_")),
			allow(chat()), // a grant restricts nothing
			deny(fault.ChatbotDenied, atBot(func(c *policy.Chatbot) { c.Disabled = true })),
			deny(fault.OwnerInactive, atBot(func(c *policy.Chatbot) { c.OwnerActive = false })),
		}},
		"ended":     {granted(noon), []ruling{deny(fault.ChatbotDenied, bot("bot_1")), allow(bot("bot_0"))}},
		"ends next": {granted(noon.Add(time.Millisecond)), []ruling{allow(bot("bot_1"))}},
		"ids that end alike": {with(func(s *policy.Spec) {
			s.Grants = []policy.Grant{{Chatbot: "bot_c-12345678"}, {Chatbot: "bot_9"}, {Chatbot: "bot_a-12345678", Until: noon.UnixMilli()}, {Chatbot: "bot_d-12345678"}}
		}), []ruling{
			allow(bot("bot_c-12345678")),
			allow(bot("bot_d-12345678")),
			allow(bot("bot_9")),
			deny(fault.ChatbotDenied, bot("bot_a-12345678")),
			deny(fault.ChatbotDenied, bot("bot_b-12345678")),
			deny(fault.ChatbotDenied, bot("12345678")),
		}},
		"none":           {plain(), []ruling{deny(fault.ChatbotDenied, bot("bot_1")), deny(fault.ChatbotDenied, atBot(open))}},
		"and listed":     {granted(time.Time{}, only("bot_1")), []ruling{allow(bot("bot_1")), deny(fault.ChatbotDenied, bot("bot_2"))}},
		"and not listed": {granted(time.Time{}, only("bot_9")), []ruling{deny(fault.ChatbotDenied, bot("bot_1")), deny(fault.ChatbotDenied, bot("bot_9"))}},
		"origins": {granted(time.Time{}), []ruling{
			allow(fromPage("https://a.example", "https://a.example", "https://b.example")),
			deny(fault.ChatbotDenied, fromPage("https://evil.example", "https://a.example")),
			deny(fault.ChatbotDenied, fromPage("null", "https://a.example")),
			deny(fault.ChatbotDenied, fromPage("https://a.example.evil.example", "https://a.example")),
			deny(fault.ChatbotDenied, fromPage("http://a.example", "https://a.example")),
			allow(fromPage("", "https://a.example")), // no browser
			allow(fromPage("https://evil.example", "*")),
			allow(fromPage("https://evil.example")),
		}},
		"a path by another name": {granted(time.Time{}, func(s *policy.Spec) { s.Endpoints = []string{"/chatbots/support/*"} }), []ruling{
			deny(fault.EndpointDenied, bot("bot_1")),
			allow(func() policy.Ask { a := bot("bot_1"); a.Path = "/chatbots/support/v1/chat/completions"; return a }()),
			deny(fault.EndpointDenied, func() policy.Ask { a := bot("bot_1"); a.Path = "/chatbots/sales/v1/chat/completions"; return a }()),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := policy.Compile(test.spec)
			for i, r := range test.rulings {
				if got := decide(&rules, &r.ask); got != r.kind {
					t.Errorf("ruling %d on %+v is %q, want %q", i, r.ask, got, r.kind)
				}
			}
		})
	}
}

// Who has no key may talk to an open chatbot and do nothing else.
func TestVisitors(t *testing.T) {
	open := atBot(func(c *policy.Chatbot) { c.Open = true })
	for name, test := range map[string]struct {
		rules policy.Rules
		ask   policy.Ask
		kind  fault.Kind
	}{
		"open":                 {policy.Visitor(true), open, ""},
		"closed":               {policy.Visitor(true), bot("bot_1"), fault.ChatbotDenied},
		"elsewhere":            {policy.Visitor(true), chat(), fault.ChatbotDenied},
		"organization off":     {policy.Visitor(false), open, fault.OwnerInactive},
		"owner off":            {policy.Visitor(true), atBot(func(c *policy.Chatbot) { c.Open, c.OwnerActive = true, false }), fault.OwnerInactive},
		"disabled":             {policy.Visitor(true), atBot(func(c *policy.Chatbot) { c.Open, c.Disabled = true, true }), fault.ChatbotDenied},
		"page of another site": {policy.Visitor(true), fromPage("https://evil.example", "https://a.example"), fault.ChatbotDenied},
		"zero rules":           {policy.Rules{}, open, fault.KeyDisabled},
	} {
		if got := decide(&test.rules, &test.ask); got != test.kind {
			t.Errorf("%s: %q, want %q", name, got, test.kind)
		}
		first := fault.Kind("")
		for _, step := range test.rules.Trace(&test.ask) {
			if first == "" {
				first = step.Kind
			}
		}
		if first != test.kind {
			t.Errorf("%s: the trace says %q, want %q", name, first, test.kind)
		}
	}
}
