package ledger

import (
	"context"
	"encoding/hex"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// BalanceKind says why a balance changed.
type BalanceKind string

// The kinds. What requests cost is no entry of a balance: it is in the entries of
// the requests, and a statement shows it as Charge, a sum for each day.
const (
	Grant  BalanceKind = "grant"  // paid in
	Refund BalanceKind = "refund" // given back, such as for a request that was charged too much
	Deduct BalanceKind = "deduct" // taken out
	Adjust BalanceKind = "adjust" // a correction, either way
	Charge BalanceKind = "charge" // a day's requests; in statements only
)

// BalanceEntry is one change of a balance. Entries are never changed.
type BalanceEntry struct {
	ID             string // "bal_…"
	OrganizationID string
	KeyID          string
	Kind           BalanceKind
	Amount         money.NanoUSD // below 0 = taken out
	Balance        money.NanoUSD // what was available right after it
	IdempotencyKey string        // unique for the key; the entry's own id when the caller gave none
	Actor          string        // id of who did it
	Reason         string
	At             time.Time
}

// NewBalanceID makes the id of an entry made at t.
func NewBalanceID(t time.Time) string {
	id := NewRequestID(t)
	return "bal_" + hex.EncodeToString(id[:])
}

// Account is a balance as it is stored. Each figure only ever grows.
type Account struct {
	Credited    money.NanoUSD // everything paid in
	Withdrawn   money.NanoUSD // everything taken out
	SpentBefore money.NanoUSD // what the key had cost before it had a balance
	OpenedAt    time.Time
}

// max is the Max of the limit that the balance is: the limit counts what the key
// has used since ever.
func (a *Account) max() money.NanoUSD { return a.SpentBefore.Add(a.Credited) }

// Balance is prepaid money at one moment: what was granted is spent, held by
// requests in flight, or available.
type Balance struct {
	Granted money.NanoUSD // paid in, less what was taken out
	Spent   money.NanoUSD // by requests, since the key has a balance
	Held    money.NanoUSD
}

// Available is what is left. It is below zero only if a provider has charged more
// than was held.
func (b Balance) Available() money.NanoUSD { return b.Granted - b.Spent - b.Held }

// Posting is a change to be made to a balance.
type Posting struct {
	OrganizationID string
	KeyID          string
	Kind           BalanceKind   // not Charge
	Amount         money.NanoUSD // above 0; of an Adjust also below
	Actor          string        // id of who does it
	Reason         string
	IdempotencyKey string // "" = none: made again, the posting is another one
	// Record runs in the transaction of the change, which its context carries,
	// and undoes it by failing: for the audit. nil = nothing.
	Record func(context.Context) error
}

// maxBalance keeps sums of money far from their end: a billion dollars.
const maxBalance = 1_000_000_000 * money.USD

// change is the posting's signed amount.
func (p *Posting) change() (money.NanoUSD, error) {
	wrong := func(format string, args ...any) (money.NanoUSD, error) {
		f := fault.New(fault.ValidationFailed, format, args...)
		f.Param = "amount_usd"
		f.Fields = []fault.Field{{Name: f.Param, Problem: f.Public}}
		return 0, f
	}
	switch {
	case p.Amount == 0:
		return wrong("must not be zero")
	case p.Amount < 0 && p.Kind != Adjust:
		return wrong("must be above zero; to take money out, deduct it")
	case p.Amount > maxBalance || p.Amount < -maxBalance:
		return wrong("must be at most %s", maxBalance)
	case p.Kind == Deduct:
		return -p.Amount, nil
	}
	return p.Amount, nil
}

// entry is the entry that the posting becomes.
func (p *Posting) entry(change money.NanoUSD, now time.Time) BalanceEntry {
	e := BalanceEntry{
		ID: NewBalanceID(now), OrganizationID: p.OrganizationID, KeyID: p.KeyID, Kind: p.Kind, Amount: change,
		IdempotencyKey: p.IdempotencyKey, Actor: p.Actor, Reason: p.Reason, At: now.UTC().Truncate(time.Millisecond),
	}
	if e.IdempotencyKey == "" {
		e.IdempotencyKey = e.ID
	}
	return e
}

// Post changes the balance of a key and gives the entry that it made. A posting
// whose idempotency key was used before changes nothing and gives the entry of
// then. What is taken out is out of reach of every request admitted after it;
// what is put in is as soon as the key's limits are read anew.
//
// Kinds: validation_failed for an amount that cannot be, unlimited_balance for a
// key without a balance, insufficient_balance for taking out more than is
// available, idempotency_conflict, store_unavailable.
func (l *Ledger) Post(ctx context.Context, p Posting) (BalanceEntry, error) {
	change, err := p.change()
	if err != nil {
		return BalanceEntry{}, err
	}
	l.balances.Lock()
	defer l.balances.Unlock()
	if e, found, err := l.posted(ctx, &p, change); found || err != nil {
		return e, err
	}
	account, ok, err := l.account(ctx, p.KeyID)
	switch {
	case err != nil:
		return BalanceEntry{}, err
	case !ok:
		return BalanceEntry{}, fault.New(fault.UnlimitedBalance, "This key has no balance, so what it may spend is not limited by one. Open a balance first.")
	}
	e := p.entry(change, time.Now())
	if change < 0 {
		return l.withdraw(ctx, e, &account, p.Record)
	}
	if account.max() > maxAccount-change {
		return BalanceEntry{}, fault.New(fault.ValidationFailed, "The balance would become larger than can be kept.")
	}
	used, held, err := l.spent(ctx, p.KeyID)
	if err != nil {
		return BalanceEntry{}, err
	}
	e.Balance = account.max() - account.Withdrawn - used - held + change
	if err := l.accounts.Post(ctx, e, p.Record); err != nil {
		return BalanceEntry{}, unavailable(err)
	}
	return e, nil
}

// maxAccount bounds what a limit's Max can grow to.
const maxAccount = money.Max / 2

// OpenBalance gives a key that has none a balance of p.Amount, which may be zero.
// What the key has spent until now is not taken from it. Requests that asked
// before the key's limits are read anew do not know the balance yet; what they
// cost is taken from it all the same.
//
// Kinds: as Post, and validation_failed for a key that has a balance.
func (l *Ledger) OpenBalance(ctx context.Context, p Posting) (BalanceEntry, error) {
	p.Kind = Grant
	if p.Amount != 0 {
		if _, err := p.change(); err != nil {
			return BalanceEntry{}, err
		}
	}
	l.balances.Lock()
	defer l.balances.Unlock()
	if e, found, err := l.posted(ctx, &p, p.Amount); found || err != nil {
		return e, err
	}
	used, held, err := l.spent(ctx, p.KeyID)
	if err != nil {
		return BalanceEntry{}, err
	}
	if _, ok, err := l.account(ctx, p.KeyID); err != nil {
		return BalanceEntry{}, err
	} else if ok {
		return BalanceEntry{}, fault.New(fault.ValidationFailed, "This key has a balance already; grant adds to it.")
	}
	if held > p.Amount {
		return BalanceEntry{}, insufficient(p.Amount, held, "The requests in flight hold")
	}
	e := p.entry(p.Amount, time.Now())
	e.Balance = p.Amount - held
	if err := l.accounts.OpenAccount(ctx, e, used, p.Record); err != nil {
		return BalanceEntry{}, unavailable(err)
	}
	return e, nil
}

// withdraw books an entry that takes money out: first in the counters, where no
// request can come in between, then in the database.
func (l *Ledger) withdraw(ctx context.Context, e BalanceEntry, account *Account, record func(context.Context) error) (BalanceEntry, error) {
	id, amount := limit.ID{Kind: limit.Key, ID: e.KeyID}, -e.Amount
	free, ok, err := l.counters.Withdraw(ctx, id, l.calendar(e.At, nil), e.At.Unix(), account.max(), amount)
	switch {
	case err != nil:
		return BalanceEntry{}, unavailable(err)
	case !ok:
		return BalanceEntry{}, insufficient(free, amount, "You asked to take out")
	}
	e.Balance = free - amount
	err = l.accounts.Post(ctx, e, record)
	if err == nil {
		return e, nil
	}
	// A write that failed may have been stored all the same.
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxBackoff)
	defer cancel()
	stored, found, asked := l.accounts.Posted(again, e.KeyID, e.IdempotencyKey)
	switch {
	case found:
		return stored, nil
	case asked == nil:
		l.counters.PutBack(id, amount)
	default:
		l.log.Error("a deduction may be stored or not; until the next start it counts as stored", "key_id", e.KeyID, "entry", e.ID, "error", asked)
	}
	return BalanceEntry{}, unavailable(err)
}

