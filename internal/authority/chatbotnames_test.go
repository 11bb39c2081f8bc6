package authority_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// botTap counts what is asked of the store about chatbots, and may come in between.
type botTap struct {
	authority.ChatbotStore
	authority.ChatbotNameStore
	found, loaded int
	load          func(func() error) error
	create        func(func() error) error
}

func (s *botTap) FindChatbot(ctx context.Context, ref string) (authority.Chatbot, error) {
	s.found++
	return s.ChatbotStore.FindChatbot(ctx, ref)
}

func (s *botTap) ChatbotNames(ctx context.Context, each func(string)) error {
	s.loaded++
	call := func() error { return s.ChatbotNameStore.ChatbotNames(ctx, each) }
	if s.load != nil {
		return s.load(call)
	}
	return call()
}

func (s *botTap) CreateChatbot(ctx context.Context, c authority.Chatbot, act authority.Act) error {
	call := func() error { return s.ChatbotStore.CreateChatbot(ctx, c, act) }
	if s.create != nil {
		return s.create(call)
	}
	return call()
}

func tappedBots(t *testing.T) (*house, *botTap) {
	tap := &botTap{}
	return newHouse(t, func(s *authority.Store) {
		tap.ChatbotStore, tap.ChatbotNameStore = s.Chatbots, s.ChatbotNames
		s.Chatbots, s.ChatbotNames = tap, tap
	}), tap
}

func (h *house) finds(t *testing.T, ref string, want bool) {
	t.Helper()
	if _, err := h.FindChatbot(t.Context(), ref); (err == nil) != want || err != nil && !errors.Is(err, fault.NotFound) {
		t.Errorf("%s: %v, want found %v", ref, err, want)
	}
}

// A flood of names that nobody has is refused from memory, and who gets such a name
// is found at once.
func TestD3_ChatbotsThatAreNotThereCostNoLookUp(t *testing.T) {
	h, tap := tappedBots(t)
	c := h.bot(t, `{"name":"a","slug":"first","model":"m"}`)
	h.finds(t, "first", true)
	tap.found = 0
	for i := range 1000 {
		for _, ref := range []string{fmt.Sprintf("nobody-%d", i), fmt.Sprintf("bot_%032x", i), "second", "third", "", "First"} {
			h.finds(t, ref, false)
		}
	}
	if tap.found != 0 || tap.loaded != 1 {
		t.Fatalf("the store was asked %d times, and loaded %d times", tap.found, tap.loaded)
	}
	second := h.bot(t, `{"name":"b","slug":"second","model":"m"}`)
	h.finds(t, "second", true)
	h.finds(t, second.ID, true)
	_, err := h.UpdateChatbot(t.Context(), h.root, c.ID, []byte(`{"slug":"third"}`), 0)
	must(t, err)
	h.finds(t, "third", true)
	h.finds(t, "first", false)
	must(t, h.DeleteChatbot(t.Context(), h.root, second.ID, 0))
	h.finds(t, "second", false)
	h.finds(t, second.ID, false)
	again := h.bot(t, `{"name":"c","slug":"second","model":"m"}`)
	b, err := h.FindChatbot(t.Context(), "second")
	must(t, err)
	same(t, b.Chatbot().ID, again.ID)
	h.finds(t, "first", false)
	if tap.loaded != 1 {
		t.Errorf("loaded %d times", tap.loaded)
	}
}

// A list of names that was read before a chatbot was made does not hide it, and
// neither does an error behind which it was stored.
func TestD3_NamesAreKnownBeforeTheCallReturns(t *testing.T) {
	h, tap := tappedBots(t)
	read, made := make(chan struct{}), make(chan struct{})
	tap.load = func(call func() error) error {
		err := call()
		close(read)
		<-made // stored meanwhile, and not in what was read
		return err
	}
	tap.create = func(call func() error) error {
		<-read
		defer close(made)
		return call()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.finds(t, "nobody", false)
	}()
	h.bot(t, `{"name":"a","slug":"late","model":"m"}`)
	h.finds(t, "late", true)
	<-done

	tap.load, tap.create = nil, func(call func() error) error {
		return errors.Join(call(), fault.New(fault.StoreUnavailable, "lost"))
	}
	_, err := h.CreateChatbot(t.Context(), h.root, []byte(`{"name":"b","slug":"lost","model":"m"}`))
	is(t, err, fault.StoreUnavailable)
	h.finds(t, "lost", true)
}

// Without its list nothing is said not to be there.
func TestD3_AListThatCannotBeReadHidesNothing(t *testing.T) {
	h, tap := tappedBots(t)
	h.bot(t, `{"name":"a","slug":"there","model":"m"}`)
	tap.load = func(func() error) error { return fault.New(fault.StoreUnavailable, "away") }
	for _, ref := range []string{"there", "nobody"} {
		_, err := h.FindChatbot(t.Context(), ref)
		is(t, err, fault.StoreUnavailable)
	}
	tap.load = nil
	h.finds(t, "there", true)
	h.finds(t, "nobody", false)
}
