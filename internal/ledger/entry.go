package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tollgate/internal/limit"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// RequestID names one request, its hold and its entry: a UUID of version 7
// (RFC 9562), so ids sort by time. The zero value names nothing.
type RequestID [16]byte

// requestPrefix marks a request id in text.
const requestPrefix = "req_"

// NewRequestID makes an id for a request that begins at t. It is unique, and no
// secret. Ids made a quarter of a microsecond apart still sort by time: the bits
// behind the milliseconds are their fraction (RFC 9562, section 6.2, method 3).
func NewRequestID(t time.Time) RequestID {
	var id RequestID
	fraction := uint64(t.Nanosecond()) % 1_000_000 * 4096 / 1_000_000
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16|fraction)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String is "req_" and 32 hexadecimal digits.
func (id RequestID) String() string {
	var buf [36]byte
	copy(buf[:], requestPrefix)
	hex.Encode(buf[4:], id[:])
	return string(buf[:])
}

// ParseRequestID reads what String writes.
func ParseRequestID(s string) (RequestID, error) {
	var id RequestID
	digits, ok := strings.CutPrefix(s, requestPrefix)
	if !ok || len(digits) != 32 {
		return id, fmt.Errorf("%q is not a request id: it has the form req_ and 32 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return id, fmt.Errorf("%q is not a request id: %w", s, err)
	}
	return id, nil
}

// Outcome is how a request ended.
type Outcome uint8

// The outcomes.
const (
	Held        Outcome = iota // not ended: the record of a hold
	Settled                    // usage as the provider reported it
	Estimated                  // usage counted here
	Unconfirmed                // what really happened is unknown: the whole hold is booked
	Failed                     // nothing was used
	Corrected                  // not a request: what another entry should have cost more, or less
)

var outcomes = [...]string{"held", "settled", "estimated", "unconfirmed", "failed", "corrected"}

// String is the outcome's word in the API.
func (o Outcome) String() string { return outcomes[o] }

// ParseOutcome reads what String writes.
func ParseOutcome(s string) (Outcome, bool) {
	for i, w := range outcomes {
		if w == s {
			return Outcome(i), true
		}
	}
	return 0, false
}

// Entry is one row of the book. As the record of a hold (Outcome Held) its Usage
// and Cost are the upper bound, so that sweeping it needs nothing else.
type Entry struct {
	ID             RequestID
	At             int64 // when it was admitted, Unix milliseconds; its windows are those of this instant
	DurationMS     int64 // until the answer ended
	OrganizationID string
	UserID         string // "" = the key has no owner
	KeyID          string
	KeyName        string // as it was, so that the row outlives the key
	ChatbotID      string
	CredentialID   string
	Provider       string
	Model          string // as it was sent
	Format         llm.Format
	Endpoint       string // canonical path
	Stream         bool
	BYOK           bool // paid with the owner's own credential
	Status         int  // HTTP status the caller got; 0 = none
	Outcome        Outcome
	Usage          llm.Usage
	Cost           money.NanoUSD
	Prices         string // the unit prices used, as the catalogue writes them; "" = unpriced
	UpstreamID     string // the provider's id of the request
	Code           string // the fault's code, when it failed

	// Attempts are the targets that were tried before Provider and Model, in order:
	// each failed, and used nothing. nil = the first one it was.
	Attempts []Attempt
}

// Attempt is one target that a request was sent to and that did not serve it.
type Attempt struct {
	Provider   string
	Model      string // as it was sent
	Status     int    // HTTP status of its answer; 0 = it could not be reached
	DurationMS int64
}

// assign writes down whose allowance was used, so that what is in a subject's
// counters and what is in its sums cannot differ.
func (e *Entry) assign(chain limit.Chain) {
	for _, s := range chain {
		switch s.ID.Kind {
		case limit.Organization:
			e.OrganizationID = s.ID.ID
		case limit.User:
			e.UserID = s.ID.ID
		case limit.Key:
			e.KeyID = s.ID.ID
		case limit.Chatbot:
			e.ChatbotID = s.ID.ID
		case limit.Credential:
			e.CredentialID = s.ID.ID
		}
	}
}

// Requests is how many requests the entry is: one, unless it corrects another entry.
func (e *Entry) Requests() int64 {
	if e.Outcome == Corrected {
		return 0
	}
	return 1
}

// tokens is what the entry takes from the limits.
func (e *Entry) tokens() int64 { return e.Usage.Total() }
