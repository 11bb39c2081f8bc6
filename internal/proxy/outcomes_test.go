package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/internal/config"
	"tollgate/internal/simulate"
)

const outputCap = 50

// expected is what a row of the table wants: what the caller sees, and what the
// ledger has under a hard limit and otherwise.
type expected struct {
	name       string
	model      string            // demo-large
	header     map[string]string // how the provider behaves
	status     int               // that a plain request sees
	streamed   int               // that a stream sees; 0 = the same
	code       string            // of the error; "" = the provider's own, or none
	hard, soft string            // outcome
	event      bool              // a stream ends with an error event
}

// The demo's prices of demo-large in nano-dollars a token.
const inPrice, outPrice = 2_500, 10_000

func table() []expected {
	fault := func(f string) map[string]string {
		return map[string]string{"X-Simulate-Fault": f, "X-Simulate-Output-Tokens": "40", "X-Simulate-Reasoning-Tokens": "16", "X-Simulate-Chunks": "6"}
	}
	return []expected{
		{name: "finished with usage", header: fault(""), status: 200, hard: "settled", soft: "settled"},
		{name: "usage twice", header: fault("usage-twice"), status: 200, hard: "settled", soft: "settled"},
		{name: "finished without usage", header: fault("no-usage"), status: 200, hard: "estimated", soft: "estimated"},
		{name: "provider's 400", header: fault("status=400"), status: 400, hard: "failed", soft: "failed"},
		{name: "provider's 401", header: fault("status=401"), status: 401, hard: "failed", soft: "failed"},
		{name: "provider's 429", header: fault("status=429"), status: 429, hard: "failed", soft: "failed"},
		{name: "provider's 500", header: fault("status=500"), status: 500, hard: "failed", soft: "failed"},
		{name: "provider's 529", header: fault("status=529"), status: 529, hard: "failed", soft: "failed"},
		{name: "never sent", model: "dead/ghost", status: 502, code: "upstream_unavailable", hard: "failed", soft: "failed"},
		{name: "sent and cut off", header: fault("cut-before"), status: 502, code: "upstream_unavailable", hard: "unconfirmed", soft: "estimated"},
		{name: "sent and no answer in time", header: fault("hang"), status: 504, code: "upstream_timeout", hard: "unconfirmed", soft: "estimated"},
		{name: "broke in the middle", header: fault("cut"), status: 502, streamed: 200, code: "upstream_unavailable", hard: "unconfirmed", soft: "estimated", event: true},
	}
}

// TestOutcomes goes through the ways in which a request can end.
func TestOutcomes(t *testing.T) {
	g := open(t, func(c *config.Config) { c.Upstream.ResponseHeaderTimeout = 150 * time.Millisecond })
	for _, limited := range []string{"budget", "tokens", "soft", "none"} {
		for _, stream := range []bool{false, true} {
			for _, c := range table() {
				t.Run(fmt.Sprintf("%s/stream=%t/%s", limited, stream, c.name), func(t *testing.T) {
					g.t = t
					g.provider.Reset()
					key := g.key(limitedBy(limited))
					r := g.do(ask{key: key.SecretKey, model: c.model, stream: stream, max: outputCap, header: c.header})
					// The entry is there as soon as the answer has ended: no waiting.
					rows := g.rows(key.APIKey.ID)
					if len(rows) != 1 {
						t.Fatalf("%d entries, not 1", len(rows))
					}
					c.seen(t, r, stream)
					c.booked(t, rows[0], limited == "budget" || limited == "tokens", r, g.provider.Served())
					g.reconciled(key, rows)
				})
			}
		}
	}
}

func limitedBy(name string) api.KeyInput {
	in := api.KeyInput{ConcurrentLimit: api.Set[int64](10)}
	switch name {
	case "budget":
		in.BudgetLimitCents = api.Set[int64](100)
	case "soft":
		in.BudgetLimitCents, in.BudgetMode = api.Set[int64](100), api.Set("soft")
	case "tokens":
		in.TokensPerDay = api.Set[int64](1_000_000)
	}
	return in
}

