package admin_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// objects asks for things that there are not, by ids of every sort.
func (w *walk) objects() {
	if !strings.Contains(w.op.path, "{") {
		return
	}
	before, _, _ := strings.Cut(w.op.path, "{")
	_, after, _ := strings.Cut(w.op.path, "}")
	for _, id := range []string{
		"x", "0", "-1", "null", "undefined", "%00", "%ff%fe", "%20", "..%2f..%2fetc%2fpasswd", "%7Bid%7D", "'%20OR%201=1--", "%F0%9F%A6%84",
		"key_", "key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99", "user_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c99", "KEY_X", "%2A", "%25", "a%0d%0aX-Injected:1",
		strings.Repeat("k", 5000), "%E2%80%AE", ";", "%3Fpurge=true",
	} {
		path := strings.NewReplacer("{", "", "}", "").Replace(before + id + after)
		w.ask(question{
			name: "the id " + id[:min(len(id), 30)], path: path,
			statuses: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusOK},
		})
	}
}

// headers sends headers that make no sense.
func (w *walk) headers() {
	for _, p := range w.op.params {
		switch p.name {
		case "If-Match":
			for _, tag := range []string{`x`, `"x"`, `W/"1"`, `"0"`, `"-1"`, `"01"`, `"99999999999999999999"`, `"77"`, `""`, `"`, `,`, strings.Repeat(`"9",`, 20), strings.Repeat("x", 5000), `"1 "`, "\xff"} {
				w.ask(question{name: "If-Match " + tag[:min(len(tag), 30)], header: map[string]string{"If-Match": tag}, statuses: []int{http.StatusPreconditionFailed, http.StatusUnprocessableEntity}})
			}
		case "Idempotency-Key":
			for _, key := range []string{"two words", "tab\tinside", "gr\u00fcn", strings.Repeat("x", 256), "\xff", "a\u200b"} {
				w.ask(question{
					name: "Idempotency-Key " + key[:min(len(key), 30)], header: map[string]string{"Idempotency-Key": key},
					statuses: []int{http.StatusUnprocessableEntity}, fields: []string{"Idempotency-Key"},
				})
			}
		}
	}
	for name, values := range map[string][]string{
		"Accept":          {"nothing/at-all", "*/*;q=0", ",,,", "text/html", strings.Repeat("a/b,", 1000), "\xff"},
		"Accept-Language": {"xx", strings.Repeat("de,", 500)},
		"User-Agent":      {strings.Repeat("u", 8000), "\xff\xfe", "{{7*7}}", "\u202e"},
		"X-Forwarded-For": {"nowhere", "1.2.3.4, 5.6.7.8", "::1", strings.Repeat("1.1.1.1,", 500)},
		"X-Request-Id":    {"mine", strings.Repeat("x", 4000)},
		"Range":           {"bytes=0-1", "lines=-1"},
		"Content-Length":  nil,
		"Cookie":          {"a=b", "\xff"},
		"Origin":          {"https://example.com", "null"},
	} {
		for _, value := range values {
			w.ask(question{name: name + " " + value[:min(len(value), 30)], header: map[string]string{name: value}})
		}
	}
	w.renew()
}

// junk is texts that break things.
func junk() []string {
	return []string{
		"x", "-1", "0", "1", "1.5", "1e3", "1e400", "99999999999999999999", "-99999999999999999999", "NaN", "true", "null", "[]", "{}", "\x00", "\xff", "\u202e", "\U0001f984",
		"'; DROP TABLE api_keys;--", "%", "_", "*", "yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59-23:59", "2026-11-20", "2026-11-20T12:00:00Z", strings.Repeat("9", 300), strings.Repeat("y", 3000), "a,b,,c", " ", "../../x",
	}
}

