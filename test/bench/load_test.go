package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestWrongAnswersAreNotFast: a target that answers anything but what the provider
// sends ends its round with an error that says what it did.
func TestWrongAnswersAreNotFast(t *testing.T) {
	const stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, answer string
		stream       bool
		says         string // "" = right
	}{
		{"right", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", false, ""},
		{"right in chunks", stream + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false, ""},
		{"status", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow", false, "slow"},
		{"shorter", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", false, "has 4 bytes, the provider's has 5"},
		{"longer", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!", false, "has 6 bytes"},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false, "cut within"},
		{"cut chunks", stream + "2\r\nhe\r\n", false, "cut between"},
		{"no end of the stream", stream + "5\r\nhello\r\n0\r\n\r\n", true, "a stream ends with"},
		{"nothing", "", false, "no answer"},
		{"endless", "HTTP/1.1 200 OK\r\n\r\nhello", false, "neither"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := &target{addr: answering(t, test.answer), keys: []string{"k"}}
			w, err := newCrew(scenario{conns: 1, prompt: 200, chunks: chunksIf(test.stream)}, target, 5)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			took, err := w.round(1)
			if (err == nil) != (test.says == "") || (err != nil && !strings.Contains(err.Error(), test.says)) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if err == nil && len(took) != 1 {
				t.Errorf("%d requests were measured, want 1", len(took))
			}
		})
	}
}

func chunksIf(stream bool) int {
	if stream {
		return 1
	}
	return 0
}

// answering is a server that gives one answer to each request it reads, and closes.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(c, answer)
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

func TestMedianAndRatio(t *testing.T) {
	rounds := func(cpu ...float64) []Round {
		var all []Round
		for _, c := range cpu {
			all = append(all, Round{CPUMicros: c})
		}
		return all
	}
	s := ScenarioResult{Targets: []*TargetResult{
		{Target: "rp", Rounds: rounds(100, 200, 100)},
		{Target: "tollgate", Rounds: rounds(130, 240, 150)},
	}}
	s.sum()
	if got := s.of("tollgate"); got.CPUMicros != 150 || got.RatioRP != 1.3 || got.RatioNginx != 0 {
		t.Errorf("got %+v", got)
	}
}
