package ledger

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/llm"
)

// TestEarlierVersionsAreRead: a journal that an earlier version left behind is
// booked after an update as it would have been before.
func TestEarlierVersionsAreRead(t *testing.T) {
	want := Entry{
		ID: RequestID{7}, At: 1, DurationMS: 2, Status: 200, Cost: 4, Outcome: Settled, Stream: true, OrganizationID: "org_1", KeyID: "key_1",
		Model: "m", Format: llm.OpenAI, Usage: llm.Usage{Input: 1, CacheRead: 2, CacheWrite: 3, CacheWrite1h: 4, InputAudio: 5, Output: 6, Reasoning: 5, OutputAudio: 8},
	}
	text := func(b []byte) []byte {
		for _, s := range []string{"org_1", "", "key_1", "", "", "", "", "m", "openai", "", "", "", ""} {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
		return b
	}
	old := append([]byte{1, byte(want.Outcome), flagStream}, want.ID[:]...)
	for _, n := range []int64{1, 2, 200, 4, 1, 2, 3, 4, 5, 6, 5, 8} {
		old = binary.AppendVarint(old, n)
	}
	second := append([]byte{2}, old[1:]...)
	for range 4 { // nothing that is not counted in tokens
		second = binary.AppendVarint(second, 0)
	}
	old, second = text(old), text(second)
	payload, err := record(appendRecord(nil, &want))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{old, second, payload} {
		var got Entry
		if err := got.decode(b, &names{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	old[0] = recordVersion + 1
	if err := new(Entry).decode(old, &names{}); err == nil {
		t.Error("a later version was read")
	}
}

// TestAttemptsAreKept: a record says which targets were tried, and one that is cut
// short or has more of them than fit is not read for another.
func TestAttemptsAreKept(t *testing.T) {
	want := Entry{ID: RequestID{7}, Outcome: Settled, Provider: "demo", Model: "c", Attempts: []Attempt{
		{Provider: "openai", Model: "a", Status: 503, DurationMS: 12}, {Provider: "dead", Model: "b"},
	}}
	payload, err := record(appendRecord(nil, &want))
	if err != nil {
		t.Fatal(err)
	}
	var got Entry
	if err := got.decode(payload, &names{}); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
	for n := range payload {
		if err := new(Entry).decode(payload[:n], &names{}); err == nil {
			t.Errorf("%d bytes of %d are read", n, len(payload))
		}
	}
	none, _ := record(appendRecord(nil, &Entry{}))
	for _, count := range []uint64{1, 1 << 20, 1 << 62} {
		if err := new(Entry).decode(binary.AppendUvarint(none[:len(none)-1:len(none)-1], count), &names{}); err == nil {
			t.Errorf("%d attempts that are not there are read", count)
		}
	}
}