// query sends parameters that are wrong, one by one and all at once.
func (w *walk) query() {
	wrong := url.Values{}
	for _, p := range w.op.params {
		if p.in != "query" {
			continue
		}
		values := junk()
		for _, bound := range []string{"minimum", "maximum", "maxLength"} {
			if n, ok := number(p.schema[bound]); ok {
				values = append(values, beyondText(bound, n)...)
			}
		}
		for _, value := range values {
			q := question{name: p.name + "=" + value[:min(len(value), 30)], query: url.Values{p.name: {value}}.Encode()}
			if w.refuses(p, value) {
				q.statuses, q.fields = []int{http.StatusUnprocessableEntity}, []string{p.name}
				wrong.Set(p.name, value)
			}
			w.ask(q)
		}
		w.ask(question{
			name: p.name + " twice", query: p.name + "=1&" + p.name + "=2",
			statuses: []int{http.StatusUnprocessableEntity}, fields: []string{p.name},
		})
	}
	for _, name := range []string{"surprise", "Page", "page[]", "%00", "a.b", "size%20", strings.Repeat("n", 300)} {
		plain, _ := url.QueryUnescape(name)
		w.ask(question{
			name: "the unknown parameter " + name[:min(len(name), 30)], query: name + "=1",
			statuses: []int{http.StatusUnprocessableEntity}, fields: []string{plain},
		})
	}
	wrong.Set("surprise", "1")
	w.ask(question{
		name: "every parameter wrong", query: wrong.Encode(),
		statuses: []int{http.StatusUnprocessableEntity}, fields: slices.Collect(maps.Keys(wrong)),
	})
	for _, raw := range []string{"%", "%zz=1", "a=%zz", ";", "&&&", "=", "=1"} {
		w.ask(question{name: "the query " + raw, query: raw})
	}
	w.renew()
}

// refuses reports whether the document says that a parameter cannot have a value.
func (w *walk) refuses(p param, value string) bool {
	var parsed any = value
	switch kindOf(p.schema) {
	case "integer":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return true
		}
		parsed = json.Number(value)
	case "boolean":
		b, err := strconv.ParseBool(value)
		if err != nil {
			return true
		}
		parsed = b
	case "array":
		var items []any
		for item := range strings.SplitSeq(value, ",") {
			items = append(items, item)
		}
		parsed = items
	}
	return w.c.check(p.place, parsed) != nil
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// beyondText is values just beyond a bound, and at it.
func beyondText(bound string, n float64) []string {
	whole := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch bound {
	case "minimum":
		return []string{whole(n - 1), whole(n)}
	case "maximum":
		if n >= 1<<53 {
			return []string{whole(n)}
		}
		return []string{whole(n + 1), whole(n)}
	}
	return []string{strings.Repeat("z", int(n)+1), strings.Repeat("\u00e9", int(n)+1)}
}

// bodies sends what is no JSON object, or is not sent as one.
func (w *walk) bodies() {
	ask := func(name, body string, statuses ...int) {
		w.ask(question{name: name, body: &body, statuses: statuses})
	}
	const bad, wrong, large, media = http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType
	if !w.op.bodyOptional {
		ask("nothing", "", bad)
	}
	for _, body := range []string{" ", "{", "}", `{"a"`, `{"a":}`, `{a:1}`, `{'a':1}`, "{}{}", "{} x", "\xef\xbb\xbf{}", "{\"\xff\":1}", `{"a":"\ud800"}`, `{"a":01}`, `{"a":NaN}`, `{"a":1,}`, "<x/>", "a=b", "\x00", "\x1f\x8b\x08\x00"} {
		ask("the body "+body, body, bad, wrong)
	}
	for _, body := range []string{"null", "[]", `"x"`, "1", "true", "[{}]"} {
		ask("the body "+body, body, wrong)
	}
	ask("a name twice", `{"surprise":1,"surprise":2}`, bad)
	ask("deep arrays", `{"surprise":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`, bad, wrong)
	ask("deep objects", `{"surprise":`+strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat("}", 20_000)+`}`, bad, wrong, large)
	ask("very large", `{"surprise":"`+strings.Repeat("x", 2<<20)+`"}`, large)
	for _, mediaType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "/", "json", "application/json-patch+json", "\xff"} {
		w.ask(question{name: "the type " + mediaType, header: map[string]string{"Content-Type": mediaType}, statuses: []int{media}})
	}
	for _, name := range []string{"surprise", "Name", "ID", "", "a.b", "\u202e", strings.Repeat("n", 300)} {
		body, err := json.Marshal(map[string]any{name: "hunter2-hunter2"})
		must(w.t, err)
		sent := string(body)
		w.ask(question{name: "the unknown field " + name[:min(len(name), 30)], body: &sent, statuses: []int{wrong}, fields: []string{name}, hidden: "hunter2"})
	}
	w.renew()
}

