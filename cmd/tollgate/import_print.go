package main

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"tollgate/api"
)

// imported tells people what came of an import: the numbers, and what was said of
// rows, once for all rows of which the same was said.
func (p *printer) imported(r *importReport) {
	what := []string{
		counted(int64(r.Created), "key") + " imported",
		counted(int64(r.WouldCreate), "key") + " would be imported",
		counted(int64(r.Exists), "row") + " imported before",
		counted(int64(r.Refused), "row") + " refused",
		counted(int64(r.Skipped), "row") + " skipped",
	}
	if r.DryRun {
		what[0] = ""
	} else {
		what[1] = ""
	}
	what = slices.DeleteFunc(what, func(s string) bool { return s == "" })
	p.printf("%s: %s.\n", plain(r.Source), strings.Join(what, ", "))
	if spent := spentElsewhere(r.Rows); spent != "" {
		p.printf("What these keys have spent elsewhere: $%s.\n", spent)
	}
	if r.DryRun {
		p.printf("This was a dry run: nothing was changed.\n")
	}
	p.said("Refused", r.Rows, func(l *importLine) []api.FieldError {
		if l.Outcome != outcomeRefused {
			return nil
		}
		return withReason(l)
	})
	p.said("Skipped", r.Rows, func(l *importLine) []api.FieldError {
		if l.Outcome != outcomeSkipped {
			return nil
		}
		return withReason(l)
	})
	p.said("Carried over otherwise, or not at all", r.Rows, func(l *importLine) []api.FieldError {
		if l.Outcome == outcomeRefused || l.Outcome == outcomeSkipped || l.Outcome == "exists" {
			return nil
		}
		return l.Notes
	})
}

func withReason(l *importLine) []api.FieldError {
	if l.Reason == "" {
		return l.Errors
	}
	return append([]api.FieldError{{Message: l.Reason}}, l.Errors...)
}

// said prints what of says of rows, the most frequent first.
func (p *printer) said(title string, rows []importLine, of func(*importLine) []api.FieldError) {
	type group struct {
		text string
		rows []*importLine
	}
	groups := map[string]*group{}
	for i := range rows {
		for _, e := range of(&rows[i]) {
			text := e.Message
			if e.Field != "" {
				text = e.Field + ": " + e.Message
			}
			g := groups[text]
			if g == nil {
				g = &group{text: text}
				groups[text] = g
			}
			if n := len(g.rows); n == 0 || g.rows[n-1] != &rows[i] {
				g.rows = append(g.rows, &rows[i])
			}
		}
	}
	if len(groups) == 0 {
		return
	}
	list := make([]*group, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *group) int {
		return cmp.Or(len(b.rows)-len(a.rows), a.rows[0].Row-b.rows[0].Row, strings.Compare(a.text, b.text))
	})
	p.printf("\n%s:\n", title)
	for _, g := range list {
		p.printf("  %s\n    %s\n", plain(g.text), rowList(g.rows))
	}
}

// rowList names a few rows, and says how many more there are.
func rowList(rows []*importLine) string {
	const most = 5
	names := make([]string, 0, most)
	for _, l := range rows[:min(most, len(rows))] {
		names = append(names, rowName(l))
	}
	text := strings.Join(names, ", ")
	if more := len(rows) - most; more > 0 {
		text += fmt.Sprintf(" and %s more", count(int64(more)))
	}
	return text
}

// spentElsewhere adds up what the keys have spent that were imported now, or would
// be; "" = nothing.
func spentElsewhere(rows []importLine) string {
	sum := new(big.Rat)
	for _, l := range rows {
		if n, ok := new(big.Rat).SetString(l.SpentUSD); ok && (l.Outcome == "created" || l.Outcome == "would_create") {
			sum.Add(sum, n)
		}
	}
	if sum.Sign() == 0 {
		return ""
	}
	text := strings.TrimRight(sum.FloatString(9), "0")
	if whole, cents, _ := strings.Cut(text, "."); len(cents) < 2 {
		text = whole + "." + (cents + "00")[:2]
	}
	return text
}
