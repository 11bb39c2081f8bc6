package dialect_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

const (
	transcriptions = "/v1/audio/transcriptions"
	edits          = "/v1/images/edits"
	boundary       = "----formdata-undici-012345678901"
	formType       = "multipart/form-data; boundary=" + boundary
)

// formOf is a form of parts, each "header line\nheader line\n\nvalue".
func formOf(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		header, value, _ := strings.Cut(part, "\n\n")
		b.WriteString("--" + boundary + "\r\n" + strings.ReplaceAll(header, "\n", "\r\n") + "\r\n\r\n" + value + "\r\n")
	}
	return b.String() + "--" + boundary + "--\r\n"
}

func formField(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + `"` + "\n\n" + value
}

func formFile(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + `"; filename="a b.mp3"` + "\nContent-Type: audio/mpeg\n\n" + value
}

func readForm(t testing.TB, path, body string) *dialect.Call {
	t.Helper()
	call, err := dialect.ReadForm(find(t, path), nil, formType, []byte(body))
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return call
}

func TestFormsAreRead(t *testing.T) {
	sound := strings.Repeat("\x00\r\n-\xff", 1000)
	body := formOf(formFile("file", sound), formField("model", "alias"), formField("stream", "true"), formField("language", "en"),
		formField("timestamp_granularities[]", "word"), formField("timestamp_granularities[]", "segment"), formField("chunking_strategy[type]", "server_vad"))
	call := readForm(t, transcriptions, body)
	if call.Model != "alias" || !call.Stream || call.Override != "" || call.Choices != 1 || call.Media != (dialect.Media{Audio: 1}) || call.Form() != formType {
		t.Errorf("read %+v", call)
	}
	if got := string(call.Rewrite(dialect.Edit{Model: "whisper-1", MaxOutput: 5, IncludeUsage: true})); got != strings.Replace(body, "alias", "whisper-1", 1) {
		t.Errorf("became %q", got)
	}
	if got, want := call.Seconds(dialect.Figures{}), int64(10); got != want {
		t.Errorf("%d seconds, want %d", got, want)
	}
	// The file is no text, and what it can count is a figure's or the context's.
	rest := int64(len(body) - len(sound))
	if got, want := call.InputBound(dialect.Figures{Audio: 7}, 0), rest+256+16+7; got != want {
		t.Errorf("bound %d, want %d", got, want)
	}
	if got, want := call.InputBound(dialect.Figures{}, 16_000), rest+256+16+16_000; got != want {
		t.Errorf("bound %d, want %d", got, want)
	}

	call = readForm(t, edits, formOf(formField("model", "m"), formFile("image[]", "a"), formFile("image[]", "b"), formFile("mask", "c"), formField("n", "2"), formField("size", "auto"), formField("quality", "high"), formField("prompt", "x")))
	if call.Choices != 2 || call.Size != "auto" || call.Quality != "high" || call.Media != (dialect.Media{Images: 3}) || call.Override != "" {
		t.Errorf("read %+v", call)
	}
	if got := readForm(t, edits, formOf(formField("model", "m"), formField("novelty", "1"))).Override; got != "novelty" {
		t.Errorf("override %q", got)
	}
}

