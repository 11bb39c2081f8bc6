package admin

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"

	"tollgate/internal/apidocs"
)

// mountDocs serves the OpenAPI document, and the page that is made of it: once, and
// not before somebody asks for it, so that it costs a start nothing.
func (s *service) mountDocs() {
	site := sync.OnceValue(func() apidocs.Site {
		site, err := apidocs.Render("/docs", s.openAPI)
		if err != nil {
			panic(err) // a mistake in the document or in the template, met by the first test
		}
		site["/openapi.json"] = apidocs.NewFile(s.openAPI, "application/json")
		return site
	})
	for _, path := range append(apidocs.Paths("/docs"), "/openapi.json") {
		s.mux.Handle("GET "+path, static(func() apidocs.File { return site()[path] }))
		s.methods[path] = []string{http.MethodGet}
	}
}

// static serves a file, small for who takes it so.
func static(file func() apidocs.File) http.Handler {
	small := sync.OnceValue(func() []byte { return compressed(file().Text) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := file()
		h, text, tag := w.Header(), f.Text, f.ETag
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			text, tag = small(), strings.TrimSuffix(tag, `"`)+`-gzip"`
		}
		h.Set("Vary", "Accept-Encoding")
		h.Set("Cache-Control", "no-cache") // asked for again, and not sent again
		h.Set("ETag", tag)
		h.Set("Content-Security-Policy", apidocs.Policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Type", f.MediaType)
		if r.Header.Get("If-None-Match") == tag {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method != http.MethodHead {
			_, _ = w.Write(text) // nobody left to tell
		}
	})
}

// acceptsGzip reports whether an Accept-Encoding names gzip and does not refuse it.
func acceptsGzip(header string) bool {
	for one := range strings.SplitSeq(header, ",") {
		coding, quality, _ := strings.Cut(strings.ReplaceAll(one, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			return strings.TrimRight(quality, "0.") != "q="
		}
	}
	return false
}

func compressed(text []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a known one
	_, _ = w.Write(text)                                  // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
