package authority

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// A key's balance belongs to the ledger. Here it is the limit that it makes, and
// the field of a new key that opens it.

// balanceLimit is the limit that a balance with this Max is.
func balanceLimit(max money.NanoUSD) limit.Limit {
	return limit.Limit{Meter: limit.Cost, Window: limit.Total, Mode: limit.Hard, Balance: true, Max: int64(max)}
}

// RefreshKey makes a change of a key's balance count: what the data plane knows
// of the key is read anew before RefreshKey returns. When that cannot be read, the
// key is not known any more, and works again once it can: going on without the
// limit that its new balance is would be worse. Kinds: not_found,
// store_unavailable.
func (a *Authority) RefreshKey(ctx context.Context, p Principal, id string) error {
	row, err := a.store.Keys.KeyByID(ctx, p.organizationID, id)
	if err != nil {
		a.keys.forgetThose(func(rec *record) bool { return rec.id == id })
		return absent(err, "API key", id)
	}
	a.refreshKey(ctx, row.Hashes)
	return nil
}

// maxInitialBalance is as much as the ledger takes at once.
const maxInitialBalance = 1_000_000_000 * money.USD

// initialBalance is the line of initial_balance_usd: only creation may set it.
func initialBalance() field[Key] {
	return field[Key]{
		name: "initial_balance_usd",
		set: func(e *edit[Key], raw jsontext.Value) string {
			if e.current != nil {
				return "is for new keys; change the balance of this one at its /balance"
			}
			e.next.InitialBalance = nil
			if isNull(raw) {
				return ""
			}
			var text string
			if json.Unmarshal(raw, &text) != nil {
				return `must be a decimal number of dollars as text, like "12.50", or null for no balance`
			}
			amount, err := money.ParseUSD(text)
			if err != nil || amount < 0 || amount > maxInitialBalance {
				return `must be a decimal number of dollars from "0" to "1000000000" with nine decimal places at most, or null for no balance`
			}
			e.next.InitialBalance = &amount
			return ""
		},
		get: func(k *Key) any {
			if k.InitialBalance == nil {
				return nil
			}
			return k.InitialBalance.String()
		},
	}
}
