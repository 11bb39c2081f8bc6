package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollgate/internal/fault"
	"tollgate/internal/limit"
	"tollgate/internal/money"
)

// Rerate is a period whose entries are rated anew. Entries are never changed: what
// one should have cost more or less is an entry of its own, with the outcome
// Corrected, no usage, and the instant and the subjects of the one it corrects. So
// it is in every sum that the other one is in, and counts in the same windows.
type Rerate struct {
	ID             string // "rerate_…"
	OrganizationID string
	From, To       time.Time // of entries admitted in [From, To)
	Provider       string    // "" = any, like the next two
	Model          string
	KeyID          string
	Location       string // the name of the time zone in which the organization's windows run
	Actor          string // id of who wanted it
	BeganAt        time.Time
	EndedAt        time.Time // zero = it is under way, or was broken off
	Cursor         RequestID // every entry up to it is done
	Report         RerateReport
}

// RerateReport says what rating anew comes to.
type RerateReport struct {
	RerateLine
	Models  map[string]*RerateLine `json:"models"`   // by provider/model
	Keys    map[string]*RerateLine `json:"keys"`     // by id
	LeftOut map[string]int64       `json:"left_out"` // entries, by why
}

// RerateLine is what some entries cost, before and after.
type RerateLine struct {
	Name      string        `json:"name,omitempty"` // of a key, as it was on its newest entry
	Entries   int64         `json:"entries"`        // that were rated
	Corrected int64         `json:"corrected"`      // of Entries: those that cost something else
	Before    money.NanoUSD `json:"before"`         // earlier corrections included
	After     money.NanoUSD `json:"after"`
}

func (l *RerateLine) add(before, after money.NanoUSD) {
	l.Entries++
	l.Before, l.After = l.Before.Add(before), l.After.Add(after)
	if before != after {
		l.Corrected++
	}
}

// Rating is what an entry costs by today's knowledge, and the text of the prices;
// why says that it cannot be rated. The entry is not to be changed.
type Rating func(e *Entry) (cost money.NanoUSD, prices, why string)

// Why entries are left out, beside what a Rating says.
const (
	LeftByok        = "byok"           // somebody's own credential has paid for it
	LeftUnconfirmed = "unconfirmed"    // nobody knows what it used
	LeftImported    = "imported"       // it is what was used on another system
	LeftUnused      = "nothing_used"   // there is nothing to rate
	LeftBefore      = "before_balance" // the key had no balance yet that could be corrected
)

// Correction is an entry that corrects another one.
type Correction struct {
	Entry
	Of       RequestID
	RerateID string
}

// Rated is an entry and what it has been corrected by.
type Rated struct {
	Entry
	Corrected money.NanoUSD
}

// Corrections is the database's side of rating anew.
type Corrections interface {
	// BeginRerate stores a re-rate that begins, and runs record, in one transaction.
	BeginRerate(ctx context.Context, r Rerate, record func(context.Context) error) error
	// Correct books corrections, those that are there already not again, adds them to
	// every sum, and stores how far r is, in one transaction.
	Correct(ctx context.Context, r Rerate, corrections []Correction) error
	// Rerates are the re-rates of an organization, "" = of all, newest first.
	Rerates(ctx context.Context, organizationID string) ([]Rerate, error)
	// Rateable gives at most n entries that f chooses and that correct nothing, with
	// greater ids than after, oldest first.
	Rateable(ctx context.Context, f Filter, after RequestID, n int) ([]Rated, error)
}

const ratePage = 500

