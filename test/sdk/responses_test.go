package sdk

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

	"tollgate/api"
)

// mini is what gpt-5-mini costs.
var mini = prices{input: 250, cacheRead: 25, output: 2000}

func respond(model string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model:        model,
		Instructions: param.NewOpt("You are terse."),
		Input:        responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Hello")},
	}
}

func functions() []responses.ToolUnionParam {
	return []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
		Name: "get_weather", Strict: param.NewOpt(true),
		Parameters: map[string]any{"type": "object", "properties": map[string]any{"text": map[string]string{"type": "string"}}},
	}}}
}

func TestResponses(t *testing.T) {
	for name, opts := range map[string][]option.RequestOption{
		"plain":     {simulated("Output-Tokens", "12")},
		"cached":    {simulated("Input-Tokens", "3000"), simulated("Cached-Tokens", "2000")},
		"reasoning": {simulated("Reasoning-Tokens", "40")},
		"novelties": {simulated("Fault", "novelties")},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
			c, _ := g.sdk(k.SecretKey)
			answer, err := c.Responses.New(t.Context(), respond("gpt-5-mini"), opts...)
			if err != nil {
				t.Fatal(err)
			}
			s := g.served()
			if answer.OutputText() == "" || answer.Status != "completed" || answer.ID == "" {
				t.Errorf("answer %s", answer.RawJSON())
			}
			if u := answer.Usage; u.InputTokens != s.InputTokens || u.OutputTokens != s.OutputTokens || u.OutputTokensDetails.ReasoningTokens != s.ReasoningTokens || u.InputTokensDetails.CachedTokens != s.CachedTokens {
				t.Errorf("usage %+v, the provider billed %+v", u, s)
			}
			g.booked(k.APIKey.ID, "openai", mini)
		})
	}
}

// followed is what a stream of events brought.
type followed struct {
	text  strings.Builder
	last  responses.Response
	kinds map[string]int
}

