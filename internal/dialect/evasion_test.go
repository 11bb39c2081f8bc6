package dialect_test

import (
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

// TestNestedModelHasOneSpelling: Google reads escapes and the names of protocol
// buffers, so what is in the path must be so in every spelling of the body.
func TestNestedModelHasOneSpelling(t *testing.T) {
	for _, name := range []string{`mod\u0065l`, `Model`, `MODEL`} {
		for path, body := range map[string]string{
			embedMany: `{"requests":[{"` + name + `":"models/other","content":{"parts":[{"text":"a"}]}}]}`,
			counting:  `{"generateContentRequest":{"` + name + `":"models/other","contents":[]}}`,
		} {
			kind := fault.DuplicateField
			if strings.Contains(name, `\`) {
				kind = fault.InvalidField // the same name, so another model
			}
			if err := refused(t, path, body); err.Kind != kind || err.Param != "model" {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	read(t, embedMany, `{"requests":[{"mod\u0065l":"models/m","content":{"parts":[{"text":"a"}]}}]}`)
}

// TestThinkingAboveTheCapPassesIt: with interleaved thinking Anthropic takes a
// budget of that size, and then writes as much as the context holds.
func TestThinkingAboveTheCapPassesIt(t *testing.T) {
	for members, want := range map[string]string{
		`"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1999}`:  "",
		`"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":2000}`:  "thinking.budget_tokens",
		`"thinking":{"type":"enabled","budget_tokens":30000},"max_tokens":2000`: "thinking.budget_tokens",
		`"max_tokens":0,"thinking":{"type":"enabled","budget_tokens":1024}`:     "thinking.budget_tokens",
		`"thinking":{"type":"enabled","budget_tokens":30000}`:                   "",
		`"max_tokens":2000,"thinking":{"type":"adaptive"}`:                      "",
	} {
		if call := read(t, messages, `{"model":"m","messages":[],`+members+`}`); call.Override != want {
			t.Errorf("%s: %q", members, call.Override)
		}
	}
}

// TestToolReferencesAreBounded: the provider puts the description of a tool in the
// place of each.
func TestToolReferencesAreBounded(t *testing.T) {
	description := strings.Repeat("x", 10_000)
	body := func(references int) string {
		return `{"model":"m","tools":[{"name":"f","defer_loading":true,"description":"` + description + `"}],"messages":[{"role":"user","content":[
			{"type":"tool_result","tool_use_id":"t","content":[` + strings.TrimSuffix(strings.Repeat(`{"type":"tool_reference","tool_name":"f"},`, references), ",") + `]}]}]}`
	}
	for _, bound := range []func(*dialect.Call) int64{
		func(c *dialect.Call) int64 { return c.InputBound(dialect.Figures{}, 0) },
		func(c *dialect.Call) int64 { return c.Texts(func([]byte) {}) },
	} {
		one, five := bound(read(t, messages, body(1))), bound(read(t, messages, body(5)))
		if five-one < 4*10_000 {
			t.Errorf("four more references raise the bound by %d", five-one)
		}
	}
}

// TestUsageBeforeOutputIsNotItsUsage: what is reported and then followed by more
// output does not count it.
func TestUsageBeforeOutputIsNotItsUsage(t *testing.T) {
	const openAI = `"choices":[{"index":0,"delta":{"content":"abcdefgh"},"finish_reason":null}]`
	s := tappedAnyhow(t, "/v1/chat/completions", event(openAI+`,"usage":{"prompt_tokens":9,"completion_tokens":2}`)+event(openAI)+event(openAI)+"data: [DONE]\n\n", true, false)
	if s.tally.Reported || !s.tally.Finished || s.tally.Seen != 6 || s.tally.Usage.Input != 9 {
		t.Errorf("saw %+v", s.tally)
	}
	const said = `"candidates":[{"index":0,"content":{"parts":[{"text":"abcdefgh"}]}`
	s = tappedAnyhow(t, generating, `data: {`+said+`}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11}}`+"\n\n"+
		`data: {`+said+`,"finishReason":"STOP"}]}`+"\n\n", true, false)
	if s.tally.Reported || !s.tally.Finished || s.tally.Seen != 4 || s.tally.Usage.Input != 9 {
		t.Errorf("saw %+v", s.tally)
	}
}

// TestAnthropicTotalOnTheWayIsNotTheLast: there may be several message_delta, and
// only that with the reason of the end is the bill.
func TestAnthropicTotalOnTheWayIsNotTheLast(t *testing.T) {
	const begin = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n"
	delta := func(reason, output string) string {
		return "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{" + reason + "\"stop_sequence\":null},\"usage\":{\"output_tokens\":" + output + "}}\n\n"
	}
	shrunk := strings.Replace(delta(`"stop_reason":"end_turn",`, "40"), `"output_tokens"`, `"input_tokens":0,"output_tokens"`, 1)
	if s := tappedAnyhow(t, messages, begin+shrunk, true, false); s.tally.Usage.Input != 9 || s.tally.Usage.Output != 40 {
		t.Errorf("nothing was read, in the end: saw %+v", s.tally)
	}
	for reason, final := range map[string]bool{``: false, `"stop_reason":null,`: false, `"stop_reason":"end_turn",`: true} {
		if s := tappedAnyhow(t, messages, begin+delta(reason, "40"), true, false); s.tally.Final != final || s.tally.Usage.Output != 40 {
			t.Errorf("%s: saw %+v", reason, s.tally)
		}
	}
}
