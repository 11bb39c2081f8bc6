package proxy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"tollgate/api"
)

const (
	realtimePath = "/v1/realtime?model=gpt-realtime"
	speak        = `{"type":"input_audio_buffer.append","audio":"` + "%s" + `AAAAAAAA"}` // silence at its end
)

func TestRealtime(t *testing.T) {
	g := open(t, nil)
	for name, test := range map[string]struct {
		in     api.KeyInput
		header map[string]string
	}{
		"hard":           {hard(), nil},
		"unlimited":      {api.KeyInput{}, nil},
		"hard, older":    {hard(), map[string]string{"Openai-Beta": "realtime=v1"}},
		"tokens":         {api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)}, nil},
		"by subprotocol": {hard(), map[string]string{"Authorization": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			k := g.key(test.in)
			header := map[string]string{"X-Simulate-Cached-Tokens": "3", "X-Simulate-Output-Tokens": "21"}
			for name, value := range test.header {
				header[name] = value
			}
			var protocols []string
			key := k.SecretKey
			if name == "by subprotocol" {
				key, protocols = "", []string{"realtime", "openai-insecure-api-key." + k.SecretKey, "openai-beta.realtime-v1"}
				delete(header, "Authorization")
			}
			w, r := g.dial(realtimePath, key, header, protocols...)
			if w == nil {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if e, err := w.hear(); err != nil || e.Type != "session.created" {
				t.Fatalf("%s, %v", e.raw, err)
			}
			w.say(`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]}}`)
			w.say(`{"type":"response.create","event_id":"mine"}`)
			w.until("response.done")
			w.say(speak, strings.Repeat("A", 32000)) // 10 tokens, and the ear that hears their end
			e := w.until("response.done")
			if e.Response.ID == "" || e.Response.Status != "completed" {
				t.Errorf("%s", e.raw)
			}
			if err := w.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
			rows := g.rows(k.APIKey.ID)
			if len(rows) != 2 {
				t.Fatalf("%d rows: %+v", len(rows), rows)
			}
			for i, row := range rows {
				if row.Outcome != "settled" || row.Endpoint != "/v1/realtime" || !row.Stream || row.OutputTokens != 21 || row.CacheReadTokens != 3 || row.Model != "gpt-realtime" || row.UpstreamRequestID == "" {
					t.Errorf("%d: %+v", i, row)
				}
			}
			// The first: 8 + some text, of which 3 cached; 11 text and 10 sound out.
			first := rows[1]
			want := (first.InputTokens*4_000 + 3*400 + 11*16_000 + 10*64_000)
			if nano(t, first.CostUSD) != want {
				t.Errorf("$%s, want $%s: %+v", first.CostUSD, usd(want), first)
			}
			sent, _ := g.provider.latest()
			if older := strings.Contains(name, "older") || name == "by subprotocol"; (sent.Get("Openai-Beta") != "") != older {
				t.Errorf("%v", sent)
			}
			if strings.Contains(fmt.Sprint(sent), k.SecretKey) || !strings.Contains(fmt.Sprint(sent), openaiCredential) {
				t.Errorf("%v", sent)
			}
		})
	}
	if strings.Contains(g.log.String(), openaiCredential) || strings.Contains(g.log.String(), "tg_") {
		t.Error("a secret is in the log")
	}
}

