package policy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// plain is a key without restrictions.
func plain() policy.Spec {
	return policy.Spec{Status: policy.Active, OwnerActive: true, OrganizationActive: true}
}

// with is plain, changed.
func with(change func(*policy.Spec)) policy.Spec {
	s := plain()
	change(&s)
	return s
}

// chat is an ordinary request.
func chat() policy.Ask {
	return policy.Ask{
		Now: noon, IP: netip.MustParseAddr("203.0.113.7"), Scope: llm.ScopeChat,
		Endpoint: "/v1/chat/completions", Format: llm.OpenAI, Provider: "openai", Model: "gpt-4o-mini",
	}
}

func ask(change func(*policy.Ask)) policy.Ask {
	a := chat()
	change(&a)
	return a
}

// ruling is one line of a test table: a request, and what is said to it.
type ruling struct {
	ask  policy.Ask
	kind fault.Kind // "" = allowed
}

func allow(a policy.Ask) ruling                 { return ruling{a, ""} }
func deny(kind fault.Kind, a policy.Ask) ruling { return ruling{a, kind} }

func ips(list ...string) []netip.Prefix {
	prefixes := []netip.Prefix{}
	for _, s := range list {
		p, err := policy.ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes
}

func from(ip string) policy.Ask {
	return ask(func(a *policy.Ask) { a.IP = netip.MustParseAddr(ip) })
}

func at(t time.Time) policy.Ask { return ask(func(a *policy.Ask) { a.Now = t }) }
func path(p string) policy.Ask  { return ask(func(a *policy.Ask) { a.Endpoint = p }) }
func model(provider, name string) policy.Ask {
	return ask(func(a *policy.Ask) { a.Provider, a.Model = provider, name })
}

func bot(id string) policy.Ask {
	return ask(func(a *policy.Ask) { a.Chatbot = &policy.Chatbot{ID: id, OwnerActive: true} })
}

// A pattern that begins with a provider is for that provider; an exact entry
// admits an alias, and no pattern does.
func TestPatternsOfProviders(t *testing.T) {
	providers := func(slug string) bool { return slug == "openai" || slug == "demo" }
	named := func(provider, name, asked string) policy.Ask {
		return ask(func(a *policy.Ask) { a.Provider, a.Model, a.Asked = provider, name, asked })
	}
	for _, test := range []struct {
		pattern string
		ask     policy.Ask
		ok      bool
	}{
		{"openai/*", model("openai", "gpt-4o"), true},
		{"openai/*", model("demo", "openai/anything"), false},
		{"openai/gpt-*", model("huggingface", "openai/gpt-oss-120b"), false},
		{"huggingface/openai/*", model("huggingface", "openai/gpt-oss-120b"), true}, // no provider here, and still its full name
		{"meta-llama/*", model("demo", "meta-llama/x"), true},
		{"demo/meta-llama/*", model("demo", "meta-llama/x"), true},
		{"openai", model("demo", "openai"), true}, // a bare name, not a provider's
		{"*", model("demo", "openai/x"), true},
		{"fast", named("demo", "demo-mini", "fast"), true},
		{"fas*", named("demo", "demo-mini", "fast"), false},
		{"fast", named("demo", "demo-mini", "Fast"), false},
		{"fast", named("demo", "demo-mini", ""), false},
		{"", named("demo", "demo-mini", ""), false},
	} {
		rules := policy.Compile(with(func(s *policy.Spec) { s.Provider, s.Models = providers, []string{"other", test.pattern} }))
		if got := rules.AdmitModel(&test.ask) == nil; got != test.ok {
			t.Errorf("%q admits %s/%s, asked for as %q: %v, want %v", test.pattern, test.ask.Provider, test.ask.Model, test.ask.Asked, got, test.ok)
		}
	}
}

func TestRules(t *testing.T) {
	for name, test := range map[string]struct {
		spec    policy.Spec
		rulings []ruling
	}{
		"no restriction": {plain(), []ruling{
			allow(chat()),
			allow(policy.Ask{Now: noon, Model: "m"}),
		}},
		"zero spec": {policy.Spec{}, []ruling{deny(fault.KeyDisabled, chat())}},
		"disabled":  {with(func(s *policy.Spec) { s.Status = policy.Disabled }), []ruling{deny(fault.KeyDisabled, chat())}},
		"revoked":   {with(func(s *policy.Spec) { s.Status = policy.Revoked }), []ruling{deny(fault.KeyRevoked, chat())}},
		"a status nobody knows": {
			with(func(s *policy.Spec) { s.Status = 99 }),
			[]ruling{deny(fault.KeyDisabled, chat())},
		},
		"expiry": {with(func(s *policy.Spec) { s.ExpiresAt = noon }), []ruling{
			allow(at(noon.Add(-time.Millisecond))),
			deny(fault.KeyExpired, at(noon)),
			deny(fault.KeyExpired, at(noon.Add(time.Millisecond))),
			allow(at(noon.Add(-time.Millisecond).In(time.FixedZone("", 3600)))),
		}},
		"owner": {with(func(s *policy.Spec) { s.OwnerActive = false }), []ruling{deny(fault.OwnerInactive, chat())}},
		"organization": {
			with(func(s *policy.Spec) { s.OrganizationActive = false }),
			[]ruling{deny(fault.OwnerInactive, chat())},
		},
		"addresses": {with(func(s *policy.Spec) {
			s.IPs = ips("203.0.113.7", "10.1.0.0/16", "10.0.0.0/8", "10.1.7.0/24", "10.200.0.0/16", "2001:db8::/32", "::ffff:192.0.2.0/120")
		}), []ruling{
			allow(from("203.0.113.7")),
			deny(fault.IPDenied, from("203.0.113.6")),
			deny(fault.IPDenied, from("203.0.113.8")),
			allow(from("10.0.0.0")),
			allow(from("10.1.2.3")),
			allow(from("10.255.255.255")),
			deny(fault.IPDenied, from("9.255.255.255")),
			deny(fault.IPDenied, from("11.0.0.0")),
			allow(from("::ffff:10.2.3.4")),
			allow(from("192.0.2.255")),
			deny(fault.IPDenied, from("192.0.3.0")),
			allow(from("2001:db8:ffff::1")),
			allow(from("2001:db8::1%eth0")),
			deny(fault.IPDenied, from("2001:db9::1")),
			deny(fault.IPDenied, from("::1")),
			deny(fault.IPDenied, ask(func(a *policy.Ask) { a.IP = netip.Addr{} })),
		}},
		"every IPv4 address": {with(func(s *policy.Spec) { s.IPs = ips("0.0.0.0/0") }), []ruling{
			allow(from("255.255.255.255")), deny(fault.IPDenied, from("2001:db8::1")),
		}},
		"scopes": {with(func(s *policy.Spec) { s.Scopes = []llm.Scope{llm.ScopeChat, llm.ScopeModels} }), []ruling{
			allow(chat()),
			allow(ask(func(a *policy.Ask) { a.Scope = llm.ScopeModels })),
			deny(fault.ScopeDenied, ask(func(a *policy.Ask) { a.Scope = llm.ScopeEmbeddings })),
			deny(fault.ScopeDenied, ask(func(a *policy.Ask) { a.Scope = "" })),
		}},
		"endpoints": {with(func(s *policy.Spec) { s.Endpoints = []string{"/v1/chat/completions", "/v1/models*", "*/speech"} }), []ruling{
			allow(chat()),
			allow(path("/v1/models")),
			allow(path("/v1/models/a/b")),
			allow(path("/v1/audio/speech")),
			deny(fault.EndpointDenied, path("/v1/chat/completions/")),
			deny(fault.EndpointDenied, path("/V1/chat/completions")),
			deny(fault.EndpointDenied, path("/v1/embeddings")),
			deny(fault.EndpointDenied, path("")),
		}},
		"formats": {with(func(s *policy.Spec) { s.Formats = []llm.Format{llm.Anthropic} }), []ruling{
			deny(fault.FormatDenied, chat()),
			allow(ask(func(a *policy.Ask) { a.Format = llm.Anthropic })),
		}},
		"models": {with(func(s *policy.Spec) {
			s.Models = []string{"gpt-4o-mini", "claude-*", "mistral/*-small", "meta-llama/*", "azure/*"}
		}), []ruling{
			allow(model("openai", "gpt-4o-mini")),
			allow(model("azure", "gpt-4o-mini")),
			deny(fault.ModelDenied, model("openai", "gpt-4o")),
			deny(fault.ModelDenied, model("openai", "gpt-4o-mini-2024-07-18")),
			deny(fault.ModelDenied, model("openai", "GPT-4o-mini")),
			allow(model("anthropic", "claude-")),
			allow(model("anthropic", "claude-sonnet-4/x")),
			allow(model("mistral", "a-small")),
			deny(fault.ModelDenied, model("custom", "a-small")),
			allow(model("huggingface", "meta-llama/Llama-3")),
			allow(model("azure", "anything")),
			deny(fault.ModelDenied, model("openai", "")),
			deny(fault.ModelDenied, model("", "x")),
		}},
		"models by provider/name only": {with(func(s *policy.Spec) { s.Models = []string{"openai/gpt-4o"} }), []ruling{
			allow(model("openai", "gpt-4o")),
			deny(fault.ModelDenied, model("azure", "gpt-4o")),
			allow(model("azure", "openai/gpt-4o")), // its own name, as listed
		}},
		"providers": {with(func(s *policy.Spec) { s.Providers = []string{"openai"} }), []ruling{
			allow(chat()),
			deny(fault.ProviderDenied, model("anthropic", "gpt-4o-mini")),
			deny(fault.ProviderDenied, model("OpenAI", "gpt-4o-mini")),
		}},
		"chatbots": {with(func(s *policy.Spec) { s.Chatbots = []string{"bot_1"} }), []ruling{
			deny(fault.ChatbotDenied, bot("bot_2")),
			deny(fault.ChatbotDenied, chat()),
		}},
		"empty lists let nothing through": {with(func(s *policy.Spec) { s.Models = []string{} }), []ruling{
			deny(fault.ModelDenied, chat()),
		}},
		"an empty list of addresses": {with(func(s *policy.Spec) { s.IPs = []netip.Prefix{} }), []ruling{
			deny(fault.IPDenied, chat()),
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

// decide applies all rules, as the walk of a request does.
func decide(r *policy.Rules, a *policy.Ask) fault.Kind {
	if err := r.AdmitRoute(a); err != nil {
		return err.Kind
	}
	if err := r.AdmitGrant(a); err != nil {
		return err.Kind
	}
	if err := r.AdmitModel(a); err != nil {
		return err.Kind
	}
	return ""
}

// everythingWrong is refused by every rule but the two that exclude each other.
func everythingWrong() policy.Spec {
	s := policy.Spec{Status: policy.Disabled, ExpiresAt: noon}
	s.Lists = policy.Lists{
		IPs: ips("10.0.0.0/8"), Scopes: []llm.Scope{llm.ScopeModels}, Endpoints: []string{"/x"},
		Formats: []llm.Format{llm.Gemini}, Chatbots: []string{"bot_1"}, Models: []string{"x"}, Providers: []string{"x"},
	}
	return s
}

// The order decides what a caller is told: each repair uncovers the next refusal.
func TestTheFirstRefusalDecides(t *testing.T) {
	s := everythingWrong()
	repairs := []struct {
		kind   fault.Kind
		repair func()
	}{
		{fault.KeyDisabled, func() { s.Status = policy.Active }},
		{fault.KeyExpired, func() { s.ExpiresAt = time.Time{} }},
		{fault.OwnerInactive, func() { s.OwnerActive = true }},
		{fault.OwnerInactive, func() { s.OrganizationActive = true }},
		{fault.IPDenied, func() { s.IPs = nil }},
		{fault.ScopeDenied, func() { s.Scopes = nil }},
		{fault.EndpointDenied, func() { s.Endpoints = nil }},
		{fault.FormatDenied, func() { s.Formats = nil }},
		{fault.ChatbotDenied, func() { s.Chatbots = nil }},
		{fault.ModelDenied, func() { s.Models = nil }},
		{fault.ProviderDenied, func() { s.Providers = nil }},
		{"", func() {}},
	}
	for _, step := range repairs {
		rules, a := policy.Compile(s), chat()
		if got := decide(&rules, &a); got != step.kind {
			t.Fatalf("refused with %q, want %q", got, step.kind)
		}
		step.repair()
	}
}

func TestTraceAgreesWithTheDecision(t *testing.T) {
	for name, spec := range map[string]policy.Spec{"all wrong": everythingWrong(), "all right": plain(), "zero": {}} {
		rules, a := policy.Compile(spec), chat()
		steps := rules.Trace(&a)
		first := fault.Kind("")
		for _, s := range steps {
			if (s.Verdict == policy.Deny) != (s.Kind != "") || s.Detail == "" || s.Rule == "" {
				t.Errorf("%s: step %+v contradicts itself", name, s)
			}
			if first == "" && s.Verdict == policy.Deny {
				first = s.Kind
			}
		}
		if got := decide(&rules, &a); got != first {
			t.Errorf("%s: the trace begins with %q, the decision is %q", name, first, got)
		}
	}
	rules := policy.Compile(everythingWrong())
	a := chat()
	var names []string
	for _, s := range rules.Trace(&a) {
		names = append(names, s.Rule)
	}
	want := []string{"revoked", "disabled", "expiry", "owner", "ip", "scope", "endpoint", "format", "chatbot", "model", "provider"}
	if !slices.Equal(names, want) {
		t.Errorf("rules are %v, want %v", names, want)
	}
	a.Model = ""
	if steps := rules.Trace(&a); len(steps) != 9 {
		t.Errorf("without a model the trace has %d steps, want 9", len(steps))
	}
}

func TestZeroRulesDenyEverything(t *testing.T) {
	var rules policy.Rules
	a := chat()
	if rules.AdmitRoute(&a) == nil {
		t.Error("the zero Rules let a request through")
	}
}

func TestWithChangesTheOwnerOnly(t *testing.T) {
	active := policy.Compile(with(func(s *policy.Spec) { s.Models = []string{"gpt-4o-mini"} }))
	inactive := active.With(false, true)
	a := chat()
	if got := decide(&inactive, &a); got != fault.OwnerInactive {
		t.Errorf("a disabled owner's key is refused with %q", got)
	}
	if got := decide(&active, &a); got != "" {
		t.Errorf("the rules it was made from are changed: %q", got)
	}
	other := model("openai", "other")
	again := inactive.With(true, true)
	if got := decide(&again, &other); got != fault.ModelDenied {
		t.Errorf("the lists are lost: %q", got)
	}
}

func TestWordsSayWhatIsAllowed(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = "model-" + strings.Repeat("x", i)
	}
	rules := policy.Compile(with(func(s *policy.Spec) {
		s.Models, s.IPs = many, ips("203.0.113.0/24", "10.9.9.9")
	}))
	a := model("openai", "gpt-4o")
	err := rules.AdmitModel(&a)
	if err == nil || !strings.Contains(err.Public, `"gpt-4o"`) || !strings.Contains(err.Public, "model-x") ||
		!strings.Contains(err.Public, "and 30 more") {
		t.Errorf("the refusal of a model says %v", err)
	}
	a = from("198.51.100.1")
	if err := rules.AdmitRoute(&a); err == nil || strings.Contains(err.Public, "10.9.9.9") {
		t.Errorf("the refusal of an address says %v; it must not tell a thief which one to use", err)
	}
}

func TestParsePrefix(t *testing.T) {
	for s, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "10.1.2.3/8": "10.0.0.0/8", "::1": "::1/128", "2001:DB8::1/32": "2001:db8::/32",
		"::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3/104": "10.0.0.0/8", "0.0.0.0/0": "0.0.0.0/0",
	} {
		if got, err := policy.ParsePrefix(s); err != nil || got.String() != want {
			t.Errorf("ParsePrefix(%q) = %v, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "10.1.2", "10.1.2.3/33", "10.1.2.3/-1", "host", "fe80::1%eth0", "::ffff:0.0.0.0/80", "1.2.3.4/", "10.0.0.0/08"} {
		if got, err := policy.ParsePrefix(s); err == nil {
			t.Errorf("ParsePrefix(%q) = %v, want an error", s, got)
		}
	}
}

// FuzzModels holds the globs against a reading of them that tries everything.
func FuzzModels(f *testing.F) {
	f.Add("gpt-*-mini", "gpt-4o-mini")
	f.Add("*a*b*", "xaybz")
	f.Add("**", "")
	f.Add("openai/*", "gpt")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if name == "" || len(pattern) > 12 || len(name) > 40 {
			return
		}
		rules := policy.Compile(with(func(s *policy.Spec) { s.Models = []string{pattern} }))
		a := model("openai", name)
		got := rules.AdmitModel(&a) == nil
		if want := slowGlob(pattern, name) || slowGlob(pattern, "openai/"+name); got != want {
			t.Errorf("pattern %q on %q: %v, want %v", pattern, name, got, want)
		}
	})
}

func slowGlob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return slowGlob(pattern[1:], s) || s != "" && slowGlob(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && slowGlob(pattern[1:], s[1:])
}

func fullRules() policy.Rules {
	return policy.Compile(with(func(s *policy.Spec) {
		s.ExpiresAt = noon.Add(time.Hour)
		s.Lists = policy.Lists{
			IPs:       ips("10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32"),
			Scopes:    []llm.Scope{llm.ScopeModels, llm.ScopeChat},
			Endpoints: []string{"/v1/models*", "/v1/chat/*"},
			Formats:   []llm.Format{llm.OpenAI},
			Models:    []string{"claude-*", "gpt-4o-mini"},
			Providers: []string{"anthropic", "openai"},
			Chatbots:  []string{"bot_1"},
			Grants:    []policy.Grant{{Chatbot: "bot_0"}, {Chatbot: "bot_1", Until: noon.Add(time.Hour).UnixMilli()}},
		}
	}))
}

func TestNothingIsAllocatedToAdmit(t *testing.T) {
	rules, a := fullRules(), bot("bot_1")
	if n := testing.AllocsPerRun(100, func() {
		if rules.AdmitRoute(&a) != nil || rules.AdmitGrant(&a) != nil || rules.AdmitModel(&a) != nil {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkAdmit(b *testing.B) {
	for name, rules := range map[string]policy.Rules{"plain": policy.Compile(plain()), "all lists": fullRules()} {
		b.Run(name, func(b *testing.B) {
			a := chat()
			if name != "plain" {
				a = bot("bot_1")
			}
			b.ReportAllocs()
			for b.Loop() {
				if rules.AdmitRoute(&a) != nil || rules.AdmitGrant(&a) != nil || rules.AdmitModel(&a) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
