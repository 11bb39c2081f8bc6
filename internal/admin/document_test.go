package admin_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tollgate/api"
)

// The document says of every operation what a reader needs. A new operation that
// leaves something out is told what.
func TestTheDocumentIsComplete(t *testing.T) {
	c := newHouse(t).contract(t)
	if c.doc["openapi"] != "3.1.0" {
		t.Errorf("openapi: %v", c.doc["openapi"])
	}
	groups := map[string]bool{}
	for _, raw := range list(c.doc["tags"]) {
		groups[text(object(raw)["name"])] = len(text(object(raw)["description"])) > 20
	}
	for _, op := range c.ops {
		miss := func(format string, args ...any) { t.Errorf("%s: "+format, append([]any{op.id}, args...)...) }
		for _, field := range []string{"summary", "description"} {
			if text(op.text[field]) == "" {
				miss("it has no %s (summary and about of its route)", field)
			}
		}
		for _, tag := range list(op.text["tags"]) {
			if !groups[text(tag)] {
				miss("its tag %v is not described in sections()", tag)
			}
		}
		for _, p := range op.params {
			for _, what := range incompleteParam(p) {
				miss("parameter %s: %s", p.name, what)
			}
		}
		if strings.HasPrefix(op.id, "list-") {
			for _, what := range incompleteList(op) {
				miss("it is a list and has %s", what)
			}
		}
		if op.body != nil && len(op.body.examples) == 0 {
			miss("there is no example of its body (samples of its route)")
		}
		successes := 0
		for status, answers := range op.answers {
			if strings.HasPrefix(status, "2") {
				successes++
			}
			for mediaType, m := range answers {
				if len(m.examples) == 0 {
					miss("there is no example of its answer %s as %s", status, mediaType)
				}
			}
		}
		if successes != 1 {
			miss("%d statuses of success", successes)
		}
	}
}

// incompleteList says what of page, size and a cursor a list has not.
func incompleteList(op *described) (missing []string) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(op.params, func(p param) bool { return slices.Contains(names, p.name) })
	}
	for _, names := range [][]string{{"page"}, {"size"}, {"after", "before"}} {
		if !has(names...) {
			missing = append(missing, "no parameter "+strings.Join(names, " or "))
		}
	}
	return missing
}

func incompleteParam(p param) (missing []string) {
	if text(p.text["description"]) == "" {
		missing = append(missing, "no description (doc tag)")
	}
	if p.in == "path" && text(p.text["example"]) == "" {
		missing = append(missing, "no example; thing() gives those of known collections")
	}
	if p.in == "query" {
		missing = append(missing, unbounded(p.schema)...)
	}
	return missing
}

// unbounded says which bounds a schema of what callers send lacks.
func unbounded(schema map[string]any) (missing []string) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, ok := schema[n]; return ok })
	}
	switch kind := kindOf(schema); {
	case kind == "integer" && (!has("minimum") || !has("maximum")):
		missing = append(missing, "no minimum or maximum")
	case kind == "string" && !has("enum", "maxLength", "format"):
		missing = append(missing, "neither enum, nor maxLength, nor format")
	case kind == "array" && !has("maxItems") && object(schema["items"])["enum"] == nil:
		missing = append(missing, "neither maxItems nor an enum of its items")
	}
	return missing
}

// kindOf is the type of a schema beside null.
func kindOf(schema map[string]any) string {
	if kinds := list(schema["type"]); kinds != nil {
		return text(kinds[0])
	}
	return text(schema["type"])
}

// What has a version answers with it as its ETag and can be changed on condition
// of it; every POST can be sent again.
func TestVersionsAndRepetitions(t *testing.T) {
	c := newHouse(t).contract(t)
	versioned := map[string]bool{} // the paths of things with a version
	for _, op := range c.ops {
		if op.method == http.MethodGet && c.answersVersion(op, "200") {
			versioned[op.path] = true
		}
	}
	if len(versioned) < 4 {
		t.Errorf("only %d things have a version", len(versioned))
	}
	for _, op := range c.ops {
		takes := func(name string) bool {
			return slices.ContainsFunc(op.params, func(p param) bool { return p.name == name })
		}
		for _, status := range []string{"200", "201"} {
			if c.answersVersion(op, status) && object(object(object(op.text["responses"])[status])["headers"])["ETag"] == nil {
				t.Errorf("%s: the answer %s has a version and no ETag", op.id, status)
			}
		}
		changes := op.method != http.MethodGet && (versioned[op.path] || c.answersVersion(op, "200")) &&
			op.id != "change-api-key-balance" && // a balance is no part of the key's version
			op.id != "reveal-api-key" // shows what is there
		if changes && !takes("If-Match") {
			t.Errorf("%s changes what has a version, and takes no If-Match", op.id)
		}
		if op.method == http.MethodPost && !takes("Idempotency-Key") {
			t.Errorf("%s takes no Idempotency-Key", op.id)
		}
	}
}

