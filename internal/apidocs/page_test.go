package apidocs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/apidocs"
)

// small is a document with what the page must make something of, and markup where
// none belongs.
const small = `{
  "info": {"title": "<b>T</b>", "version": "1", "description": "Send a ` + "`tgm_<x>`" + `.\n\nAnd a lonely ` + "`" + ` <script>alert(1)</script>"},
  "tags": [{"name": "things", "description": "<img src=x>"}],
  "paths": {"/things/{id}": {
    "get": {"operationId": "get-thing", "summary": "Show a thing", "description": "Quietly.", "tags": ["things"],
      "parameters": [{"name": "id", "in": "path", "required": true, "description": "Id.", "example": "a b/c", "schema": {"type": "string"}}],
      "responses": {"200": {"description": "The thing.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}, "example": {"b": 1, "a": "</code><script>"}}}},
        "404": {"$ref": "#/components/responses/NotFound"}}},
    "patch": {"operationId": "update-thing", "summary": "Change it", "description": "Now.", "tags": ["things"],
      "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}, "examples": {"z": {"summary": "First", "value": {"b": 2, "a": "it's"}}, "a": {"summary": "Second", "value": {}}}}}},
      "responses": {"204": {"description": "Nothing."}}}}},
  "components": {
    "schemas": {"Thing": {"required": ["b"], "properties": {
      "b": {"type": "integer", "minimum": 1, "maximum": 9007199254740991, "description": "Comes first."},
      "a": {"type": ["string", "null"], "maxLength": 5, "enum": ["x", "y", null], "description": "Comes second."},
      "c": {"type": "array", "maxItems": 3, "items": {"$ref": "#/components/schemas/Thing"}, "description": "More."},
      "d": {"oneOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "null"}], "description": "One."},
      "e": {"type": "object", "additionalProperties": {"type": "boolean"}, "description": "Flags."},
      "f": {"description": "Anything."}}}},
    "responses": {"NotFound": {"description": "x", "content": {"application/problem+json": {"schema": {"type": "object"}, "examples": {"not_found": {"summary": "There is none.", "value": {"status": 404}}}}}}}}}`

func page(t *testing.T) string {
	t.Helper()
	site, err := apidocs.Render("/docs", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	return string(site["/docs"].Text)
}

func TestNothingOfTheDocumentIsMarkup(t *testing.T) {
	text := page(t)
	for _, bad := range []string{"<script>", "<img", "<b>T", "tgm_<x>"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s is in the page as it is", bad)
		}
	}
	if strings.Count(text, "<code>") != strings.Count(text, "</code>") {
		t.Error("a lonely backtick leaves the page unbalanced")
	}
	for _, inline := range []string{"<style", " style=", " onclick=", "javascript:", "http://www", "https://"} {
		if strings.Contains(text, inline) {
			t.Errorf("the page has %q, which its policy forbids", inline)
		}
	}
}

func TestThePageShowsEverything(t *testing.T) {
	text := page(t)
	for _, want := range []string{
		`id="get-thing"`, `id="update-thing"`, "Show a thing", "Quietly.", "/things/{id}",
		"curl http://127.0.0.1:8080/things/a%20b/c", "curl -X PATCH", `-d &#39;{&#34;b&#34;:2,&#34;a&#34;:&#34;it&#39;\&#39;&#39;s&#34;}&#39;`,
		"1 to 9,007,199,254,740,991", "x | y", "at most 5 characters", "at most 3 entries", "list of Thing", "object of true or false", "any JSON",
		`href="#type-Thing"`, `id="type-Thing"`, `id="error-not_found"`, `href="#error-not_found"`, "There is none.", "Comes first.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, pair := range [][2]string{{"Comes first.", "Comes second."}, {"First", "Second"}, {"get-thing", "update-thing"}} {
		if strings.Index(text, pair[0]) > strings.Index(text, pair[1]) {
			t.Errorf("%q comes after %q", pair[0], pair[1])
		}
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	if _, err := apidocs.Render("/docs", []byte("{")); err == nil {
		t.Error("half a document was rendered")
	}
	if _, err := apidocs.Render("/docs", []byte("{}")); err != nil {
		t.Errorf("an empty one: %v", err)
	}
}

// Whatever stands in a document, the page can be made of it and stays balanced.
func FuzzRender(f *testing.F) {
	f.Add("a", "`b` <c>", `{"a":"\"}"}`)
	f.Add("x\"y", "", `[1,-2.5e3,true,null,"\u0000"]`)
	f.Fuzz(func(t *testing.T, name, about, example string) {
		if !json.Valid([]byte(example)) {
			example = "null"
		}
		raw := func(v any) json.RawMessage { text, _ := json.Marshal(v); return text }
		doc := map[string]any{
			"info": map[string]any{"title": name, "description": about}, "tags": []any{map[string]any{"name": name}},
			"paths": map[string]any{"/" + name: map[string]any{"post": map[string]any{
				"operationId": name, "tags": []any{name}, "description": about,
				"requestBody": map[string]any{"content": map[string]any{"application/json": map[string]any{
					"schema": map[string]any{}, "examples": map[string]any{name: map[string]any{"value": json.RawMessage(example)}},
				}}},
				"responses": map[string]any{"200": map[string]any{"description": about}},
			}}},
		}
		site, err := apidocs.Render("/docs", raw(doc))
		if err != nil {
			t.Fatal(err)
		}
		text := string(site["/docs"].Text)
		for _, tag := range []string{"code", "span", "article", "details", "p"} {
			if open, closed := strings.Count(text, "<"+tag+">")+strings.Count(text, "<"+tag+" "), strings.Count(text, "</"+tag+">"); open != closed {
				t.Errorf("%d <%s> and %d </%s>", open, tag, closed, tag)
			}
		}
	})
}
