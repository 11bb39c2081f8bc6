package tokens_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

// oracle is OpenAI's tokeniser written again in the plainest way: the published
// expression, and the published merging of the pair with the lowest rank. Only
// the vocabulary comes from the library, and its digest is checked.
type oracle struct {
	ranks map[string]int
	words *regexp.Regexp
}

// The white space of Unicode, which Go's \s is not.
const white = `\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`

// The expressions of tiktoken_ext/openai_public.py. Go's have no (?!…): \s+ is
// shortened afterwards.
const (
	o200kWords  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+`
	cl100kWords = `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+`
)

func newOracle(name tokenizer.Encoding, words string) *oracle {
	codec, err := tokenizer.Get(name)
	if err != nil {
		panic(err)
	}
	o := &oracle{ranks: map[string]int{}}
	for id := range uint(201_000) {
		if token, err := codec.Decode([]uint{id}); err == nil {
			o.ranks[token] = int(id)
		}
	}
	words = strings.ReplaceAll(words, `[^\s\p{L}`, `[^`+white+`\p{L}`)
	words = strings.ReplaceAll(words, `\s`, `[`+white+`]`)
	o.words = regexp.MustCompile(`\A(?:` + words + `)`)
	return o
}

// oracles are made once: a vocabulary takes its time.
var oracles = map[string]func() *oracle{
	"o200k":  sync.OnceValue(func() *oracle { return newOracle(tokenizer.O200kBase, o200kWords) }),
	"cl100k": sync.OnceValue(func() *oracle { return newOracle(tokenizer.Cl100kBase, cl100kWords) }),
}

// digest is the SHA-256 of the vocabulary in the form in which it is published.
func (o *oracle) digest() string {
	tokens := make([]string, len(o.ranks)+1_000)
	for token, rank := range o.ranks {
		tokens[rank] = token
	}
	var b bytes.Buffer
	for rank, token := range tokens {
		if token != "" {
			fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString([]byte(token)), rank)
		}
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// count is the number of tokens of s.
func (o *oracle) count(s string) (n int64) {
	for s != "" {
		word := o.word(s)
		n += o.encode(word)
		s = s[len(word):]
	}
	return n
}

// word is the first word of s.
func (o *oracle) word(s string) string {
	word := o.words.FindString(s)
	rest := s[len(word):]
	// \s+(?!\S)|\s+: white space leaves its last character to what follows.
	if strings.TrimSpace(word) == "" && !strings.HasSuffix(word, "\n") && !strings.HasSuffix(word, "\r") && rest != "" {
		if _, size := utf8.DecodeLastRuneInString(word); size < len(word) {
			return word[:len(word)-size]
		}
	}
	return word
}

// encode merges the pair of the lowest rank, the first of equals, until none is
// left.
func (o *oracle) encode(word string) int64 {
	var parts []string
	for i := range len(word) {
		parts = append(parts, word[i:i+1])
	}
	for {
		best, at := len(o.ranks)*2, -1
		for i := range len(parts) - 1 {
			if rank, ok := o.ranks[parts[i]+parts[i+1]]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			return int64(len(parts))
		}
		parts[at] += parts[at+1]
		parts = append(parts[:at+1], parts[at+2:]...)
	}
}

func TestVocabulariesAreOpenAIs(t *testing.T) {
	for name, want := range map[string]string{
		"o200k":  "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
		"cl100k": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
	} {
		if got := oracles[name]().digest(); got != want {
			t.Errorf("%s: the digest of the vocabulary is %s, tiktoken_ext/openai_public.py says %s", name, got, want)
		}
	}
}
