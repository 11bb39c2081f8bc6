package sdk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/cohere-ai/cohere-go/v2/core"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"google.golang.org/genai"

	"tollgate/api"
)

var update = flag.Bool("update", false, "write the table of docs/compatibility.md")

// try is one request, in the words that all SDKs share.
type try struct {
	secret        string
	stream, tools bool
	retries       int
	simulate      []string
}

// told is what an SDK told of its answer, and how often it has asked.
type told struct {
	text, tool    string
	input, output int64
	sent          int64
}

// driven is an SDK that is driven: with which model of which price, how, and what
// status and words its own error has.
type driven struct {
	name, module, format string
	prices               prices
	ask                  func(ctx context.Context, g *gate, t try) (told, error)
	refused              func(err error) (status int, says string)
}

// matrix are the SDKs.
var matrix = []driven{
	{"openai-go", "github.com/openai/openai-go/v3", "openai", azureMini, askOpenAI((*gate).sdk), refusedOpenAI},
	{"openai-go, azure", "github.com/openai/openai-go/v3", "openai", azureMini, askOpenAI((*gate).azure), refusedOpenAI},
	{"anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go", "anthropic", sonnet, askAnthropic, func(err error) (int, string) {
		e, ok := errors.AsType[*anthropic.Error](err)
		if !ok {
			return 0, ""
		}
		return e.StatusCode, e.RawJSON()
	}},
	{"genai", "google.golang.org/genai", "gemini", flash, askGemini, func(err error) (int, string) {
		e, ok := errors.AsType[genai.APIError](err)
		if !ok {
			return 0, ""
		}
		return e.Code, strings.ToLower(fmt.Sprint(e.Details))
	}},
	{"cohere-go", "github.com/cohere-ai/cohere-go/v2", "cohere", command, askCohere, func(err error) (int, string) {
		e, ok := errors.AsType[*core.APIError](err)
		if !ok {
			return 0, ""
		}
		body, _ := any(err).(interface{ MarshalJSON() ([]byte, error) })
		says := err.Error()
		if body != nil {
			text, _ := body.MarshalJSON()
			says += string(text)
		}
		return e.StatusCode, says
	}},
}

func refusedOpenAI(err error) (int, string) {
	e, ok := errors.AsType[*openai.Error](err)
	if !ok {
		return 0, ""
	}
	return e.StatusCode, e.Code
}

func askOpenAI(sdk func(*gate, string) (openai.Client, *sent)) func(context.Context, *gate, try) (told, error) {
	return func(ctx context.Context, g *gate, t try) (d told, err error) {
		c, s := sdk(g, t.secret)
		defer func() { d.sent = s.Load() }()
		params := hello("gpt-4o-mini")
		if t.tools {
			params = withTool("gpt-4o-mini")
		}
		opts := []option.RequestOption{option.WithMaxRetries(t.retries)}
		for i := 0; i < len(t.simulate); i += 2 {
			opts = append(opts, simulated(t.simulate[i], t.simulate[i+1]))
		}
		answer := &openai.ChatCompletion{}
		if t.stream {
			params.StreamOptions.IncludeUsage = param.NewOpt(true)
			stream, acc := c.Chat.Completions.NewStreaming(ctx, params, opts...), openai.ChatCompletionAccumulator{}
			for stream.Next() {
				acc.AddChunk(stream.Current())
			}
			answer, err = &acc.ChatCompletion, stream.Err()
		} else {
			answer, err = c.Chat.Completions.New(ctx, params, opts...)
		}
		if err != nil {
			return d, err
		}
		m := answer.Choices[0].Message
		if len(m.ToolCalls) > 0 {
			d.tool = m.ToolCalls[0].Function.Name
		}
		d.text, d.input, d.output = m.Content, answer.Usage.PromptTokens, answer.Usage.CompletionTokens
		return d, nil
	}
}

func askAnthropic(ctx context.Context, g *gate, t try) (d told, err error) {
	c, s := g.claude(t.secret, append(answering(t.simulate...), anthropicoption.WithMaxRetries(t.retries))...)
	defer func() { d.sent = s.Load() }()
	params := question()
	if t.tools {
		params = withWeather()
	}
	m := &anthropic.Message{}
	if t.stream {
		stream := c.Messages.NewStreaming(ctx, params)
		for stream.Next() {
			if err := m.Accumulate(stream.Current()); err != nil {
				return d, err
			}
		}
		err = stream.Err()
	} else {
		m, err = c.Messages.New(ctx, params)
	}
	if err != nil {
		return d, err
	}
	d.text, d.tool, d.input, d.output = m.Content[0].Text, m.Content[0].Name, m.Usage.InputTokens, m.Usage.OutputTokens
	return d, nil
}

func askGemini(_ context.Context, g *gate, t try) (d told, err error) {
	c, counted := g.gemini(t.secret, t.simulate...)
	defer func() { d.sent = counted.sent.Load() }()
	config := &genai.GenerateContentConfig{}
	if t.retries > 0 {
		config.HTTPOptions = &genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{}}
	}
	if t.tools {
		config.Tools = []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{Name: "get_weather", ParametersJsonSchema: map[string]any{"type": "object"}}}}}
	}
	h, err := g.ask(c, gemini, config, t.stream)
	if err != nil {
		return d, err
	}
	for _, p := range h.parts {
		d.text += p.Text
		if p.FunctionCall != nil {
			d.tool = p.FunctionCall.Name
		}
	}
	d.input, d.output = int64(h.usage.PromptTokenCount), int64(h.usage.CandidatesTokenCount)
	return d, nil
}

