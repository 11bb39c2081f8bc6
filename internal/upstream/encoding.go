package upstream

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// decode takes gzip off an answer: it was not asked for, but some servers and
// the proxies before them compress whatever they are asked, and the meter has to
// read the answer. Of an answer in any other coding Content-Encoding stays, and
// not a byte is read: nobody could look for secrets in it.
func decode(resp *http.Response) {
	switch coding := codingOf(resp.Header); coding {
	case "":
		resp.Header.Del("Content-Encoding")
	case "gzip", "x-gzip":
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
		resp.Body = &unzipped{packed: resp.Body}
	default:
		resp.Header["Content-Encoding"] = []string{coding}
		resp.ContentLength = -1
		resp.Body = sealed{resp.Body}
	}
}

// codingOf is what an answer is coded in, the last coding last; "" = in nothing
// (RFC 9110 section 8.4).
func codingOf(h http.Header) string {
	var codings []string
	for _, line := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(strings.ToLower(line), ",") {
			if coding = strings.TrimSpace(coding); coding != "" && coding != "identity" {
				codings = append(codings, coding)
			}
		}
	}
	return strings.Join(codings, ", ")
}

// ErrCoded: the answer is coded in a way that is not read here, and that was not
// asked for.
var ErrCoded = errors.New("the answer is coded in a way that was not asked for (Content-Encoding)")

// sealed is the body of such an answer: it can only be closed.
type sealed struct{ body io.Closer }

// Read gives ErrCoded.
func (sealed) Read([]byte) (int, error) { return 0, ErrCoded }

// Close ends the answer.
func (s sealed) Close() error { return s.body.Close() }

// unzipped reads a gzip stream. The reader begins with the first Read, because
// making it waits for the stream's first bytes.
type unzipped struct {
	packed io.ReadCloser
	plain  *gzip.Reader
}

// Read gives decoded bytes as they come.
func (u *unzipped) Read(p []byte) (int, error) {
	if u.plain == nil {
		r, err := gzip.NewReader(u.packed)
		if errors.Is(err, io.EOF) {
			return 0, io.EOF // an empty body is no gzip stream, and is sent all the same
		} else if err != nil {
			return 0, err
		}
		u.plain = r
	}
	return u.plain.Read(p)
}

// Close ends the answer.
func (u *unzipped) Close() error { return u.packed.Close() }
