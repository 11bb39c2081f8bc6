package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tollgate/api"
)

// contract is the OpenAPI document as tests walk it: each operation of it, with
// its schemas compiled.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	ops      []*described
	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema // by place; covered by mu, as the compiler is
}

// described is one operation of the document.
type described struct {
	id, method, path string
	text             map[string]any
	place            string // JSON pointer to it
	params           []param
	body             *media // nil = none
	bodyOptional     bool
	answers          map[string]map[string]*media // by status and media type
}

type param struct {
	name, in string
	required bool
	text     map[string]any
	schema   map[string]any
	place    string // of the schema
}

type media struct {
	schema   map[string]any
	place    string // of the schema
	examples map[string]any
}

// contract reads the document that the server serves.
func (h *house) contract(t *testing.T) *contract {
	t.Helper()
	resp, body := h.send(t, request{method: "GET", path: "/openapi.json", header: map[string]string{"Authorization": ""}})
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("/openapi.json: %d", resp.StatusCode)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	must(t, err)
	c := &contract{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	must(t, c.compiler.AddResource("openapi.json", doc))
	paths := object(c.doc["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object(paths[path])
		for _, method := range slices.Sorted(maps.Keys(item)) {
			c.ops = append(c.ops, c.operation(path, method, object(item[method])))
		}
	}
	return c
}

func object(v any) map[string]any { o, _ := v.(map[string]any); return o }

func list(v any) []any { l, _ := v.([]any); return l }

func text(v any) string { s, _ := v.(string); return s }

// pointer is a JSON pointer as a fragment writes it.
func pointer(place, name string) string {
	return place + "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}

func (c *contract) operation(path, method string, words map[string]any) *described {
	place := pointer(pointer("/paths", path), method)
	op := &described{
		id: text(words["operationId"]), method: strings.ToUpper(method), path: path, text: words, place: place,
		answers: map[string]map[string]*media{},
	}
	for i, raw := range list(words["parameters"]) {
		p := object(raw)
		required, _ := p["required"].(bool)
		op.params = append(op.params, param{
			name: text(p["name"]), in: text(p["in"]), required: required, text: p, schema: object(p["schema"]),
			place: fmt.Sprintf("%s/parameters/%d/schema", place, i),
		})
	}
	if body := object(words["requestBody"]); body != nil {
		op.body = c.media(body, place+"/requestBody")["application/json"]
		required, _ := body["required"].(bool)
		op.bodyOptional = !required
	}
	for status, raw := range object(words["responses"]) {
		answer, at := object(raw), pointer(place+"/responses", status)
		if ref := text(answer["$ref"]); ref != "" {
			name := strings.TrimPrefix(ref, "#/components/responses/")
			answer, at = object(object(object(c.doc["components"])["responses"])[name]), pointer("/components/responses", name)
		}
		op.answers[status] = c.media(answer, at)
	}
	return op
}

func (c *contract) media(holder map[string]any, place string) map[string]*media {
	all := map[string]*media{}
	for mediaType, raw := range object(holder["content"]) {
		m := object(raw)
		one := &media{schema: object(m["schema"]), place: pointer(place+"/content", mediaType) + "/schema", examples: map[string]any{}}
		if example, ok := m["example"]; ok {
			one.examples["example"] = example
		}
		for name, example := range object(m["examples"]) {
			one.examples[name] = object(example)["value"]
		}
		all[mediaType] = one
	}
	return all
}

// check says how a value differs from the schema at a place; nil is not at all.
func (c *contract) check(place string, value any) error {
	schema, err := c.schema(place)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (c *contract) schema(place string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	schema := c.compiled[place]
	if schema != nil {
		return schema, nil
	}
	schema, err := c.compiler.Compile("openapi.json#" + place)
	if err == nil {
		c.compiled[place] = schema
	}
	return schema, err
}

// checkText is check of a JSON text.
func (c *contract) checkText(place, body string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return c.check(place, value)
}

// checkAnswer holds an answer to what the document says of this operation's: its
// status, its media type, its form, and the code of a problem.
func (c *contract) checkAnswer(op *described, resp *http.Response, body string) error {
	answers, known := op.answers[fmt.Sprint(resp.StatusCode)]
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch {
	case !known:
		return fmt.Errorf("the document does not know status %d: %.300s", resp.StatusCode, body)
	case len(answers) == 0 && body == "":
		return nil
	case answers[mediaType] == nil:
		return fmt.Errorf("the document does not know %q for status %d", mediaType, resp.StatusCode)
	case !strings.HasSuffix(mediaType, "json"):
		return nil
	}
	if err := c.checkText(answers[mediaType].place, body); err != nil {
		return fmt.Errorf("%d is not what the document says: %w\n%.500s", resp.StatusCode, err, body)
	}
	return nil
}

// named is the schema that a reference names.
func (c *contract) named(ref string) map[string]any {
	return object(object(object(c.doc["components"])["schemas"])[strings.TrimPrefix(ref, "#/components/schemas/")])
}

var exampleID = regexp.MustCompile(`\b([a-z]+)_01920f5e-7c1b-7e3a-9c55-[0-9a-f]{12}\b`)

// things makes what ids of the examples stand for, a fresh one each time.
type things struct {
	h *house
	c *contract
}

// real is a text with every id of the examples replaced by that of a thing that is
// there.
func (th things) real(t *testing.T, text string) string {
	t.Helper()
	made := map[string]string{}
	return exampleID.ReplaceAllStringFunc(text, func(id string) string {
		prefix, _, _ := strings.Cut(id, "_")
		if made[prefix] == "" {
			made[prefix] = th.make(t, prefix)
		}
		return made[prefix]
	})
}

// make makes the thing whose ids begin with prefix, by the operation whose example
// of an answer is one.
func (th things) make(t *testing.T, prefix string) string {
	t.Helper()
	for _, op := range th.c.ops {
		if op.method != http.MethodPost || strings.Contains(op.path, "{") || op.answers["201"] == nil {
			continue
		}
		answer := op.answers["201"]["application/json"]
		if answer == nil || !strings.HasPrefix(idIn(answer.examples["example"]), prefix+"_") {
			continue
		}
		return idIn(th.call(t, op, op.path, least(op)))
	}
	t.Fatalf("no operation makes a %s_…: give the one that does an example of its answer with such an id", prefix)
	return ""
}

// least is the simplest body that an operation takes.
func least(op *described) any {
	names := slices.Sorted(maps.Keys(op.body.examples))
	if len(names) == 0 {
		return map[string]any{}
	}
	if example, ok := op.body.examples["least"]; ok {
		return example
	}
	return op.body.examples[names[0]]
}

// idIn is the id of a thing in an answer: its own, or that of what was made.
func idIn(answer any) string {
	o := object(answer)
	if id := text(o["id"]); id != "" {
		return id
	}
	for _, v := range o {
		if id := text(object(v)["id"]); id != "" {
			return id
		}
	}
	return ""
}

// call sends a body to an operation that must succeed. A value that is in use
// already is sent again as another one.
func (th things) call(t *testing.T, op *described, path string, body any) any {
	t.Helper()
	raw, err := json.Marshal(body)
	must(t, err)
	sent := th.real(t, string(raw))
	resp, answer := th.h.send(t, request{method: op.method, path: path, body: sent})
	for n := 2; resp.StatusCode == http.StatusConflict && n < 100; n++ {
		var p api.Problem
		must(t, json.Unmarshal([]byte(answer), &p))
		var fields map[string]any
		must(t, json.Unmarshal([]byte(sent), &fields))
		if p.Code != "name_taken" || text(fields[p.Param]) == "" {
			break
		}
		fields[p.Param] = another(text(fields[p.Param]), n)
		again, err := json.Marshal(fields)
		must(t, err)
		resp, answer = th.h.send(t, request{method: op.method, path: path, body: string(again)})
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		t.Fatalf("%s of %s: %d %s", op.id, sent, resp.StatusCode, answer)
	}
	if err := th.c.checkAnswer(op, resp, answer); err != nil {
		t.Errorf("%s: %v", op.id, err)
	}
	if answer == "" {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
	must(t, err)
	return value
}

// another is a name with a number.
func another(name string, n int) string {
	if local, domain, ok := strings.Cut(name, "@"); ok {
		return fmt.Sprintf("%s%d@%s", local, n, domain)
	}
	return fmt.Sprintf("%s-%d", name, n)
}

// at is the path of an operation with real ids.
func (th things) at(t *testing.T, op *described) string {
	t.Helper()
	path := op.path
	for _, p := range op.params {
		if p.in == "path" {
			path = strings.Replace(path, "{"+p.name+"}", url.PathEscape(th.real(t, text(p.text["example"]))), 1)
		}
	}
	th.grant(t, path)
	return path
}

// grant makes the grant that a path names, by both of its sides.
func (th things) grant(t *testing.T, path string) {
	t.Helper()
	if grants, key, ok := strings.Cut(path, "/keys/"); ok {
		th.h.send(t, request{method: "POST", path: grants + "/keys", body: `{"key_id":"` + key + `"}`})
	}
}

// query is what must stand behind the path of an operation, with its question
// mark; "" for most.
func (op *described) query() string {
	v := url.Values{}
	for _, p := range op.params {
		if words := list(p.schema["enum"]); p.in == "query" && p.required && len(words) > 0 {
			v.Set(p.name, text(words[0]))
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// namesIn is what tells the lines of a list apart.
func namesIn(t *testing.T, body string) (names []string) {
	t.Helper()
	answer, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	must(t, err)
	for _, v := range object(answer) {
		for _, line := range list(v) {
			for _, field := range []string{"id", "request_id", "name", "key_id"} {
				if name := text(object(line)[field]); name != "" {
					names = append(names, name)
					break
				}
			}
		}
	}
	return names
}

func keyNamed(name string) api.KeyInput { return api.KeyInput{Name: api.Set(name)} }
