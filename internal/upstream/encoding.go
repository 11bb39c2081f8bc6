package upstream

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
)

// decode takes gzip off an answer: it was not asked for, but some servers and
// the proxies before them compress whatever they are asked, and the meter has to
// read the answer. Other codings stay, and their Content-Encoding with them.
func decode(resp *http.Response) {
	switch resp.Header.Get("Content-Encoding") {
	case "gzip", "x-gzip":
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
		resp.Body = &unzipped{packed: resp.Body}
	}
}

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
