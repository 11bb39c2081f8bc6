package proxy_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tollgate/api"
	"tollgate/internal/simulate"
)

const (
	moderations    = "/v1/moderations"
	generations    = "/v1/images/generations"
	edits          = "/v1/images/edits"
	speech         = "/v1/audio/speech"
	transcriptions = "/v1/audio/transcriptions"
)

// form is a form with a file, and its content type.
func form(t *testing.T, file string, data []byte, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile(file, "sound.mp3")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(data) // memory does not fail
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// upload is a request with a form.
func upload(t *testing.T, path, file string, data []byte, fields ...string) ask {
	body, kind := form(t, file, data, fields...)
	return ask{path: path, body: body, header: map[string]string{"Content-Type": kind}}
}

func TestModerations(t *testing.T) {
	g := open(t, nil)
	k := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](0)})
	r := g.do(ask{path: moderations, key: k.SecretKey, body: `{"input":["Hello","Good bye"]}`})
	if r.status != http.StatusOK || strings.Count(r.body, `"flagged":false`) != 2 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	if _, sent := g.provider.latest(); sent != `{"model":"omni-moderation-latest","input":["Hello","Good bye"]}` {
		t.Errorf("sent %s", sent)
	}
	if row := g.row(k.APIKey.ID); row.Outcome != "settled" || row.CostUSD != "0.00" || row.InputTokens+row.OutputTokens != 0 || row.Endpoint != moderations || row.Model != "omni-moderation-latest" {
		t.Errorf("booked %+v", row)
	}
	scoped := g.key(api.KeyInput{Scopes: api.Set([]string{"chat.completions"})})
	g.do(ask{path: moderations, key: scoped.SecretKey, body: `{"input":"Hello"}`}).want(t, 403, "scope_denied")
}

