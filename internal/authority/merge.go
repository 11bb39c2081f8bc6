package authority

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
)

// field is one line of a table: what a body may say of a T, how it is read, how
// the audit shows it, and what its owner may make of it. Creating, replacing and
// patching all go through the same tables; they differ only in what they start
// from.
type field[T any] struct {
	name string
	// set reads raw, null included, into e.next. It returns what is wrong and what
	// would be right, or "".
	set func(e *edit[T], raw jsontext.Value) (problem string)
	// get is the value, for the audit; nil = it follows from other fields.
	get func(*T) any
	// tightens reports whether next allows no more than old in this respect; nil =
	// any change may allow more.
	tightens func(old, next *T) bool
}

func (f *field[T]) differs(old, next *T) bool { return !reflect.DeepEqual(f.get(old), f.get(next)) }

// edit is one body being applied.
type edit[T any] struct {
	next      *T       // what the body makes of it
	current   *T       // as it is stored; nil at creation
	given     []string // the names in the body
	unlimited *bool    // is_unlimited, if it was in the body
	lifted    []string // lists that the body would empty, and so open to all
	problems  []fault.Field
}

func (e *edit[T]) has(name string) bool { return slices.Contains(e.given, name) }

func (e *edit[T]) failed(name string) bool {
	return slices.ContainsFunc(e.problems, func(f fault.Field) bool { return f.Name == name })
}

func (e *edit[T]) fail(name, problem string) {
	e.problems = append(e.problems, fault.Field{Name: name, Problem: problem})
}

// maxProblems is how many problems a refusal names: a body of nothing but mistakes
// must not cost more than a right one, nor make an answer longer than itself.
const maxProblems = 50

// apply reads every member through its line of the table.
func (e *edit[T]) apply(table []field[T], members []member) {
	for _, m := range members {
		if len(e.problems) >= maxProblems {
			return // err refuses the body in any case
		}
		e.given = append(e.given, m.name)
		i := slices.IndexFunc(table, func(f field[T]) bool { return f.name == m.name })
		if i < 0 {
			e.fail(clean(m.name, maxNameShown), unknownField(table, m.name))
		} else if problem := table[i].set(e, m.value); problem != "" {
			e.fail(m.name, problem)
		}
	}
}

// err is every problem at once, or nil. Lifting a restriction is named for itself
// only when nothing else is wrong.
func (e *edit[T]) err() error {
	const lifts = "an empty list would open it to all; send null to lift the restriction on purpose"
	fields := e.problems
	for _, name := range e.lifted {
		fields = append(fields, fault.Field{Name: name, Problem: lifts})
	}
	switch {
	case len(e.problems) > 0:
		return &fault.Error{Kind: fault.ValidationFailed, Public: summary(fields), Param: fields[0].Name, Fields: fields}
	case len(e.lifted) > 0:
		return &fault.Error{Kind: fault.WouldLift, Public: summary(fields), Param: fields[0].Name, Fields: fields}
	}
	return nil
}

// problem refuses a body for one field.
func problem(name, text string) error {
	fields := []fault.Field{{Name: name, Problem: text}}
	return &fault.Error{Kind: fault.ValidationFailed, Public: summary(fields), Param: name, Fields: fields}
}

func summary(fields []fault.Field) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Name + ": " + f.Problem
	}
	return strings.Join(texts, "; ") + "."
}

// member is one name and value of a body.
type member struct {
	name  string
	value jsontext.Value
}

// members reads a body that must be one JSON object without a name twice, at any
// depth.
func members(body []byte) ([]member, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	if kind := dec.PeekKind(); kind != '{' && kind != 0 {
		return nil, fault.New(fault.ValidationFailed, "The body must be a JSON object, like {\"name\": \"my key\"}.")
	}
	var list []member
	if _, err := dec.ReadToken(); err != nil {
		return nil, badJSON(err)
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, badJSON(err)
		}
		m := member{name: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, badJSON(err)
		}
		m.value = value.Clone()
		list = append(list, m)
	}
	if _, err := dec.ReadToken(); err != nil { // the closing brace
		return nil, badJSON(err)
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, fault.New(fault.InvalidJSON, "The body must be one JSON object and nothing after it.")
	}
	return list, nil
}

func badJSON(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		var syntax *jsontext.SyntacticError
		name := ""
		if errors.As(err, &syntax) {
			name = strings.TrimPrefix(string(syntax.JSONPointer), "/")
		}
		e := fault.Wrap(fault.DuplicateField, err, "The field %q stands twice in the body. Send it once.", name)
		e.Param = name
		return e
	}
	return fault.Wrap(fault.InvalidJSON, err, "The body is not valid JSON.")
}

// settleActive refuses a body whose status and is_active say different things.
func (e *edit[T]) settleActive(list []member) {
	said := map[string]bool{}
	for _, m := range list {
		var status Status
		switch {
		case m.name == "is_active" && !e.failed(m.name):
			said[m.name] = m.value.Kind() == 't'
		case m.name == "status" && !e.failed(m.name) && json.Unmarshal(m.value, &status) == nil:
			said[m.name] = status == StatusActive
		}
	}
	if len(said) == 2 && said["status"] != said["is_active"] {
		e.fail("is_active", "contradicts status; send one of them")
	}
}

const (
	maxFieldName = 64   // more bytes than a name has that was meant to be one of ours
	maxNameShown = 1024 // bytes of a name that a refusal repeats
)

// unknownField suggests the name that was probably meant.
func unknownField[T any](table []field[T], name string) string {
	if len(name) > maxFieldName {
		return "is not a known field"
	}
	best, distance := "", 1+len(name)/3
	for _, f := range table {
		if d := editDistance(strings.ToLower(name), f.name); d <= distance {
			best, distance = f.name, d-1
		}
	}
	if best == "" {
		return "is not a known field"
	}
	return "is not a known field; did you mean " + best + "?"
}

// editDistance is how many letters must be put in, left out or changed to make b
// of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
