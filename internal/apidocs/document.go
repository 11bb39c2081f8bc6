package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// document is what the page shows of an OpenAPI document.
type document struct {
	Info struct {
		Title, Version, Description string
	}
	Tags       []tag
	Paths      map[string]map[string]*operation
	Components struct {
		Schemas   map[string]*schema
		Responses map[string]*response
	}
}

type tag struct{ Name, Description string }

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Parameters                        []parameter
	RequestBody                       *struct {
		Required bool
		Content  map[string]*media
	}
	Responses map[string]*response
}

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                *schema
	Example               json.RawMessage
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     map[string]struct{ Description string }
	Content     map[string]*media
}

type media struct {
	Schema   *schema
	Example  json.RawMessage
	Examples inOrder[struct {
		Summary string
		Value   json.RawMessage
	}]
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 kinds
	Format               string
	Description          string
	Enum                 []any
	Default              any
	Minimum, Maximum     *json.Number
	MinLength, MaxLength *int
	MinItems, MaxItems   *int
	Items                *schema
	OneOf, AllOf         []*schema
	Properties           inOrder[*schema]
	AdditionalProperties additional
	Required             []string
	WriteOnly            bool
}

// kinds is the types of a schema, which are one word or several.
type kinds []string

// UnmarshalJSON reads a word or a list of them.
func (k *kinds) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*k = kinds{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(k))
}

// additional is the schema of what further fields hold; nil = there are none.
type additional struct{ *schema }

// UnmarshalJSON reads a schema, or a truth value, which says nothing here.
func (a *additional) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("true")) || bytes.Equal(text, []byte("false")) {
		return nil
	}
	return json.Unmarshal(text, &a.schema)
}

// inOrder is an object whose names keep their order, which is one for readers.
type inOrder[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// UnmarshalJSON reads an object.
func (o *inOrder[T]) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		one := named[T]{Name: fmt.Sprint(name)}
		if err := d.Decode(&one.Value); err != nil {
			return err
		}
		*o = append(*o, one)
	}
	return nil
}

// base is the last word of a reference.
func base(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// nullable reports whether a schema takes null.
func (s *schema) nullable() bool {
	return slices.Contains(s.Type, "null") || slices.ContainsFunc(s.OneOf, (*schema).nullable)
}

// kind is what a value is, in words, and the type that it is one of, or a list of;
// "" = none with a name.
func (s *schema) kind() (words, link string) {
	switch {
	case s == nil:
		return "any JSON", ""
	case s.Ref != "":
		return base(s.Ref), base(s.Ref)
	case len(s.OneOf) > 0:
		return s.OneOf[0].kind()
	case len(s.Type) == 0:
		return "any JSON", ""
	}
	switch s.Type[0] {
	case "string":
		if s.Format == "date-time" {
			return "instant", ""
		}
		return "text", ""
	case "integer":
		return "whole number", ""
	case "boolean":
		return "true or false", ""
	case "array":
		words, link = s.Items.kind()
		return "list of " + words, link
	case "object":
		if s.AdditionalProperties.schema != nil {
			words, link = s.AdditionalProperties.kind()
			return "object of " + words, link
		}
	}
	return s.Type[0], ""
}

// bounds is what a value may be, in words.
func (s *schema) bounds() []string {
	if s == nil {
		return nil
	}
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	inner := s
	if len(s.Type) > 0 && s.Type[0] == "array" && s.Items != nil {
		inner = s.Items
	}
	var words []string
	for _, w := range inner.Enum {
		if w != nil {
			words = append(words, fmt.Sprint(w))
		}
	}
	switch {
	case words != nil:
		add("%s", strings.Join(words, " | "))
	case s.Minimum != nil && s.Maximum != nil:
		add("%s to %s", grouped(*s.Minimum), grouped(*s.Maximum))
	case s.Minimum != nil:
		add("at least %s", grouped(*s.Minimum))
	case s.Maximum != nil:
		add("at most %s", grouped(*s.Maximum))
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add("at most %d entries", *s.MaxItems)
	}
	if s.Default != nil {
		add("%v without it", s.Default)
	}
	return all
}

// grouped is a number with its thousands parted.
func grouped(n json.Number) string {
	digits, sign := string(n), ""
	if strings.HasPrefix(digits, "-") {
		digits, sign = digits[1:], "-"
	}
	if strings.ContainsAny(digits, ".eE") {
		return sign + digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
