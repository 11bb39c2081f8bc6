package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// decodeObject reads a body that no keeper judges into a T whose fields are text,
// whole numbers and truths; null is as good as left out. Every field that is unknown, of
// the wrong type, or beyond what its tags say to readers of the document is in
// wrong, in the order of the names.
func decodeObject[T any](body []byte) (out T, wrong []fault.Field, err error) {
	members, err := strictObject(body)
	if err != nil {
		return out, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		raw := members[name]
		field, tag, ok := fieldNamed(reflect.ValueOf(&out).Elem(), name)
		problem := ""
		switch {
		case !ok:
			problem = "is not a known field"
		case raw.Kind() == 'n':
		case json.Unmarshal(raw, field.Addr().Interface()) != nil && field.Kind() == reflect.String:
			problem = "must be text"
		case field.Kind() == reflect.Bool && json.Unmarshal(raw, field.Addr().Interface()) != nil:
			problem = "must be true or false"
		case json.Unmarshal(raw, field.Addr().Interface()) != nil:
			problem = wantWhole(tag)
		default:
			problem = beyond(field, tag)
		}
		if problem != "" {
			wrong = append(wrong, fault.Field{Name: name, Problem: problem})
		}
	}
	return out, wrong, nil
}

// fieldNamed is the field of a struct with this JSON name, and no other spelling,
// and its tags.
func fieldNamed(v reflect.Value, name string) (reflect.Value, reflect.StructTag, bool) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if known, _, _ := strings.Cut(tag.Get("json"), ","); known == name {
			return v.Field(i), tag, true
		}
	}
	return reflect.Value{}, "", false
}

// beyond says what a value must be, by its tags, when it is not.
func beyond(v reflect.Value, tag reflect.StructTag) string {
	bound := func(name string, otherwise int64) int64 {
		if n, err := strconv.ParseInt(tag.Get(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	switch v.Kind() {
	case reflect.String:
		words := tag.Get("enum")
		if most := bound("maxLength", math.MaxInt64); int64(utf8.RuneCountInString(v.String())) > most {
			return fmt.Sprintf("must have at most %d characters", most)
		}
		if words != "" && !slices.Contains(strings.Split(words, ","), v.String()) {
			return "must be one of " + strings.ReplaceAll(words, ",", ", ")
		}
	case reflect.Int64:
		if n := v.Int(); n < bound("minimum", math.MinInt64) || n > bound("maximum", math.MaxInt64) {
			return wantWhole(tag)
		}
	}
	return ""
}

func wantWhole(tag reflect.StructTag) string {
	if least, most := tag.Get("minimum"), tag.Get("maximum"); least != "" && most != "" {
		return "must be a whole number from " + least + " to " + most
	}
	return "must be a whole number"
}

// invalid is all that is wrong as one error, nil for nothing.
func invalid(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	texts := make([]string, len(wrong))
	for i, f := range wrong {
		texts[i] = f.Name + ": " + f.Problem
	}
	return &fault.Error{Kind: fault.ValidationFailed, Public: strings.Join(texts, "; ") + ".", Param: wrong[0].Name, Fields: wrong}
}

// strictObject reads one JSON object (RFC 8259, UTF-8) in which no name comes
// twice at any depth: parsers differ in which of two values they take.
func strictObject(body []byte) (map[string]jsontext.Value, error) {
	var members map[string]jsontext.Value
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if k := d.PeekKind(); k != '{' && k != 0 {
		return nil, fault.New(fault.ValidationFailed, `The body must be a JSON object, like {"model": "gpt-4o-mini"}.`)
	}
	err := json.UnmarshalDecode(d, &members)
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return members, nil
		}
		err = fmt.Errorf("after the object: %w", err)
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return nil, fault.Wrap(fault.DuplicateField, err, "A field stands twice in the body. Send each once.")
	}
	return nil, fault.Wrap(fault.InvalidJSON, err, "The body is not one valid JSON object.")
}
