package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// Purse is what the management API changes in the ledger. *ledger.Ledger is one.
type Purse interface {
	// Balances are the balances of those of the keys that have one.
	Balances(ctx context.Context, keys []string) (map[string]ledger.Balance, error)
	// Post changes a balance.
	Post(ctx context.Context, p ledger.Posting) (ledger.BalanceEntry, error)
	// OpenBalance gives a key a balance.
	OpenBalance(ctx context.Context, p ledger.Posting) (ledger.BalanceEntry, error)
	// Statement lists what happened to a balance at [from, to).
	Statement(ctx context.Context, key string, from, to time.Time, loc *time.Location) (ledger.Statement, error)
	// Carry books what a new key has used elsewhere, and runs record in the same
	// transaction.
	Carry(ctx context.Context, e ledger.Entry, loc *time.Location, record func(context.Context) error) error
}

// manageBalance is the permission to give money.
const manageBalance = "platform:balance:manage"

const (
	balanceOpen   = "open"
	actionBalance = "api_key.balance." // and what was done
)

// changeBalance changes what a key may spend in all. Putting money in loosens,
// and needs more than taking it out.
func (s *service) changeBalance(ctx context.Context, who authority.Principal, in *order) (*keyAnswer, error) {
	k, err := s.authority.ResolveKey(ctx, who, in.ID, actionBalance+"change")
	if err != nil {
		return nil, err
	}
	p, open, err := readBalanceChange(in.Body)
	if err != nil {
		return nil, err // guard keeps it
	}
	p.OrganizationID, p.KeyID, p.Actor = k.OrganizationID, k.ID, who.ID()
	p.IdempotencyKey = s.storedIdempotencyKey(originOf(ctx, http.MethodPost).IdempotencyKey)
	p.Reason = s.authority.Veil(p.Reason)
	deed := authority.Deed{
		Action: actionBalance + string(p.Kind), ResourceType: "api_key", ResourceID: k.ID, ResourceName: k.Name,
		Changes: []authority.Change{changed("amount_usd", p.Amount.String()), changed("reason", p.Reason)},
	}
	made := false
	p.Record = func(ctx context.Context) error {
		made = true
		return s.authority.Audit(ctx, who, deed)
	}
	post := s.purse.Post
	if open {
		post = s.purse.OpenBalance
	}
	if err = mayChangeBalance(who, k, open || p.Kind != ledger.Deduct && p.Amount > 0); err == nil {
		_, err = post(ctx, p)
	}
	if err != nil || !made {
		deed.Err, deed.Repeated = err, true
		err = s.authority.Audit(ctx, who, deed)
	}
	// Also after an error: a change that failed may have been stored all the same.
	return s.answerKey(ctx, k, errors.Join(err, s.authority.RefreshKey(ctx, who, k.ID)))
}

// storedIdempotencyKey is sent as the book keeps it. What looks like a secret is
// kept as its hash, which tells two of them apart as well.
func (s *service) storedIdempotencyKey(sent string) string {
	if s.authority.Veil(sent) == sent {
		return sent
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(sent)))
}

// changed is a field of a change of a balance, for the audit.
func changed(field, value string) authority.Change {
	text, _ := json.Marshal(value) // text always can be
	return authority.Change{Field: field, From: []byte("null"), To: text}
}

// mayChangeBalance is nil when who may put money on a key, or take it out.
func mayChangeBalance(who authority.Principal, k authority.Key, loosens bool) error {
	switch {
	case who.Can(manageBalance), !loosens && who.May("platform:api-keys:update", k.UserID):
		return nil
	case loosens:
		return fault.New(fault.EscalationDenied, "Only who has the permission %q may put money on a key.", manageBalance)
	}
	return fault.New(fault.PermissionDenied, "This needs the permission %q. Ask an administrator to grant it.", manageBalance)
}

// readBalanceChange reads the body, or says everything that is wrong with it.
func readBalanceChange(body []byte) (p ledger.Posting, open bool, err error) {
	members, err := strictObject(body)
	if err != nil {
		return p, false, err
	}
	var wrong []fault.Field
	text := func(name string) (s string, there bool) {
		raw, there := members[name]
		delete(members, name)
		if there && json.Unmarshal(raw, &s) != nil || string(raw) == "null" {
			wrong = append(wrong, fault.Field{Name: name, Problem: "must be text"})
			return "", false
		}
		return s, there
	}
	if kind, ok := text("type"); ok || len(wrong) == 0 {
		open = kind == balanceOpen
		p.Kind = ledger.BalanceKind(kind)
		if !open && !slices.Contains([]ledger.BalanceKind{ledger.Grant, ledger.Refund, ledger.Deduct, ledger.Adjust}, p.Kind) {
			wrong = append(wrong, fault.Field{Name: "type", Problem: "must be one of grant, refund, deduct, adjust, open"})
		}
	}
	if raw, ok := members["amount_usd"]; ok && raw.Kind() != '"' {
		delete(members, "amount_usd")
		wrong = append(wrong, fault.Field{Name: "amount_usd", Problem: `must be a decimal number as text, like "12.50"`})
	} else {
		amount, _ := text("amount_usd")
		var problem string
		if p.Amount, problem = amountOf(amount, p.Kind, open); problem != "" {
			wrong = append(wrong, fault.Field{Name: "amount_usd", Problem: problem})
		}
	}
	p.Reason, _ = text("reason")
	if utf8.RuneCountInString(p.Reason) > 500 || strings.ContainsFunc(p.Reason, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' }) {
		wrong = append(wrong, fault.Field{Name: "reason", Problem: "must have 500 characters at most, and no control characters"})
	}
	for name := range members {
		wrong = append(wrong, fault.Field{Name: name, Problem: "is not a known field"})
	}
	return p, open, invalid(wrong)
}