// seen checks what the caller got.
func (c *expected) seen(t *testing.T, r reply, stream bool) {
	t.Helper()
	status, begun := c.status, false
	if stream && c.streamed != 0 {
		status, begun = c.streamed, true
	}
	switch {
	case r.status != status:
		t.Errorf("status %d, not %d: %s", r.status, status, r.body)
	case status == 200 && !begun && !r.complete(stream):
		t.Errorf("the answer is not whole: %s", r.body)
	case status != 200 && c.code != "" && r.fault.Error.Code != c.code:
		t.Errorf("code %q, not %s", r.fault.Error.Code, c.code)
	case status != 200 && c.code == "" && !strings.Contains(r.body, "simulated: "):
		t.Errorf("not the provider's own words: %s", r.body)
	case stream && c.event && (!strings.Contains(r.body, `data: {"error":{`) || strings.Contains(r.body, "[DONE]")):
		t.Errorf("a stream that broke and does not say so: %s", r.body)
	}
	if !strings.HasPrefix(r.header.Get("X-Request-Id"), "req_") {
		t.Errorf("x-request-id is %q", r.header.Get("X-Request-Id"))
	}
}

// booked checks the entry.
func (c *expected) booked(t *testing.T, row api.UsageRow, hard bool, r reply, served []simulate.Served) {
	t.Helper()
	outcome := c.soft
	if hard {
		outcome = c.hard
	}
	if row.Outcome != outcome || row.Status != r.status && !c.event || row.RequestID != r.header.Get("X-Request-Id") {
		t.Errorf("entry %s with status %d (%s), want %s with %d (%s)", row.Outcome, row.Status, row.RequestID, outcome, r.status, r.header.Get("X-Request-Id"))
	}
	cost := fmt.Sprint(row.CostUSD)
	price := usd(row.InputTokens*inPrice + row.OutputTokens*outPrice)
	switch outcome {
	case "failed":
		if row.InputTokens+row.OutputTokens+row.CacheReadTokens != 0 || cost != "0.00" {
			t.Errorf("nothing was used, booked is %+v", row)
		}
	case "settled":
		s := served[0]
		if row.InputTokens != s.InputTokens || row.OutputTokens != s.OutputTokens || row.ReasoningTokens != s.ReasoningTokens || cost != price {
			t.Errorf("billed %+v, booked %+v", s, row)
		}
	case "unconfirmed":
		s := served[0]
		if row.OutputTokens != outputCap || row.InputTokens < s.InputTokens || nano(t, cost) < nano(t, price) {
			t.Errorf("the hold for %d output tokens is to be booked, not %+v", outputCap, row)
		}
	case "estimated":
		if row.InputTokens == 0 || cost != price || cost == "0.00" || (row.OutputTokens == 0) != strings.HasPrefix(c.name, "sent and ") {
			t.Errorf("estimated as %+v", row)
		}
	}
}

