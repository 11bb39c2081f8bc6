package authority

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

// The presets: what a key starts from when the body names one.
const (
	presetDefault    = "default"
	presetRestricted = "restricted"
	presetChatbot    = "chatbot"
	presetStandalone = "standalone"
)

// newKey is what a key starts from without a preset.
func newKey() Key {
	return Key{
		Status:      StatusActive,
		Tags:        []string{},
		Permissions: map[string]bool{},
		Limits:      rates(60, 3600, 86400),
	}
}

func rates(minute, hour, day int64) Limits {
	return Limits{RateLimitPerMinute: &minute, RateLimitPerHour: &hour, RateLimitPerDay: &day}
}

// startFrom is the key that a body is laid over at creation, and the rest of the
// body once its preset has been taken out.
func startFrom(list []member, now time.Time) (Key, string, []member, *fault.Field) {
	i := slices.IndexFunc(list, func(m member) bool { return m.name == "preset" })
	if i < 0 {
		return newKey(), "", list, nil
	}
	var preset string
	_ = json.Unmarshal(list[i].value, &preset) // what is no text is no preset either
	rest := slices.Delete(slices.Clone(list), i, i+1)
	k := newKey()
	switch preset {
	case presetDefault:
		k.Description = "Default API key with standard permissions"
		k.Tags = []string{"default"}
		k.Permissions = flags("read", "write", "chat", "embeddings")
		k.Scopes = []string{string(llm.ScopeChat), string(llm.ScopeEmbeddings), string(llm.ScopeModels)}
	case presetRestricted:
		k.Tags = []string{"restricted"}
		k.Permissions = flags("read", "chat")
		k.Scopes = []string{string(llm.ScopeChat)}
		k.Limits = rates(30, 1800, 43200)
	case presetChatbot:
		k.Kind = KindChatbot
		k.Permissions = flags("chatbot")
		k.Scopes = []string{string(llm.ScopeChatbot)}
		k.Limits = rates(100, 6000, 144000)
	case presetStandalone:
		perMinute, slots := int64(100), int64(5)
		k.Kind = KindStandalone
		k.Name = "API Key " + now.Format("20060102150405")
		k.Limits = Limits{RateLimitPerMinute: &perMinute, ConcurrentLimit: &slots}
	default:
		return k, "", rest, &fault.Field{Name: "preset", Problem: "must be one of default, restricted, chatbot, standalone"}
	}
	return k, preset, rest, nil
}

// settlePreset asks for the parts that a preset cannot do without, and fills in
// those that follow from them.
func settlePreset(e *edit[Key], preset string) {
	k := e.next
	switch preset {
	case presetRestricted:
		if len(k.AllowedModels) == 0 && !e.failed("allowed_models") {
			e.fail("allowed_models", "the preset restricted needs at least one model")
		}
		if len(k.AllowedEndpoints) == 0 && !e.failed("allowed_endpoints") {
			e.fail("allowed_endpoints", "the preset restricted needs at least one path")
		}
	case presetChatbot:
		if len(k.AllowedChatbots) != 1 {
			if !e.failed("allowed_chatbots") {
				e.fail("allowed_chatbots", "the preset chatbot needs one chatbot")
			}
			return
		}
		bot := k.AllowedChatbots[0]
		if !e.has("tags") {
			k.Tags = []string{"chatbot", "chatbot-" + bot}
		}
		if !e.has("allowed_endpoints") {
			k.AllowedEndpoints = []string{
				"/api/v1/chatbot/external/" + bot + "/chat",
				"/chatbots/" + bot + "/v1/chat/completions",
			}
		}
	}
}

func flags(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