// TestMediaAreBooked asks for pictures and sound in every way, and books what the
// provider has billed, to the token and the nano-dollar.
func TestMediaAreBooked(t *testing.T) {
	g := open(t, nil)
	mp3 := bytes.Repeat([]byte("ID3\x00sound\r\n--almost a boundary\r\n"), 200)
	price := func(input, cached, medium, output, spoken int64) func(simulate.Served) int64 {
		return func(s simulate.Served) int64 {
			return input*(s.InputTokens-s.InputAudioTokens) + medium*s.InputAudioTokens + spoken*s.OutputTokens
		}
	}
	for name, c := range map[string]struct {
		ask      ask
		header   map[string]string
		cost     func(simulate.Served) int64
		outcome  string // "" = settled
		contains string
	}{
		"picture": {
			ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"A cat","size":"1024x1024","quality":"medium"}`}, cost: price(5000, 0, 10_000, 0, 40_000), contains: `"b64_json"`,
		},
		"three pictures": {ask: ask{path: generations, body: `{"model":"gpt-image-1-mini","prompt":"A cat","n":3}`}, cost: price(2000, 0, 2500, 0, 8000)},
		"streamed picture": {
			ask: ask{path: generations, body: `{"model":"gpt-image-1.5","prompt":"A cat","stream":true,"partial_images":2}`}, header: map[string]string{"X-Simulate-Chunks": "2"},
			cost: price(5000, 0, 8000, 0, 32_000), contains: "event: image_generation.completed",
		},
		"streamed pictures": {ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"A fat cat","stream":true,"n":2}`}, header: map[string]string{"X-Simulate-Input-Tokens": "10"}, cost: price(5000, 0, 10_000, 0, 40_000)},
		"novelties":         {ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"A cat","stream":true}`}, header: map[string]string{"X-Simulate-Fault": "novelties"}, cost: price(5000, 0, 10_000, 0, 40_000)},
		"by the picture":    {ask: ask{path: generations, body: `{"model":"dall-e-3","prompt":"A cat","quality":"hd","size":"1024x1792"}`}, cost: func(simulate.Served) int64 { return 120_000_000 }},
		"by small pictures": {ask: ask{path: generations, body: `{"model":"dall-e-2","prompt":"A cat","size":"256x256","n":4}`}, cost: func(simulate.Served) int64 { return 4 * 16_000_000 }},
		"edit": {
			ask: upload(t, edits, "image[]", mp3, "model", "openai/gpt-image-1", "prompt", "With a hat", "n", "2"), header: map[string]string{"X-Simulate-Input-Tokens": "400", "X-Simulate-Input-Audio-Tokens": "380"},
			cost: price(5000, 0, 10_000, 0, 40_000),
		},
		"variation": {ask: upload(t, "/v1/images/variations", "image", mp3, "model", "dall-e-2", "size", "512x512"), cost: func(simulate.Served) int64 { return 18_000_000 }},
		"speech by the character": {
			ask: ask{path: speech, body: `{"model":"tts-1","voice":"alloy","input":"Héllo there"}`}, cost: func(s simulate.Served) int64 { return 15_000 * s.Characters },
		},
		"speech in events": {ask: ask{path: speech, body: `{"model":"gpt-4o-mini-tts","voice":"coral","input":"Hello there","stream_format":"sse"}`}, cost: price(2500, 0, 0, 0, 12_000), contains: "event: speech.audio.done"},
		"speech untold":    {ask: ask{path: speech, body: `{"model":"gpt-4o-mini-tts","voice":"coral","input":"Hello there"}`}, outcome: "estimated"},
		"transcription":    {ask: upload(t, transcriptions, "file", mp3, "model", "gpt-4o-transcribe", "prompt", "Names: Ann"), cost: price(2500, 0, 2500, 0, 10_000), contains: `{"text":"`},
		"heard in events":  {ask: upload(t, transcriptions, "file", mp3, "model", "gpt-4o-mini-transcribe", "stream", "true"), cost: price(1250, 0, 1250, 0, 5000), contains: "event: transcript.text.done"},
		"seconds":          {ask: upload(t, transcriptions, "file", mp3, "model", "whisper-1"), cost: func(s simulate.Served) int64 { return 100_000 * s.Seconds }},
		"translation":      {ask: upload(t, "/v1/audio/translations", "file", mp3, "model", "whisper-1", "response_format", "verbose_json"), cost: func(s simulate.Served) int64 { return 100_000 * s.Seconds }},
		"verbose":          {ask: upload(t, transcriptions, "file", mp3, "model", "whisper-1", "response_format", "verbose_json", "timestamp_granularities[]", "word", "timestamp_granularities[]", "segment"), header: map[string]string{"X-Simulate-Fault": "no-usage"}, cost: func(s simulate.Served) int64 { return 100_000 * s.Seconds }},
		"subtitles untold": {ask: upload(t, transcriptions, "file", mp3, "model", "whisper-1", "response_format", "srt"), outcome: "estimated", contains: "-->"},
		"text untold":      {ask: upload(t, transcriptions, "file", mp3, "model", "gpt-4o-transcribe", "response_format", "text"), outcome: "estimated"},
		"picture untold":   {ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"A cat"}`}, header: map[string]string{"X-Simulate-Fault": "no-usage"}, outcome: "estimated"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			g.provider.Reset()
			k := g.key(hard())
			c.ask.key = k.SecretKey
			header := map[string]string{}
			for _, h := range []map[string]string{c.ask.header, c.header} {
				for name, value := range h {
					header[name] = value
				}
			}
			c.ask.header = header
			r := g.do(c.ask)
			if r.status != http.StatusOK || r.err != nil || !strings.Contains(r.body, c.contains) {
				t.Fatalf("status %d, %v: %.300s", r.status, r.err, r.body)
			}
			s, row := g.provider.Served()[0], g.row(k.APIKey.ID)
			if c.outcome == "" {
				c.outcome = "settled"
			}
			if row.Outcome != c.outcome || row.Endpoint != c.ask.path || row.Provider != "openai" || nano(t, row.CostUSD) == 0 {
				t.Errorf("booked %+v", row)
			}
			if c.outcome == "estimated" {
				return
			}
			if got, want := nano(t, row.CostUSD), c.cost(s); got != want {
				t.Errorf("cost %d, want %d: %+v and %+v", got, want, row, s)
			}
			if row.InputTokens != s.InputTokens || row.OutputTokens != s.OutputTokens {
				t.Errorf("booked %+v, the provider billed %+v", row, s)
			}
			if row.Images != 0 && row.Images != s.Images || row.Characters != 0 && row.Characters != s.Characters || row.Seconds != 0 && row.Seconds != s.Seconds {
				t.Errorf("booked %+v, the provider billed %+v", row, s)
			}
		})
	}
}

// TestUntoldMediaAreBookedWithTheirBound asks about sound and pictures where the answer
// says no usage: how much was heard or seen is known to the provider only.
func TestUntoldMediaAreBookedWithTheirBound(t *testing.T) {
	g := open(t, nil)
	untold := map[string]string{"X-Simulate-Fault": "no-usage"}
	picture := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]}`
	for name, c := range map[string]struct {
		ask    ask
		key    api.KeyInput
		header map[string]string
		least  int64 // tokens of input
		most   int64
	}{
		"a recording":                  {upload(t, transcriptions, "file", make([]byte, 9000), "model", "gpt-4o-transcribe", "response_format", "text"), hard(), nil, 50_000, 50_100},
		"a recording without a limit":  {upload(t, transcriptions, "file", make([]byte, 9000), "model", "gpt-4o-transcribe", "response_format", "text"), api.KeyInput{}, nil, 50_000, 50_100},
		"a picture to be edited":       {upload(t, edits, "image[]", make([]byte, 9000), "model", "gpt-image-1", "prompt", "A hat"), hard(), untold, 50_000, 50_100},
		"a picture in a chat":          {ask{path: "/v1/chat/completions", body: picture}, hard(), untold, 50_000, 50_100},
		"one that no limit applies to": {ask{path: "/v1/chat/completions", body: picture}, api.KeyInput{}, untold, 1, 1000},
		"what has no medium":           {ask{path: speech, body: `{"model":"gpt-4o-mini-tts","voice":"coral","input":"Hello there"}`}, hard(), nil, 1, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			k := g.key(c.key)
			c.ask.key = k.SecretKey
			for name, value := range c.header {
				if c.ask.header == nil {
					c.ask.header = map[string]string{}
				}
				c.ask.header[name] = value
			}
			if r := g.do(c.ask); r.status != http.StatusOK {
				t.Fatalf("status %d: %.300s", r.status, r.body)
			}
			if row := g.row(k.APIKey.ID); row.Outcome != "estimated" || row.InputTokens < c.least || row.InputTokens > c.most {
				t.Errorf("booked %+v", row)
			}
		})
	}
}

