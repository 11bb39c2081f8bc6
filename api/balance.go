package api

import "time"

// BalanceChange is the body that changes a balance.
type BalanceChange struct {
	Type      string `json:"type" enum:"grant,refund,deduct,adjust,open" doc:"grant and refund put money in, deduct takes it out, adjust corrects either way; open gives a balance to a key that has none."`
	AmountUSD string `json:"amount_usd" doc:"A decimal number of dollars as text, with nine decimal places at most. Above zero; adjust takes one below zero too, and open zero." example:"12.50"`
	Reason    string `json:"reason,omitempty" doc:"For people; stays in the ledger." maxLength:"500"`
}

// LedgerLine is one change of a balance; or what the requests of one day cost,
// which is one line at the end of the day, of the type charge.
type LedgerLine struct {
	ID             *string   `json:"id" doc:"Null for a charge." example:"bal_01920f5e7c1b7e3a9c553f1d2a6b8c90"`
	At             time.Time `json:"at"`
	Type           string    `json:"type" enum:"grant,refund,deduct,adjust,charge"`
	AmountUSD      string    `json:"amount_usd" doc:"Below zero: taken out, or spent." example:"-3.20"`
	BalanceUSD     string    `json:"balance_usd" doc:"The balance of the line before, and this amount." example:"16.80"`
	AvailableUSD   *string   `json:"available_usd" doc:"What was available right after it: less what requests in flight held, and what was spent that day. Null for a charge."`
	Requests       *int64    `json:"requests" doc:"Of a charge: how many were forwarded that day."`
	Reason         string    `json:"reason"`
	Actor          *string   `json:"actor" doc:"Id of who did it; null for a charge."`
	IdempotencyKey *string   `json:"idempotency_key" doc:"Null when none was sent."`
}

// LedgerList is one page of a statement, newest first.
type LedgerList struct {
	Ledger     []LedgerLine `json:"ledger" nullable:"false"`
	OpeningUSD string       `json:"opening_usd" doc:"The balance before the oldest line, of all pages." example:"0.00"`
	ClosingUSD string       `json:"closing_usd" doc:"The balance after the newest line: granted less spent." example:"16.80"`
	Total      int          `json:"total" doc:"Lines on all pages."`
	Page       int          `json:"page"`
	Size       int          `json:"size"`
}
