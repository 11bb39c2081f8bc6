package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"tollgate/api"
	"tollgate/client"
)

// served is a server with the simulated provider, and its data directory.
func served(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	url, ended, err := serveFrom(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return url, dir
}

// tollgate runs the command line against a server.
func tollgate(t *testing.T, url, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, []string{"TOLLGATE_URL=" + url, "TOLLGATE_TOKEN=" + testRoot}, strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

// ask asks the demo model something with a key, and gives the status and the code
// of a refusal.
func ask(t *testing.T, base, key string) (status int, code string) {
	t.Helper()
	body := `{"model":"demo-mini","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct{ Error struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer.Error.Code
}

// Keys of each system go on working, with what they have spent, until their budget
// or balance is used up; and no key is in the data directory or in what is printed.
func TestKeysOfEachSystemGoOnWorking(t *testing.T) {
	const (
		liteLLM = "sk-planted-litellm-0123456789"
		newAPI  = "plantednewapi0123456789plantednewapi0123456789ab"
		enclava = "en_planted-enclava-0123456789abcdef"
		aether  = "sk-planted-aether-0123456789abcdef"
		smarter = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"
	)
	hash, err := bcrypt.GenerateFromPassword([]byte(enclava), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512([]byte(smarter))
	url, dir := served(t)
	cl := client.New(url, testRoot)
	for from, tt := range map[string]struct {
		key, file string
		flags     []string
		before    string // what it had spent
		full      bool   // and all that it may
	}{
		"litellm": {
			liteLLM, fmt.Sprintf(`{"token":"%x","key_alias":"litellm","spend":2.5,"max_budget":5,"created_at":"2025-01-01T00:00:00Z"}`, sha256.Sum256([]byte(liteLLM))), nil, "2.50", false,
		},
		"new-api": {
			"sk-" + newAPI, `[{"id":1,"key":"` + newAPI + `","name":"new-api","status":1,"expired_time":-1,"remain_quota":0,"used_quota":625000,"unlimited_quota":false}]`, nil, "1.25", true,
		},
		"enclava": {
			enclava, `{"id":1,"name":"enclava","key_hash":"` + string(hash) + `","key_prefix":"` + enclava[:8] + `","scopes":["chat.completions"],"is_active":true,"is_unlimited":false,"budget_limit_cents":200,"budget_type":"monthly","total_cost":150}`, nil, "1.50", false,
		},
		"aether": {
			aether, fmt.Sprintf(`{"id":"a","name":"aether","key_hash":"%x","is_standalone":true,"rate_limit":10,"concurrent_limit":2,"current_balance_usd":1,"total_cost_usd":4}`, sha256.Sum256([]byte(aether))), nil, "4.00", false,
		},
		"smarter": {
			smarter, fmt.Sprintf(`{"key_id":"k","name":"smarter","digest":"%x","token_key":"%s","is_active":true}`, digest, smarter[:15]), []string{"--drop", "chatbots", "--set-scopes", "none"}, "0.00", false, // it opens models only because that is said
		},
	} {
		t.Run(from, func(t *testing.T) {
			if status, code := ask(t, url, tt.key); status != http.StatusUnauthorized || code != "key_invalid" {
				t.Fatalf("before the import: %d %s", status, code)
			}
			stdout, stderr, code := tollgate(t, url, tt.file, append([]string{"import", "--from", from, "-", "--ownerless"}, tt.flags...)...)
			if code != exitDone || strings.Contains(stdout+stderr, "planted") {
				t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
			}
			list, err := cl.Keys(t.Context(), client.KeyQuery{Search: from})
			if err != nil || list.Total != 1 {
				t.Fatalf("%d keys, %v", list.Total, err)
			}
			k := list.APIKeys[0]
			if k.TotalCostUSD != tt.before {
				t.Errorf("it has spent %s, want %s", k.TotalCostUSD, tt.before)
			}
			if tt.full {
				if status, code := ask(t, url, tt.key); status != http.StatusPaymentRequired || code != "balance_exhausted" {
					t.Errorf("with nothing left: %d %s", status, code)
				}
				return
			}
			for range 3 {
				if status, code := ask(t, url, tt.key); status != http.StatusOK {
					t.Fatalf("%d %s", status, code)
				}
			}
			after, err := cl.Key(t.Context(), k.ID)
			if err != nil || after.TotalCostUSD == tt.before || after.TotalRequests < 3 {
				t.Errorf("after three requests: %s, %d, %v", after.TotalCostUSD, after.TotalRequests, err)
			}
			// What it had spent counts against its budget.
			if after.BudgetLimitCents != nil {
				cents := after.TotalCostCents
				if _, err := cl.UpdateKey(t.Context(), k.ID, api.KeyInput{BudgetLimitCents: api.Set(cents)}); err != nil {
					t.Fatal(err)
				}
				if status, code := ask(t, url, tt.key); status != http.StatusPaymentRequired || code != "budget_exceeded" {
					t.Errorf("with a budget of what it has spent: %d %s", status, code)
				}
			}
		})
	}
	for _, secret := range []string{liteLLM, newAPI, enclava, aether, smarter} {
		if file := holding(t, dir, secret); file != "" {
			t.Errorf("%s holds a key", file)
		}
	}
}

// A key of Smarter gets a grant for the chatbot that it was linked to, and opens no
// model without one.
func TestALinkToAChatbotBecomesAGrant(t *testing.T) {
	const token = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e"
	url, _ := served(t)
	cl := client.New(url, testRoot)
	bots := map[string]api.Chatbot{}
	for _, name := range []string{"support", "other"} {
		bot, err := cl.CreateChatbot(t.Context(), api.ChatbotInput{Name: api.Set(name), Model: api.Set("demo-mini")})
		if err != nil {
			t.Fatal(err)
		}
		bots[name] = bot
	}
	raw, err := hex.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf(`{"key_id":"k","name":"linked","digest":"%x","token_key":"%s","is_active":true,"chatbots":["help"]}`, sha512.Sum512(raw), token[:15])
	stdout, stderr, code := tollgate(t, url, file, "import", "--from", "smarter", "-", "--chatbot", "help="+bots["support"].ID)
	if code != exitDone || strings.Contains(stdout, "Carried over otherwise") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	for name, want := range map[string]int{"support": 1, "other": 0} {
		grants, err := cl.ChatbotKeys(t.Context(), bots[name].ID, client.GrantQuery{})
		if err != nil || grants.Total != want {
			t.Errorf("%s: %d grants, %v", name, grants.Total, err)
		}
	}
	if status, code := ask(t, url, token); status != http.StatusForbidden {
		t.Errorf("without a chatbot: %d %s", status, code)
	}
}

// holding is a file under dir that holds a text, or "".
func holding(t *testing.T, dir, text string) (name string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			name = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// An answer that is lost on its way is asked for again; nothing is counted twice.
func TestAnImportOverABadLine(t *testing.T) {
	base, _ := served(t)
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	through := httputil.NewSingleHostReverseProxy(target)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/imports" || calls.Add(1) != 2 {
			through.ServeHTTP(w, r)
			return
		}
		lost := httptest.NewRecorder() // it is done, and nobody hears of it
		through.ServeHTTP(lost, r)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(bad.Close)
	const rows = 250
	var file strings.Builder
	for i := range rows {
		fmt.Fprintf(&file, `{"token":"%x","key_alias":"key %d","spend":0.01,"max_budget":1}`+"\n", sha256.Sum256(fmt.Append(nil, i)), i)
	}
	stdout, stderr, code := tollgate(t, bad.URL, file.String(), "import", "--from", "litellm", "-", "--json")
	var report importReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr)
	}
	if report.Created != rows-100 || report.Exists != 100 || len(report.Rows) != rows {
		t.Errorf("created %d, exists %d, of %d", report.Created, report.Exists, len(report.Rows))
	}
	usage, err := client.New(base, testRoot).Usage(t.Context(), client.UsageQuery{GroupBy: []string{"provider"}})
	if err != nil || len(usage.Series) != 1 || usage.Series[0].CostUSD != "2.50" || usage.Series[0].Requests != rows {
		t.Errorf("%+v, %v", usage.Series, err)
	}
}

// Whoever stops an import is told what was done, and the same command does the rest.
func TestAnImportThatIsStopped(t *testing.T) {
	base, _ := served(t)
	ctx, stop := context.WithCancel(t.Context())
	row := func(i int) string {
		return fmt.Sprintf(`{"token":"%x","key_alias":"key %d","spend":1}`+"\n", sha256.Sum256(fmt.Append(nil, i)), i)
	}
	given := 0
	file := readerFunc(func(b []byte) (int, error) {
		if given == 150 { // a first batch is under way or done by now
			stop()
		}
		given++
		return copy(b, row(given)), nil
	})
	var out, errs bytes.Buffer
	env := []string{"TOLLGATE_URL=" + base, "TOLLGATE_TOKEN=" + testRoot}
	if code := run(ctx, []string{"import", "--from", "litellm", "-"}, env, file, &out, &errs); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "goes on where it stopped") {
		t.Errorf("%q", errs.String())
	}
	var all strings.Builder
	for i := range 300 {
		all.WriteString(row(i + 1))
	}
	if _, stderr, code := tollgate(t, base, all.String(), "import", "--from", "litellm", "-"); code != exitDone {
		t.Fatal(stderr)
	}
	usage, err := client.New(base, testRoot).Usage(t.Context(), client.UsageQuery{GroupBy: []string{"provider"}})
	if err != nil || len(usage.Series) != 1 || usage.Series[0].CostUSD != "300.00" {
		t.Errorf("%+v, %v", usage.Series, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestProgressText(t *testing.T) {
	for want, got := range map[string]string{
		"[###############               ]  50 % 1,000 rows, 500 a second, 2s left": shareText(50, 100, 1000, "rows", 2*time.Second),
		"[##############################] 100 % 1 rows":                            shareText(120, 100, 1, "rows", 0),
		"[                              ]   0 % 0 rows":                            shareText(0, 100, 0, "rows", 0),
		"1,000 rows, 100 a second":                                                 shareText(5, 0, 1000, "rows", 10*time.Second),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var w bytes.Buffer
	p := (&terminal{stderr: io.Writer(&w)}).progress("rows")
	p.showShare(50, 100, 2) // no terminal
	p.end()
	if w.Len() > 0 {
		t.Errorf("%q", w.String())
	}
	p.live = true
	p.showShare(50, 100, 2)
	p.showShare(51, 100, 3) // too soon
	p.show(3, 4)
	p.end()
	if s := w.String(); strings.Count(s, "\n") != 1 || strings.Count(s, "\r") != 2 || !strings.Contains(s, "2 rows") || !strings.Contains(s, "3 of 4 rows") {
		t.Errorf("%q", s)
	}
}