// Of a form only the model's name changes, where an alias stands for it.
func TestFormsPassByteForByte(t *testing.T) {
	g := open(t, nil)
	k := g.key(hard())
	a := upload(t, transcriptions, "file", []byte("\x00\xffRIFF"), "model", "openai/whisper-1", "language", "en")
	a.key = k.SecretKey
	if r := g.do(a); r.status != http.StatusOK {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	header, sent := g.provider.latest()
	if want := strings.Replace(a.body, "openai/whisper-1", "whisper-1", 1); sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if got := header.Get("Content-Type"); got != a.header["Content-Type"] || header.Get("Content-Length") != strconv.Itoa(len(sent)) && header.Get("Content-Length") != "" {
		t.Errorf("sent as %s", got)
	}
}

func TestMediaThatAreRefused(t *testing.T) {
	g := open(t, nil)
	free := g.key(api.KeyInput{}).SecretKey
	budget := g.key(hard()).SecretKey
	cent := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](1)}).SecretKey
	cents := func(n int64) string { return g.key(api.KeyInput{BudgetLimitCents: api.Set(n)}).SecretKey }
	for name, c := range map[string]struct {
		key    string
		ask    ask
		status int
		code   string
	}{
		"no price for pictures":               {budget, ask{path: generations, body: `{"model":"demo/dall-e-9","prompt":"x"}`}, 403, "model_unpriced"},
		"no price for characters":             {budget, ask{path: speech, body: `{"model":"demo/tts-9","input":"x"}`}, 403, "model_unpriced"},
		"no price for seconds":                {budget, upload(t, transcriptions, "file", nil, "model", "demo/whisper-9"), 403, "model_unpriced"},
		"pictures of a chat model's provider": {free, ask{path: generations, body: `{"model":"anthropic/claude-sonnet-4-5","prompt":"x"}`}, 404, "model_not_found"},
		"too many pictures":                   {cent, ask{path: generations, body: `{"model":"dall-e-2","prompt":"x"}`}, 402, "budget_exceeded"},
		"too many tokens":                     {cent, ask{path: generations, body: `{"model":"gpt-image-1","prompt":"x"}`}, 402, "budget_exceeded"},
		"too much to read":                    {cent, ask{path: speech, body: `{"model":"tts-1","input":"` + strings.Repeat("x", 700) + `"}`}, 402, "budget_exceeded"},
		"too long":                            {cent, upload(t, transcriptions, "file", make([]byte, 60_000), "model", "whisper-1"), 402, "budget_exceeded"},
		"short enough":                        {cent, upload(t, transcriptions, "file", make([]byte, 40_000), "model", "whisper-1"), 200, ""},
		"as one":                              {cents(15), upload(t, transcriptions, "file", nil, "model", "gpt-4o-transcribe"), 200, ""},
		"in parts":                            {cents(15), upload(t, transcriptions, "file", nil, "model", "gpt-4o-transcribe", "chunking_strategy", "auto"), 402, "budget_exceeded"},
		"in parts of a kind":                  {cents(28), upload(t, transcriptions, "file", nil, "model", "gpt-4o-transcribe", "chunking_strategy[type]", "server_vad"), 402, "budget_exceeded"},
		"in parts, with enough":               {cents(29), upload(t, transcriptions, "file", nil, "model", "gpt-4o-transcribe", "chunking_strategy", "auto"), 200, ""},
		"not known":                           {budget, upload(t, transcriptions, "file", nil, "model", "whisper-1", "novelty", "1"), 400, "invalid_field"},
		"not a form":                          {free, ask{path: transcriptions, body: `{"model":"whisper-1"}`}, 415, "unsupported_media_type"},
		"a form where none is":                {free, upload(t, speech, "file", nil, "model", "tts-1"), 415, "unsupported_media_type"},
		"two models":                          {free, upload(t, transcriptions, "file", nil, "model", "whisper-1", "model", "gpt-4o-transcribe"), 400, "duplicate_field"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			c.ask.key = c.key
			r := g.do(c.ask)
			if c.status == 200 {
				if r.status != 200 {
					t.Errorf("status %d: %s", r.status, r.body)
				}
				return
			}
			r.want(t, c.status, c.code)
		})
	}
}

