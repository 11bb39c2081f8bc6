package foreign

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// value is one value of a row: of JSON as it stands there, of CSV as text.
type value struct {
	raw jsontext.Value // nil = of CSV
	csv string
}

// cell is a value of CSV.
func cell(text string) value { return value{csv: text} }

// errForm is of a value that has not the form that its column has.
var errForm = errors.New("cannot be read")

// isNull reports whether there is nothing.
func (v value) isNull() bool {
	if v.raw == nil {
		return v.csv == "" || v.csv == `\N` || v.csv == "NULL"
	}
	return v.raw.Kind() == 'n'
}

// isEmpty reports whether v can restrict nothing: nothing, no, zero, or something
// without anything in it.
func (v value) isEmpty() bool {
	if v.isNull() {
		return true
	}
	text := v.csv
	if v.raw != nil {
		switch v.raw.Kind() {
		case 'f':
			return true
		case '[', '{':
			return len(bytes.TrimSpace(v.raw[1:len(v.raw)-1])) == 0
		case '"':
			text, _ = v.text()
		default:
			text = string(v.raw)
		}
	}
	switch strings.TrimSpace(text) {
	case "", "f", "false", "False", "FALSE", "0", "0.0", "[]", "{}", "null":
		return true
	}
	return false
}

// text is v as text; numbers and truth as they are written, nothing is "".
func (v value) text() (string, error) {
	switch {
	case v.isNull():
		return "", nil
	case v.raw == nil:
		return v.csv, nil
	case v.raw.Kind() == '"':
		var s string
		if json.Unmarshal(v.raw, &s) != nil {
			return "", errForm
		}
		return s, nil
	case v.raw.Kind() == '[' || v.raw.Kind() == '{':
		return "", errForm
	}
	return string(v.raw), nil
}

// boolean is v as true or false; given is false for nothing.
func (v value) boolean() (truth, given bool, err error) {
	text, err := v.text()
	if err != nil {
		return false, false, err
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return false, false, nil
	case "t", "true", "1", "yes":
		return true, true, nil
	case "f", "false", "0", "no":
		return false, true, nil
	}
	return false, false, errForm
}

// integer is v as a whole number; nil is nothing. A number like 60.0 is whole.
func (v value) integer() (*int64, error) {
	text, err := v.text()
	if err != nil {
		return nil, err
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
	if err != nil {
		return nil, errForm
	}
	return &n, nil
}

// The forms in which databases write an instant. Those without a zone are UTC, as
// all five systems keep them.
var instants = [...]string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02",
}

// instant is v as an instant; zero is nothing. A plain number is Unix seconds.
func (v value) instant() (time.Time, error) {
	text, err := v.text()
	if err != nil {
		return time.Time{}, err
	}
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < 1<<36 {
		return time.Unix(seconds, 0).UTC(), nil
	}
	for _, form := range instants {
		if t, err := time.Parse(form, text); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errForm
}

// words is v as a list of text; nil is nothing, which is not the same as a list
// with nothing in it.
func (v value) words() ([]string, error) {
	if v.isNull() {
		return nil, nil
	}
	raw := v.raw
	if raw == nil || raw.Kind() == '"' {
		text, err := v.text()
		if err != nil {
			return nil, err
		}
		text = strings.TrimSpace(text)
		switch {
		case text == "" || text == "null":
			return nil, nil
		case strings.HasPrefix(text, "{"):
			return postgresArray(text)
		}
		raw = jsontext.Value(text)
	}
	var list []*string
	if raw.Kind() != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, errForm
	}
	words := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, errForm
		}
		words[i] = *s
	}
	return words, nil
}

// postgresArray reads text[] as Postgres writes it: {a,"b c"}.
func postgresArray(s string) ([]string, error) {
	if len(s) < 2 || s[len(s)-1] != '}' {
		return nil, errForm
	}
	words, rest := []string{}, s[1:len(s)-1]
	for rest != "" {
		var word strings.Builder
		quoted := rest[0] == '"'
		i := 0
		if quoted {
			for i = 1; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' {
					if i++; i == len(rest) {
						return nil, errForm
					}
				}
				word.WriteByte(rest[i])
			}
			if i == len(rest) {
				return nil, errForm
			}
			i++
		} else {
			for ; i < len(rest) && rest[i] != ','; i++ {
				if strings.IndexByte(`{}"\`, rest[i]) >= 0 {
					return nil, errForm // a list in a list, or none at all
				}
				word.WriteByte(rest[i])
			}
			if word.Len() == 0 || word.String() == "NULL" {
				return nil, errForm
			}
		}
		words = append(words, word.String())
		rest = rest[i:]
		if rest == "" {
			break
		}
		if rest[0] != ',' || len(rest) == 1 {
			return nil, errForm
		}
		rest = rest[1:]
	}
	return words, nil
}

// object is v as an object by its names as they stand there; nil is nothing.
func (v value) object() (map[string]value, error) {
	if v.isNull() {
		return nil, nil
	}
	raw := v.raw
	if raw == nil || raw.Kind() == '"' {
		text, err := v.text()
		if err != nil {
			return nil, err
		}
		if text = strings.TrimSpace(text); text == "" || text == "null" {
			return nil, nil
		}
		raw = jsontext.Value(text)
	}
	return object(raw)
}

// object reads the members of a JSON object, by their names as columns.
func object(raw jsontext.Value) (map[string]value, error) {
	var members map[string]jsontext.Value
	if raw.Kind() != '{' || json.Unmarshal(raw, &members) != nil {
		return nil, errForm
	}
	values := make(map[string]value, len(members))
	for name, v := range members {
		name = columnName(name)
		if _, twice := values[name]; twice {
			return nil, errors.New("a name stands twice in an object")
		}
		values[name] = value{raw: v}
	}
	return values, nil
}

func array(raw jsontext.Value) ([]jsontext.Value, error) {
	var items []jsontext.Value
	if json.Unmarshal(raw, &items) != nil {
		return nil, errForm
	}
	return items, nil
}