func TestWhoMayOpenRealtime(t *testing.T) {
	g := open(t, nil)
	for name, test := range map[string]struct {
		in     api.KeyInput
		path   string
		status int
		code   string
	}{
		"its scope":        {api.KeyInput{Scopes: api.Set([]string{"realtime"})}, realtimePath, 101, ""},
		"another scope":    {api.KeyInput{Scopes: api.Set([]string{"chat.completions"})}, realtimePath, 403, "scope_denied"},
		"no model":         {api.KeyInput{}, "/v1/realtime", 400, "invalid_field"},
		"two models":       {api.KeyInput{}, realtimePath + "&model=gpt-4o", 400, "invalid_field"},
		"an intent":        {api.KeyInput{}, realtimePath + "&intent=transcription", 400, "invalid_field"},
		"another model":    {api.KeyInput{AllowedModels: api.Set([]string{"gpt-4o*"})}, realtimePath, 403, "model_denied"},
		"another provider": {api.KeyInput{AllowedProviders: api.Set([]string{"demo"})}, realtimePath, 403, "provider_denied"},
		"nobody's model":   {api.KeyInput{}, "/v1/realtime?model=nobody-knows", 404, "model_not_found"},
		"nobody there":     {api.KeyInput{}, "/v1/realtime?model=dead/ghost", 502, "upstream_unavailable"},
		"through openai":   {api.KeyInput{}, "/openai/v1/realtime?model=gpt-realtime", 101, ""},
	} {
		w, r := g.dial(test.path, g.key(test.in).SecretKey, nil)
		if r.status != test.status || r.fault.Error.Code != test.code {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if w != nil {
			_ = w.CloseNow()
		}
	}
	if r := g.do(ask{method: "GET", path: realtimePath, key: g.key(api.KeyInput{}).SecretKey}); r.status != 405 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestWhatIsNotTakenOnRealtime is told, and the session goes on.
func TestWhatIsNotTakenOnRealtime(t *testing.T) {
	g := open(t, nil)
	for name, test := range map[string]struct {
		in      api.KeyInput
		message string
		code    string // "" = it is taken
	}{
		"another event":             {api.KeyInput{}, `{"type":"response.magic","event_id":"e"}`, "invalid_field"},
		"another model":             {api.KeyInput{}, `{"type":"session.update","event_id":"e","session":{"model":"gpt-4o"}}`, "invalid_field"},
		"another spelling":          {api.KeyInput{}, `{"type":"session.update","event_id":"e","session":{"Turn_Detection":null}}`, "invalid_field"},
		"a cap that is none":        {api.KeyInput{}, `{"type":"response.create","event_id":"e","response":{"max_output_tokens":-1}}`, "invalid_field"},
		"two caps":                  {api.KeyInput{}, `{"type":"response.create","event_id":"e","response":{"max_output_tokens":1,"max_response_output_tokens":2}}`, "invalid_field"},
		"a transcription session":   {api.KeyInput{}, `{"type":"session.update","event_id":"e","session":{"type":"transcription"}}`, "invalid_field"},
		"transcription":             {hard(), `{"type":"session.update","event_id":"e","session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}`, "invalid_field"},
		"transcription, no limits":  {api.KeyInput{}, `{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}`, ""},
		"transcription, not theirs": {api.KeyInput{AllowedModels: api.Set([]string{"gpt-realtime"})}, `{"type":"session.update","event_id":"e","session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}`, "model_denied"},
		"a tool of the provider's":  {hard(), `{"type":"response.create","event_id":"e","response":{"tools":[{"type":"mcp","server_url":"https://x"}]}}`, "invalid_field"},
		"a stored prompt":           {hard(), `{"type":"session.update","event_id":"e","session":{"prompt":{"id":"pmpt_1"}}}`, "invalid_field"},
		"a response's prompt":       {hard(), `{"type":"response.create","event_id":"e","response":{"prompt":{"id":"pmpt_1"}}}`, "invalid_field"},
		"a prompt, no prompt":       {hard(), `{"type":"session.update","session":{"prompt":null}}`, ""},
		"a prompt, no limits":       {api.KeyInput{}, `{"type":"session.update","session":{"prompt":{"id":"pmpt_1"}}}`, ""},
		"a prompt, soft limits":     {api.KeyInput{BudgetLimitCents: api.Set[int64](10_000), BudgetMode: api.Set("soft")}, `{"type":"session.update","session":{"prompt":{"id":"pmpt_1"}}}`, ""},
		"a tool of the caller's":    {hard(), `{"type":"session.update","session":{"tools":[{"type":"function","name":"f"}]}}`, ""},
		"no ear":                    {hard(), `{"type":"session.update","session":{"audio":{"input":{"turn_detection":null}}}}`, ""},
	} {
		w, r := g.dial(realtimePath, g.key(test.in).SecretKey, nil)
		if w == nil {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		w.until("session.created")
		w.say("%s", test.message)
		e, err := w.hear()
		if test.code == "" {
			if err != nil || e.Type != "session.updated" {
				t.Errorf("%s: %s, %v", name, e.raw, err)
			}
		} else if err != nil || e.Type != "error" || e.Error.Code != test.code || e.Error.EventID != "e" {
			t.Errorf("%s: %s, %v", name, e.raw, err)
		}
		w.say(`{"type":"response.create"}`)
		w.until("response.done")
		_ = w.CloseNow()
	}
}

// TestTheCapOfRealtime: the output is cut to what is left, and then the socket is
// closed, whether the caller asks or the ear hears.
func TestTheCapOfRealtime(t *testing.T) {
	g := open(t, nil)
	for name, message := range map[string]string{"asked": `{"type":"response.create"}`, "heard": fmt.Sprintf(speak, "AAAA")} {
		k := g.key(api.KeyInput{TokensPerDay: api.Set[int64](8000)})
		w, r := g.dial(realtimePath, k.SecretKey, map[string]string{"X-Simulate-Output-Tokens": "1000000"})
		if w == nil {
			t.Fatalf("%d %s", r.status, r.body)
		}
		w.until("session.created")
		done := 0
		for {
			if w.Write(t.Context(), websocket.MessageText, []byte(message)) != nil {
				break
			}
			e, err := w.hear()
			for err == nil && e.Type != "response.done" && e.Type != "error" {
				e, err = w.hear()
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e.Type == "error" {
				if e.Error.Code != "tokens_limited" || !strings.Contains(e.Error.Message, "tokens_per_day") {
					t.Errorf("%s: %s", name, e.raw)
				}
				break
			}
			if done++; e.Response.Status != "incomplete" {
				t.Errorf("%s: %s", name, e.raw)
			}
		}
		if end := w.closes(); end.Code != websocket.StatusPolicyViolation || !strings.HasPrefix(end.Reason, "tokens_limited") {
			t.Errorf("%s: %+v", name, end)
		}
		if now, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || now.TotalTokens > 8000 || now.TotalTokens < 4000 || done == 0 || now.TotalRequests != int64(done) {
			t.Errorf("%s: %d responses, %+v, %v", name, done, now, err)
		}
	}
}

// TestNoCapIsPassedOnRealtime: many at once, until the money is gone.
func TestNoCapIsPassedOnRealtime(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			w, r := g.dial(realtimePath, k.SecretKey, map[string]string{"X-Simulate-Output-Tokens": "100000"})
			if w == nil {
				t.Errorf("%d %s", r.status, r.body)
				return
			}
			for range 40 {
				message := `{"type":"response.create","response":{"max_output_tokens":500}}`
				if i%2 == 1 {
					message = fmt.Sprintf(speak, strings.Repeat("A", 6400))
				}
				if w.Write(t.Context(), websocket.MessageText, []byte(message)) != nil {
					return
				}
				for {
					e, err := w.hear()
					if err != nil {
						return
					}
					if e.Type == "response.done" || e.Type == "error" {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	var sum int64
	for _, row := range g.rows(k.APIKey.ID) {
		sum += nano(t, row.CostUSD)
		if row.Outcome != "settled" {
			t.Errorf("%+v", row)
		}
	}
	if sum > 1_000_000_000 || sum < 500_000_000 {
		t.Errorf("$%s of $1", usd(sum))
	}
	if now, err := g.admin.Key(t.Context(), k.APIKey.ID); err != nil || nano(t, now.TotalCostUSD) != sum {
		t.Errorf("%+v, %v", now, err)
	}
	if strings.Contains(g.log.String(), "more than was held") {
		t.Error("a bound was wrong")
	}
}

// TestRealtimeGoesWrong is booked like any other request that does.
func TestRealtimeGoesWrong(t *testing.T) {
	g := open(t, nil)
	for fault, test := range map[string]struct{ hard, open string }{
		"cut": {"unconfirmed", "estimated"}, "cut-before": {"unconfirmed", "estimated"}, "no-usage": {"unconfirmed", "estimated"}, "status=400": {"failed", "failed"},
	} {
		for want, in := range map[string]api.KeyInput{test.hard: hard(), test.open + " ": {}} {
			k := g.key(in)
			w, r := g.dial(realtimePath, k.SecretKey, map[string]string{"X-Simulate-Fault": fault})
			if w == nil {
				t.Fatalf("%d %s", r.status, r.body)
			}
			w.until("session.created")
			w.say(`{"type":"response.create"}`)
			var err error
			for e := (event{}); err == nil && e.Type != "error" && e.Type != "response.done"; {
				e, err = w.hear()
			}
			if row := g.row(k.APIKey.ID); row.Outcome != strings.TrimSpace(want) || (row.CostUSD == "0.00") != (row.Outcome == "failed") {
				t.Errorf("%s: %+v", fault, row)
			}
			if fault == "status=400" {
				w.say(`{"type":"response.create"}`)
				if e, err := w.hear(); err != nil || e.Type != "error" {
					t.Errorf("%s, %v", e.raw, err)
				}
				g.eventually("another entry", func() bool { return len(g.rows(k.APIKey.ID)) == 2 })
			}
			_ = w.CloseNow()
		}
	}
	for _, status := range []string{"status=429", "status=503"} {
		if w, r := g.dial(realtimePath, g.key(api.KeyInput{}).SecretKey, map[string]string{"X-Simulate-Fault": status}); w != nil || r.status != 502 {
			t.Errorf("%s: %d %s", status, r.status, r.body)
		}
	}
}

// TestTranscriptionIsBooked apart from the responses, with its own model.
func TestTranscriptionIsBooked(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{RateLimitPerMinute: api.Set[int64](1)})
	w, _ := g.dial(realtimePath, k.SecretKey, nil)
	w.until("session.created")
	w.say(`{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-4o-transcribe"},"turn_detection":{"type":"server_vad","create_response":false}}}}}`)
	w.until("session.updated")
	w.say(speak, strings.Repeat("A", 32000))
	w.until("conversation.item.input_audio_transcription.completed")
	w.say(speak, strings.Repeat("A", 32000)) // over the rate, but it is done
	w.until("conversation.item.input_audio_transcription.completed")
	rows := g.rows(k.APIKey.ID)
	if len(rows) != 2 || rows[0].Model != "gpt-4o-transcribe" || rows[0].InputTokens != 11 || rows[0].OutputTokens != 2 || rows[0].CostUSD == "0.00" || rows[0].Outcome != "settled" {
		t.Errorf("%+v", rows)
	}
}

// TestLimitsInMidSession are judged where they appear: what is under way without being
// asked for each time ends, and what was said before is not had for nothing.
func TestLimitsInMidSession(t *testing.T) {
	g := open(t, nil)
	const ear = `"turn_detection":{"type":"server_vad","create_response":false}`
	for name, test := range map[string]struct {
		change api.KeyInput
		code   string // "" = it goes on
	}{
		"a rate":           {api.KeyInput{RateLimitPerMinute: api.Set[int64](1)}, ""},
		"tokens":           {api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)}, "invalid_field"},
		"a hard budget":    {hard(), "invalid_field"},
		"a soft budget":    {api.KeyInput{BudgetLimitCents: api.Set[int64](10_000), BudgetMode: api.Set("soft")}, "invalid_field"},
		"a list of models": {api.KeyInput{AllowedModels: api.Set([]string{"gpt-realtime"})}, "model_denied"},
	} {
		k := g.key(api.KeyInput{})
		w, _ := g.dial(realtimePath, k.SecretKey, nil)
		w.until("session.created")
		w.say(`{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-4o-transcribe"},` + ear + `}}}}`)
		w.until("session.updated")
		w.say(speak, strings.Repeat("A", 32000))
		w.until("conversation.item.input_audio_transcription.completed")
		if _, err := g.admin.UpdateKey(t.Context(), k.APIKey.ID, test.change); err != nil {
			t.Fatal(err)
		}
		w.say(speak, strings.Repeat("A", 32000))
		if test.code == "" {
			w.until("conversation.item.input_audio_transcription.completed")
			_ = w.CloseNow()
			continue
		}
		if e, err := w.hear(); err != nil || e.Type != "error" || e.Error.Code != test.code {
			t.Errorf("%s: %s, %v", name, e.raw, err)
		}
		if end := w.closes(); end.Code != websocket.StatusPolicyViolation || !strings.HasPrefix(end.Reason, test.code) {
			t.Errorf("%s: %+v", name, end)
		}
		if rows := g.rows(k.APIKey.ID); len(rows) != 1 {
			t.Errorf("%s: %+v", name, rows)
		}
	}

	k := g.key(api.KeyInput{})
	w, _ := g.dial(realtimePath, k.SecretKey, nil)
	w.until("session.created")
	w.say(`{"type":"session.update","session":{"prompt":{"id":"pmpt_1"}}}`)
	w.until("session.updated")
	w.say(`{"type":"response.create"}`)
	w.until("response.done")
	if _, err := g.admin.UpdateKey(t.Context(), k.APIKey.ID, hard()); err != nil {
		t.Fatal(err)
	}
	w.say(`{"type":"response.create","event_id":"e"}`)
	if e, err := w.hear(); err != nil || e.Type != "error" || e.Error.Code != "invalid_field" || e.Error.EventID != "e" || !strings.Contains(e.raw, `"prompt"`) {
		t.Errorf("%s, %v", e.raw, err)
	}
}