// values is what is tried for each field of a body, as JSON.
func values() []string {
	return []string{
		`null`, `true`, `false`, `0`, `-1`, `1`, `1.5`, `-0`, `1e2`, `1e400`, `9007199254740993`, `9223372036854775808`, `-9223372036854775809`,
		`""`, `" "`, `"x"`, `"0"`, `"1.5"`, `"-1"`, `"NaN"`, `"\u0000"`, `"a\u202eb"`, `"\ud83e\udd84"`, `"\n"`, `"yesterday"`, `"2099-02-30T00:00:00Z"`,
		`"2001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-23:59"`, `"2099-01-01T00:00:00+00:00"`, `"` + strings.Repeat("x", 5000) + `"`,
		`[]`, `[null]`, `[1]`, `[""]`, `["x"]`, `["x","x"]`, `[["x"]]`, `[{}]`, `["*"]`, `{}`, `{"a":1}`, `{"a":true}`, `{"a":null}`, `{"":true}`, `{"a":{"b":{}}}`,
		`"'; DROP TABLE users;--"`, `["` + strings.Repeat("y", 300) + `"]`, many(1001),
	}
}

func many(n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strconv.Itoa(i)
	}
	text, _ := json.Marshal(items)
	return string(text)
}

// bordering is values at the borders of a schema and beyond them.
func bordering(schema map[string]any) (all []string) {
	for _, bound := range []string{"minimum", "maximum"} {
		if n, ok := number(schema[bound]); ok {
			for _, d := range []float64{-1, 0, 1} {
				if math.Abs(n+d) <= 1<<53 {
					all = append(all, strconv.FormatFloat(n+d, 'f', -1, 64))
				}
			}
		}
	}
	if n, ok := number(schema["maxLength"]); ok {
		for _, d := range []int{0, 1} {
			all = append(all, `"`+strings.Repeat("\u00e9", int(n)+d)+`"`)
		}
	}
	for _, word := range list(schema["enum"]) {
		text, _ := json.Marshal(word)
		all = append(all, string(text))
	}
	return all
}

// fields gives each field of the body each value, alone and all wrong ones
// together. What the document says is wrong must be refused, and named.
func (w *walk) fields() {
	schema := w.op.body.schema
	name := strings.TrimPrefix(text(schema["$ref"]), "#/components/schemas/")
	properties := object(object(object(object(w.c.doc["components"])["schemas"])[name])["properties"])
	place := pointer("/components/schemas", name) + "/properties"
	var base map[string]json.RawMessage
	must(w.t, json.Unmarshal([]byte(w.body), &base))
	refused := map[string][]string{}
	// PUT merges like PATCH, which has all of them.
	every := 1
	switch {
	case raced:
		every = 5
	case w.op.method == http.MethodPut:
		every = 3
	}
	for at, field := range slices.Sorted(maps.Keys(properties)) {
		for i, value := range append(values(), bordering(object(properties[field]))...) {
			if (at+i)%every > 0 {
				continue
			}
			body := maps.Clone(base)
			body[field] = json.RawMessage(value)
			text, err := json.Marshal(body)
			must(w.t, err)
			sent := string(text)
			q := question{name: field + " = " + value[:min(len(value), 40)], body: &sent}
			if w.c.checkText(pointer(place, field), value) != nil {
				q.statuses, q.fields = []int{http.StatusUnprocessableEntity}, []string{field}
				refused[field] = append(refused[field], value)
			}
			w.ask(q)
		}
		w.renew()
	}
	for round := range 20 {
		body := map[string]json.RawMessage{"surprise": json.RawMessage("1")}
		for field, values := range refused {
			body[field] = json.RawMessage(values[round*7%len(values)])
		}
		text, err := json.Marshal(body)
		must(w.t, err)
		sent := string(text)
		w.ask(question{
			name: fmt.Sprintf("every field wrong, round %d", round), body: &sent,
			statuses: []int{http.StatusUnprocessableEntity}, fields: slices.Collect(maps.Keys(body)),
		})
	}
}
