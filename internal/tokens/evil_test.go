package tokens_test

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/internal/tokens"
)

const prose = "The quick brown fox jumps over the lazy dog. "

// evil are texts that make tokenisers slow: repeated to any size.
var evil = map[string]string{
	"letters a":        "a",
	"letters A":        "A",
	"letters aA":       "aA",
	"spaces":           " ",
	"tabs and spaces":  " \t",
	"newlines":         "\n",
	"broken lines":     " \n",
	"blank lines":      "x\n  \n   ",
	"1000 spaces":      strings.Repeat(" ", 1000) + "\nx ",
	"1000 a":           strings.Repeat("a", 1000) + " ",
	"1000 A, 1 a":      strings.Repeat("A", 1000) + "'a ",
	"mark and A":       "\u0301" + strings.Repeat("A", 500) + " ",
	"marks":            "\u0301",
	"punctuation":      "!/",
	"apostrophes":      "'",
	"contractions":     "a's",
	"digits":           "1",
	"emoji":            "😀",
	"joined emoji":     "👨\u200d👩\u200d👧",
	"chinese":          "中文字符没有空格",
	"thai":             "ไม่มีช่องว่าง",
	"no UTF-8":         "\xff",
	"half characters":  "\xe4\xb8 ",
	"NUL":              "\x00",
	"unassigned":       "\U000143fa",
	"special tokens":   "<|endoftext|>",
	"every other a":    "a ",
	"base64":           "TWFuIGlzIGRpc3Rpbmd1aXNoZWQ",
	"random bytes":     random(1<<16, 256),
	"random printable": random(1<<16, 96),
}

func random(n, letters int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(256 - letters + r.IntN(letters))
		if letters < 256 {
			b[i] = byte(' ' + r.IntN(letters-1))
		}
	}
	return string(b)
}

func sized(atom string, n int) []byte { return []byte(strings.Repeat(atom, n/len(atom)+1)[:n]) }

// A library whose time grows with the square of the text takes seconds here,
// where prose takes a hundredth of one.
func TestNoTextTakesMuchLongerThanProse(t *testing.T) {
	c := tokens.New(tokens.Options{})
	const size, factor, grace = 64 << 10, 20, time.Second
	took := func(atom, model string) time.Duration {
		text := sized(atom, size)
		begun := time.Now()
		n, _ := c.Bound("openai", model, func(yield func([]byte)) int64 { yield(text); return 0 })
		if n < 1 || n > size {
			t.Errorf("%q: %d tokens in %d bytes", atom[:1], n, size)
		}
		return time.Since(begun)
	}
	for _, model := range models {
		took(prose, model) // loads the vocabulary
		usual := took(prose, model)
		for name, atom := range evil {
			if d := took(atom, model); d > factor*usual+grace {
				t.Errorf("%s, %s: %v for %d bytes, prose takes %v", model, name, d, size, usual)
			}
		}
	}
}

func BenchmarkBound(b *testing.B) {
	c := tokens.New(tokens.Options{})
	inputs := maps.Clone(evil)
	inputs["prose"] = prose
	for name, atom := range inputs {
		text := sized(atom, 1<<20)
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				c.Bound("openai", "gpt-4o", func(yield func([]byte)) int64 { yield(text); return 0 })
			}
		})
	}
}