func follow(t *testing.T, stream *ssestream.Stream[responses.ResponseStreamEventUnion]) *followed {
	t.Helper()
	s := &followed{kinds: map[string]int{}}
	for stream.Next() {
		event := stream.Current()
		s.kinds[event.Type]++
		switch event.Type {
		case "response.output_text.delta":
			s.text.WriteString(event.Delta)
		case "response.completed", "response.incomplete":
			s.last = event.Response
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStreamedResponses(t *testing.T) {
	g := open(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
	c, _ := g.sdk(k.SecretKey)
	s := follow(t, c.Responses.NewStreaming(t.Context(), respond("gpt-5-mini"), simulated("Output-Tokens", "20"), simulated("Chunks", "20")))
	if s.text.String() == "" || s.text.String() != s.last.OutputText() || s.kinds["response.output_text.delta"] != 20 || s.kinds["response.created"] != 1 {
		t.Errorf("events %v, %q and %q", s.kinds, s.text.String(), s.last.OutputText())
	}
	g.booked(k.APIKey.ID, "openai", mini)

	// A cap ends it, and the SDK sees why.
	params := respond("gpt-5-mini")
	params.MaxOutputTokens = param.NewOpt[int64](16)
	s = follow(t, c.Responses.NewStreaming(t.Context(), params, simulated("Output-Tokens", "20")))
	if s.last.Status != "incomplete" || s.last.IncompleteDetails.Reason != "max_output_tokens" || s.last.Usage.OutputTokens != 16 {
		t.Errorf("it ended with %s", s.last.RawJSON())
	}
}

func TestToolsOfResponses(t *testing.T) {
	for _, stream := range []bool{false, true} {
		g := open(t)
		k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
		c, _ := g.sdk(k.SecretKey)
		params := respond("gpt-5-mini")
		params.Tools = functions()
		opts := []option.RequestOption{simulated("Tool", "get_weather"), simulated("Tool-Calls", "2")}
		var answer *responses.Response
		if stream {
			answer = &follow(t, c.Responses.NewStreaming(t.Context(), params, opts...)).last
		} else {
			var err error
			if answer, err = c.Responses.New(t.Context(), params, opts...); err != nil {
				t.Fatal(err)
			}
		}
		g.booked(k.APIKey.ID, "openai", mini)
		if len(answer.Output) != 2 {
			t.Fatalf("output %s", answer.RawJSON())
		}
		// The calls go back with their results, as the SDK builds them.
		items := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage("How is the weather?", responses.EasyInputMessageRoleUser)}
		for _, item := range answer.Output {
			call := item.AsFunctionCall()
			var args struct{ Text string }
			if err := json.Unmarshal([]byte(call.Arguments), &args); err != nil || call.Name != "get_weather" || call.CallID == "" {
				t.Errorf("call %s: %v", call.RawJSON(), err)
			}
			result := responses.ResponseInputItemParamOfFunctionCallOutput("sunny")
			result.OfFunctionCallOutput.CallID = param.NewOpt(call.CallID)
			items = append(items, responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name), result)
		}
		params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: items}
		if _, err := c.Responses.New(t.Context(), params); err != nil {
			t.Error(err)
		}
	}
}

// TestErrorsOfResponses are raised by the SDK as its own, and retried by its rules.
func TestErrorsOfResponses(t *testing.T) {
	cents := func(n int64) api.KeyInput { return api.KeyInput{BudgetLimitCents: api.Set(n)} }
	for _, row := range []struct {
		name   string
		key    api.KeyInput
		change func(*responses.ResponseNewParams)
		opts   []option.RequestOption
		want   expect
	}{
		{name: "wrong key", opts: []option.RequestOption{option.WithAPIKey("tg_wrong")}, want: expect{401, "key_invalid", 1}},
		{name: "nothing left", key: cents(0), want: expect{402, "budget_exceeded", 1}},
		{name: "in the background", change: func(p *responses.ResponseNewParams) { p.Background = param.NewOpt(true) }, want: expect{400, "invalid_field", 1}},
		{name: "a search under a budget", key: cents(100), change: func(p *responses.ResponseNewParams) {
			p.Tools = []responses.ToolUnionParam{responses.ToolParamOfWebSearch("web_search")}
		}, want: expect{403, "model_unpriced", 1}},
		{name: "Anthropic's model", change: func(p *responses.ResponseNewParams) { p.Model = "anthropic/claude-sonnet-4-5" }, want: expect{404, "model_not_found", 1}},
		{name: "the provider's 400", opts: []option.RequestOption{simulated("Fault", "status=400")}, want: expect{400, "", 1}},
		{name: "the provider's 500", opts: []option.RequestOption{simulated("Fault", "status=500"), option.WithMaxRetries(1)}, want: expect{500, "", 2}},
		{name: "no answer", opts: []option.RequestOption{simulated("Fault", "cut-before"), option.WithMaxRetries(1)}, want: expect{502, "upstream_unavailable", 2}},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(row.name, func(t *testing.T) {
				g := open(t)
				c, sent := g.client(row.key)
				params := respond("gpt-5-mini")
				if row.change != nil {
					row.change(&params)
				}
				var err error
				if stream {
					s := c.Responses.NewStreaming(t.Context(), params, row.opts...)
					if s.Next() {
						t.Errorf("an event: %s", s.Current().RawJSON())
					}
					err = s.Err()
				} else {
					_, err = c.Responses.New(t.Context(), params, row.opts...)
				}
				row.want.check(t, err, sent.Load())
			})
		}
	}
}

// A stream that breaks off is an error to the SDK, and not an answer that is short.
func TestResponsesThatBreakOff(t *testing.T) {
	for fault, says := range map[string]string{"cut": "upstream_unavailable", "error-mid": ""} {
		g := open(t)
		c, _ := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
		stream := c.Responses.NewStreaming(t.Context(), respond("gpt-5-mini"), simulated("Fault", fault))
		last := ""
		for stream.Next() {
			last = stream.Current().Type
		}
		var broken *ssestream.StreamError
		if err := stream.Err(); fault == "cut" && (!errors.As(err, &broken) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", fault, err)
		}
		if fault == "error-mid" && last != "error" { // OpenAI's own errors are events
			t.Errorf("%s: the last event is %q", fault, last)
		}
	}
}
