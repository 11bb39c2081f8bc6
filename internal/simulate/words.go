package simulate

import "strings"

// Words of three letters: with the space before it, each is one token for the
// usual tokenisers and four bytes for those who only count bytes.
const wordRow = "one two six ten red sun sky sea day way car cat dog hat map pen cup box bus key air art bed big " +
	"boy can did end eye far few for get had has her him his hot how job law let lot low man may men new "

// words is the row many times over, so that most answers are one copy.
var words = strings.Repeat(wordRow, 64)

// appendWords writes the tokens from to to of the answer's endless text.
func appendWords(dst []byte, from, to int64) []byte {
	start, end := max(4*from-1, 0), max(4*to-1, 0)
	for start < end {
		at := int(start % int64(len(words)))
		n := min(int(end-start), len(words)-at)
		dst = append(dst, words[at:at+n]...)
		start += int64(n)
	}
	return dst
}
