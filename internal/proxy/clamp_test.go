package proxy_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tollgate/api"
)

var capPattern = regexp.MustCompile(`"(max_tokens|max_completion_tokens)":\s*(\d+)`)

// caps are the output caps in a body, by field.
func caps(body string) map[string]int64 {
	all := map[string]int64{}
	for _, m := range capPattern.FindAllStringSubmatch(body, -1) {
		n, _ := strconv.ParseInt(m[2], 10, 64)
		all[m[1]] += n
	}
	return all
}

// TestCapIsWritten asks whether the cap that was held for is in the forwarded
// body, under a hard limit and only there, and nothing else of the body changes.
func TestCapIsWritten(t *testing.T) {
	g := open(t, nil)
	none := g.key(api.KeyInput{}).SecretKey
	soft := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](5000), BudgetMode: api.Set("soft")}).SecretKey
	budget := g.key(hard()).SecretKey
	tokens := g.key(api.KeyInput{TokensPerDay: api.Set[int64](1_000_000)}).SecretKey
	rest := `"messages" : [{"role":"user","content":"caf\u00e9 \ud83d\ude00"}] , "x" : 1.50e3 }`
	for _, c := range []struct {
		name, key, body, field string
		want                   int64 // 0 = no cap
	}{
		{"no limit, no cap", none, `{"model":"demo-large",` + rest, "", 0},
		{"soft, no cap", soft, `{"model":"demo-large",` + rest, "", 0},
		{"no limit, own cap", none, `{"model":"demo-large","max_tokens":77,` + rest, "max_tokens", 77},
		{"budget, no cap", budget, `{"model":"demo-large",` + rest, "max_tokens", 16384},
		{"tokens, no cap", tokens, `{"model":"demo-large",` + rest, "max_tokens", 16384},
		{"budget, null", budget, `{"model":"demo-large","max_tokens":null,` + rest, "max_tokens", 16384},
		{"budget, own cap", budget, `{"model":"demo-large","max_tokens": 77 ,` + rest, "max_tokens", 77},
		{"budget, openai's field", budget, `{"model":"gpt-4o-mini",` + rest, "max_completion_tokens", 16384},
	} {
		r := g.do(ask{key: c.key, body: c.body})
		_, sent := g.provider.latest()
		if r.status != 200 || c.want == 0 && len(caps(sent)) != 0 || c.want != 0 && (len(caps(sent)) != 1 || caps(sent)[c.field] != c.want) {
			t.Errorf("%s: status %d %s, sent %s", c.name, r.status, r.body[:min(200, len(r.body))], sent)
		}
		if !strings.HasSuffix(sent, rest) {
			t.Errorf("%s: the rest of the body is another: %s", c.name, sent)
		}
		if r.header.Get("X-Tollgate-Clamped") != "" {
			t.Errorf("%s: said to be clamped to %q", c.name, r.header.Get("X-Tollgate-Clamped"))
		}
	}
	// Some servers of OpenAI's format do not know the newer field: they get both.
	g.do(ask{key: budget, body: `{"model":"demo-large","max_completion_tokens":77,` + rest})
	if _, sent := g.provider.latest(); len(caps(sent)) != 2 || caps(sent)["max_tokens"] != 77 || caps(sent)["max_completion_tokens"] != 77 {
		t.Errorf("an own cap in the newer field: sent %s", sent)
	}
	for _, field := range []string{"max_tokens", "max_completion_tokens"} {
		for _, bad := range []string{"0", "-1", "1.5", "1e3", `"10"`, "true", "[1]", "99999999999999999999"} {
			g.do(ask{key: none, body: `{"model":"demo-large","` + field + `":` + bad + `,` + rest}).want(t, 400, "invalid_field")
		}
	}
	g.do(ask{key: none, body: `{"model":"demo-large","max_tokens":5,"max_completion_tokens":6,` + rest}).want(t, 400, "invalid_field")
}

