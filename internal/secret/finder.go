package secret

import (
	"encoding/base64"
	"encoding/hex"
	"sync"
	"sync/atomic"
)

// finder finds the first of several words in a text. It looks at the last two bytes
// of a window that is no longer than any word; as a rule no word has these there, and
// the window moves on by all of its length: most of a text is never looked at (Wu and
// Manber, "A fast algorithm for multi-pattern searching", 1994). There is one for each
// request, so making it takes little: it is put off until something is looked for, and
// of a word that is encoded no more is made than a window of it.
type finder struct {
	secrets []string
	made    sync.Once // covers the making of what follows, by make

	words  []begun
	wholes []atomic.Pointer[string] // of words, as far as they were needed
	window int                      // its length
	near   [1024]uint8              // for two bytes, how far behind its beginning a word has them; 0 = none has
	starts [256 / 64]uint64         // which bytes words begin with, a bit for each
}

// maxWindow is the longest window.
const maxWindow = 32

// word is text in an encoding.
type word struct {
	text string
	in   encoding
}

type encoding uint8

// The encodings. Base64 writes a text in one of three ways, by the bytes that share
// its first group of three with it.
const (
	plainly encoding = iota
	lowerHex
	upperHex
	base64At0
	base64At1
	base64At2
)

// whole appends to dst the word as it stands in a text; in base64, those of its digits
// that hold nothing but bits of it.
func (w word) whole(dst []byte) []byte {
	switch from := len(dst); w.in {
	case plainly:
		return append(dst, w.text...)
	case lowerHex:
		return hex.AppendEncode(dst, []byte(w.text))
	case upperHex:
		dst = hex.AppendEncode(dst, []byte(w.text))
		for i := from; i < len(dst); i++ {
			if dst[i] >= 'a' {
				dst[i] -= 'a' - 'A'
			}
		}
		return dst
	default:
		before := int(w.in - base64At0)
		var room [2 + maxWindow]byte
		dst = base64.RawStdEncoding.AppendEncode(dst, append(room[:before], w.text...))
		last := from + 8*(before+len(w.text))/6
		return append(dst[:from], dst[from+(8*before+5)/6:last]...)
	}
}

// size is the length of whole.
func (w word) size() int {
	switch n := len(w.text); w.in {
	case plainly:
		return n
	case lowerHex, upperHex:
		return 2 * n
	default:
		before := int(w.in - base64At0)
		return 8*(before+n)/6 - (8*before+5)/6
	}
}

// begun is a word of which the beginning is made.
type begun struct {
	word
	length int // of the word as it stands in a text
	head   [maxWindow]byte
}

// add adds a word, which is not empty.
func (f *finder) add(w word) {
	if f.words == nil {
		f.words = make([]begun, 0, 6)
	}
	b := begun{word: w, length: w.size()}
	w.text = w.text[:min(len(w.text), maxWindow)]
	var room [2*maxWindow + 4]byte
	copy(b.head[:], w.whole(room[:0]))
	head := b.head[:min(b.length, maxWindow)]
	f.words = append(f.words, b)
	if f.window == 0 || len(head) < f.window {
		f.window = len(head)
	}
	f.starts[head[0]>>6] |= 1 << (head[0] & 63)
	for i := 1; i < f.window; i++ { // a window that gets shorter knows too much, and stops too early
		near := &f.near[block(head[i-1], head[i])]
		*near = max(*near, uint8(i))
	}
}

// block is where what is known of two bytes lies.
func block(a, b byte) int { return (int(a)*37 ^ int(b)*5) & 1023 }

// match is where a word stands, [at, end). An end of 0 is none: at is then from
// where on the text may end in the beginning of one; its length if it does not.
type match struct{ at, end int }

// next is the first word in text from i on, and of those that begin there the
// longest. Where text goes on (it is not final), a word that may be there, or be a
// longer one, is none yet.
func next[T string | []byte](f *finder, text T, i int, final bool) match {
	if f == nil {
		return match{at: len(text)}
	}
	f.made.Do(f.make)
	for last := f.window - 1; i+last < len(text); {
		if last > 0 {
			if near := int(f.near[block(text[i+last-1], text[i+last])]); near < last {
				i += last - near
				continue
			}
		}
		if end, open := at(f, text, i, final); open || end > 0 {
			return match{i, end}
		}
		i++
	}
	for ; !final && i < len(text); i++ {
		if _, open := at(f, text, i, final); open {
			return match{at: i}
		}
	}
	return match{at: len(text)}
}

// at is the end of the longest word that stands at i, 0 for none; open reports that
// what follows could still make it another.
func at[T string | []byte](f *finder, text T, i int, final bool) (end int, open bool) {
	if f.starts[text[i]>>6]&(1<<(text[i]&63)) == 0 {
		return 0, false
	}
	for j := range f.words {
		w := &f.words[j]
		n := min(w.length, len(text)-i)
		switch open := n < w.length; {
		case open && final, !open && i+n <= end, !stands(f, j, text, i, n):
		case open:
			return 0, true
		default:
			end = i + n
		}
	}
	return end, false
}

// stands reports whether the first n bytes of a word stand at i.
func stands[T string | []byte](f *finder, which int, text T, i, n int) bool {
	w := &f.words[which]
	if head := min(n, maxWindow); string(text[i:i+head]) != string(w.head[:head]) {
		return false
	}
	return n <= maxWindow || string(text[i+maxWindow:i+n]) == f.whole(which)[maxWindow:n]
}

// whole is a word as it stands in a text. It is made when the beginning of the word
// was found, and then kept: a text can be full of beginnings.
func (f *finder) whole(which int) string {
	if known := f.wholes[which].Load(); known != nil {
		return *known
	}
	made := string(f.words[which].whole(nil))
	f.wholes[which].Store(&made)
	return made
}