func insufficient(available, asked money.NanoUSD, doing string) *fault.Error {
	f := fault.New(fault.InsufficientBalance, "%s $%s, and $%s is available. What requests in flight hold is not available until they have ended.", doing, asked, available)
	f.Param = "amount_usd"
	return f
}

// posted is the entry of a posting that was made before with the same
// idempotency key.
func (l *Ledger) posted(ctx context.Context, p *Posting, change money.NanoUSD) (BalanceEntry, bool, error) {
	if p.IdempotencyKey == "" {
		return BalanceEntry{}, false, nil
	}
	e, found, err := l.accounts.Posted(ctx, p.KeyID, p.IdempotencyKey)
	switch {
	case err != nil:
		return BalanceEntry{}, false, unavailable(err)
	case found && (e.Kind != p.Kind || e.Amount != change):
		return BalanceEntry{}, false, fault.New(fault.IdempotencyConflict,
			"This Idempotency-Key was used for %s of $%s. Use another one for another change.", e.Kind, e.Amount)
	}
	return e, found, nil
}

func (l *Ledger) account(ctx context.Context, key string) (Account, bool, error) {
	accounts, err := l.accounts.Accounts(ctx, []string{key})
	if err != nil {
		return Account{}, false, unavailable(err)
	}
	a, ok := accounts[key]
	return a, ok, nil
}

