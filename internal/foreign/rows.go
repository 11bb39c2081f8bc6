package foreign

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Row is one exported row: its values by the names of their columns, in lower case
// with underscores.
type Row struct {
	Number int // from 1, in the order of the file
	values map[string]value
}

// Rows reads the rows of a file: CSV with a line of names, a JSON array, JSON lines,
// or the JSON answer of a list, in which the rows are somewhere inside.
type Rows struct {
	next  func() (map[string]value, error)
	count int
}

// maxRow is the size in bytes of a row of JSON that nobody has.
const maxRow = 1 << 20

// NewRows finds out what r holds. The error is of a file that is none of these.
func NewRows(r io.Reader) (*Rows, error) {
	in := bufio.NewReader(r)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // they are there
	}
	for {
		c, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		} else if err != nil {
			return nil, err
		}
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			continue
		}
		_ = in.UnreadByte() // it was read just now
		if c == '[' || c == '{' {
			return &Rows{next: (&jsonRows{dec: jsontext.NewDecoder(in)}).next}, nil
		}
		return newCSV(in)
	}
}

// Next is the next row, or io.EOF. Any other error is the end of the file too: what
// follows a row that cannot be read is not known.
func (r *Rows) Next() (Row, error) {
	values, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return Row{}, io.EOF
	case err != nil:
		return Row{}, fmt.Errorf("row %d: %w", r.count+1, err)
	}
	r.count++
	return Row{Number: r.count, values: values}, nil
}

// newCSV reads the line of names.
func newCSV(in *bufio.Reader) (*Rows, error) {
	head, err := in.Peek(in.Size())
	if len(head) == 0 {
		return nil, err
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	r := csv.NewReader(in)
	for _, c := range ";\t" {
		if bytes.ContainsRune(line, c) && !bytes.ContainsRune(line, ',') {
			r.Comma = c
		}
	}
	r.ReuseRecord = true
	first, err := r.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	names := make([]string, len(first))
	for i, name := range first {
		names[i] = columnName(name)
		if names[i] == "" || slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("the first line must have the names of the columns, each once; the name of column %d is not one, or is there twice", i+1)
		}
	}
	if len(names) == 1 && !isKey(map[string]value{names[0]: {}}) {
		return nil, errors.New("the file is neither CSV with a line of names, nor JSON")
	}
	return &Rows{next: func() (map[string]value, error) {
		record, err := r.Read()
		if err != nil {
			return nil, unreadable(err)
		}
		values := make(map[string]value, len(names))
		for i, text := range record {
			values[names[i]] = cell(text)
		}
		return values, nil
	}}, nil
}

// unreadable is what is wrong with CSV, without the text that is.
func unreadable(err error) error {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return fmt.Errorf("line %d of the file is no CSV: %w", wrong.Line, wrong.Err)
	}
	return err
}

// jsonRows reads the rows of JSON.
type jsonRows struct {
	dec     *jsontext.Decoder
	array   bool
	begun   bool
	waiting []map[string]value // of a value that holds several
}

func (j *jsonRows) next() (map[string]value, error) {
	if !j.begun {
		j.begun = true
		if j.dec.PeekKind() == '[' {
			j.array = true
			if _, err := j.dec.ReadToken(); err != nil {
				return nil, badJSON(err)
			}
		}
	}
	for len(j.waiting) == 0 {
		if j.array && j.dec.PeekKind() == ']' {
			if _, err := j.dec.ReadToken(); err != nil {
				return nil, badJSON(err)
			}
			j.array = false
			if _, err := j.dec.ReadToken(); !errors.Is(err, io.EOF) {
				return nil, errors.New("something follows the list")
			}
			return nil, io.EOF
		}
		raw, err := j.dec.ReadValue()
		if err != nil {
			return nil, badJSON(err)
		}
		if raw.Kind() != '{' {
			return nil, errors.New("is no JSON object")
		}
		if j.waiting, err = unfold(raw.Clone()); err != nil {
			return nil, err
		}
	}
	row := j.waiting[0]
	j.waiting = j.waiting[1:]
	return row, nil
}

// badJSON is what is wrong with JSON, without the text that is.
func badJSON(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends in the middle of it")
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("a name stands twice in an object")
	}
	var wrong *jsontext.SyntacticError
	if errors.As(err, &wrong) {
		return fmt.Errorf("byte %d of the file is no JSON", wrong.ByteOffset)
	}
	return err
}

// lists are the names under which answers of the other systems hold their rows.
var lists = [...]string{"keys", "items", "data", "tokens", "api_keys", "users", "standalone_keys", "results", "rows"}

// unfold is the rows of an object: itself, or those in the lists that it holds. Rows
// in a list of a user have the user beside them.
func unfold(raw jsontext.Value) ([]map[string]value, error) {
	members, err := object(raw)
	if err != nil {
		return nil, err
	}
	var rows []map[string]value
	folded := false
	for _, name := range lists {
		inner, ok := members[name]
		if !ok {
			continue
		}
		switch inner.raw.Kind() {
		case '[':
			items, err := array(inner.raw)
			if err != nil {
				return nil, err
			}
			if len(items) > 0 && items[0].Kind() != '{' || len(items) == 0 && isKey(members) {
				continue // a list of something else
			}
			folded = true
			delete(members, name)
			for _, item := range items {
				more, err := unfold(item)
				if err != nil {
					return nil, err
				}
				rows = append(rows, more...)
			}
		case '{':
			if name != "data" {
				continue
			}
			folded = true
			more, err := unfold(inner.raw)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	if !folded {
		if len(raw) > maxRow {
			return nil, fmt.Errorf("is larger than %d bytes", maxRow)
		}
		return []map[string]value{members}, nil
	}
	if _, isUser := members["email"]; isUser {
		owner := value{raw: raw}
		for _, row := range rows {
			if _, has := row["user"]; !has {
				row["user"] = owner
			}
		}
	}
	return rows, nil
}

// isKey reports whether an object is a key itself.
func isKey(members map[string]value) bool {
	for _, name := range [...]string{"token", "key", "key_hash", "digest"} {
		if _, ok := members[name]; ok {
			return true
		}
	}
	return false
}

// columnName is a name in lower case with underscores: keyAlias and "Key Alias" are
// key_alias.
func columnName(s string) string {
	var b strings.Builder
	before := rune(0)
	for _, c := range strings.TrimSpace(s) {
		switch {
		case unicode.IsUpper(c):
			if unicode.IsLower(before) || unicode.IsDigit(before) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(c))
		case c == ' ' || c == '-' || c == '.':
			b.WriteByte('_')
		default:
			b.WriteRune(c)
		}
		before = c
	}
	return b.String()
}
