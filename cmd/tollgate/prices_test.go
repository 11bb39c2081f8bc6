package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A list is fetched from where nobody can change it on the way, also when an address
// leads on to another one.
func TestWhereListsAreFetched(t *testing.T) {
	for address, want := range map[string]bool{
		"https://models.dev/api.json": true, "https://127.0.0.1/x": true, "http://127.0.0.1:8080/x": true, "http://[::1]/x": true, "http://localhost/x": true,
		"http://models.dev/api.json": false, "http://127.0.0.1.example.com/": false, "http://10.0.0.1/": false, "ftp://127.0.0.1/": false, "https://": false, "file:///etc/passwd": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := fetchable(u) == nil; got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/list":
			_, _ = io.WriteString(w, "{}")
		case "/away":
			http.Redirect(w, r, "http://192.0.2.1/list", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	body, err := openList(t.Context(), &terminal{}, s.URL+"/list")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(body); err != nil || string(text) != "{}" {
		t.Errorf("%q, %v", text, err)
	}
	_ = body.Close()
	for path, want := range map[string]string{"/away": "by https only", "/round": "more than five times", "/none": "404"} {
		if _, err := openList(t.Context(), &terminal{}, s.URL+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range [][3]string{
		{"1", "2", " (+100 %)"}, {"2", "1", " (-50 %)"}, {"0.15", "0.16", " (+6.7 %)"}, {"3", "3.001", " (+0.0 %)"}, {"0", "1", ""}, {"1", "0", " (-100 %)"},
	} {
		if got := percent(tt[0], tt[1]); got != strings.ReplaceAll(tt[2], "+0.0", "+0") {
			t.Errorf("%s → %s: %q", tt[0], tt[1], got)
		}
	}
}