// Rerate rates entries anew. Unless apply is set it only says what would come of it.
// Else the corrections are booked in steps, each with how far it is: one that is
// broken off by whatever is finished by ResumeRerates, and corrects nothing twice.
// record runs in the transaction with which it begins; nil = nothing. tell, if it is
// not nil, is told how many of how many entries are done.
//
// Limits count what is corrected at once: what has cost too little may take a key
// over a limit, and then nothing more is admitted. Kinds: version_conflict when
// another one is under way, store_unavailable, those of record.
func (l *Ledger) Rerate(ctx context.Context, r Rerate, rate Rating, apply bool, record func(context.Context, Rerate) error, tell func(done, total int64)) (Rerate, error) {
	if err := l.Flush(ctx); err != nil {
		return r, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if r.To.IsZero() || r.To.After(now) {
		r.To = now
	}
	r.ID, r.BeganAt = "rerate_"+uuid.Must(uuid.NewV7()).String(), now
	r.Cursor, r.EndedAt, r.Report = RequestID{}, time.Time{}, RerateReport{}
	if !apply {
		return l.rerate(ctx, r, rate, false, tell)
	}
	if !l.rerating.TryLock() {
		return r, fault.New(fault.VersionConflict, "Another period is being rated anew at the moment. Try again when that is done.")
	}
	defer l.rerating.Unlock()
	begun := func(ctx context.Context) error {
		if record == nil {
			return nil
		}
		return record(ctx, r)
	}
	if err := l.corrections.BeginRerate(ctx, r, begun); err != nil {
		return r, unavailable(err)
	}
	return l.rerate(ctx, r, rate, true, tell)
}

// resumeAgain is how often it is looked whether another re-rate has ended.
const resumeAgain = 100 * time.Millisecond

// StopRerates ends what is being rated anew at its next step; it goes on after the
// next start.
func (l *Ledger) StopRerates() { l.closing.Store(true) }

// ResumeRerates finishes what was broken off, until ctx ends.
func (l *Ledger) ResumeRerates(ctx context.Context, rate Rating) error {
	for !l.rerating.TryLock() { // somebody rates anew already
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(resumeAgain):
		}
	}
	defer l.rerating.Unlock()
	all, err := l.corrections.Rerates(ctx, "")
	for _, r := range all {
		if err == nil && r.EndedAt.IsZero() {
			l.log.Info("a period that was being rated anew is finished", "rerate_id", r.ID, "done", r.Report.Entries)
			_, err = l.rerate(ctx, r, rate, true, nil)
		}
	}
	return err
}

// Rerates are the re-rates that were applied, newest first.
func (l *Ledger) Rerates(ctx context.Context, organizationID string) ([]Rerate, error) {
	all, err := l.corrections.Rerates(ctx, organizationID)
	if err != nil {
		return nil, unavailable(err)
	}
	return all, nil
}

// rerate goes on from r.Cursor.
func (l *Ledger) rerate(ctx context.Context, r Rerate, rate Rating, apply bool, tell func(done, total int64)) (Rerate, error) {
	f := Filter{OrganizationID: r.OrganizationID, From: r.From, To: r.To, Provider: r.Provider, Model: r.Model, KeyID: r.KeyID, Limit: 1}
	_, n, err := l.reader.Entries(ctx, f)
	if err != nil {
		return r, unavailable(err)
	}
	done := int64(0)
	for {
		if l.closing.Load() {
			return r, fault.New(fault.StoreUnavailable, "The server is being stopped. The rest is done when it is started again.")
		}
		page, err := l.corrections.Rateable(ctx, f, r.Cursor, ratePage)
		if err != nil {
			return r, unavailable(err)
		}
		corrections, err := l.rate(ctx, &r, page, rate)
		if err != nil {
			return r, err
		}
		if len(page) > 0 {
			r.Cursor = page[len(page)-1].ID
		}
		if len(page) < ratePage {
			r.EndedAt = time.Now().UTC().Truncate(time.Millisecond)
		}
		if apply {
			if err := l.correct(ctx, r, corrections); err != nil {
				return r, err
			}
		}
		done += int64(len(page))
		if tell != nil {
			tell(done, max(done, int64(n)))
		}
		if !r.EndedAt.IsZero() {
			return r, nil
		}
	}
}

// rate rates a page, adds it to the report, and gives what corrects it.
func (l *Ledger) rate(ctx context.Context, r *Rerate, page []Rated, rate Rating) ([]Correction, error) {
	report := &r.Report
	if report.Models == nil {
		report.Models, report.Keys, report.LeftOut = map[string]*RerateLine{}, map[string]*RerateLine{}, map[string]int64{}
	}
	var keys []string
	for i := range page {
		keys = append(keys, page[i].KeyID)
	}
	accounts, err := l.accounts.Accounts(ctx, keys)
	if err != nil {
		return nil, unavailable(err)
	}
	var corrections []Correction
	for i := range page {
		e := &page[i]
		account, prepaid := accounts[e.KeyID]
		cost, prices, why := money.NanoUSD(0), "", leftOut(&e.Entry)
		if why == "" && prepaid && e.At < account.OpenedAt.UnixMilli() {
			why = LeftBefore
		}
		if why == "" {
			cost, prices, why = rate(&e.Entry)
		}
		if why != "" {
			report.LeftOut[why]++
			continue
		}
		before := e.Cost.Add(e.Corrected)
		report.add(before, cost)
		line(report.Models, e.Provider+"/"+e.Model).add(before, cost)
		key := line(report.Keys, e.KeyID)
		key.Name = e.KeyName
		key.add(before, cost)
		if cost != before {
			corrections = append(corrections, correction(r.ID, &e.Entry, cost-before, prices))
		}
	}
	return corrections, nil
}