// spent is what a key has used since ever, and what it holds. A key that this
// process has not seen holds nothing, and all it used is booked.
func (l *Ledger) spent(ctx context.Context, key string) (used, held money.NanoUSD, err error) {
	if used, held, ok := l.counters.Spent(limit.ID{Kind: limit.Key, ID: key}); ok {
		return used, held, nil
	}
	sums, err := l.reader.Sums(ctx, []string{key})
	if err != nil {
		return 0, 0, unavailable(err)
	}
	return sums[key].Cost, 0, nil
}

// Balances are the balances of those of the keys that have one.
func (l *Ledger) Balances(ctx context.Context, keys []string) (map[string]Balance, error) {
	l.balances.RLock() // between the account and what is spent of it no money may move
	defer l.balances.RUnlock()
	accounts, err := l.accounts.Accounts(ctx, keys)
	if err != nil {
		return nil, unavailable(err)
	}
	out := make(map[string]Balance, len(accounts))
	var unseen []string
	for key, a := range accounts {
		used, held, ok := l.counters.Spent(limit.ID{Kind: limit.Key, ID: key})
		if !ok {
			unseen = append(unseen, key)
		}
		out[key] = Balance{Granted: a.Credited - a.Withdrawn, Spent: used - a.SpentBefore, Held: held}
	}
	sums, err := l.reader.Sums(ctx, unseen)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, key := range unseen {
		b := out[key]
		b.Spent += sums[key].Cost
		out[key] = b
	}
	return out, nil
}
