package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
)

// prose is paragraphs, parted by empty lines, with `code` in them. Nothing else of
// the text is markup.
func prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		b.WriteString("<p>")
		inside := false
		for i, part := range strings.Split(paragraph, "`") {
			if i > 0 {
				inside = !inside
				b.WriteString(map[bool]string{true: "<code>", false: "</code>"}[inside])
			}
			b.WriteString(template.HTMLEscapeString(part))
		}
		if inside { // a lonely ` would run on to the end of the page
			b.WriteString("</code>")
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String())
}

// code is JSON with its names, texts and words told apart; other text is as it is.
func code(text string) template.HTML {
	if !json.Valid([]byte(text)) {
		return template.HTML(template.HTMLEscapeString(text))
	}
	var b strings.Builder
	span := func(class, part string) {
		b.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(part) + `</span>`)
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			end++
			if strings.HasPrefix(text[end:], ":") {
				span("k", text[i:end])
			} else {
				span("s", text[i:end])
			}
			i = end
		case strings.IndexByte("-0123456789tfn", c) >= 0:
			end := i + strings.IndexAny(text[i:]+"\n", ",]} \n")
			span("n", text[i:end])
			i = end
		default:
			b.WriteByte(c)
			i++
		}
	}
	return template.HTML(b.String())
}

// server is where the lines for curl go; the page's script puts its own address in
// its place.
const server = "http://127.0.0.1:8080"

// address is where an operation is: with the examples of what stands in its path,
// and of what its query must have.
func address(path string, params []parameter) string {
	query := url.Values{}
	for _, p := range params {
		example := p.example()
		switch {
		case p.In == "path" && example != "":
			// Slashes in names stand as they are.
			path = strings.ReplaceAll(path, "{"+p.Name+"}", strings.ReplaceAll(url.PathEscape(example), "%2F", "/"))
		case p.In == "query" && p.Required:
			query.Set(p.Name, example)
		}
	}
	if len(query) == 0 {
		return server + path
	}
	return "'" + server + path + "?" + query.Encode() + "'" // a shell would take ? and & for its own
}

// example is a value of a parameter: its example, or the first of its words.
func (p *parameter) example() string {
	var example string
	if json.Unmarshal(p.Example, &example) == nil {
		return example
	}
	if p.Schema != nil && len(p.Schema.Enum) > 0 {
		return fmt.Sprint(p.Schema.Enum[0])
	}
	return ""
}

// curl is a line for a shell that does the operation, with its simplest example.
func curl(v *operationView, op *operation) string {
	line := "curl "
	if v.Method != "GET" && (v.Method != "POST" || len(v.Samples) == 0) {
		line = "curl -X " + v.Method + " "
	}
	line += address(v.Path, op.Parameters)
	line += " \\\n  -H \"Authorization: Bearer $TOLLGATE_TOKEN\""
	if len(v.Samples) == 0 {
		return line
	}
	var body bytes.Buffer
	if json.Compact(&body, []byte(v.Samples[0].Text)) != nil {
		return line
	}
	return line + " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(body.String(), "'", `'\''`) + "'"
}