// amountOf reads an amount of money, or says what is wrong with it.
func amountOf(text string, kind ledger.BalanceKind, open bool) (amount money.NanoUSD, problem string) {
	amount, err := money.ParseUSD(text)
	word := strings.ToLower(strings.TrimLeft(text, "+-"))
	switch {
	case text == "":
		return 0, "is required"
	case strings.HasPrefix(word, "nan"):
		return 0, "must be a number"
	case strings.HasPrefix(word, "inf"):
		return 0, "must be finite"
	case errors.Is(err, money.ErrRange) && decimals(text) > 9:
		return 0, "must have nine decimal places at most"
	case errors.Is(err, money.ErrRange):
		return 0, "must be at most 1000000000"
	case err != nil:
		return 0, `must be a decimal number without an exponent, like "12.50"`
	case amount == 0 && !open:
		return 0, "must not be zero"
	case amount < 0 && kind != ledger.Adjust:
		return 0, "must be above zero; to take money out, the type is deduct"
	}
	return amount, ""
}

// decimals is how many decimal places a number has, zeros at the end left out.
func decimals(text string) int {
	_, frac, _ := strings.Cut(text, ".")
	return len(strings.TrimRight(frac, "0"))
}

type ledgerQuery struct {
	ID   string    `path:"id" doc:"Id of the key."`
	From time.Time `query:"from" doc:"Lines at or after this instant."`
	To   time.Time `query:"to" doc:"Lines before this instant."`
	Paging
}

func (s *service) keyLedger(ctx context.Context, who authority.Principal, in *ledgerQuery) (*answer[api.LedgerList], error) {
	k, err := s.authority.ReadKey(ctx, who, in.ID, "api_key.ledger.read")
	if err != nil {
		return nil, err
	}
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return nil, err
	}
	st, err := s.purse.Statement(ctx, k.ID, in.From, in.To, loc)
	if err != nil {
		return nil, err
	}
	slices.Reverse(st.Lines)
	shown, total, err := part(st.Lines, in.Paging, func(l ledger.Line) string { return lineID(l, loc) })
	if err != nil {
		return nil, err
	}
	list := api.LedgerList{
		Ledger: []api.LedgerLine{}, OpeningUSD: st.Opening.String(), ClosingUSD: st.Closing.String(),
		Total: total, Page: in.Page, Size: in.Size,
	}
	for _, line := range shown {
		list.Ledger = append(list.Ledger, lineView(line, loc))
	}
	return &answer[api.LedgerList]{Body: list}, nil
}

// lineID names a line. Of charges there is one a day.
func lineID(l ledger.Line, loc *time.Location) string {
	if l.Kind == ledger.Charge {
		return "chg_" + l.At.In(loc).Format(time.DateOnly)
	}
	return l.ID
}

func lineView(l ledger.Line, loc *time.Location) api.LedgerLine {
	view := api.LedgerLine{
		ID: lineID(l, loc), At: l.At, Type: string(l.Kind), AmountUSD: l.Amount.String(), BalanceUSD: l.Running.String(),
		Reason: l.Reason, Actor: orNull(l.Actor),
	}
	if l.Kind == ledger.Charge {
		view.Requests = &l.Requests
		return view
	}
	view.AvailableUSD = usd(int64(l.Balance))
	if l.IdempotencyKey != l.ID {
		view.IdempotencyKey = &l.IdempotencyKey
	}
	return view
}

// showKeys is keys as the API shows them: with what they used and have left.
func (s *service) showKeys(ctx context.Context, keys []authority.Key) ([]api.Key, error) {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	used, err := s.meter.Totals(ctx, ids)
	if err != nil {
		return nil, err
	}
	balances, err := s.purse.Balances(ctx, ids)
	if err != nil {
		return nil, err
	}
	views, now := make([]api.Key, len(keys)), time.Now()
	for i, k := range keys {
		views[i] = keyView(k, used[k.ID], now)
		if b, ok := balances[k.ID]; ok {
			views[i].Balance = &api.Balance{
				GrantedUSD: b.Granted.String(), SpentUSD: b.Spent.String(), HeldUSD: b.Held.String(), AvailableUSD: b.Available().String(),
			}
		}
	}
	return views, nil
}
