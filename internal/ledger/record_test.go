package ledger

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/llm"
)

// TestFirstVersionIsRead: a journal that the version before left behind is booked
// after an update as it would have been before.
func TestFirstVersionIsRead(t *testing.T) {
	want := Entry{
		ID: RequestID{7}, At: 1, DurationMS: 2, Status: 200, Cost: 4, Outcome: Settled, Stream: true, OrganizationID: "org_1", KeyID: "key_1",
		Model: "m", Format: llm.OpenAI, Usage: llm.Usage{Input: 1, CacheRead: 2, CacheWrite: 3, CacheWrite1h: 4, InputAudio: 5, Output: 6, Reasoning: 5, OutputAudio: 8},
	}
	old := append([]byte{1, byte(want.Outcome), flagStream}, want.ID[:]...)
	for _, n := range []int64{1, 2, 200, 4, 1, 2, 3, 4, 5, 6, 5, 8} {
		old = binary.AppendVarint(old, n)
	}
	for _, s := range []string{"org_1", "", "key_1", "", "", "", "", "m", "openai", "", "", "", ""} {
		old = append(binary.AppendUvarint(old, uint64(len(s))), s...)
	}
	payload, err := record(appendRecord(nil, &want))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{old, payload} {
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
