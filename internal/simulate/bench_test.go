package simulate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/simulate"
)

// BenchmarkServe is the provider's own part of a benchmark behind a gateway.
func BenchmarkServe(b *testing.B) {
	p := simulate.New(simulate.Options{})
	for _, test := range []struct{ name, body string }{
		{"1KB", fmt.Sprintf(chatBody, `,"user":"`+strings.Repeat("x", 900)+`"`)},
		{"100KB", fmt.Sprintf(chatBody, `,"user":"`+strings.Repeat("x", 100_000)+`"`)},
		{"stream100", fmt.Sprintf(chatBody, `,"stream":true,"n":1`)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(test.body))
				p.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
