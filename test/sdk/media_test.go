package sdk

import (
	"bytes"
	"io"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/money"
	"tollgate/internal/simulate"
)

// settled checks the only entry of a key: what it cost, to the nano-dollar, by what
// the provider billed.
func (g *gate) settled(keyID string, cost func(simulate.Served) int64) {
	g.t.Helper()
	rows, err := g.admin.Usage(g.t.Context(), client.UsageQuery{KeyID: keyID})
	if err != nil || len(rows.Usage) != 1 {
		g.t.Fatalf("rows %+v, %v", rows, err)
	}
	row, s := rows.Usage[0], g.served()
	if row.Outcome != "settled" || row.InputTokens+row.CacheReadTokens != s.InputTokens || row.OutputTokens != s.OutputTokens {
		g.t.Errorf("booked %+v, the provider billed %+v", row, s)
	}
	if want := money.NanoUSD(cost(s)).String(); row.CostUSD != want {
		g.t.Errorf("cost %s, want %s: %+v", row.CostUSD, want, s)
	}
}

// media opens a gate with a key that has a budget.
func media(t *testing.T) (*gate, openai.Client, string) {
	g := open(t)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](500)})
	c, _ := g.sdk(k.SecretKey)
	return g, c, k.APIKey.ID
}

func TestModerations(t *testing.T) {
	g, c, id := media(t)
	answer, err := c.Moderations.New(t.Context(), openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"Hello", "Good bye"}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Results) != 2 || answer.Results[0].Flagged || answer.Model != "omni-moderation-latest" {
		t.Errorf("answer %+v", answer)
	}
	g.settled(id, func(simulate.Served) int64 { return 0 })
}

func TestImages(t *testing.T) {
	tokens := func(s simulate.Served) int64 {
		return 5000*(s.InputTokens-s.InputAudioTokens) + 8000*s.InputAudioTokens + 30_000*s.OutputTokens
	}
	t.Run("generated", func(t *testing.T) {
		g, c, id := media(t)
		answer, err := c.Images.Generate(t.Context(), openai.ImageGenerateParams{Model: "gpt-image-2", Prompt: "A cat", N: param.NewOpt[int64](2)})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Data) != 2 || answer.Data[1].B64JSON == "" || answer.Usage.OutputTokens != g.served().OutputTokens {
			t.Errorf("answer %s", answer.RawJSON())
		}
		g.settled(id, tokens)
	})
	t.Run("streamed", func(t *testing.T) {
		g, c, id := media(t)
		stream := c.Images.GenerateStreaming(t.Context(), openai.ImageGenerateParams{Model: "gpt-image-2", Prompt: "A cat", PartialImages: param.NewOpt[int64](2)}, simulated("Chunks", "2"))
		var kinds []string
		var output int64
		for stream.Next() {
			event := stream.Current()
			kinds = append(kinds, event.Type)
			output = event.Usage.OutputTokens
		}
		if err := stream.Err(); err != nil || len(kinds) != 3 || kinds[2] != "image_generation.completed" || output != g.served().OutputTokens {
			t.Errorf("events %v, %d tokens: %v", kinds, output, err)
		}
		g.settled(id, tokens)
	})
	t.Run("edited", func(t *testing.T) {
		g, c, id := media(t)
		answer, err := c.Images.Edit(t.Context(), openai.ImageEditParams{
			Model: "openai/gpt-image-2", Prompt: "With a hat",
			Image: openai.ImageEditParamsImageUnion{OfFileArray: []io.Reader{openai.File(bytes.NewReader([]byte("one")), "a b.png", "image/png"), bytes.NewReader([]byte("two"))}},
		}, simulated("Input-Tokens", "700"), simulated("Input-Audio-Tokens", "690"))
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Data) != 1 {
			t.Errorf("answer %s", answer.RawJSON())
		}
		g.settled(id, tokens)
	})
	t.Run("by the picture", func(t *testing.T) {
		g, c, id := media(t)
		if _, err := c.Images.Generate(t.Context(), openai.ImageGenerateParams{Model: "dall-e-3", Prompt: "A cat", Quality: "hd", Size: "1024x1792"}); err != nil {
			t.Fatal(err)
		}
		g.settled(id, func(s simulate.Served) int64 { return 120_000_000 * s.Images })
	})
	t.Run("no price", func(t *testing.T) {
		g := open(t)
		c, sent := g.client(api.KeyInput{BudgetLimitCents: api.Set[int64](100)})
		_, err := c.Images.Generate(t.Context(), openai.ImageGenerateParams{Model: "demo/no-such-model", Prompt: "A cat"})
		expect{403, "model_unpriced", 1}.check(t, err, sent.Load())
	})
}

