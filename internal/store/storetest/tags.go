package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tollgate/internal/authority"
)

// A key is found by each of its tags and by no other text, however the tags are
// made: a store may look for them in the text of a list.
func keyTags(t *testing.T, s authority.Store) {
	installed(t, s)
	rng := rand.New(rand.NewPCG(3, 1))
	letters := []rune(`a,"][\<é `)
	word := func() string {
		text := make([]rune, 1+rng.IntN(3))
		for i := range text {
			text[i] = letters[rng.IntN(len(letters))]
		}
		return string(text)
	}
	tags := map[string][]string{}
	asked := []string{`x`, `a`, `,`, `]`, `[`, `"`, `\`, `","`, `",`, `,"`, `["a"`, `a","a`, `\"`}
	for i := range 150 {
		row := newKey("org_a", fmt.Sprintf("key_%d", i))
		for range rng.IntN(4) {
			row.Tags = append(row.Tags, word())
		}
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
		tags[row.ID] = row.Tags
		asked = append(asked, row.Tags...)
	}
	for _, tag := range asked {
		var want []string
		for id, theirs := range tags {
			if slices.Contains(theirs, tag) {
				want = append(want, id)
			}
		}
		list, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Tag: tag, Page: 1, Size: 1000}, start)
		must(t, err)
		var got []string
		for _, k := range list {
			got = append(got, k.ID)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || total != len(want) {
			t.Errorf("tag %q: %d keys, %v, want %v", tag, total, got, want)
		}
	}
}