// TestFormsThatAreRefused are those that two parsers may take for different ones, and
// those that nobody should send.
func TestFormsThatAreRefused(t *testing.T) {
	model := formField("model", "m")
	whole := formOf(model, formFile("file", "abc"))
	for name, c := range map[string]struct {
		body string
		kind fault.Kind
	}{
		"nothing":                   {"", fault.InvalidField},
		"no model":                  {formOf(formFile("file", "abc")), fault.InvalidField},
		"no end":                    {strings.TrimSuffix(whole, "--\r\n"), fault.InvalidField},
		"cut":                       {whole[:len(whole)/2], fault.InvalidField},
		"something before":          {"x" + whole, fault.InvalidField},
		"a new line before":         {"\r\n" + whole, fault.InvalidField},
		"something behind":          {whole + "x", fault.InvalidField},
		"lines end in LF":           {strings.ReplaceAll(whole, "\r\n", "\n"), fault.InvalidField},
		"one line ends in LF":       {strings.Replace(whole, "abc\r\n", "abc\n", 1), fault.InvalidField},
		"a blank behind a boundary": {strings.Replace(whole, boundary+"\r\n", boundary+" \r\n", 1), fault.InvalidField},
		"a boundary in a file":      {formOf(model, formFile("file", "abc\n--"+boundary+"\nx")), fault.InvalidField},
		"a longer boundary in it":   {formOf(model, formFile("file", "abc\r\n--"+boundary+"x\r\n")), fault.InvalidField},
		"a boundary in a line":      {formOf(model, formFile("file", "abc--"+boundary)), fault.InvalidField},
		"no name":                   {formOf(model, "Content-Disposition: form-data; filename=\"a\"\n\nx"), fault.InvalidField},
		"no disposition":            {formOf(model, "Content-Type: text/plain\n\nx"), fault.InvalidField},
		"two dispositions":          {formOf("Content-Disposition: form-data; name=\"a\"\ncontent-disposition: form-data; name=\"model\"\n\nm"), fault.InvalidField},
		"two names":                 {formOf("Content-Disposition: form-data; name=\"a\"; name=\"model\"\n\nm"), fault.InvalidField},
		"a name without quotes":     {formOf("Content-Disposition: form-data; name=model\n\nm"), fault.InvalidField},
		"a name in two encodings":   {formOf("Content-Disposition: form-data; name=\"a\"; name*=utf-8''model\n\nm"), fault.InvalidField},
		"a quote in a name":         {formOf(model, "Content-Disposition: form-data; name=\"file\"; filename=\"a\\\"; name=\\\"model\"\n\nm"), fault.InvalidField},
		"an attachment":             {formOf(model, "Content-Disposition: attachment; name=\"file\"\n\nm"), fault.InvalidField},
		"a folded line":             {formOf("Content-Disposition: form-data;\n name=\"model\"\n\nm"), fault.InvalidField},
		"base64":                    {formOf(model, "Content-Disposition: form-data; name=\"prompt\"\nContent-Transfer-Encoding: base64\n\nbQ=="), fault.InvalidField},
		"a model in UTF-16":         {formOf("Content-Disposition: form-data; name=\"model\"\nContent-Type: text/plain; charset=utf-16\n\nm"), fault.InvalidField},
		"a model in JSON":           {formOf("Content-Disposition: form-data; name=\"model\"\nContent-Type: application/json\n\n\"m\""), fault.InvalidField},
		"a model as a file":         {formOf(formFile("model", "m")), fault.InvalidField},
		"a file that nobody knows":  {formOf(model, formFile("novelty", "m")), fault.InvalidField},
		"two models":                {formOf(model, model), fault.DuplicateField},
		"two files":                 {formOf(model, formFile("file", "a"), formFile("file", "b")), fault.DuplicateField},
		"a field twice":             {formOf(model, formField("language", "en"), formField("language", "de")), fault.DuplicateField},
		"Model":                     {formOf(model, formField("Model", "x")), fault.DuplicateField},
		"model[]":                   {formOf(model, formField("model[]", "x")), fault.DuplicateField},
		"MODEL[0]":                  {formOf(model, formField("MODEL[0]", "x")), fault.DuplicateField},
		"file[]":                    {formOf(model, formField("file[]", "x")), fault.DuplicateField},
		"a name with a blank":       {formOf(model, formField("model ", "x")), fault.InvalidField},
		"a name with a NUL":         {formOf(model, formField("model\x00", "x")), fault.InvalidField},
		"_charset_ as a percent":    {formOf(model, formField("mod%65l", "x")), fault.InvalidField},
		"an empty model":            {formOf(formField("model", "")), fault.InvalidField},
		"a model of two lines":      {formOf(formField("model", "a\r\nb")), fault.InvalidField},
		"stream":                    {formOf(model, formField("stream", "True")), fault.InvalidField},
	} {
		_, err := dialect.ReadForm(find(t, transcriptions), nil, formType, []byte(c.body))
		if !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, want %s", name, err, c.kind)
		}
		if err != nil {
			checkRefusal(t, err)
		}
	}
	for _, n := range []string{"0", "129", "1.0", "1e1", "-1", ""} {
		if _, err := dialect.ReadForm(find(t, edits), nil, formType, []byte(formOf(model, formField("n", n)))); !errors.Is(err, fault.InvalidField) {
			t.Errorf("n %q: %v", n, err)
		}
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = formField("include[]", "x")
	}
	if _, err := dialect.ReadForm(find(t, transcriptions), nil, formType, []byte(formOf(many...))); !errors.Is(err, fault.InvalidField) {
		t.Errorf("300 parts: %v", err)
	}
	for contentType, kind := range map[string]fault.Kind{
		"application/json":                      fault.UnsupportedMediaType,
		"multipart/mixed; boundary=" + boundary: fault.UnsupportedMediaType,
		"":                                      fault.UnsupportedMediaType,
		"multipart/form-data":                   fault.InvalidField,
		"multipart/form-data; boundary=short":   fault.InvalidField,
		"multipart/form-data; boundary=\"a b c d e f g h i j k\"":                    fault.InvalidField,
		"multipart/form-data; boundary=" + strings.Repeat("x", 71):                   fault.InvalidField,
		"multipart/form-data; boundary=" + boundary + "; boundary=" + boundary + "x": fault.UnsupportedMediaType,
	} {
		if _, err := dialect.ReadForm(find(t, transcriptions), nil, contentType, []byte(whole)); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %s", contentType, err, kind)
		}
	}
}

