package apidocs

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html docs.css docs.js icon.svg
var files embed.FS

// File is one of the files that make the page.
type File struct {
	Text      []byte
	MediaType string
	ETag      string // of the text, in its quotes
}

// Site is the page and what it asks for, by path. It is immutable.
type Site map[string]File

// Policy is the Content-Security-Policy that the page needs and no more: its own
// style and script, and nothing from elsewhere.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Render makes the site of a document: the page is at path, its files are below.
func Render(path string, openAPI []byte) (Site, error) {
	var doc document
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	page, err := template.New("page.html").Funcs(template.FuncMap{"prose": prose, "code": code, "words": strings.Join}).ParseFS(files, "page.html")
	if err != nil {
		return nil, err
	}
	v := doc.view()
	v.Path = path
	var text bytes.Buffer
	if err := page.Execute(&text, v); err != nil {
		return nil, err
	}
	site := Site{path: NewFile(text.Bytes(), "text/html; charset=utf-8")}
	for name, mediaType := range beside() {
		own, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		site[path+"/"+name] = NewFile(own, mediaType)
	}
	return site, nil
}

// beside is the media types of the files beside the page, by name.
func beside() map[string]string {
	return map[string]string{
		"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	}
}

// Paths are the paths of the files of a site at path.
func Paths(path string) []string {
	paths := []string{path}
	for name := range beside() {
		paths = append(paths, path+"/"+name)
	}
	return paths
}

// NewFile is a file with its ETag.
func NewFile(text []byte, mediaType string) File {
	sum := sha256.Sum256(text)
	return File{Text: text, MediaType: mediaType, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// view is what the template shows.
type view struct {
	Path, Title, Version, About string
	Sections                    []section
	Types                       []typeView
	Errors                      []errorView
}

type section struct {
	Name, About string
	Operations  []operationView
}

type operationView struct {
	ID, Method, Path, Summary, About string
	Parameters                       []fieldView
	BodyType                         string // "" = it has none
	BodyOptional                     bool
	Body                             []fieldView
	Samples                          []sampleView
	Curl                             string
	Status, Answer                   string
	AnswerType                       string
	AnswerHeaders                    []string
	Answers                          []sampleView
	Errors                           []statusView
	Search                           string // all words to find it by
}

type fieldView struct {
	Name, In, Kind, Link, About string
	Required, Nullable          bool
	Bounds                      []string
}

type sampleView struct{ Name, About, Text string }

type statusView struct {
	Status string
	Codes  []string
}

type typeView struct {
	Name   string
	Fields []fieldView
}

type errorView struct{ Code, Status, About, Text string }

func (d *document) view() view {
	v := view{Title: d.Info.Title, Version: d.Info.Version, About: d.Info.Description, Errors: d.errors()}
	for _, t := range d.Tags {
		s := section{Name: t.Name, About: t.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range []string{"get", "post", "put", "patch", "delete"} {
				if op := d.Paths[path][method]; op != nil && slices.Contains(op.Tags, t.Name) {
					s.Operations = append(s.Operations, d.operation(strings.ToUpper(method), path, op))
				}
			}
		}
		v.Sections = append(v.Sections, s)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		v.Types = append(v.Types, typeView{name, fields(d.Components.Schemas[name])})
	}
	return v
}

func (d *document) operation(method, path string, op *operation) operationView {
	v := operationView{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, About: op.Description}
	for _, p := range op.Parameters {
		f := field(p.Name, p.Schema, p.Required)
		f.In, f.About = p.In, p.Description
		v.Parameters = append(v.Parameters, f)
	}
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			v.BodyType, v.BodyOptional, v.Samples = base(m.Schema.Ref), !op.RequestBody.Required, m.samples()
			v.Body = fields(d.Components.Schemas[v.BodyType])
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if strings.HasPrefix(status, "2") {
			v.answer(status, r)
		} else if codes := d.codes(r); codes != nil && status != "default" {
			v.Errors = append(v.Errors, statusView{status, codes})
		}
	}
	v.Curl = curl(&v, op)
	v.Search = v.words()
	return v
}

func (v *operationView) answer(status string, r *response) {
	v.Status, v.Answer = status, r.Description
	v.AnswerHeaders = slices.Sorted(maps.Keys(r.Headers))
	for _, mediaType := range slices.Sorted(maps.Keys(r.Content)) {
		m := r.Content[mediaType]
		if link := base(m.Schema.Ref); link != "" {
			v.AnswerType = link
		}
		for _, s := range m.samples() {
			if mediaType != "application/json" {
				s.Name, s.About = mediaType, "As "+mediaType
			}
			v.Answers = append(v.Answers, s)
		}
	}
}

// words is all that an operation is found by.
func (v *operationView) words() string {
	all := []string{v.ID, v.Method, v.Path, v.Summary, v.BodyType, v.AnswerType}
	for _, f := range append(slices.Clone(v.Parameters), v.Body...) {
		all = append(all, f.Name)
	}
	for _, e := range v.Errors {
		all = append(append(all, e.Status), e.Codes...)
	}
	return strings.ToLower(strings.Join(all, " "))
}

// samples are the examples of a body or answer, indented.
func (m *media) samples() (all []sampleView) {
	add := func(name, about string, value json.RawMessage) {
		var text bytes.Buffer
		var plain string
		switch {
		case len(value) == 0:
			return
		case json.Unmarshal(value, &plain) == nil: // of a form that is not JSON
			text.WriteString(plain)
		case json.Indent(&text, value, "", "  ") != nil:
			return
		}
		all = append(all, sampleView{name, about, text.String()})
	}
	add("example", "", m.Example)
	for _, e := range m.Examples {
		add(e.Name, e.Value.Summary, e.Value.Value)
	}
	return all
}

func fields(s *schema) (all []fieldView) {
	if s == nil {
		return nil
	}
	for _, p := range s.Properties {
		all = append(all, field(p.Name, p.Value, slices.Contains(s.Required, p.Name)))
	}
	return all
}

func field(name string, s *schema, required bool) fieldView {
	kind, link := s.kind()
	f := fieldView{Name: name, Kind: kind, Link: link, Required: required, Bounds: s.bounds()}
	if s != nil {
		f.About, f.Nullable = s.Description, s.nullable()
	}
	return f
}

// codes are the error codes of an answer.
func (d *document) codes(r *response) (codes []string) {
	if r.Ref != "" {
		r = d.Components.Responses[base(r.Ref)]
	}
	if r == nil {
		return nil
	}
	for _, m := range r.Content {
		for _, e := range m.Examples {
			codes = append(codes, e.Name)
		}
	}
	return codes
}

// errors is every code that some operation answers with, by status.
func (d *document) errors() []errorView {
	found := map[string]errorView{}
	for _, r := range d.Components.Responses {
		for _, m := range r.Content {
			for _, e := range m.Examples {
				var problem struct{ Status int }
				var text bytes.Buffer
				if json.Unmarshal(e.Value.Value, &problem) == nil && json.Indent(&text, e.Value.Value, "", "  ") == nil {
					found[e.Name] = errorView{e.Name, strconv.Itoa(problem.Status), e.Value.Summary, text.String()}
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b errorView) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
}