func askCohere(ctx context.Context, g *gate, t try) (d told, err error) {
	c, counted := g.cohereTrying(uint(t.retries)+1, t.secret, t.simulate...)
	defer func() { d.sent = counted.sent.Load() }()
	tools := weather()
	if !t.tools {
		tools = nil
	}
	s, err := say(ctx, c, "command-a-03-2025", 100, tools, t.stream)
	if err != nil {
		return d, err
	}
	if s.calls > 0 {
		d.tool = "get_weather"
	}
	d.text, d.input, d.output = s.text, int64(*s.usage.BilledUnits.InputTokens), int64(*s.usage.BilledUnits.OutputTokens)
	return d, nil
}

// TestMatrix has every SDK ask in every way: what it is shown, and what the entry
// says, is what the provider billed. docs/compatibility.md says how it went.
func TestMatrix(t *testing.T) {
	cells := []struct {
		name string
		run  func(t *testing.T, d driven)
	}{
		{"plain", func(t *testing.T, d driven) { d.answers(t, try{}) }},
		{"stream", func(t *testing.T, d driven) { d.answers(t, try{stream: true}) }},
		{"tools", func(t *testing.T, d driven) {
			d.answers(t, try{tools: true, simulate: []string{"Tool", "get_weather"}})
		}},
		{"error", func(t *testing.T, d driven) { d.fails(t) }},
		{"retry", func(t *testing.T, d driven) { d.triesAgain(t) }},
	}
	var table strings.Builder
	table.WriteString("| SDK | version |")
	for _, c := range cells {
		table.WriteString(" " + c.name + " |")
	}
	table.WriteString("\n| --- |" + strings.Repeat(" --- |", len(cells)+1) + "\n")
	for _, d := range matrix {
		table.WriteString("| " + d.name + " | " + version(t, d.module) + " |")
		for _, c := range cells {
			mark := "✗"
			if t.Run(d.name+"/"+c.name, func(t *testing.T) { c.run(t, d) }) {
				mark = "✓"
			}
			table.WriteString(" " + mark + " |")
		}
		table.WriteString("\n")
	}
	if f := flag.Lookup("test.run"); f != nil && strings.Contains(f.Value.String(), "/") {
		return // not all of it was run
	}
	compatible(t, table.String())
}

// answers asks, and checks the answer and the entry.
func (d driven) answers(t *testing.T, how try) {
	g := open(t)
	key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](10_000)})
	how.secret, how.simulate = key.SecretKey, append(how.simulate, "Output-Tokens", "12", "Chunks", "4")
	got, err := d.ask(t.Context(), g, how)
	if err != nil {
		t.Fatal(err)
	}
	s := g.served()
	if got.input != s.InputTokens || got.output != s.OutputTokens || s.OutputTokens != 12 || how.tools != (got.tool == "get_weather") || how.tools == (got.text != "") || got.sent != 1 {
		t.Errorf("%+v, the provider billed %+v", got, s)
	}
	g.booked(key.APIKey.ID, d.format, d.prices)
}

// fails is refused in three ways, and does not try again.
func (d driven) fails(t *testing.T) {
	g := open(t)
	for name, c := range map[string]struct {
		key    api.KeyInput
		secret string
		status int
		says   string
	}{
		"wrong key":         {secret: "tg_wrong", status: 401, says: "key_invalid"},
		"nothing left":      {key: api.KeyInput{BudgetLimitCents: api.Set[int64](0)}, status: 402, says: "budget_exceeded"},
		"model not allowed": {key: api.KeyInput{AllowedModels: api.Set([]string{"another"})}, status: 403, says: "model_denied"},
	} {
		for _, stream := range []bool{false, true} {
			secret := g.key(c.key).SecretKey
			if c.secret != "" {
				secret = c.secret
			}
			got, err := d.ask(t.Context(), g, try{secret: secret, stream: stream, retries: 2})
			if status, says := d.refused(err); status != c.status || !strings.Contains(says, c.says) || got.sent != 1 {
				t.Errorf("%s: %T %v (%d %s) after %d requests", name, err, err, status, says, got.sent)
			}
		}
	}
}

// triesAgain gets its answer when another request has ended.
func (d driven) triesAgain(t *testing.T) {
	g := open(t)
	key := g.key(api.KeyInput{ConcurrentLimit: api.Set[int64](1)}).SecretKey
	c, _ := g.sdk(key)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Chat.Completions.New(context.Background(), hello("demo-mini"), simulated("Latency", "800ms"))
		ended <- err
	}()
	g.until("the first request at the provider", func() bool { return g.provider.Stats().InFlight == 1 })
	got, err := d.ask(t.Context(), g, try{secret: key, retries: 4})
	if err != nil || got.text == "" || got.sent < 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// version is that of a module in this test.
func version(t *testing.T, module string) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("go.mod has no %s", module)
	}
	return string(m[1])
}

// compatible compares the table with the document, or writes it.
func compatible(t *testing.T, table string) {
	t.Helper()
	const file = "../../docs/compatibility.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- Go -->\n")
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	now := before + "<!-- Go -->\n" + table + "<!-- end -->" + after
	switch {
	case !ok || !closed:
		t.Fatalf("%s has no place for the table", file)
	case now == string(text):
	case !*update:
		t.Errorf("%s is not what this run says: run make compatibility", file)
	default:
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
