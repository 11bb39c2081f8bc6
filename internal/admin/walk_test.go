package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"tollgate/api"
)

// The walk asks every operation of the document thousands of wrong questions. A
// new operation is walked without a line here.

// leastCases is how many questions make a walk.
const leastCases = 5000

func TestEveryOperationWithstandsWhatIsWrong(t *testing.T) {
	score := &tally{statuses: map[int]int{}}
	c := newHouse(t).contract(t)
	t.Run("operations", func(t *testing.T) {
		for _, op := range c.ops {
			t.Run(op.id, func(t *testing.T) {
				t.Parallel()
				newWalk(t, c, op, score).all()
			})
		}
	})
	n := 0
	for _, status := range slices.Sorted(maps.Keys(score.statuses)) {
		n += score.statuses[status]
		t.Logf("%d: %d", status, score.statuses[status])
	}
	t.Logf("%d cases, %d operations", n, len(c.ops))
	if n < leastCases {
		t.Errorf("only %d cases", n)
	}
}

// tally counts answers by status.
type tally struct {
	mu       sync.Mutex
	statuses map[int]int // covered by mu
}

func (s *tally) count(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses[status]++
}

// walk asks one operation, in a house of its own.
type walk struct {
	t       *testing.T
	h       *house
	c       *contract
	op      *described
	score   *tally
	path    string   // with real ids
	body    string   // the simplest that it takes, with real ids; "" = none
	weak    string   // a key without any permission
	dataKey string   // a key of the data plane
	secrets []string // what no answer may hold
}

func newWalk(t *testing.T, c *contract, op *described, score *tally) *walk {
	h := newHouse(t)
	w := &walk{t: t, h: h, c: c, op: op, score: score}
	h.addOrganization(t, "*")
	weak, err := h.CreateManagementKey(t.Context(), api.ManagementKeyInput{Name: api.Set("weak"), Permissions: api.Set([]string{"!*"})})
	must(t, err)
	w.weak, w.dataKey = weak.SecretKey, h.createKey(t, api.KeyInput{}).SecretKey
	w.secrets = []string{rootKey, otherRoot, w.weak, w.dataKey}
	w.renew()
	if op.body != nil {
		raw, err := json.Marshal(least(op))
		must(t, err)
		w.body = w.things().real(t, string(raw))
	}
	return w
}

func (w *walk) things() things { return things{w.h, w.c} }

// renew makes the thing that the operation is about anew: an answer may have ended
// the one before.
func (w *walk) renew() { w.path = w.things().at(w.t, w.op) }

// all asks everything.
func (w *walk) all() {
	w.strangers()
	w.objects()
	w.headers()
	w.query()
	if w.op.body != nil {
		w.bodies()
		w.fields()
	}
	w.still()
}

// question is one case.
type question struct {
	name   string
	method string // "" = the operation's
	path   string // "" = the operation's
	query  string
	body   *string // nil = the simplest
	header map[string]string
	// What must be answered; nothing = anything that the document allows.
	statuses []int
	fields   []string // each must be named by a 422
	hidden   string   // what the answer must not repeat
}

// ask asks and judges the answer. It is false when something was wrong with it.
func (w *walk) ask(q question) bool {
	w.t.Helper()
	r := request{method: w.op.method, path: w.path, body: w.body, header: q.header}
	if q.method != "" {
		r.method = q.method
	}
	if q.path != "" {
		r.path = q.path
	}
	if q.query != "" {
		r.path += "?" + q.query
	} else if q.path == "" {
		r.path += w.op.query()
	}
	if q.body != nil {
		r.body = *q.body
	}
	resp, answer := w.h.send(w.t, r)
	w.score.count(resp.StatusCode)
	if err := w.judge(q, resp, answer); err != nil {
		w.t.Errorf("%s: %v\nasked %s %.200s\n%.600s", q.name, err, r.method, r.path, r.body)
		return false
	}
	return true
}

// madeSecret is a field in which an answer may show a secret that it has made.
var madeSecret = regexp.MustCompile(`"secret_key":"[^"]*"`)

var anySecret = regexp.MustCompile(`tgm?_[0-9A-Za-z]{38}`)

