package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong.
type Problem struct {
	Field  string // path in the file, like limits.max_body_bytes; "" for the file as a whole
	Value  string // what was set; "" for a secret, or where there is no one value
	Where  string // "tollgate.yaml line 12" or the variable; "" when not known
	Reason string // what is wrong, and what would be right
}

// String is one line for people.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Field)
	if p.Where != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "(%s)", p.Where)
	}
	b.WriteString(": ")
	if p.Value != "" {
		fmt.Fprintf(&b, "%q: ", clip(p.Value))
	}
	b.WriteString(p.Reason)
	return b.String()
}

// Problems is everything that is wrong, as an error. It is never empty.
type Problems []Problem

// Error is one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err is ps as an error, nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Warning is something that is probably not meant, and does not stop a start.
type Warning struct {
	Name string // the variable or field
	Text string
}

// String is one line for people.
func (w Warning) String() string { return w.Name + ": " + w.Text }

// clip keeps a message readable whatever the value.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// hint suggests the known name that a wrong one was probably meant to be, as
// the end of a sentence; "" when none is near.
func hint(wrong string, known []string) string {
	best, least := "", len(wrong)+1
	for _, name := range known {
		d := distance(wrong, name)
		if d < least && d <= max(len(wrong), len(name))/2 {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is how many bytes must be added, removed or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
