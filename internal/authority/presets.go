package authority

import (
	"slices"
	"strings"
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

// Preset is what a key starts from when the body that makes it names it.
type Preset struct {
	Name  string
	About string   // for people: what such a key is for
	Key   Key      // the fields that it sets; Chatbot in its words stands for the id of the key's chatbot
	Needs []string // fields that the body must give beside it
}

// PresetChatbot is what stands for the id of the key's chatbot in what a Preset
// sets.
const PresetChatbot = "{id}"

// Presets are the presets that there are, the plainest first.
func Presets() []Preset {
	plain, restricted, bot, standalone := newKey(), newKey(), newKey(), newKey()
	plain.Description = "Default API key with standard permissions"
	plain.Tags = []string{"default"}
	plain.Permissions = flags("read", "write", "chat", "embeddings")
	plain.Scopes = []string{string(llm.ScopeChat), string(llm.ScopeEmbeddings), string(llm.ScopeModels)}

	restricted.Tags = []string{"restricted"}
	restricted.Permissions = flags("read", "chat")
	restricted.Scopes = []string{string(llm.ScopeChat)}
	restricted.Limits = rates(30, 1800, 43200)

	bot.Kind = KindChatbot
	bot.Tags = []string{"chatbot", "chatbot-" + PresetChatbot}
	bot.Permissions = flags("chatbot")
	bot.Scopes = []string{string(llm.ScopeChatbot)}
	bot.AllowedEndpoints = []string{
		"/api/v1/chatbot/external/" + PresetChatbot + "/chat",
		"/chatbots/" + PresetChatbot + "/v1/chat/completions",
	}
	bot.Limits = rates(100, 6000, 144000)

	perMinute, slots := int64(100), int64(5)
	standalone.Kind = KindStandalone
	standalone.Limits = Limits{RateLimitPerMinute: &perMinute, ConcurrentLimit: &slots}
	return []Preset{
		{presetDefault, "Chat, embeddings and the list of models, at the usual rates.", plain, []string{"name"}},
		{presetRestricted, "Chat only, at half the usual rates, with the models and on the paths that are named.", restricted, []string{"name", "allowed_models", "allowed_endpoints"}},
		{presetChatbot, "Opens one chatbot and nothing else.", bot, []string{"name", "allowed_chatbots"}},
		{presetStandalone, "Belongs to no user and may be prepaid; five requests at once.", standalone, nil},
	}
}

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
	var name string
	_ = json.Unmarshal(list[i].value, &name) // what is no text is no preset either
	rest := slices.Delete(slices.Clone(list), i, i+1)
	presets := Presets()
	at := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if at < 0 {
		return newKey(), "", rest, &fault.Field{Name: "preset", Problem: "must be one of default, restricted, chatbot, standalone"}
	}
	k := presets[at].Key
	if name == presetStandalone {
		k.Name = "API Key " + now.Format("20060102150405")
	}
	return k, name, rest, nil
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
		if !e.has("tags") {
			k.Tags = ofChatbot(k.Tags, k.AllowedChatbots[0])
		}
		if !e.has("allowed_endpoints") {
			k.AllowedEndpoints = ofChatbot(k.AllowedEndpoints, k.AllowedChatbots[0])
		}
	}
}

// ofChatbot puts the id of a chatbot where a preset leaves room for it.
func ofChatbot(words []string, id string) []string {
	filled := slices.Clone(words)
	for i, w := range filled {
		filled[i] = strings.ReplaceAll(w, PresetChatbot, id)
	}
	return filled
}

func flags(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
