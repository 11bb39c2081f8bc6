package foreign

import (
	"strings"

	"tollgate/api"
)

// readSmarter reads a row of Smarter's table of SmarterAuthToken, which is one of
// django-rest-knox, with the chatbots (LLM clients) that it is linked to.
func readSmarter(r *reading) {
	r.Row.SourceID = r.text("key_id")
	digest := hexDigest(r.text("digest"), 64)
	if digest == "" {
		r.fail("digest", "is no SHA-512 in 128 hexadecimal digits")
	}
	begins := r.text("token_key")
	r.Row.Secret = api.ImportSecret{Scheme: "knox", Digest: digest, Prefix: begins[:min(8, len(begins))]}
	r.name("name")
	r.describe("description")
	r.tags("tags", r.words("tags"))
	r.owner("user_id")
	r.expires(r.instant("expiry"))
	if active, given := r.boolean("is_active"); given && !active {
		r.disabled = true
	}
	r.smarterChatbots()
	r.mention("annotations")
	r.ignore("created", "created_at", "updated_at", "last_used_at", "id", "user_profile_id", "user_profile", "version", "account_id", "account", "username")
}

// smarterChatbots reads the chatbots. Keys of Smarter open chatbots and no models,
// so that is all that they do here.
func (r *reading) smarterChatbots() {
	r.in.Scopes = api.Set([]string{"chatbot.chat"})
	var bots []string
	for _, column := range []string{"llmclients", "llm_clients", "chatbots"} {
		v := r.take(column)
		list, err := v.words()
		if text, textErr := v.text(); err != nil && textErr == nil { // names with commas between them
			list, err = strings.Split(text, ","), nil
		}
		if err != nil {
			r.fail(column, "cannot be read")
		}
		for _, bot := range list {
			if bot = strings.TrimSpace(bot); bot != "" {
				bots = append(bots, bot)
			}
		}
	}
	if len(bots) == 0 {
		r.lose("chatbots", "no chatbot is linked to it, so it opens none; export their names in the column chatbots")
		return
	}
	r.in.Kind, r.in.AllowedChatbots = api.Set("chatbot"), r.chatbots("chatbots", bots)
}
