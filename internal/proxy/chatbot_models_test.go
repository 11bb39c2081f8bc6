package proxy_test

import (
	"net/http"
	"testing"

	"tollgate/api"
)

// A chatbot has one model, under the name that it lays down, for those who may talk
// to it.
func TestD1_AChatbotsModelIsListed(t *testing.T) {
	g := open(t, nil)
	bot := g.bot(api.ChatbotInput{Model: api.Set("demo/demo-large"), AllowedOrigins: api.Set([]string{"https://www.example.com"})})
	alias := g.bot(api.ChatbotInput{Name: api.Set("Alias"), Provider: api.Set("openai"), Model: api.Set("gpt-4o-mini"), AccessMode: mode("public")})
	lost := g.bot(api.ChatbotInput{Name: api.Set("Lost"), Model: api.Set("no-such-model"), AccessMode: mode("public")})
	shut := g.bot(api.ChatbotInput{Name: api.Set("Shut"), AccessMode: mode("disabled")})
	by := func(in api.KeyInput, bots ...api.Chatbot) string {
		k := g.key(in)
		for _, bot := range bots {
			g.grant(bot, k.APIKey.ID)
		}
		return k.SecretKey
	}
	granted := by(api.KeyInput{}, bot, shut)
	of := func(bot api.Chatbot, key, behind string) ask {
		return ask{method: http.MethodGet, path: "/chatbots/" + bot.Slug + "/v1/models" + behind, key: key}
	}
	const (
		large  = `{"id":"demo/demo-large","object":"model","created":0,"owned_by":"chatbot"}`
		mini   = `{"id":"openai/gpt-4o-mini","object":"model","created":0,"owned_by":"chatbot"}`
		before = `{"object":"list","data":[`
	)
	byID := bot
	byID.Slug = bot.ID
	for name, c := range map[string]struct {
		ask    ask
		status int
		want   string // the body, or the code
	}{
		"its model":                       {of(bot, granted, ""), 200, before + large + "]}"},
		"by its id":                       {of(byID, granted, ""), 200, before + large + "]}"},
		"by name":                         {of(bot, granted, "/demo/demo-large"), 200, large},
		"by another name":                 {of(bot, granted, "/demo-large"), 404, "model_not_found"},
		"another's":                       {of(bot, granted, "/openai/gpt-4o-mini"), 404, "model_not_found"},
		"without a key":                   {of(bot, "", ""), 401, "key_missing"},
		"a wrong key":                     {of(bot, "tg_nobody", ""), 401, "key_invalid"},
		"a key without a grant":           {of(bot, by(api.KeyInput{}), ""), 403, "chatbot_denied"},
		"without a key, where it is open": {of(alias, "", ""), 200, before + mini + "]}"},
		"one of them":                     {of(alias, "anonymous", "/openai/gpt-4o-mini"), 200, mini},
		"not granted, even there":         {of(alias, granted, ""), 403, "chatbot_denied"},
		"another scope":                   {of(bot, by(api.KeyInput{Scopes: api.Set([]string{"models.list"})}, bot), ""), 403, "scope_denied"},
		"its path by the id": {
			of(bot, by(api.KeyInput{AllowedEndpoints: api.Set([]string{"/chatbots/" + bot.ID + "/v1/models/*"})}, bot), "/demo/demo-large"), 200, large,
		},
		"another path":              {of(bot, by(api.KeyInput{AllowedEndpoints: api.Set([]string{"/v1/*"})}, bot), ""), 403, "endpoint_denied"},
		"a model that it may not":   {of(bot, by(api.KeyInput{AllowedModels: api.Set([]string{"openai/*"})}, bot), ""), 200, before + "]}"},
		"the same, by name":         {of(bot, by(api.KeyInput{AllowedModels: api.Set([]string{"openai/*"})}, bot), "/demo/demo-large"), 404, "model_not_found"},
		"a model that is not there": {of(lost, "", ""), 200, before + "]}"},
		"the same, asked for":       {of(lost, "", "/no-such-model"), 404, "model_not_found"},
		"disabled":                  {of(shut, granted, ""), 403, "chatbot_denied"},
		"disabled, without a key":   {of(shut, "", ""), 401, "key_missing"},
		"no such chatbot":           {of(api.Chatbot{Slug: "nowhere"}, granted, ""), 404, "not_found"},
		"none, and without a key":   {of(api.Chatbot{Slug: "nowhere"}, "", ""), 401, "key_missing"},
		"of a page that may not": {func() ask {
			a := of(bot, granted, "")
			a.header = map[string]string{"Origin": "https://evil.example"}
			return a
		}(), 403, "chatbot_denied"},
		"of an unlisted page, alias": {func() ask {
			a := of(alias, "", "")
			a.header = map[string]string{"Origin": "https://evil.example"}
			return a
		}(), 200, before + mini + "]}"},
	} {
		r := g.do(c.ask)
		if r.status != c.status || c.status == 200 && r.body != c.want || c.status != 200 && r.fault.Error.Code != c.want {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}

	// Pages may ask, if they may talk to it.
	a := of(bot, granted, "")
	a.header = map[string]string{"Origin": "https://www.example.com"}
	if r := g.do(a); r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "https://www.example.com" {
		t.Errorf("a page: %d %v", r.status, r.header)
	}
	a.method, a.key = http.MethodOptions, ""
	a.header["Access-Control-Request-Method"] = "GET"
	a.header["Access-Control-Request-Headers"] = "authorization"
	if r := g.do(a); r.status != 204 || r.header.Get("Access-Control-Allow-Methods") != "GET" || r.header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("a page that asks whether it may: %d %v", r.status, r.header)
	}
}
