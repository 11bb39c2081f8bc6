package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/dialect"
)

// chatBody is a chat request with a prompt of the given text.
func chatBody(prompt string) []byte {
	return []byte(`{"model":"openai/gpt-4o-mini","temperature":0.7,"messages":[` +
		`{"role":"system","content":"You are a patient assistant. Answer in two sentences at most."},` +
		`{"role":"user","content":"` + prompt + `"}],"max_tokens":256,"stream":true,` +
		`"stream_options":{"include_usage":true},"user":"u-1042"}`)
}

var prompts = map[string]string{
	"1KB":         strings.Repeat("Tell me about the sea. ", 32),
	"100KB":       strings.Repeat("Tell me about the sea. ", 100<<10/23),
	"100KBescape": strings.Repeat(`Tell me about the "sea" & its "fish".\n..`[:40], 0) + strings.Repeat(`Tell me about the sea and its fishes..\n`, 100<<10/40),
	"100KBquotes": strings.Repeat(`Tell me about the sea and its fishes..\"`, 100<<10/40),
	"100KBdense":  strings.Repeat(`\n`, 50<<10),
	"100KBkorean": strings.Repeat("바다에 대해 말해 줘. ", 100<<10/29),
}

func BenchmarkRead(b *testing.B) {
	route := find(b, "/v1/chat/completions")
	for _, name := range []string{"1KB", "100KB", "100KBescape", "100KBquotes", "100KBdense", "100KBkorean"} {
		body := chatBody(prompts[name])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dialect.Read(route, nil, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadMessages(b *testing.B) {
	route := find(b, "/v1/chat/completions")
	body := []byte(`{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":[{"type":"text","text":"Hello, how are you today?"}]},`, 99) + `{"role":"user","content":"x"}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dialect.Read(route, nil, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSegments(b *testing.B) {
	call := read(b, "/v1/chat/completions", string(chatBody(prompts["100KB"])))
	var store [16][]byte
	b.ReportAllocs()
	for b.Loop() {
		call.Segments(dialect.Edit{Model: "gpt-4o-mini", MaxOutput: 100}, store[:0])
	}
}

func BenchmarkRewrite(b *testing.B) {
	for _, name := range []string{"1KB", "100KB"} {
		call := read(b, "/v1/chat/completions", string(chatBody(prompts[name])))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call.Rewrite(dialect.Edit{Model: "gpt-4o-mini", MaxOutput: 100})
			}
		})
	}
}

// chunkOf is an ordinary chunk of about 200 bytes, as OpenAI sends it.
func chunkOf(text string) string {
	return `data: {"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"` + text + `"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"
}

func BenchmarkTapChunk(b *testing.B) {
	tool := strings.Replace(chunkOf("x"), `"content":"x"`, `"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]`, 1)
	for name, event := range map[string]string{"text": chunkOf(" sea"), "tool": tool} {
		for _, hide := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/hide=%t", name, hide), func(b *testing.B) {
				tap := dialect.NewTap(find(b, "/v1/chat/completions"), dialect.Events, hide)
				chunk := []byte(event)
				b.SetBytes(int64(len(chunk)))
				b.ReportAllocs()
				for b.Loop() {
					tap.Write(chunk)
				}
			})
		}
	}
}

// BenchmarkTapCut writes chunks that end in the middle of an event.
func BenchmarkTapCut(b *testing.B) {
	event := chunkOf(" sea")
	stream := []byte(event[100:] + event[:100])
	tap := dialect.NewTap(find(b, "/v1/chat/completions"), dialect.Events, true)
	tap.Write([]byte(event[:100]))
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		tap.Write(stream)
	}
}

// BenchmarkTapFirst looks at chunks of which none is like the one before.
func BenchmarkTapFirst(b *testing.B) {
	chunks := [][]byte{[]byte(chunkOf("a")), []byte(strings.Replace(chunkOf("a"), "gpt-4o-mini", "gpt-4o", 1))}
	tap := dialect.NewTap(find(b, "/v1/chat/completions"), dialect.Events, true)
	b.ReportAllocs()
	for b.Loop() {
		tap.Write(chunks[0])
		tap.Write(chunks[1])
	}
}

func BenchmarkTapJSON(b *testing.B) {
	floats := `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[` + strings.Repeat("-0.012345678,", 80_000) + `0]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}`
	text := `{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat(`Waves come and go.\n`, 50) + `"}}],"usage":{"prompt_tokens":8,"completion_tokens":200,"total_tokens":208}}`
	for name, answer := range map[string]string{"floats1MB": floats, "chat1KB": text} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(answer)))
			b.ReportAllocs()
			for b.Loop() {
				tap := dialect.NewTap(find(b, "/v1/embeddings"), dialect.Document, false)
				for rest := []byte(answer); len(rest) > 0; {
					n := min(len(rest), 32<<10)
					tap.Write(rest[:n])
					rest = rest[n:]
				}
				tap.Close()
				if !tap.Tally().Reported {
					b.Fatal("no usage")
				}
			}
		})
	}
}

// BenchmarkNative reads requests, and watches events, of the other formats.
func BenchmarkNative(b *testing.B) {
	const delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" sea\"}}\n\n"
	const chunk = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" sea\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 8,\"candidatesTokenCount\": 14,\"totalTokenCount\": 22,\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 8}]},\"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"kE9xaKeeper\"}\r\n\r\n"
	for name, c := range map[string]struct {
		path, body, event string
		shape             dialect.Shape
	}{
		"anthropic": {messages, `{"model":"m","max_tokens":256,"stream":true,"system":"You are a patient assistant.","messages":[{"role":"user","content":"` + prompts["1KB"] + `"}]}`, delta, dialect.Events},
		"gemini":    {generating, `{"contents":[{"role":"user","parts":[{"text":"` + prompts["1KB"] + `"}]}],"generationConfig":{"maxOutputTokens":256,"temperature":0.7}}`, chunk, dialect.Events},
		"list":      {generating, `{"contents":[]}`, strings.TrimSpace(strings.TrimPrefix(chunk, "data: ")) + ",\r\n", dialect.List},
	} {
		b.Run(name+"/read", func(b *testing.B) {
			route, at, body := find(b, c.path), address(c.path), []byte(c.body)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dialect.Read(route, at, body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/tap", func(b *testing.B) {
			tap, event := dialect.NewTap(find(b, c.path), c.shape, false), []byte(c.event)
			b.SetBytes(int64(len(event)))
			b.ReportAllocs()
			for b.Loop() {
				tap.Write(event)
			}
		})
	}
}
