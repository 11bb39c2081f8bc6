package ledger_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

// TestAnExchangedHoldBelongsToItsOwnDay: a hold that is taken after midnight in the
// place of one from before is booked on the day in whose limits it was taken, also for
// the process that comes next.
func TestAnExchangedHoldBelongsToItsOwnDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("a quarter of an hour behind", -15*60)
		time.Sleep(15*time.Minute - time.Second) // midnight is near
		dir := t.TempDir()
		h := open(t, dir, nil, ledger.Options{})
		asked := func(credential string) *ledger.Request {
			r := request(paidBy(credential, []limit.Limit{tokensADay(1000)}))
			r.Location = zone
			return r
		}
		hold, err := h.Reserve(t.Context(), asked("cred_1"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // the provider takes its time
		next, err := hold.Exchange(t.Context(), asked("cred_2"))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := next.Settle(used(150)); !ok {
			t.Fatal("it is not settled")
		}
		today := func(h house) int64 {
			states, err := h.Inspect(t.Context(), asked("cred_2").Chain, zone)
			if err != nil {
				t.Fatal(err)
			}
			return states[0].Used
		}
		if n := today(h); n != 150 {
			t.Errorf("%d tokens are used today", n)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if n := today(open(t, dir, nil, ledger.Options{})); n != 150 {
			t.Errorf("after a restart %d tokens are used today", n)
		}
	})
}