// TestMediaThatBreakOff are cut for the caller, too, or told in the stream, and
// booked with what they can have used.
func TestMediaThatBreakOff(t *testing.T) {
	g := open(t, nil)
	for name, c := range map[string]struct {
		ask     ask
		fault   string
		outcome string
		cut     bool
		says    string
	}{
		"sound":             {ask: ask{path: speech, body: `{"model":"tts-1","input":"Hello there, you"}`}, fault: "cut", outcome: "unconfirmed", cut: true},
		"no sound":          {ask: ask{path: speech, body: `{"model":"tts-1","input":"Hello there, you"}`}, fault: "cut-before", outcome: "unconfirmed", says: "upstream_unavailable"},
		"sound in events":   {ask: ask{path: speech, body: `{"model":"gpt-4o-mini-tts","input":"Hello","stream_format":"sse"}`}, fault: "cut", outcome: "unconfirmed", says: `data: {"error":{`},
		"picture":           {ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"x"}`}, fault: "cut", outcome: "unconfirmed", says: "upstream_unavailable"},
		"picture in events": {ask: ask{path: generations, body: `{"model":"gpt-image-1","prompt":"x","stream":true}`}, fault: "error-mid", outcome: "unconfirmed", says: "server_error"},
		"what was heard":    {ask: upload(t, transcriptions, "file", nil, "model", "whisper-1", "response_format", "text"), fault: "cut", outcome: "unconfirmed", says: "upstream_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			g.t = t
			k := g.key(hard())
			a := c.ask
			a.key = k.SecretKey
			header := map[string]string{"X-Simulate-Fault": c.fault}
			for name, value := range a.header {
				header[name] = value
			}
			a.header = header
			r := g.do(a)
			if (r.err != nil) != c.cut || !strings.Contains(r.body, c.says) {
				t.Errorf("status %d, %v: %.300s", r.status, r.err, r.body)
			}
			if row := g.row(k.APIKey.ID); row.Outcome != c.outcome {
				t.Errorf("booked %+v", row)
			}
		})
	}
}

// TestSoundStreams has the caller hear the beginning while the provider still speaks,
// and books what was asked for when it has ended.
func TestSoundStreams(t *testing.T) {
	g := open(t, nil)
	beginning := bytes.Repeat([]byte("sound..."), 4<<10)
	heard := make(chan struct{})
	g.provider.answers(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(beginning)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-heard:
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("the end"))
	})
	k := g.key(hard())
	resp, err := g.http.Do(g.request(t.Context(), ask{path: speech, key: k.SecretKey, body: `{"model":"tts-1","voice":"alloy","input":"Hello"}`}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	begun := make([]byte, len(beginning)/2)
	if _, err := io.ReadFull(resp.Body, begun); err != nil || !bytes.Equal(begun, beginning[:len(begun)]) {
		t.Fatalf("it begins with %q: %v", begun[:min(len(begun), 50)], err)
	}
	close(heard)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.HasSuffix(rest, []byte("the end")) || len(begun)+len(rest) != len(beginning)+len("the end") {
		t.Errorf("%d bytes more: %v", len(rest), err)
	}
	if row := g.row(k.APIKey.ID); row.Outcome != "settled" || row.Characters != 5 || nano(t, row.CostUSD) != 75_000 {
		t.Errorf("booked %+v", row)
	}
}
