package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes answers: JSON for programs, aligned tables for people.
type printer struct {
	*terminal
	json bool
}

// print writes v as JSON when that was asked for, and else lets human write it.
func (p *printer) print(v any, human func()) error {
	if !p.json {
		human()
		return nil
	}
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table writes rows of cells in aligned columns.
func (p *printer) table(rows [][]string) {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush()
}

const never = "-"

// plain is text that cannot command the terminal: names and tags come from
// whoever made the key.
func plain(s string) string {
	if s == "" {
		return never
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

// list is a list as its flag takes it; null is all.
func list(values []string) string {
	if values == nil {
		return "all"
	}
	return plain(strings.Join(values, ","))
}

// count is n with thousands separated: 86,400.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := len(s) % 3
	if n < 0 {
		start = (len(s)-1)%3 + 1
	}
	var b strings.Builder
	b.WriteString(s[:start])
	for i := start; i < len(s); i += 3 {
		if i > 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteString(s[i : i+3])
	}
	return b.String()
}

// counted is n of a noun: 1 request, 2 requests.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// limit is a limit with its noun; null is no limit.
func limit(n *int64, noun string) string {
	if n == nil {
		return "no limit"
	}
	return counted(*n, noun)
}

// dollars is an amount of whole cents.
func dollars(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s$%s.%02d", sign, count(cents/100), cents%100)
}

// instant is a time in UTC, to the second.
func instant(t *time.Time) string {
	if t == nil {
		return never
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