func TestSpeech(t *testing.T) {
	params := openai.AudioSpeechNewParams{Model: "tts-1", Input: "Hello there, Zoë", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: param.NewOpt("alloy")}}
	t.Run("by the character", func(t *testing.T) {
		g, c, id := media(t)
		answer, err := c.Audio.Speech.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		sound, err := io.ReadAll(answer.Body)
		if err != nil || len(sound) == 0 || answer.Header.Get("Content-Type") != "audio/mpeg" {
			t.Errorf("%d bytes of %s: %v", len(sound), answer.Header.Get("Content-Type"), err)
		}
		_ = answer.Body.Close()
		if s := g.served(); s.Characters != 16 {
			t.Errorf("the provider billed %+v", s)
		}
		g.settled(id, func(s simulate.Served) int64 { return 15_000 * s.Characters })
	})
	t.Run("in events", func(t *testing.T) {
		g, c, id := media(t)
		params := params
		params.Model, params.StreamFormat = "gpt-4o-mini-tts", "sse"
		answer, err := c.Audio.Speech.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if events, err := io.ReadAll(answer.Body); err != nil || !bytes.Contains(events, []byte("speech.audio.done")) {
			t.Errorf("%s: %v", events, err)
		}
		_ = answer.Body.Close()
		g.settled(id, func(s simulate.Served) int64 { return 2500*s.InputTokens + 12_000*s.OutputTokens })
	})
	t.Run("retried", func(t *testing.T) {
		g := open(t)
		c, sent := g.client(api.KeyInput{})
		_, err := c.Audio.Speech.New(t.Context(), params, simulated("Fault", "status=503"), option.WithMaxRetries(1))
		expect{503, "", 2}.check(t, err, sent.Load())
	})
}

func TestTranscriptions(t *testing.T) {
	sound := bytes.Repeat([]byte("\x00\r\n--ID3\xff"), 500)
	params := openai.AudioTranscriptionNewParams{File: openai.File(bytes.NewReader(sound), "talk.mp3", "audio/mpeg"), Model: "gpt-4o-transcribe", Prompt: param.NewOpt("Names: Ann")}
	again := func() openai.AudioTranscriptionNewParams {
		p := params
		p.File = openai.File(bytes.NewReader(sound), "talk.mp3", "audio/mpeg")
		return p
	}
	tokens := func(s simulate.Served) int64 { return 2500*s.InputTokens + 10_000*s.OutputTokens }
	t.Run("by the token", func(t *testing.T) {
		g, c, id := media(t)
		answer, err := c.Audio.Transcriptions.New(t.Context(), again())
		if err != nil {
			t.Fatal(err)
		}
		if answer.Text == "" || answer.Usage.InputTokens != g.served().InputTokens {
			t.Errorf("answer %s", answer.RawJSON())
		}
		g.settled(id, tokens)
	})
	t.Run("streamed", func(t *testing.T) {
		g, c, id := media(t)
		stream := c.Audio.Transcriptions.NewStreaming(t.Context(), again())
		text, done := "", ""
		for stream.Next() {
			event := stream.Current()
			text += event.Delta
			done += event.Text
		}
		if err := stream.Err(); err != nil || text == "" || text != done {
			t.Errorf("%q and %q: %v", text, done, err)
		}
		g.settled(id, tokens)
	})
	t.Run("by the second", func(t *testing.T) {
		g, c, id := media(t)
		p := again()
		p.Model, p.ResponseFormat, p.TimestampGranularities = "whisper-1", "verbose_json", []string{"word", "segment"}
		answer, err := c.Audio.Transcriptions.New(t.Context(), p, simulated("Seconds", "61"))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Duration != 60.47 {
			t.Errorf("answer %s", answer.RawJSON())
		}
		g.settled(id, func(s simulate.Served) int64 { return 100_000 * s.Seconds })
	})
	t.Run("translated", func(t *testing.T) {
		g, c, id := media(t)
		answer, err := c.Audio.Translations.New(t.Context(), openai.AudioTranslationNewParams{File: bytes.NewReader(sound), Model: "whisper-1"})
		if err != nil || answer.Text == "" {
			t.Fatalf("%+v, %v", answer, err)
		}
		g.settled(id, func(s simulate.Served) int64 { return 100_000 * s.Seconds })
	})
	t.Run("in chunks", func(t *testing.T) {
		_, c, _ := media(t)
		p := again()
		p.ChunkingStrategy.OfAudioTranscriptionNewsChunkingStrategyVadConfig = &openai.AudioTranscriptionNewParamsChunkingStrategyVadConfig{Type: "server_vad", Threshold: param.NewOpt(0.5)}
		if _, err := c.Audio.Transcriptions.New(t.Context(), p); err != nil {
			t.Error(err)
		}
	})
	t.Run("without a model", func(t *testing.T) {
		g := open(t)
		c, sent := g.client(api.KeyInput{})
		p := again()
		p.Model = ""
		_, err := c.Audio.Transcriptions.New(t.Context(), p)
		expect{400, "invalid_field", 1}.check(t, err, sent.Load())
	})
}
