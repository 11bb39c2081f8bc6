package tokens_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/tokens"
)

// atoms are what random texts are made of: all that the expressions tell apart,
// special tokens, and what is no text.
var atoms = []string{
	"a", "B", "the", "Ab", " ", "  ", "\n", "\r\n", "\t", "'s", "'", "'LL", "'ſ", "1", "23", "4567", "²", "Ⅳ", ".", ",", "!", "/", "//",
	"-", "_", "é", "\u0301", "中", "文", "😀", "\u200d", "ß", "Ω", "ǅ", "ʰ", " hello", "World", "\u00a0", "\u2028", "\u3000", "{\"", "क", "ि", "ไ", "่",
	"\x00", "\u0085", "\ufeff", "\ufffd", "\xff", "\xe4\xb8", "\U000143fa", "\U0010fffd", "      ", "\n\n\n", strings.Repeat("x", 40), strings.Repeat("=", 100),
	"<|endoftext|>", "<|endofprompt|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|start|>", "<|",
}

func anyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 0, 30).Draw(t, "atoms"), "")
	})
}

// valid is a text as the provider reads it: what is no UTF-8 is replaced.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func TestBoundIsNeverBelowTheOriginal(t *testing.T) {
	c := tokens.New(tokens.Options{})
	rapid.Check(t, func(t *rapid.T) {
		text := anyText().Draw(t, "text")
		for name, model := range models {
			want := oracles[name]().count(valid(text))
			if got, _ := c.Bound("openai", model, texts(text)); got < want {
				t.Fatalf("%s: Bound(%q) = %d, the original counts %d", name, text, got, want)
			}
		}
	})
}

// specials are texts that a server might take for one token of its own.
var specials = []string{"<|endoftext|>", "<|endofprompt|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|start|>"}

// countSpecial counts as a server that takes every special token for one.
func countSpecial(o *oracle, text string) int64 {
	for _, special := range specials {
		if before, after, found := strings.Cut(text, special); found {
			return countSpecial(o, before) + 1 + countSpecial(o, after)
		}
	}
	return o.count(text)
}

// OpenAI's recipe for a list of messages ("How to count tokens with tiktoken",
// openai-cookbook): 3 tokens for each message and its role's and content's, 1
// for a name and its own, and 3 that begin the answer. What stands around the
// texts is the caller's to bound: here as tightly as the recipe allows, so that
// nothing is hidden by it.
func TestBoundOfAChatByTheRecipe(t *testing.T) {
	c := tokens.New(tokens.Options{})
	rapid.Check(t, func(t *rapid.T) {
		var all []string
		var rest int64 = 3
		counted := map[string]int64{}
		special := map[string]int64{}
		for range rapid.IntRange(1, 6).Draw(t, "messages") {
			fields := []string{rapid.SampledFrom([]string{"system", "user", "assistant", "tool"}).Draw(t, "role"), anyText().Draw(t, "content")}
			rest += 3
			if rapid.Bool().Draw(t, "named") {
				fields = append(fields, anyText().Draw(t, "name"))
				rest++
			}
			for _, f := range fields {
				for name := range models {
					counted[name] += oracles[name]().count(valid(f))
					special[name] += countSpecial(oracles[name](), valid(f))
				}
			}
			all = append(all, fields...)
		}
		given := func(yield func([]byte)) int64 { texts(all...)(yield); return rest }
		for name, model := range models {
			if got, _ := c.Bound("openai", model, given); got < max(counted[name], special[name])+rest {
				t.Fatalf("%s: Bound(%q) = %d, want at least %d, or %d with special tokens", name, all, got, counted[name]+rest, special[name]+rest)
			}
		}
	})
}

func FuzzBound(f *testing.F) {
	for _, seed := range []string{"", "a\n \n b", "\x7f0", "it's 123 o'clock\r\n", "中文。x\u0301\xff", strings.Repeat(" \n", 600)} {
		f.Add(seed)
	}
	c := tokens.New(tokens.Options{})
	f.Fuzz(func(t *testing.T, text string) {
		for name, model := range models {
			want := oracles[name]().count(valid(text))
			if got, _ := c.Bound("openai", model, texts(text)); got < want || got > int64(len(text)) {
				t.Errorf("%s: Bound(%q) = %d, want from %d to %d", name, text, got, want, len(text))
			}
		}
	})
}

// Each character of the older blocks stands in the places where words are cut:
// what it is to the library must be what it is to the original.
func TestEveryCharacterIsCutAsByTheOriginal(t *testing.T) {
	c := tokens.New(tokens.Options{})
	for r := rune(0); r < 0x800; r++ {
		s := string(r)
		for _, text := range []string{"x" + s + "y", "1" + s + "2", "! " + s + "!\n" + s + " Z", s + s + "A" + s, "x" + s + "'s" + s + "\n" + s, " " + s + " " + s + " b"} {
			for name, model := range models {
				want := oracles[name]().count(text)
				if got, _ := c.Bound("openai", model, texts(text)); got < want {
					t.Errorf("%s: Bound(%q) = %d, the original counts %d", name, text, got, want)
				}
			}
		}
	}
}