// reconciled checks that the totals of a key are those of its entries, and that
// nothing is held.
func (g *gate) reconciled(key api.KeyCreated, rows []api.UsageRow) {
	g.t.Helper()
	var tokens, spent int64
	for _, row := range rows {
		tokens += row.InputTokens + row.CacheReadTokens + row.CacheWriteTokens + row.OutputTokens
		spent += nano(g.t, row.CostUSD)
	}
	shown, err := g.admin.Key(g.t.Context(), key.APIKey.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	if shown.TotalRequests != int64(len(rows)) || shown.TotalTokens != tokens || nano(g.t, shown.TotalCostUSD) != spent {
		g.t.Errorf("the key's totals are %d, %d, %s; its entries' %d, %d, %d nano", shown.TotalRequests, shown.TotalTokens, shown.TotalCostUSD, len(rows), tokens, spent)
	}
	for field, l := range g.limits(key) {
		if l.Held != (api.Amount{}) && figure(l.Held) != 0 {
			g.t.Errorf("%s: %d held with nothing in flight", field, figure(l.Held))
		}
		switch used := figure(l.Used); {
		case field == "budget_limit_cents" && used != spent, field == "tokens_per_day" && used != tokens:
			g.t.Errorf("%s: %d used, the entries say %d tokens and %d nano", field, used, tokens, spent)
		}
	}
}

// limits are the counters of the key's own limits.
func (g *gate) limits(key api.KeyCreated) map[string]api.ExplainLimit {
	g.t.Helper()
	result, err := g.admin.Explain(g.t.Context(), api.ExplainRequest{Key: key.SecretKey, Model: "demo-large"})
	if err != nil {
		g.t.Fatalf("explain: %v", err)
	}
	all := map[string]api.ExplainLimit{}
	for _, step := range result.Steps {
		if step.Limit != nil && step.Limit.SubjectID == key.APIKey.ID {
			all[step.Rule] = *step.Limit
		}
	}
	return all
}

// TestCallerLeft drops the connection in the middle and looks what is booked.
func TestCallerLeft(t *testing.T) {
	quick := map[string]string{"X-Simulate-Chunk-Delay": "10ms", "X-Simulate-Chunks": "20", "X-Simulate-Output-Tokens": "40"}
	endless := map[string]string{"X-Simulate-Fault": "hang-mid", "X-Simulate-Chunks": "20", "X-Simulate-Output-Tokens": "40"}
	for _, c := range []struct {
		name, mode, limited string
		header              map[string]string
		outcome             string
		cancelled           bool // the provider sees the gate go
	}{
		{"auto, hard", "auto", "budget", quick, "settled", false},
		{"auto, not hard", "auto", "none", endless, "estimated", true},
		{"auto, soft", "auto", "soft", endless, "estimated", true},
		{"drain, not hard", "drain", "none", quick, "settled", false},
		{"cancel, hard", "cancel", "budget", endless, "estimated", true},
		{"drain takes too long, hard", "auto", "tokens", endless, "unconfirmed", true},
		{"drain takes too long, not hard", "drain", "none", endless, "estimated", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, func(cfg *config.Config) { cfg.OnDisconnect, cfg.DrainTimeout = c.mode, time.Second })
			key := g.key(limitedBy(c.limited))
			g.leaveStream(ask{key: key.SecretKey, stream: true, max: outputCap, header: c.header})
			row := g.row(key.APIKey.ID)
			s := g.provider.Served()[0]
			if row.Outcome != c.outcome {
				t.Errorf("%s, not %s", row.Outcome, c.outcome)
			}
			switch row.Outcome {
			case "settled":
				if row.OutputTokens != s.OutputTokens || row.InputTokens != s.InputTokens {
					t.Errorf("billed %+v, booked %+v", s, row)
				}
			case "estimated":
				if row.InputTokens == 0 || row.OutputTokens == 0 || row.OutputTokens >= s.OutputTokens {
					t.Errorf("the prompt and what was relayed, not %+v", row)
				}
			case "unconfirmed":
				if row.OutputTokens != outputCap {
					t.Errorf("the hold, not %+v", row)
				}
			}
			if c.cancelled {
				g.eventually("the provider to be left", func() bool { return g.provider.Stats().InFlight == 0 })
			}
			g.reconciled(key, []api.UsageRow{row})
		})
	}
}

// leaveStream asks, reads the first event with text, and goes.
func (g *gate) leaveStream(a ask) {
	g.t.Helper()
	ctx, leave := context.WithCancel(g.t.Context())
	defer leave()
	resp, err := g.http.Do(g.request(ctx, a))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), `"delta":{"content":"one`) {
	}
	if resp.StatusCode != http.StatusOK {
		g.t.Fatalf("status %d", resp.StatusCode)
	}
}

// TestCallerLeftBeforeTheAnswer drops the connection while the provider thinks.
func TestCallerLeftBeforeTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name, mode, limited, latency, outcome string
		stream                                bool
	}{
		{"drain, in time", "auto", "budget", "200ms", "settled", false},
		{"drain, in time, streamed", "auto", "budget", "200ms", "settled", true},
		{"drain, too late", "auto", "budget", "1m", "unconfirmed", false},
		{"cancel", "auto", "none", "1m", "estimated", false},
		{"cancel, streamed", "cancel", "none", "1m", "estimated", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := open(t, func(cfg *config.Config) { cfg.OnDisconnect, cfg.DrainTimeout = c.mode, time.Second })
			key := g.key(limitedBy(c.limited))
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				g.eventually("the provider", func() bool { return g.provider.Stats().InFlight > 0 })
				leave()
			}()
			if resp, err := g.http.Do(g.request(ctx, ask{key: key.SecretKey, stream: c.stream, max: outputCap, header: map[string]string{"X-Simulate-Latency": c.latency}})); err == nil {
				resp.Body.Close()
				t.Fatal("answered")
			}
			row := g.row(key.APIKey.ID)
			if row.Outcome != c.outcome || row.InputTokens == 0 {
				t.Errorf("%s with %d input tokens, not %s", row.Outcome, row.InputTokens, c.outcome)
			}
			g.reconciled(key, []api.UsageRow{row})
		})
	}
}
