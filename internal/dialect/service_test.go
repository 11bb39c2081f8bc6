package dialect_test

import (
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

// The provider's word for how it has served a request is found however the answer is
// cut; what is no such word, or stands elsewhere, is none.
func TestServiceInAnswers(t *testing.T) {
	const head = "data: "
	for _, tt := range []struct {
		path, answer, want string
		shape              dialect.Shape
	}{
		{"/v1/chat/completions", `{"id":"c","service_tier":"flex","choices":[{"message":{"content":"\"service_tier\":\"priority\""}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, "flex", dialect.Document},
		{"/v1/chat/completions", `{"choices":[{"service_tier":"priority","message":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, "", dialect.Document},
		{"/v1/chat/completions", `{"service_tier":7,"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, "", dialect.Document},
		{"/v1/chat/completions", `{"service_tier":"` + strings.Repeat("x", 100) + `","choices":[]}`, "", dialect.Document},
		{"/v1/chat/completions", `{"service_tier":"ultra\u0066ast","choices":[]}`, "ultrafast", dialect.Document},
		{"/v1/chat/completions", head + `{"choices":[{"delta":{"content":"x"}}],"service_tier":"auto"}` + "\n\n" + head + `{"choices":[],"service_tier":"priority","usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\n", "priority", dialect.Events},
		{"/v1/responses", `{"id":"r","status":"completed","service_tier":"default","output":[{"service_tier":"flex"}],"usage":{"input_tokens":1,"output_tokens":1}}`, "default", dialect.Document},
		{"/v1/responses", head + `{"type":"response.completed","response":{"id":"r","service_tier":"flex","usage":{"input_tokens":1,"output_tokens":1}}}` + "\n\n", "flex", dialect.Events},
		{"/v1/messages", `{"type":"message","content":[{"type":"text","text":"x"}],"service_tier":"flex","usage":{"input_tokens":1,"output_tokens":1,"service_tier":"priority"}}`, "priority", dialect.Document},
		{"/v1/messages", `{"type":"message","content":[],"usage":{"speed":"fast","input_tokens":1,"output_tokens":1,"service_tier":"standard"}}`, "fast", dialect.Document},
		{"/v1/messages", head + `{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1,"service_tier":"priority"}}}` + "\n\n" + head + `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}` + "\n\n", "priority", dialect.Events},
		{"/v1beta/models/x:generateContent", `{"candidates":[],"usageMetadata":{"promptTokenCount":1,"serviceTier":"flex"}}`, "flex", dialect.Document},
		{"/v1beta/models/x:generateContent", `{"candidates":[],"serviceTier":"flex","usageMetadata":{"promptTokenCount":1}}`, "", dialect.Document},
	} {
		route, err := dialect.Find(http.MethodPost, tt.path, http.Header{"Anthropic-Version": {"2023-06-01"}})
		if err != nil {
			t.Fatal(err)
		}
		for cut := 0; cut <= len(tt.answer); cut++ {
			tap := dialect.NewTap(route, tt.shape, false)
			for _, piece := range []string{tt.answer[:cut], tt.answer[cut:]} {
				tap.Write([]byte(piece))
			}
			tap.Close()
			if got := tap.Tally().Service; got != tt.want {
				t.Errorf("%s\ncut at %d: %q, want %q", tt.answer, cut, got, tt.want)
				break
			}
		}
	}
}
