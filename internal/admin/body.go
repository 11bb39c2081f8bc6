package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// decodeObject reads a body that no keeper judges into a T whose fields are text
// and whole numbers; null is as good as left out. Every field that is unknown or
// of the wrong type is in wrong, in the order of the names.
func decodeObject[T any](body []byte) (out T, wrong []fault.Field, err error) {
	members, err := strictObject(body)
	if err != nil {
		return out, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		raw := members[name]
		field, ok := fieldNamed(reflect.ValueOf(&out).Elem(), name)
		switch {
		case !ok:
			wrong = append(wrong, fault.Field{Name: name, Problem: "is not a known field"})
		case raw.Kind() == 'n':
		case json.Unmarshal(raw, field.Addr().Interface()) != nil && field.Kind() == reflect.String:
			wrong = append(wrong, fault.Field{Name: name, Problem: "must be text"})
		case json.Unmarshal(raw, field.Addr().Interface()) != nil:
			wrong = append(wrong, fault.Field{Name: name, Problem: "must be a whole number"})
		}
	}
	return out, wrong, nil
}

// fieldNamed is the field of a struct with this JSON name, and no other spelling.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
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