func (w *walk) judge(q question, resp *http.Response, answer string) error {
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("answered with %d: %.300s", resp.StatusCode, answer)
	}
	if len(q.statuses) > 0 && !slices.Contains(q.statuses, resp.StatusCode) {
		return fmt.Errorf("answered with %d, want %v: %.300s", resp.StatusCode, q.statuses, answer)
	}
	if q.method == "" && q.path == "" || slices.Contains(q.statuses, http.StatusUnauthorized) {
		if err := w.c.checkAnswer(w.op, resp, answer); err != nil {
			return err
		}
	}
	if q.hidden != "" && strings.Contains(answer, q.hidden) {
		return fmt.Errorf("what was sent is repeated: %.300s", answer)
	}
	seen := answer + fmt.Sprint(resp.Header)
	for _, secret := range w.secrets {
		if strings.Contains(seen, secret) {
			return fmt.Errorf("a secret is in the answer: %.300s", answer)
		}
	}
	if resp.StatusCode < 300 {
		seen = madeSecret.ReplaceAllString(seen, "")
	}
	if anySecret.MatchString(seen) {
		return fmt.Errorf("a secret is in the answer: %.300s", answer)
	}
	if len(q.fields) == 0 || resp.StatusCode != http.StatusUnprocessableEntity {
		return nil
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(answer), &p); err != nil {
		return err
	}
	for _, field := range q.fields {
		if !slices.ContainsFunc(p.Errors, func(e api.FieldError) bool { return e.Field == field && e.Message != "" }) {
			return fmt.Errorf("%s is wrong, and not named: %.600s", field, answer)
		}
	}
	return nil
}

// strangers: 401 for who is not known, 403 or 404 for who may not.
func (w *walk) strangers() {
	bearer := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	for name, header := range map[string]map[string]string{
		"no key": {"Authorization": ""}, "another scheme": {"Authorization": "Basic dG9sbGdhdGU6"}, "no token": {"Authorization": "Bearer"},
		"an unknown key": bearer("tgm_0000000000000000000000000000000000000000"), "a key of the data plane": bearer(w.dataKey),
		"a long key": bearer("tgm_" + strings.Repeat("x", 4000)), "an odd key": bearer("tgm_\xff\xfe"), "half of the key": bearer(rootKey[:len(rootKey)-1]),
		"the data plane's header": {"Authorization": "", "X-Api-Key": rootKey},
	} {
		w.ask(question{name: name, header: header, statuses: []int{http.StatusUnauthorized}})
	}
	w.ask(question{name: "a key without permissions", header: bearer(w.weak), statuses: []int{http.StatusForbidden, http.StatusNotFound}})
	wrong := []int{http.StatusForbidden, http.StatusNotFound}
	if strings.Contains(w.op.path, "{") && exampleID.MatchString(w.pathExamples()) {
		w.ask(question{name: "another organization's key", header: bearer(otherRoot), statuses: wrong[1:]})
	}
	for _, method := range []string{"PROPFIND", "TRACE", "COPY"} {
		w.ask(question{name: "the method " + method, method: method, statuses: []int{http.StatusMethodNotAllowed}})
	}
}

func (w *walk) pathExamples() (all string) {
	for _, p := range w.op.params {
		if p.in == "path" {
			all += text(p.text["example"]) + " "
		}
	}
	return all
}

// still holds the house to being whole after all that: every list works, what it
// shows is what the document says, and the audit is unbroken.
func (w *walk) still() {
	for _, op := range w.c.ops {
		if op.method != http.MethodGet || strings.Contains(op.path, "{") {
			continue
		}
		resp, body := w.h.send(w.t, request{method: "GET", path: op.path + op.query()})
		if resp.StatusCode != http.StatusOK && (resp.StatusCode != http.StatusNotFound || op.answers["404"] == nil) {
			w.t.Errorf("afterwards %s answers %d: %s", op.id, resp.StatusCode, body)
		} else if err := w.c.checkAnswer(op, resp, body); err != nil {
			w.t.Errorf("afterwards %s: %v", op.id, err)
		}
	}
	verdict, err := w.h.VerifyAudit(w.t.Context(), "")
	must(w.t, err)
	if len(verdict.Broken) > 0 {
		w.t.Errorf("the audit is broken: %+v", verdict.Broken)
	}
}
