package tokens

import (
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

// Texts calls yield with each text of a request, which is only lent until yield
// returns, and returns a bound of all tokens that are in none of them.
type Texts = func(yield func(text []byte)) (rest int64)

// Options are a Counter's figures; zero takes the default.
type Options struct {
	MaxBytes int // how much of one request is tokenised, a few MiB a second; 1 MiB
}

// Counter counts tokens. A vocabulary, of a few MiB, is loaded when the first
// request needs it, in some 50 ms. It is safe for concurrent use.
type Counter struct {
	maxBytes int
	codecs   map[encoding]func() tokenizer.Codec
}

// New makes a Counter.
func New(opts Options) *Counter {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 1 << 20
	}
	return &Counter{maxBytes: opts.MaxBytes, codecs: map[encoding]func() tokenizer.Codec{
		o200k:  load(tokenizer.O200kBase),
		cl100k: load(tokenizer.Cl100kBase),
	}}
}

func load(name tokenizer.Encoding) func() tokenizer.Codec {
	return sync.OnceValue(func() tokenizer.Codec {
		codec, err := tokenizer.Get(name)
		if err != nil {
			return nil // the library has lost a vocabulary; bytes are counted then
		}
		return codec
	})
}

// Bound is a number of tokens that the provider's count of the texts and the
// rest does not pass. providerKind and model are as the catalogue has them; an
// Azure deployment is taken for the model it is named after, as its price is.
// exact says that the tokeniser is known: then only what cannot be counted for
// certain counts by its bytes, and otherwise all of it.
func (c *Counter) Bound(providerKind, model string, texts Texts) (tokens int64, exact bool) {
	codec := c.codec(encodingOf(providerKind, model))
	t := c.tally(codec)
	rest := texts(t.add)
	return t.tokens + t.uncounted + rest, codec != nil
}

// Knows reports whether the tokeniser of a model is known: whether it is OpenAI's.
func (c *Counter) Knows(providerKind, model string) bool {
	return encodingOf(providerKind, model) != unknown
}

// Estimate is about how many tokens the texts have, for any model: what o200k
// makes of them. Tokenisers of other providers differ from it by a fifth or so
// on prose. What is not counted is taken for three bytes a token.
func (c *Counter) Estimate(texts Texts) int64 {
	t := c.tally(c.codec(o200k))
	texts(t.add)
	return t.tokens + (t.uncounted+2)/3
}

// codec is nil where there is none.
func (c *Counter) codec(e encoding) tokenizer.Codec {
	if get, ok := c.codecs[e]; ok {
		return get()
	}
	return nil
}

func (c *Counter) tally(codec tokenizer.Codec) *tally { return &tally{codec: codec, left: c.maxBytes} }

// chunkBytes is about how much the library is given at once: it copies what it
// gets several times over.
const chunkBytes = 4 << 10

// tally adds up one request.
type tally struct {
	codec     tokenizer.Codec // nil = unknown
	left      int             // bytes that may still be tokenised
	tokens    int64
	uncounted int64 // bytes that were not tokenised
}

// add counts one text. Certain runs that follow each other are tokenised
// together.
func (t *tally) add(text []byte) {
	if t.codec == nil || t.left <= 0 {
		t.uncounted += int64(len(text))
		return
	}
	from := 0 // of what is to be tokenised next
	for at := 0; at < len(text); {
		end, certain := run(text, at)
		if !certain {
			t.count(text[from:at])
			t.uncounted += int64(end - at)
			from = end
		} else if end-from >= chunkBytes {
			t.count(text[from:end])
			from = end
		}
		at = end
	}
	t.count(text[from:])
}

// count tokenises a piece, as long as there is an allowance.
func (t *tally) count(piece []byte) {
	if len(piece) == 0 {
		return
	}
	if len(piece) > t.left {
		t.left = 0
		t.uncounted += int64(len(piece))
		return
	}
	t.left -= len(piece)
	n, err := t.codec.Count(string(piece))
	if err != nil { // only a regular expression's time-out, and none is set
		n = len(piece)
	}
	t.tokens += int64(n)
}
