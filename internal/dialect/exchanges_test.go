package dialect_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"tollgate/internal/dialect"
)

// exchange is a request and its answer as a provider gives it: a file of
// testdata/exchanges. They are made up, in the providers' published formats.
type exchange struct {
	name    string
	route   *dialect.Route
	url     *url.URL
	request []byte
	answer  string
	shape   dialect.Shape
	want    string // as summary writes it
}

// exchanges are those of a folder.
func exchanges(t testing.TB, folder string) (list []exchange) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "exchanges", folder, "*.txtar"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d exchanges of %s: %v", len(files), folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x := exchange{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), url: &url.URL{Path: paths[folder]}}
		for _, f := range txtar.Parse(data).Files {
			switch f.Name {
			case "url":
				if x.url, err = url.Parse(strings.TrimSpace(string(f.Data))); err != nil {
					t.Fatal(err)
				}
			case "request.json":
				x.request = f.Data
			case "answer.json":
				x.answer = string(f.Data)
			case "answer.sse":
				x.answer, x.shape = string(f.Data), dialect.Events
			case "answer.bytes":
				x.answer, x.shape = string(f.Data), dialect.Bytes
			case "answer.list":
				x.answer, x.shape = string(f.Data), dialect.List
			case "want":
				x.want = strings.TrimSpace(string(f.Data))
			default:
				t.Fatalf("%s: what is %s?", file, f.Name)
			}
		}
		if x.route, err = dialect.Find("POST", x.url.Path, nil); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// folders are those of exchanges: a format's, or a route's.
var folders = []string{"openai", "anthropic", "gemini", "cohere", "responses", "media"}

// paths are where the requests of a folder mostly go.
var paths = map[string]string{"openai": chat, "anthropic": messages, "cohere": cohereChat, "responses": responses}

// summary is what was seen, but for the bytes.
func (s seen) summary() string {
	u := s.tally.Usage
	var words []string
	if s.tally.UpstreamID != "" {
		words = append(words, "id="+s.tally.UpstreamID)
	}
	for _, n := range []struct {
		name string
		n    int64
	}{
		{"input", u.Input},
		{"cache_read", u.CacheRead},
		{"cache_write", u.CacheWrite},
		{"cache_write_1h", u.CacheWrite1h},
		{"input_audio", u.InputAudio},
		{"output", u.Output},
		{"reasoning", u.Reasoning},
		{"output_audio", u.OutputAudio},
		{"searches", u.Searches},
		{"seconds", u.Seconds},
		{"images", s.tally.Images},
		{"long", s.tally.Seconds},
		{"seen", s.tally.Seen},
	} {
		if n.n != 0 {
			words = append(words, fmt.Sprintf("%s=%d", n.name, n.n))
		}
	}
	for _, is := range []struct {
		name string
		is   bool
	}{{"reported", s.tally.Reported}, {"final", s.tally.Final}, {"finished", s.tally.Finished}, {"failed", s.failed}} {
		if is.is {
			words = append(words, is.name)
		}
	}
	return strings.Join(words, " ")
}

// TestExchanges reads each request, and takes the usage from its answer however
// that is cut: at every place into two, into single bytes, with any line ends.
func TestExchanges(t *testing.T) {
	for _, folder := range folders {
		for _, x := range exchanges(t, folder) {
			t.Run(folder+"/"+x.name, func(t *testing.T) {
				x.check(t)
				if x.shape == dialect.Events {
					x.answer = strings.ReplaceAll(x.answer, "\n", "\r\n")
					x.check(t)
					x.answer = strings.ReplaceAll(x.answer, "\r\n", "\r")
					x.check(t)
				}
			})
		}
	}
}

func (x *exchange) check(t *testing.T) {
	t.Helper()
	whole := x.tapped(len(x.answer))
	if got := whole.summary(); got != x.want {
		t.Fatalf("\n got %s\nwant %s", got, x.want)
	}
	if whole.relayed != x.answer {
		t.Error("the answer was changed")
	}
	for cut := range len(x.answer) {
		if got := x.tapped(cut); got != whole {
			t.Fatalf("cut at %d\n got %s\nwant %s", cut, got.summary(), whole.summary())
		}
	}
	if got := tappedAs(t, x.route.Path, x.answer, x.shape, false, 1); got != whole {
		t.Fatalf("byte by byte\n got %s\nwant %s", got.summary(), whole.summary())
	}
	x.checkBound(t, whole)
}

// tapped sends the answer through a tap in two pieces.
func (x *exchange) tapped(cut int) seen {
	tap := dialect.NewTap(x.route, x.shape, false)
	relayed := string(tap.Write([]byte(x.answer[:cut])))
	relayed += string(tap.Write([]byte(x.answer[cut:])))
	tap.Ended()
	relayed += string(tap.Close())
	return seen{relayed, tap.Tally(), tap.Failed()}
}

// checkBound holds the bound on the input against what the provider reported,
// and the cap against what was written. Tools that the provider runs, and
// compactions, read more than the request has; the gate refuses those where a
// limit is hard.
func (x *exchange) checkBound(t *testing.T, s seen) {
	t.Helper()
	call, err := dialect.Read(x.route, x.url, x.request)
	if err != nil {
		t.Fatal(err)
	}
	if !s.tally.Reported || call.HostedTools || call.WebSearch || call.Override != "" || strings.Contains(x.name, "cached") {
		return // the requests with a cache are not shown whole
	}
	u := s.tally.Usage
	if bound := call.InputBound(dialect.Figures{}, 1_000_000); u.InputTokens() > bound {
		t.Errorf("read %d, at most %d were expected", u.InputTokens(), bound)
	}
	if call.MaxOutput > 0 && u.OutputTokens() > call.MaxOutput*call.Choices {
		t.Errorf("wrote %d, with a cap of %d", u.OutputTokens(), call.MaxOutput)
	}
}
