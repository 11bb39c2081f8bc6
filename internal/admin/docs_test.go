package admin_test

import (
	"compress/gzip"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"tollgate/api"
)

// docs gets the page as a browser does, without a key.
func (h *house) docs(t *testing.T, path string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r := request{method: "GET", path: path, header: map[string]string{"Authorization": ""}}
	for name, value := range header {
		r.header[name] = value
	}
	return h.send(t, r)
}

func TestTheDocsPage(t *testing.T) {
	h := newHouse(t)
	resp, page := h.docs(t, "/docs", nil)
	policy := resp.Header.Get("Content-Security-Policy")
	if resp.StatusCode != http.StatusOK || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Fatalf("%d, policy %q", resp.StatusCode, policy)
	}
	for _, op := range h.contract(t).ops {
		for _, want := range []string{`<article id="` + op.id + `"`, html.EscapeString(op.path), html.EscapeString(text(op.text["summary"]))} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %s", op.id, want)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		id, local := strings.CutPrefix(m[1], "#")
		switch {
		case local && !strings.Contains(page, ` id="`+id+`"`):
			t.Errorf("#%s leads nowhere", id)
		case !local:
			if resp, _ := h.docs(t, m[1], nil); resp.StatusCode != http.StatusOK || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %d", m[1], resp.StatusCode)
			}
		}
	}
	ids := regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1)
	seen := map[string]bool{}
	for _, m := range ids {
		if seen[m[1]] {
			t.Errorf("the id %s comes twice", m[1])
		}
		seen[m[1]] = true
	}
}

func TestTheDocsPageIsSmallAndKept(t *testing.T) {
	h := newHouse(t)
	plain, page := h.docs(t, "/docs", map[string]string{"Accept-Encoding": "identity"})
	small, packed := h.docs(t, "/docs", map[string]string{"Accept-Encoding": "br, gzip;q=0.5"})
	r, err := gzip.NewReader(strings.NewReader(packed))
	must(t, err)
	unpacked, err := io.ReadAll(r)
	must(t, err)
	if string(unpacked) != page || small.Header.Get("Content-Encoding") != "gzip" || len(packed) > len(page)/5 {
		t.Errorf("%d bytes packed, %d plain", len(packed), len(page))
	}
	if plain.Header.Get("ETag") == small.Header.Get("ETag") || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("both forms are %s", plain.Header.Get("ETag"))
	}
	if refused, _ := h.docs(t, "/docs", map[string]string{"Accept-Encoding": "gzip;q=0"}); refused.Header.Get("Content-Encoding") != "" {
		t.Error("gzip was refused and sent")
	}
	again, body := h.docs(t, "/docs", map[string]string{"Accept-Encoding": "gzip", "If-None-Match": small.Header.Get("ETag")})
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("asked again: %d with %d bytes", again.StatusCode, len(body))
	}
	if code := h.code(t, request{method: "POST", path: "/docs"}); code != "method_not_allowed" {
		t.Errorf("POST: %s", code)
	}
}

var curlLine = regexp.MustCompile(`(?s)<pre class="curl"[^>]*><code>(.*?)</code></pre>`)

// The lines for curl do what they say: a shell parts each into its words, and what
// curl would send is sent.
func TestTheLinesForCurlWork(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no shell, so the lines for curl cannot be tried")
		}
		t.Skip("*** There is no shell: the lines for curl are NOT tried. ***")
	}
	h := newHouse(t)
	th := things{h, h.contract(t)}
	_, err = h.UpdateOrganization(t.Context(), api.OrganizationInput{Recoverable: api.Set(true)}) // what is made can be revealed
	must(t, err)
	_, page := h.docs(t, "/docs", nil)
	lines := curlLine.FindAllStringSubmatch(page, -1)
	if len(lines) != len(th.c.ops) {
		t.Errorf("%d lines, %d operations", len(lines), len(th.c.ops))
	}
	for _, m := range lines {
		line := html.UnescapeString(m[1])
		cmd := exec.CommandContext(t.Context(), shell, "-c", `curl() { printf '%s\0' "$@"; }; `+th.real(t, line))
		cmd.Env = []string{"TOLLGATE_TOKEN=" + rootKey}
		words, err := cmd.Output()
		must(t, err)
		r := asCurl(t, strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00"))
		th.grant(t, r.path)
		if strings.HasSuffix(r.path, "/ledger") { // of a key that has a balance
			h.change(t, strings.Split(r.path, "/")[4], "open", "1")
		}
		resp, body := h.send(t, r)
		absent := strings.Contains(r.path, "/default?") && strings.Contains(body, `"not_found"`) // nobody has chosen one
		if resp.StatusCode > 299 && !absent {
			t.Errorf("%s\n%d %s", line, resp.StatusCode, body)
		}
	}
}

// asCurl is what curl sends with these arguments.
func asCurl(t *testing.T, args []string) request {
	t.Helper()
	r := request{method: "GET", header: map[string]string{}}
	for i := 0; i < len(args); i++ {
		switch word := args[i]; word {
		case "-X", "-H", "-d":
			i++
			name, value, _ := strings.Cut(args[i], ": ")
			switch word {
			case "-X":
				r.method = args[i]
			case "-H":
				r.header[name] = value
			case "-d":
				r.body = args[i]
				if r.method == "GET" {
					r.method = "POST"
				}
			}
		default:
			r.path = strings.TrimPrefix(word, "http://127.0.0.1:8080")
		}
	}
	if r.header["Authorization"] != "Bearer "+rootKey {
		t.Errorf("%q sends %q", args, r.header["Authorization"])
	}
	return r
}