func line(lines map[string]*RerateLine, of string) *RerateLine {
	if lines[of] == nil {
		lines[of] = &RerateLine{}
	}
	return lines[of]
}

// leftOut is why an entry is not rated anew; "" = it is.
func leftOut(e *Entry) string {
	switch {
	case e.Endpoint == OpeningEndpoint:
		return LeftImported
	case e.BYOK:
		return LeftByok
	case e.Outcome == Unconfirmed:
		return LeftUnconfirmed
	case e.Outcome == Failed, e.Usage.Total() == 0 && e.Usage.Images+e.Usage.Seconds+e.Usage.Characters+e.Usage.Searches == 0:
		return LeftUnused
	}
	return ""
}

// correction corrects e by an amount. Its id is made of the re-rate's and the
// entry's, so that booking it again changes nothing, and begins with the same
// instant as e's.
func correction(rerateID string, e *Entry, by money.NanoUSD, prices string) Correction {
	c := Correction{Of: e.ID, RerateID: rerateID, Entry: Entry{
		At: e.At, OrganizationID: e.OrganizationID, UserID: e.UserID, KeyID: e.KeyID, KeyName: e.KeyName, ChatbotID: e.ChatbotID, CredentialID: e.CredentialID,
		Provider: e.Provider, Model: e.Model, Format: e.Format, Endpoint: e.Endpoint, Outcome: Corrected, Cost: by, Prices: prices,
	}}
	sum := sha256.Sum256(append([]byte(rerateID), e.ID[:]...))
	copy(c.ID[:], sum[:])
	copy(c.ID[:6], e.ID[:6])
	c.ID[6] = c.ID[6]&0x0f | 0x70
	c.ID[8] = c.ID[8]&0x3f | 0x80
	return c
}

// correct books corrections. What takes money counts before it is booked, so that
// nothing is admitted in between on what it leaves, and what gives money back after
// it; all subjects are loaded before, so that nothing is loaded that is booked later.
func (l *Ledger) correct(ctx context.Context, r Rerate, corrections []Correction) error {
	loc, err := time.LoadLocation(r.Location)
	if err != nil {
		loc = time.UTC
	}
	done := 0
	undo := func() {
		for i := range corrections[:done] {
			l.uncarry(&corrections[i].Entry, loc, max(corrections[i].Cost, 0))
		}
	}
	for i := range corrections {
		if err := l.carry(ctx, &corrections[i].Entry, loc, max(corrections[i].Cost, 0)); err != nil {
			undo()
			return unavailable(err)
		}
		done++
	}
	if err := l.corrections.Correct(ctx, r, corrections); err != nil {
		stored, known := false, true
		if len(corrections) > 0 {
			stored, known = l.stored(ctx, err, corrections[0].ID)
		}
		if !stored {
			if known {
				undo()
			}
			return unavailable(err)
		}
	}
	for i := range corrections {
		if by := corrections[i].Cost; by < 0 {
			// Nothing is left to fail: every subject is loaded.
			err = errors.Join(err, l.carry(ctx, &corrections[i].Entry, loc, by))
		}
	}
	return err
}

// subjects are those in whose sums an entry is.
func (e *Entry) subjects() []limit.ID {
	var ids []limit.ID
	for _, id := range [...]limit.ID{
		{Kind: limit.Organization, ID: e.OrganizationID},
		{Kind: limit.User, ID: e.UserID},
		{Kind: limit.Key, ID: e.KeyID},
		{Kind: limit.Chatbot, ID: e.ChatbotID},
		{Kind: limit.Credential, ID: e.CredentialID},
	} {
		if id.ID != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// carry counts an amount of money against the limits of all whose entry it is, or of
// none.
func (l *Ledger) carry(ctx context.Context, e *Entry, loc *time.Location, by money.NanoUSD) error {
	ids := e.subjects()
	for i, id := range ids {
		now := time.Now()
		if err := l.counters.Carry(ctx, id, l.calendar(now, loc), now.Unix(), e.At/1000, limit.Amount{Cost: by}); err != nil {
			for _, id := range ids[:i] {
				l.counters.Uncarry(id, l.calendar(now, loc), now.Unix(), e.At/1000, limit.Amount{Cost: by})
			}
			return err
		}
	}
	return nil
}

func (l *Ledger) uncarry(e *Entry, loc *time.Location, by money.NanoUSD) {
	for _, id := range e.subjects() {
		now := time.Now()
		l.counters.Uncarry(id, l.calendar(now, loc), now.Unix(), e.At/1000, limit.Amount{Cost: by})
	}
}
