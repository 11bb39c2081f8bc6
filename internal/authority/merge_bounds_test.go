package authority_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/fault"
)

// A body of nothing but mistakes is refused with a bounded answer, whatever the
// length and the number of its names.
func TestARefusalIsNoLongerThanItHasToBe(t *testing.T) {
	h := newHouse(t)
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, `"stray%05d":1,`, i)
	}
	for name, body := range map[string]string{
		"long": `{"` + strings.Repeat("x", 500_000) + `":1}`,
		"many": `{` + strings.TrimSuffix(many.String(), ",") + `}`,
	} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(body))
		is(t, err, fault.ValidationFailed)
		f := fault.Of(err)
		size := len(f.Public) + len(f.Param)
		for _, field := range f.Fields {
			size += len(field.Name) + len(field.Problem)
		}
		if len(f.Fields) == 0 || size > 20_000 {
			t.Errorf("%s: %d problems in %d bytes", name, len(f.Fields), size)
		}
	}
	_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"nam":"x"}`))
	if f := fault.Of(err); !strings.Contains(f.Public, "did you mean name?") {
		t.Errorf("a slip is told: %q", f.Public)
	}
}

// The slug that a chatbot is given is one that it may be given back.
func TestAMadeSlugIsASlug(t *testing.T) {
	h := newHouse(t)
	name := strings.Repeat("a", 59) + " bbb"
	h.bot(t, `{"name":"`+name+`","model":"m"}`)
	second := h.bot(t, `{"name":"`+name+`","model":"m"}`)
	if _, err := h.UpdateChatbot(t.Context(), h.root, second.ID, []byte(`{"slug":"`+second.Slug+`"}`), 0); err != nil {
		t.Errorf("%s: %v", second.Slug, err)
	}
}