// TestClamp gives each request less than it asks for, down to the least that is
// worth while, which is 64 tokens or the caller's own cap.
func TestClamp(t *testing.T) {
	g := open(t, nil)
	for _, c := range []struct {
		name    string
		room    int64 // for output
		max     int   // asked for; 0 = 16,384, the model's
		n       int
		clamped int64 // 0 = not; -1 = refused
	}{
		{"all of it", 500, 500, 1, 0},
		{"one too few", 499, 500, 1, 499},
		{"the model's maximum", 1000, 0, 1, 1000},
		{"just enough", 64, 500, 1, 64},
		{"one below", 63, 500, 1, -1},
		{"the caller wants less", 10, 10, 1, 0},
		{"less than the caller wants", 9, 10, 1, -1},
		{"nothing", 0, 1, 1, -1},
		{"three answers", 600, 500, 3, 200},
		{"three answers, just enough", 192, 500, 3, 64},
		{"three answers, one below", 191, 500, 3, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.t = t
			body := several(chat("demo-large", false, c.max), c.n)
			input := g.closestBound(body, c.n)
			key := g.key(api.KeyInput{TokensPerDay: api.Set(input + c.room), ConcurrentLimit: api.Set[int64](1)})
			r := g.do(ask{key: key.SecretKey, body: body, header: map[string]string{"X-Simulate-Output-Tokens": "16384"}})
			if c.clamped < 0 {
				r.want(t, http.StatusTooManyRequests, "tokens_limited")
				return
			}
			_, sent := g.provider.latest()
			if got := clampOf(r); r.status != 200 || got != c.clamped {
				t.Errorf("status %d %s, clamped to %q, not %d", r.status, r.fault.Error.Code, r.header.Get("X-Tollgate-Clamped"), c.clamped)
			} else if got != 0 && caps(sent)["max_tokens"] != got {
				t.Errorf("clamped to %d, sent %s", got, sent)
			}
			row := g.row(key.APIKey.ID)
			if row.InputTokens+row.OutputTokens > input+c.room || row.Outcome != "settled" {
				t.Errorf("a limit of %d and %+v", input+c.room, row)
			}
		})
	}
}

// several asks for n answers.
func several(body string, n int) string {
	if n == 1 {
		return body
	}
	return strings.Replace(body, "{", fmt.Sprintf(`{"n":%d,`, n), 1)
}

// closestBound is what is held for the input of a body once it is looked at
// closely: that of a like one which asks for more than there can be. Outside the
// prompt each byte counts.
func (g *gate) closestBound(body string, n int) int64 {
	g.t.Helper()
	like := several(chat("demo-large", false, 900_000), n)
	key := g.key(api.KeyInput{TokensPerDay: api.Set[int64](100_000)})
	g.do(ask{key: key.SecretKey, body: like, header: map[string]string{"X-Simulate-Fault": "cut-before"}})
	row := g.row(key.APIKey.ID)
	if row.Outcome != "unconfirmed" {
		g.t.Fatalf("%+v", row)
	}
	return row.InputTokens + int64(len(body)-len(like))
}

func clampOf(r reply) int64 {
	text, _ := strings.CutPrefix(r.header.Get("X-Tollgate-Clamped"), "max_tokens=")
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// TestClampOfMoney spends a budget to its end, plain and streamed.
func TestClampOfMoney(t *testing.T) {
	g := open(t, nil)
	key := g.key(api.KeyInput{BudgetLimitCents: api.Set[int64](3)})
	clamped := 0
	for i := 0; ; i++ {
		r := g.do(ask{key: key.SecretKey, stream: i%2 == 0, max: 900, header: map[string]string{"X-Simulate-Output-Tokens": "900"}})
		if r.status != http.StatusOK {
			r.want(t, http.StatusPaymentRequired, "budget_exceeded")
			break
		}
		if n := clampOf(r); n != 0 {
			clamped++
			if _, sent := g.provider.latest(); n < 64 || n >= 900 || caps(sent)["max_tokens"] != n {
				t.Errorf("clamped to %d, sent %s", n, sent)
			}
		}
		if i > 100 {
			t.Fatal("a budget without an end")
		}
	}
	if clamped == 0 {
		t.Error("nothing was clamped")
	}
	var billed int64
	for _, s := range g.provider.Served() {
		billed += s.InputTokens*inPrice + s.OutputTokens*outPrice
	}
	if l := g.limits(key)["budget_limit_cents"]; billed > 30_000_000 || figure(l.Used) != billed {
		t.Errorf("billed %d of 30,000,000, counted %d", billed, figure(l.Used))
	}
}

// TestBilledApart refuses under a budget what has no price in tokens.
func TestBilledApart(t *testing.T) {
	g := open(t, nil)
	budget, none := g.key(hard()).SecretKey, g.key(api.KeyInput{}).SecretKey
	for _, field := range []string{`"web_search_options":{}`, `"tools":[{"type":"web_search"}]`, `"service_tier":"priority"`} {
		body := strings.Replace(chat("demo-large", false, 10), "{", "{"+field+",", 1)
		g.do(ask{key: budget, body: body}).want(t, http.StatusForbidden, "model_unpriced")
		if r := g.do(ask{key: none, body: body}); r.status != http.StatusOK {
			t.Errorf("%s without a budget: %d %s", field, r.status, r.body)
		}
	}
}