// answersVersion reports whether an answer is, or holds, a thing with a version.
func (c *contract) answersVersion(op *described, status string) bool {
	answer := op.answers[status]["application/json"]
	if answer == nil {
		return false
	}
	properties := object(c.named(text(answer.schema["$ref"]))["properties"])
	for _, p := range properties {
		if object(object(c.named(text(object(p)["$ref"]))["properties"])["version"]) != nil {
			return true
		}
	}
	return object(properties["version"]) != nil
}

// Every field has a description, an example where nothing else shows one, and, in
// what callers send, a range.
func TestEveryFieldIsDescribed(t *testing.T) {
	c := newHouse(t).contract(t)
	for name, raw := range object(object(c.doc["components"])["schemas"]) {
		sent := slices.ContainsFunc(c.ops, func(op *described) bool {
			return op.body != nil && strings.HasSuffix(text(op.body.schema["$ref"]), "/"+name)
		})
		required := list(object(raw)["required"])
		for field, raw := range object(object(raw)["properties"]) {
			property := object(raw)
			if text(property["description"]) == "" {
				t.Errorf("%s.%s has no description (doc tag)", name, field)
			}
			if sent {
				for _, what := range unbounded(property) {
					t.Errorf("%s.%s: %s", name, field, what)
				}
			} else if plain := slices.Contains([]string{"string", "integer", "number"}, text(property["type"])); plain && slices.Contains(required, any(field)) && property["enum"] == nil && property["examples"] == nil {
				t.Errorf("%s.%s has no example", name, field)
			}
		}
	}
}

// Every example is what its schema says.
func TestExamplesMatchTheirSchemas(t *testing.T) {
	c, checked := newHouse(t).contract(t), 0
	check := func(what, place string, examples map[string]any) {
		for name, value := range examples {
			checked++
			if err := c.check(place, value); err != nil {
				t.Errorf("%s, example %s: %v", what, name, err)
			}
		}
	}
	for _, op := range c.ops {
		if op.body != nil {
			check(op.id+": the body", op.body.place, op.body.examples)
		}
		for status, answers := range op.answers {
			for _, m := range answers {
				check(op.id+": the answer "+status, m.place, m.examples)
			}
		}
		for _, p := range op.params {
			if example, ok := p.text["example"]; ok {
				check(op.id+": "+p.name, p.place, map[string]any{"example": example})
			}
		}
	}
	for name, raw := range object(object(c.doc["components"])["schemas"]) {
		for field, property := range object(object(raw)["properties"]) {
			for i, value := range list(object(property)["examples"]) {
				check(name+"."+field, pointer(pointer("/components/schemas", name)+"/properties", field), map[string]any{fmt.Sprint(i): value})
			}
		}
	}
	if checked < 300 {
		t.Errorf("only %d examples were checked", checked)
	}
}

// Every example of a body is taken by the real server, and what it answers is what
// the document says.
func TestExamplesAreAccepted(t *testing.T) {
	h := newHouse(t)
	c := h.contract(t)
	_, err := h.UpdateOrganization(t.Context(), api.OrganizationInput{Recoverable: api.Set(true)}) // what is made can be revealed
	must(t, err)
	th := things{h, c}
	for _, op := range c.ops {
		if op.body == nil {
			continue
		}
		// A balance is opened before it is changed.
		before := map[string]string{"change-api-key-balance": `{"type":"open","amount_usd":"10.00"}`}[op.id]
		for _, name := range slices.Sorted(maps.Keys(op.body.examples)) {
			t.Run(op.id+"/"+name, func(t *testing.T) {
				path := th.at(t, op)
				if before != "" && name != "open" {
					h.send(t, request{method: op.method, path: path, body: before})
				}
				th.call(t, op, path, op.body.examples[name])
			})
		}
	}
}

// The codes of the document have the status that the table of package api gives
// them.
func TestDocumentedCodesHaveTheirStatus(t *testing.T) {
	c, code := newHouse(t).contract(t), regexp.MustCompile("(?m)^`([a-z_]+)`: ")
	for name, raw := range object(object(c.doc["components"])["responses"]) {
		found := code.FindAllStringSubmatch(text(object(raw)["description"]), -1)
		if len(found) == 0 && name != "Problem" {
			t.Errorf("%s names no code", name)
		}
		for _, m := range found {
			status := api.Status(m[1])
			if !strings.HasPrefix(name, strings.ReplaceAll(http.StatusText(status), " ", "")) {
				t.Errorf("%s has the code %s, which is answered with %d", name, m[1], status)
			}
		}
	}
}
