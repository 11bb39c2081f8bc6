package api

import "time"

// BalanceChange is the body that changes a balance.
type BalanceChange struct {
	Type      string `json:"type" enum:"grant,refund,deduct,adjust,open" doc:"grant and refund put money in, deduct takes it out, adjust corrects either way; open gives a balance to a key that has none."`
	AmountUSD string `json:"amount_usd" doc:"A decimal number of dollars as text, with nine decimal places at most. Above zero; adjust takes one below zero too, and open zero." maxLength:"40" example:"12.50"`
	Reason    string `json:"reason,omitempty" doc:"For people; stays in the ledger." maxLength:"500" example:"invoice 1017"`
}

// LedgerLine is one change of a balance; or what the requests of one day cost,
// which is one line at the end of the day, of the type charge.
type LedgerLine struct {
	ID             string    `json:"id" doc:"bal_ and a time-ordered UUID; of a charge, chg_ and the day." example:"bal_01920f5e7c1b7e3a9c553f1d2a6b8c90"`
	At             time.Time `json:"at" doc:"When it was posted; of a charge, the end of the day." example:"2026-11-20T12:00:00Z"`
	Type           string    `json:"type" enum:"grant,refund,deduct,adjust,charge" doc:"grant and refund put money in, deduct takes it out, adjust corrects, charge is what requests cost." example:"deduct"`
	AmountUSD      string    `json:"amount_usd" doc:"Below zero: taken out, or spent." example:"-3.20"`
	BalanceUSD     string    `json:"balance_usd" doc:"The balance of the line before, and this amount." example:"16.80"`
	AvailableUSD   *string   `json:"available_usd" doc:"What was available right after it: less what requests in flight held, and what was spent that day. Null for a charge." example:"16.75"`
	Requests       *int64    `json:"requests" doc:"Of a charge: how many were forwarded that day."`
	Reason         string    `json:"reason" doc:"As it was given; empty when none was." example:"refund of order 1017"`
	Actor          *string   `json:"actor" doc:"Id of who did it; null for a charge." example:"mk_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c03"`
	IdempotencyKey *string   `json:"idempotency_key" doc:"As it was sent; null when none was." example:"order-1017"`
}

// LedgerList is one page of a statement, newest first.
type LedgerList struct {
	Ledger     []LedgerLine `json:"ledger" nullable:"false" doc:"The lines, newest first."`
	OpeningUSD string       `json:"opening_usd" doc:"The balance before the oldest line, of all pages." example:"20.00"`
	ClosingUSD string       `json:"closing_usd" doc:"The balance after the newest line: granted less spent." example:"16.80"`
	Total      int          `json:"total" doc:"Lines from here on, on all pages." example:"1"`
	Page       int          `json:"page" doc:"Which page this is, from 1." example:"1"`
	Size       int          `json:"size" doc:"The most that a page holds." example:"100"`
}
