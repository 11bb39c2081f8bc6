package api

import (
	"bytes"
	"encoding/json"
)

// Optional is a field of an input that can be left out, be null, or have a
// value; the three mean different things: keep (or the default, at creation),
// lift, set. The zero value is left out. Declare such fields with the JSON
// option omitzero.
type Optional[T any] struct {
	value T
	state state
}

type state uint8

const (
	omitted state = iota
	null
	set
)

// Set is a field with the value v.
func Set[T any](v T) Optional[T] { return Optional[T]{value: v, state: set} }

// Null is a field that is explicitly null: no limit, no restriction, no value.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// IsZero reports whether the field is left out.
func (o Optional[T]) IsZero() bool { return o.state == omitted }

// IsNull reports whether the field is explicitly null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// Get is the value, and whether there is one.
func (o Optional[T]) Get() (T, bool) { return o.value, o.state == set }

// MarshalJSON writes the value, or null when there is none.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.state != set {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads the value or null; a field that is absent stays left out.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*o = Set(v)
	return nil
}
