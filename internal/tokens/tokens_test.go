package tokens_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"tollgate/internal/tokens"
)

// models has one model for each oracle.
var models = map[string]string{"o200k": "gpt-4o-mini", "cl100k": "gpt-4-turbo"}

// texts gives texts to a Counter, with nothing around them.
func texts(all ...string) tokens.Texts {
	return func(yield func([]byte)) int64 {
		for _, s := range all {
			yield([]byte(s))
		}
		return 0
	}
}

// golden is one line of counts by the original.
type golden struct {
	text string
	want map[string]int64
}

func readGolden(t *testing.T) (all []golden) {
	t.Helper()
	f, err := os.Open("testdata/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		var o200k, cl100k int64
		var text string
		cells := strings.SplitN(line, "\t", 3)
		if _, err := fmt.Sscan(cells[0], &o200k); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if _, err := fmt.Sscan(cells[1], &cl100k); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if err := json.Unmarshal([]byte(cells[2]), &text); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, golden{text, map[string]int64{"o200k": o200k, "cl100k": cl100k}})
	}
	return all
}

func TestOracleAgreesWithTheOriginal(t *testing.T) {
	for _, g := range readGolden(t) {
		for name, want := range g.want {
			if got := oracles[name]().count(g.text); got != want {
				t.Errorf("%s: the oracle counts %d tokens in %q, the original %d", name, got, g.text, want)
			}
		}
	}
}

// What is not counted exactly must be counted higher.
func TestBoundIsTheOriginalsCount(t *testing.T) {
	c := tokens.New(tokens.Options{})
	all, higher := readGolden(t), 0
	for _, g := range all {
		for name, want := range g.want {
			got, exact := c.Bound("openai", models[name], texts(g.text))
			if !exact || got < want {
				t.Errorf("%s: Bound(%q) = %d, %v; the original counts %d", name, g.text, got, exact, want)
			}
			if got > want {
				higher++
			}
		}
	}
	if higher > len(all)*2/8 {
		t.Errorf("%d of %d counts are higher than the original's, want at most an eighth", higher, len(all)*2)
	}
}

func TestOrdinaryTextsAreCountedExactly(t *testing.T) {
	prose := "It was the best of times, it wasn't the worst of times: 1,859 pages.\n\n    def f(x):\n        return x * 2  # doubled\n" +
		"数を数えるのは、やさしい。 Größe über alles, naïve café; हिन्दी में। <|endoftext|> {\"k\": [1, 2.50, null]} 😀👍🏽 https://example.com/a?b=c\r\n"
	c := tokens.New(tokens.Options{})
	for _, text := range []string{prose, strings.Repeat(prose, 200)} {
		for name, model := range models {
			want := oracles[name]().count(text)
			if got, _ := c.Bound("openai", model, texts(text)); got != want {
				t.Errorf("%s: Bound of %d bytes = %d, want %d", name, len(text), got, want)
			}
		}
	}
}

func TestTokeniserOfEachModel(t *testing.T) {
	const text = "नमस्ते दुनिया" // which the three count differently
	o200k, cl100k, bytes := oracles["o200k"]().count(text), oracles["cl100k"]().count(text), int64(len(text))
	c := tokens.New(tokens.Options{})
	for _, row := range []struct {
		kind   string
		models string
		want   int64
	}{
		{"openai", "gpt-4o gpt-4o-mini-2024-07-18 gpt-4.1 gpt-4.1-nano gpt-4.5-preview gpt-5 gpt-5.4-mini o1 o1-pro o3-mini o4-mini chatgpt-4o-latest ft:gpt-4o-mini-2024-07-18:org::id", o200k},
		{"azure", "gpt-4o gpt-5", o200k},
		{"openai", "gpt-4 gpt-4-0613 gpt-4-turbo gpt-4-32k gpt-3.5-turbo gpt-3.5-turbo-instruct text-embedding-3-small text-embedding-3-large text-embedding-ada-002 ft:gpt-3.5-turbo-0125:org::id", cl100k},
		{"azure", "gpt-4 gpt-35-turbo", cl100k},
		{"openai", "gpt-4.7 gpt-6 o10 o5 davinci text-embedding-4 GPT-4o omni claude-sonnet-4 my/gpt-4o", bytes},
		{"custom", "gpt-4o gpt-4", bytes},
		{"anthropic", "claude-sonnet-4", bytes},
		{"", "gpt-4o", bytes},
	} {
		for model := range strings.FieldsSeq(row.models) {
			got, exact := c.Bound(row.kind, model, texts(text))
			if got != row.want || exact != (row.want != bytes) || exact != c.Knows(row.kind, model) {
				t.Errorf("Bound(%s, %s) = %d, %v, want %d", row.kind, model, got, exact, row.want)
			}
		}
	}
}

func TestRestIsAdded(t *testing.T) {
	c := tokens.New(tokens.Options{})
	with := func(yield func([]byte)) int64 { yield([]byte("hello world")); return 300 }
	for model, want := range map[string]int64{"gpt-4o": 302, "unheard-of": 311} {
		if got, _ := c.Bound("openai", model, with); got != want {
			t.Errorf("Bound(%s) = %d, want %d", model, got, want)
		}
	}
	if got := c.Estimate(with); got != 2 {
		t.Errorf("Estimate = %d, want the texts' 2 tokens", got)
	}
}

func TestMaxBytesIsForTheWholeRequest(t *testing.T) {
	word := " hello" // a token
	for max, want := range map[int]int64{
		11: 1 + 6, 12: 2, 13: 2, // two texts of six bytes
		5: 12, 6: 1 + 6, 7: 1 + 6,
	} {
		c := tokens.New(tokens.Options{MaxBytes: max})
		if got, exact := c.Bound("openai", "gpt-4o", texts(word, word)); got != want || !exact {
			t.Errorf("MaxBytes %d: Bound = %d, %v, want %d", max, got, exact, want)
		}
	}
	c := tokens.New(tokens.Options{MaxBytes: 6})
	if got := c.Estimate(texts(word, "12345678")); got != 1+3 {
		t.Errorf("Estimate = %d, want a token and a third of 8 bytes, rounded up", got)
	}
}

func TestEstimateIsNearForAnyModel(t *testing.T) {
	c := tokens.New(tokens.Options{})
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 100)
	if got, want := c.Estimate(texts(text)), oracles["o200k"]().count(text); got != want {
		t.Errorf("Estimate = %d, want %d", got, want)
	}
	if got := c.Estimate(texts()); got != 0 {
		t.Errorf("Estimate of nothing = %d", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	c := tokens.New(tokens.Options{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			text := strings.Repeat("hello world ", 50+i)
			for name, model := range models {
				want := oracles[name]().count(text)
				if got, _ := c.Bound("openai", model, texts(text)); got != want {
					t.Errorf("%s: Bound = %d, want %d", name, got, want)
				}
			}
		})
	}
	all.Wait()
}
