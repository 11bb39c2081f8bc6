package limit

import "fmt"

// Meter is what a limit counts.
type Meter uint8

// The meters.
const (
	Requests    Meter = iota // requests admitted, also those that fail later
	Tokens                   // input and output tokens
	Cost                     // nano-USD
	Concurrency              // requests in flight
)

// String is the meter's word in the API.
func (m Meter) String() string {
	return [...]string{"requests", "tokens", "cost", "concurrency"}[m]
}

// Window is the span over which a limit counts.
type Window uint8

// The windows. Minute and Hour trail the present in 60 sub-buckets; Day, Week
// (from Monday) and Month are calendar spans in the organisation's time zone;
// Total never ends. Concurrency has no span and uses Total.
const (
	Minute Window = iota
	Hour
	Day
	Week
	Month
	Total
)

// String is the window's word in the API.
func (w Window) String() string {
	return [...]string{"minute", "hour", "day", "week", "month", "total"}[w]
}

// Mode says what happens when a request's upper bound does not fit.
type Mode uint8

// The modes.
const (
	Hard Mode = iota // clamp the output to what is left, or refuse: never passed
	Soft             // admit while anything is left: passed by what is in flight at most
)

// Limit is one allowance of a subject: at most Max of Meter in Window.
type Limit struct {
	Meter   Meter
	Window  Window
	Mode    Mode
	Balance bool  // a prepaid balance: Max is what was granted, and running out is balance_exhausted
	Max     int64 // requests, tokens, nano-USD or slots; 0 denies
}

// Field is the name of the field that sets such a limit, for messages. It is not
// kept in the Limit, of which there are several for each key in memory.
func (l *Limit) Field() string {
	switch l.Meter {
	case Requests:
		return "rate_limit_per_" + l.Window.String()
	case Tokens:
		return "tokens_per_" + l.Window.String()
	case Concurrency:
		return "concurrent_limit"
	}
	if l.Balance {
		return "balance"
	}
	return "budget_limit_cents"
}

// Kind is the kind of a subject. Chains go in this order, and locks are taken in
// it. One more is one more line here and in kindWords.
type Kind uint8

// The kinds of subject.
const (
	Organization Kind = iota + 1
	User
	Key
	Visitor // a caller without a key, by address and chatbot
	Chatbot
	Credential
	kinds // one more than the last
)

// MaxChain is the length of the longest chain: one subject of each kind.
const MaxChain = int(kinds) - 1

// kindWords are what there is to say of each kind, in their order.
var kindWords = [kinds]struct{ name, whose string }{
	Organization: {"organization", "the organization's"},
	User:         {"user", "the owner's"},
	Key:          {"key", "this key's"},
	Visitor:      {"visitor", "this address's"},
	Chatbot:      {"chatbot", "the chatbot's"},
	Credential:   {"credential", "the provider credential's"},
}

// String is the kind's word in messages.
func (k Kind) String() string { return kindWords[k].name }

// Whose is whose a limit of such a subject is, in messages to the caller.
func (k Kind) Whose() string { return kindWords[k].whose }

// ID names a subject. IDs are comparable.
type ID struct {
	Kind Kind
	ID   string
}

// Field is the name of the field that sets a limit of the subject.
func (id ID) Field(l *Limit) string {
	if id.Kind == Visitor {
		return "anonymous_" + l.Field()
	}
	return l.Field()
}

// String is for logs and messages.
func (id ID) String() string { return fmt.Sprintf("%s %s", id.Kind, id.ID) }

// Subject is whose allowance is used, with its limits. It is immutable once
// shared: a change of limits makes a new Subject with the same ID, and takes
// effect with the next request.
type Subject struct {
	ID     ID
	Limits []Limit
}

// Chain is the subjects of one request in the order of their kinds, none twice.
type Chain []*Subject

// Hard reports whether any limit of the chain bounds tokens or, for a request that
// costs something, money, and may not be passed; then the output cap that was held
// for is written into the request.
func (c Chain) Hard(costs bool) bool {
	return c.any(func(l Limit) bool {
		return l.Mode == Hard && (l.Meter == Tokens || l.Meter == Cost && costs)
	})
}

// Budgeted reports whether any limit of the chain counts money.
func (c Chain) Budgeted() bool {
	return c.any(func(l Limit) bool { return l.Meter == Cost })
}

// Metered reports whether any limit of the chain counts tokens or money.
func (c Chain) Metered() bool {
	return c.any(func(l Limit) bool { return l.Meter == Tokens || l.Meter == Cost })
}

func (c Chain) any(is func(Limit) bool) bool {
	for _, s := range c {
		for _, l := range s.Limits {
			if is(l) {
				return true
			}
		}
	}
	return false
}
