package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// Whoever is in the chain has what was used in its sums, whatever the door wrote
// into the entry.
func TestEveryoneInTheChainIsInTheEntry(t *testing.T) {
	h := open(t, t.TempDir(), nil, ledger.Options{})
	var c limit.Chain
	for kind := limit.Organization; kind <= limit.Credential; kind++ {
		c = append(c, &limit.Subject{ID: limit.ID{Kind: kind, ID: fmt.Sprintf("%s_1", kind)}})
	}
	r := request(c)
	r.Entry.OrganizationID, r.Entry.KeyID = "another", "another"
	hold, err := h.Reserve(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := hold.Settle(used(150))
	if got := [...]string{e.OrganizationID, e.UserID, e.KeyID, e.ChatbotID, e.CredentialID}; got !=
		[...]string{"organization_1", "user_1", "key_1", "chatbot_1", "credential_1"} {
		t.Errorf("the entry names %q", got)
	}
	for _, s := range c {
		want := int64(150)
		if s.ID.Kind == limit.Visitor {
			want = 0 // addresses are in no book
		}
		if u, err := h.Usage(t.Context(), s.ID.ID, time.UTC); err != nil || u.Total.Tokens != want {
			t.Errorf("%s: %+v, %v", s.ID, u.Total, err)
		}
	}
}