// wave begins a WAVE file of 192,000 samples a second in stereo, of 16 bits each.
const wave = "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x00\xee\x02\x00\x00\xb8\x0b\x00\x04\x00\x10\x00data\xff\xff\xff\xff"

func TestSecondsOfSound(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want int64
	}{
		"nothing":                        {nil, 0},
		"a byte":                         {make([]byte, 1), 1},
		"500 bytes":                      {make([]byte, 500), 1},
		"501 bytes":                      {make([]byte, 501), 2},
		"MP3 behind a header of samples": {append([]byte(wave), make([]byte, 1_000_000-len(wave))...), 2000},
	} {
		call := readForm(t, transcriptions, formOf(formField("model", "m"), formFile("file", string(c.file))))
		if got := call.Seconds(dialect.Figures{}); got != c.want {
			t.Errorf("%s: %d seconds, want %d", name, got, c.want)
		}
		if got := call.Seconds(dialect.Figures{AudioBytesPerSecond: 1}); name == "a byte" && got != 1 || name == "500 bytes" && got != 500 {
			t.Errorf("%s: %d seconds at a byte each", name, got)
		}
	}
}

// FuzzForm reads anything as a form. What is accepted is the same to Go's library,
// and stays so when the model changes.
func FuzzForm(f *testing.F) {
	f.Add([]byte(formOf(formFile("file", "abc"), formField("model", "m"), formField("stream", "true"), formField("include[]", "x"))))
	f.Add([]byte(formOf(formField("model", "m"), formField("n", "2"), formFile("image[]", "\r\n--"), "Content-Type: text/plain;charset=utf-8\nContent-Disposition:form-data;name=\"prompt\"\n\nx")))
	f.Add([]byte(formOf(formField("model", "m"), "Content-Disposition: form-data; name=\"file\"; filename=\"a\"; filename*=UTF-8''%61\n\nx")))
	f.Add([]byte(formOf(formField("model", "m"), formField("Model", "x"))))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{transcriptions, edits} {
			call, err := dialect.ReadForm(find(t, path), nil, formType, body)
			if err != nil {
				checkRefusal(t, err)
				continue
			}
			values, files := parsed(t, body)
			if len(values["model"]) != 1 || values["model"][0] != call.Model || call.Stream != (len(values["stream"]) == 1 && values["stream"][0] == "true") {
				t.Fatalf("%q: read %+v, the library %q", body, call, values)
			}
			if int64(files) < call.Media.Images+call.Media.Audio {
				t.Fatalf("%q: read %+v, the library %d files", body, call, files)
			}
			if call.TextBound() < 0 || call.Seconds(dialect.Figures{}) < 0 {
				t.Fatalf("%q bounds %d", body, call.TextBound())
			}
			got := call.Rewrite(dialect.Edit{Model: "another-model"})
			again, err := dialect.ReadForm(find(t, path), nil, formType, got)
			if err != nil || again.Model != "another-model" || again.Media != call.Media || len(got) != len(body)+len("another-model")-len(call.Model) {
				t.Fatalf("%q became %q: %+v, %v", body, got, again, err)
			}
		}
	})
}

// parsed is a form as Go's library has it.
func parsed(t *testing.T, body []byte) (values map[string][]string, files int) {
	values = map[string][]string{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return values, files
		}
		if err != nil {
			t.Fatalf("%q: the library has it that %v", body, err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			t.Fatalf("%q: the library has it that %v", body, err)
		}
		switch name := part.FormName(); name {
		case "file", "image", "image[]", "mask":
			files++
		default:
			values[name] = append(values[name], string(value))
		}
	}
}
