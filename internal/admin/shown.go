package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// withoutShown is a body without the fields that answers show and bodies may not
// carry, where they have the value that is shown now: an object that was read can
// be written back as it is. Such a field with another value stays, for the
// authority to refuse. What is read-only follows from the types: it is in View and
// not in Input. show is called only when the body has such a field.
func withoutShown[Input, View any](body []byte, show func() (View, error)) ([]byte, error) {
	members, err := strictObject(body)
	if err != nil {
		return body, nil // the authority says what is wrong with it
	}
	settable := jsonNames(reflect.TypeFor[Input]())
	var readOnly []string
	for _, name := range jsonNames(reflect.TypeFor[View]()) {
		if _, sent := members[name]; sent && !slices.Contains(settable, name) {
			readOnly = append(readOnly, name)
		}
	}
	if readOnly == nil {
		return body, nil
	}
	view, err := show()
	if errors.Is(err, fault.PermissionDenied) || errors.Is(err, fault.NotFound) {
		return body, nil // the change itself is refused better, or may be made without reading
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(view)
	if err != nil {
		return nil, err
	}
	shown, err := strictObject(text)
	if err != nil {
		return nil, err
	}
	for _, name := range readOnly {
		if sameValue(members[name], shown[name]) {
			delete(members, name)
		}
	}
	return json.Marshal(members)
}

// jsonNames lists the names of a struct's fields, those of an inlined one as its
// own.
func jsonNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" && tag != "-" {
			names = append(names, tag)
		}
	}
	return names
}

// sameValue reports whether two JSON values are the same, however they are
// written; instants may have different offsets.
func sameValue(a, b jsontext.Value) bool {
	var s, t time.Time
	if json.Unmarshal(a, &s) == nil && json.Unmarshal(b, &t) == nil && a.Kind() == '"' && b.Kind() == '"' {
		return s.Equal(t)
	}
	a, b = a.Clone(), b.Clone()
	return a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}
