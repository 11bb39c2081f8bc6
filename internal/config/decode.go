package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a named value of the configuration.
type field struct {
	name  string // in the file
	tag   reflect.StructTag
	value reflect.Value
}

// fieldsOf lists the named values of a struct, those of an inlined one as its
// own.
func fieldsOf(v reflect.Value) []field {
	var fs []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			fs = append(fs, fieldsOf(v.Field(i))...)
			continue
		}
		fs = append(fs, field{f.Tag.Get("yaml"), f.Tag, v.Field(i)})
	}
	return fs
}

// decoder reads YAML nodes into the configuration. It goes on after a mistake,
// so that all of them are told together; a value it cannot read stays as it was.
type decoder struct {
	where    func(*yaml.Node) string // what to call a place in the source
	problems Problems
}

func (d *decoder) note(path, value string, n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{Field: path, Value: value, Where: d.where(n), Reason: fmt.Sprintf(format, args...)})
}

// document reads text as one YAML document; nil when it holds nothing.
func (d *decoder) document(text []byte) *yaml.Node {
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		d.note("", "", &yaml.Node{}, "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.note("", "", &more, "more than one YAML document; keep the first only")
	}
	return doc.Content[0]
}

// value reads a node into v. Nothing (null) leaves v as it is.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		before := len(d.problems)
		d.value(path, n, fresh.Elem())
		if len(d.problems) == before {
			v.Set(fresh)
		}
		return
	}
	if isLeaf(v.Type()) {
		d.leaf(path, n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.table(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		panic("config: no way to read a " + v.Type().String())
	}
}

func (d *decoder) leaf(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.note(path, "", n, "want one value, not a list or a table")
		return
	}
	if _, err := setLeaf(v, n.Value); err != nil {
		d.note(path, n.Value, n, "%v", err)
	}
}

// structure reads a mapping whose names are known.
func (d *decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	d.pairs(path, n, func(key string, at, content *yaml.Node) {
		i := slices.Index(names, key)
		if i < 0 {
			d.note(join(path, clip(key)), "", at, "unknown name%s", hint(key, names))
			return
		}
		d.value(join(path, key), content, fields[i].value)
	})
}

// table reads a mapping with names of the operator's own into a map. Entries
// that are there already and not named stay.
func (d *decoder) table(path string, n *yaml.Node, v reflect.Value) {
	n = pairsOf(n)
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.pairs(path, n, func(key string, _, content *yaml.Node) {
		name := reflect.ValueOf(key)
		entry := reflect.New(v.Type().Elem()).Elem()
		if old := v.MapIndex(name); old.IsValid() {
			entry.Set(old)
		}
		d.value(join(path, key), content, entry)
		v.SetMapIndex(name, entry)
	})
}

// list reads a sequence, or a text with commas, in place of what was there.
func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	items := n.Content
	switch n.Kind {
	case yaml.SequenceNode:
	case yaml.ScalarNode:
		items = split(n)
	default:
		d.note(path, "", n, "want a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, out.Index(i))
	}
	v.Set(out)
}

// pairs calls visit for each entry of a mapping; at is where its name stands.
func (d *decoder) pairs(path string, n *yaml.Node, visit func(key string, at, content *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.note(path, "", n, "want a table of names and values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := n.Content[i]
		if at.Kind != yaml.ScalarNode {
			d.note(path, "", at, "want a plain name before the colon")
			continue
		}
		if seen[at.Value] {
			d.note(join(path, clip(at.Value)), "", at, "given twice")
			continue
		}
		seen[at.Value] = true
		visit(at.Value, at, n.Content[i+1])
	}
}

// split makes nodes of the parts of "a, b".
func split(n *yaml.Node) []*yaml.Node {
	var parts []*yaml.Node
	for part := range strings.SplitSeq(n.Value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, scalar(n, part))
		}
	}
	return parts
}

// pairsOf makes a mapping of "a=b, c=d", the form a table of texts may have in a
// variable. Any other node comes back as it is.
func pairsOf(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.ScalarNode {
		return n
	}
	m := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
	for _, part := range split(n) {
		name, value, ok := strings.Cut(part.Value, "=")
		if !ok {
			return n
		}
		m.Content = append(m.Content, scalar(n, strings.TrimSpace(name)), scalar(n, strings.TrimSpace(value)))
	}
	return m
}

func scalar(at *yaml.Node, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: at.Line}
}

// join appends a name to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
