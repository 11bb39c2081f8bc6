package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// scenario is one kind of load.
type scenario struct {
	name     string
	conns    int
	requests int           // of each round
	prompt   int           // bytes of the body, about
	escaped  bool          // many escapes in the prompt, as where JSON or source code is quoted
	chunks   int           // of text in a streamed answer; 0 = it is not streamed
	pace     time.Duration // between the chunks of a stream, so that each is passed on by itself
	goal     float64       // CPU compared with the bare reverse proxy's; 0 = none is set
	memory   int64         // goal for what its connections add to the resident memory, in MiB; 0 = none is set
}

// words are the tokens of an answer that is not streamed.
const words = 100

func allScenarios(quick bool) []scenario {
	all := []scenario{
		{name: "1kb/64", conns: 64, requests: 8000, prompt: 1 << 10, goal: 1.4},
		{name: "1kb/1", conns: 1, requests: 2500, prompt: 1 << 10},
		{name: "100kb/64", conns: 64, requests: 2000, prompt: 100 << 10, goal: 1.8},
		{name: "100kb-escaped/64", conns: 64, requests: 2000, prompt: 100 << 10, escaped: true, goal: 1.8},
		{name: "100kb/1", conns: 1, requests: 1000, prompt: 100 << 10},
		{name: "stream/64", conns: 64, requests: 320, prompt: 1 << 10, chunks: 100, pace: 2 * time.Millisecond, goal: 1.3},
		{name: "stream/1", conns: 1, requests: 10, prompt: 1 << 10, chunks: 100, pace: 300 * time.Microsecond},
		{name: "long-stream/16", conns: 16, requests: 16, prompt: 1 << 10, chunks: 1000, pace: 2 * time.Millisecond, goal: 1.2},
		{name: "open/1000", conns: 1000, requests: 1000, prompt: 1 << 10, chunks: 10, pace: 300 * time.Millisecond, memory: 100},
	}
	if quick {
		for i := range all {
			if s := &all[i]; s.requests > s.conns { // else it is the least already
				s.requests = max(s.requests/5, 10)
			}
		}
	}
	return all
}

// tokens are those of each answer.
func (s scenario) tokens() int64 {
	if s.chunks > 0 {
		return int64(s.chunks)
	}
	return words
}

// request is the bytes of a request to a target.
func (s scenario) request(host, key string) []byte {
	more, pace := `"stream":false`, ""
	if s.chunks > 0 {
		pace = fmt.Sprintf("X-Simulate-Chunks: %d\r\nX-Simulate-Chunk-Delay: %s\r\n", s.chunks, s.pace)
		more = `"stream":true,"stream_options":{"include_usage":true}`
	}
	body := fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":1024,%s,"messages":[{"role":"system","content":"You are helpful."},{"role":"user","content":"`, more)
	// An escape for each 60 bytes or so, or for each 19.
	lines := `Read what follows, and say in a few words which of its parts come first and why \"first\" is meant so.\n` +
		`Leave out what was said before, and give the reasons in the order of their weight.\n`
	if s.escaped {
		lines = `Which of these \"words\" come first, and why is that so?\n`
	}
	body += strings.Repeat(lines, max(s.prompt-len(body), 0)/len(lines)) + `"}]}`
	head := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json\r\nUser-Agent: OpenAI/Go 3.0.0\r\nX-Simulate-Output-Tokens: %d\r\n%sContent-Length: %d\r\n\r\n", host, key, s.tokens(), pace, len(body))
	return []byte(head + body)
}

// measure runs the rounds of a scenario, the targets taking turns. It begins no
// round after end, but always makes one.
func measure(ctx context.Context, s scenario, targets []*target, rounds int, end time.Time) (ScenarioResult, error) {
	result := ScenarioResult{Name: s.name, Connections: s.conns, RequestsPerRound: s.requests, Chunks: s.chunks, Goal: s.goal, MemoryGoalMiB: s.memory}
	var length int64
	var runs []*runOf
	for _, t := range targets {
		r := &runOf{target: t, result: &TargetResult{Target: t.name}}
		runs = append(runs, r)
		result.Targets = append(result.Targets, r.result)
		r.warmUp(s, length)
		if t.name == "direct" && r.crew != nil {
			length = r.crew.length
		}
	}
	defer func() {
		for _, r := range runs {
			r.close()
		}
	}()
	var longest time.Duration
	for round := range rounds {
		if round > 0 && time.Until(end) < longest {
			break
		}
		began := time.Now()
		for i := range runs {
			if ctx.Err() != nil {
				return result, ctx.Err()
			}
			runs[(i+round)%len(runs)].round(s) // each is first in its turn
		}
		longest = max(longest, time.Since(began))
		fmt.Fprintf(os.Stderr, "bench: %s, round %d of %d: %.1f s\n", s.name, round+1, rounds, time.Since(began).Seconds())
	}
	result.sum()
	return result, nil
}

// runOf is a target in a scenario.
type runOf struct {
	target *target
	crew   *crew
	result *TargetResult
	rested bool // nothing was asked of it since its last round ended
}

// warmUp opens the connections and sends a part of a round, not counted, whose
// first answer fixes the length of all where it is not known.
func (r *runOf) warmUp(s scenario, length int64) {
	r.target.answers = append(r.target.answers, s.tokens())
	var err error
	if r.crew, err = newCrew(s, r.target, length); err != nil {
		r.fail(err)
		return
	}
	if length == 0 {
		r.target.sent.Add(1)
		if r.crew.length, err = r.crew.conns[0].do(r.crew.requests[0]); err != nil {
			r.fail(err)
			return
		}
	}
	if s.memory > 0 {
		if r.target.pids != nil {
			forgetPeak(r.target.pids())
			r.result.RestMemoryBytes, _ = memory(r.target.pids())
		}
		return
	}
	if _, err := r.crew.round(max(s.requests/5, min(2*s.conns, s.requests))); err != nil {
		r.fail(err)
	}
}

func (r *runOf) round(s scenario) {
	if r.result.Failed != "" {
		return
	}
	before, err := r.cpu(r.rested)
	if err != nil {
		r.fail(err)
		return
	}
	began := time.Now()
	took, err := r.crew.round(s.requests)
	span := time.Since(began)
	if err != nil {
		r.fail(err)
		return
	}
	after, err := r.cpu(false)
	if err != nil {
		r.fail(err)
		return
	}
	r.rested = true
	if r.target.pids != nil {
		r.result.MemoryBytes, r.result.PeakMemoryBytes = memory(r.target.pids())
	}
	r.result.Rounds = append(r.result.Rounds, Round{
		CPUMicros: float64((after - before).Nanoseconds()) / 1e3 / float64(len(took)),
		PerSecond: float64(len(took)) / span.Seconds(),
	})
	r.result.took = append(r.result.took, took...)
}

// cpu is the target's CPU time once it is at rest; 0 for the direct way.
func (r *runOf) cpu(rested bool) (time.Duration, error) {
	switch {
	case r.target.pids == nil:
		return 0, nil
	case rested: // since its last round
		return cpuTime(r.target.pids())
	}
	return atRest(r.target.pids())
}

func (r *runOf) fail(err error) {
	r.result.Failed = fmt.Sprintf("%.400s", err.Error())
	r.close()
}

func (r *runOf) close() {
	if r.crew != nil {
		r.crew.close()
	}
}
