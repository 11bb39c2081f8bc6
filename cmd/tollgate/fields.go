package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tollgate/api"
)

// keyFields is api.KeyInput as flags: same fields, same order, so that one
// converts to the other and a field without a flag does not compile.
type keyFields struct {
	Name               api.Optional[string]          `type:"text" placeholder:"TEXT" help:"Name, 1 to 100 characters."`
	Description        api.Optional[string]          `type:"text" placeholder:"TEXT" help:"Description, at most 500 characters."`
	Tags               api.Optional[[]string]        `placeholder:"A,B" help:"Tags."`
	Preset             api.Optional[string]          `placeholder:"NAME" help:"What the rest starts from (at creation only): default, restricted, chatbot or standalone."`
	Kind               api.Optional[string]          `placeholder:"KIND" help:"user, service, standalone or chatbot (at creation only); seldom needed."`
	UserID             api.Optional[string]          `name:"user-id" placeholder:"ID" help:"Owner (at creation only); without one the key is a service key."`
	IsActive           api.Optional[bool]            `placeholder:"true|false" help:"false makes the key disabled."`
	ExpiresAt          api.Optional[time.Time]       `placeholder:"TIME" xor:"expiry" help:"Stops working then, RFC 3339: 2030-01-31T12:00:00Z; none = never."`
	AutoDeleteOnExpiry api.Optional[bool]            `placeholder:"true|false" help:"Delete (true) or disable (false) once expired; none = the organization's default."`
	Scopes             api.Optional[[]string]        `placeholder:"A,B" help:"Only these scopes, such as chat.completions; none = all."`
	Permissions        api.Optional[map[string]bool] `placeholder:"A,B" help:"Your application's own permissions that the key holds."`
	AllowedModels      api.Optional[[]string]        `placeholder:"A,B" help:"Only these models, * as wildcard: gpt-4o*,anthropic/*; none = all."`
	AllowedEndpoints   api.Optional[[]string]        `placeholder:"A,B" help:"Only these paths, * as wildcard; none = all."`
	AllowedIPs         api.Optional[[]string]        `name:"allowed-ips" placeholder:"A,B" help:"Only from these addresses or CIDR ranges; none = all."`
	AllowedChatbots    api.Optional[[]string]        `placeholder:"A,B" help:"Only these chatbots; none = all."`
	AllowedProviders   api.Optional[[]string]        `placeholder:"A,B" help:"Only these providers: openai,anthropic; none = all."`
	AllowedAPIFormats  api.Optional[[]string]        `name:"allowed-api-formats" placeholder:"A,B" help:"Only these formats: openai,anthropic,gemini,cohere; none = all."`
	RateLimitPerMinute api.Optional[int64]           `placeholder:"N" help:"Requests in any minute; none = no limit."`
	RateLimitPerHour   api.Optional[int64]           `placeholder:"N" help:"Requests in any hour; none = no limit."`
	RateLimitPerDay    api.Optional[int64]           `placeholder:"N" help:"Requests in a calendar day; none = no limit."`
	TokensPerMinute    api.Optional[int64]           `placeholder:"N" help:"Tokens in any minute; none = no limit."`
	TokensPerDay       api.Optional[int64]           `placeholder:"N" help:"Tokens in a calendar day; none = no limit."`
	TokensPerMonth     api.Optional[int64]           `placeholder:"N" help:"Tokens in a calendar month; none = no limit."`
	ConcurrentLimit    api.Optional[int64]           `placeholder:"N" help:"Requests at the same time; none = no limit."`
	IsUnlimited        api.Optional[bool]            `placeholder:"true|false" help:"Seldom needed: it follows from the budget."`
	BudgetLimitCents   api.Optional[int64]           `placeholder:"N" xor:"budget" help:"Budget in US cents; 0 = nothing, none = no limit."`
	BudgetType         api.Optional[string]          `placeholder:"TYPE" help:"Period of the budget: total, daily, weekly or monthly."`
	BudgetMode         api.Optional[string]          `placeholder:"MODE" help:"hard = never passed, soft = passed by what is in flight at most."`
	InitialBalanceUSD  api.Optional[string]          `name:"initial-balance-usd" placeholder:"AMOUNT" help:"Prepaid money in US dollars to begin with (at creation only); none = no balance."`
}

// keyFlags is every settable field of a key, and two ways of saying one that
// are easier on people.
type keyFlags struct {
	keyFields `embed:""`
	BudgetUSD string        `name:"budget-usd" placeholder:"AMOUNT" xor:"budget" help:"Budget in US dollars: 5 or 5.25; none = no limit."`
	ExpiresIn dayOrDuration `placeholder:"TIME" xor:"expiry" help:"Stops working after this long: 90d, 12h, 30m."`
}

// input is the body that the flags describe.
func (f keyFlags) input(now time.Time) (api.KeyInput, error) {
	in := api.KeyInput(f.keyFields)
	if f.BudgetUSD != "" {
		cents, err := parseCents(f.BudgetUSD)
		if err != nil {
			return in, misuse("--budget-usd: %w", err)
		}
		in.BudgetLimitCents = cents
	}
	if f.ExpiresIn > 0 {
		in.ExpiresAt = api.Set(now.Add(time.Duration(f.ExpiresIn)).UTC().Truncate(time.Second))
	}
	return in, nil
}

// fieldMappers teach the parser the fields of api.KeyInput. "none" is null.
func fieldMappers() []kong.Option {
	return []kong.Option{
		kong.NamedMapper("text", mapper(parseText, "")),
		optional(parseText),
		optional(parseInt),
		optional(parseFloat),
		optional(parseBool),
		optional(parseTime),
		optional(parseList),
		optional(parseWords),
	}
}

const noneWord = "none"

func optional[T any](read func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[api.Optional[T]](), mapper(read, noneWord))
}

// mapper reads a flag's value into an api.Optional; the word null is null.
func mapper[T any](read func(string) (T, error), null string) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		if null != "" && text == null {
			target.Set(reflect.ValueOf(api.Null[T]()))
			return nil
		}
		v, err := read(text)
		if err != nil {
			return err
		}
		target.Set(reflect.ValueOf(api.Set(v)))
		return nil
	}
}

func parseText(s string) (string, error) { return s, nil }

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number, nor none", s)
	}
	return n, nil
}

func parseFloat(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number, nor none", s)
	}
	return n, nil
}

func parseBool(s string) (bool, error) {
	switch s {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true, false or none", s)
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time like 2030-01-31T12:00:00Z, nor none", s)
	}
	return t, nil
}

// parseList splits at commas; an empty text is an empty list.
func parseList(s string) ([]string, error) {
	items := []string{}
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

func parseWords(s string) (map[string]bool, error) {
	items, err := parseList(s)
	words := make(map[string]bool, len(items))
	for _, item := range items {
		words[item] = true
	}
	return words, err
}

// parseCents reads dollars with at most two decimal places.
func parseCents(s string) (api.Optional[int64], error) {
	if s == noneWord {
		return api.Null[int64](), nil
	}
	whole, frac, dotted := strings.Cut(strings.TrimPrefix(s, "$"), ".")
	if dotted && (frac == "" || len(frac) > 2) {
		return api.Optional[int64]{}, fmt.Errorf("%q has no or more than two decimal places; write 5 or 5.25", s)
	}
	cents, err := strconv.ParseUint(whole+(frac + "00")[:2], 10, 62)
	if err != nil || whole == "" {
		return api.Optional[int64]{}, fmt.Errorf("%q is not an amount of dollars; write 5, 5.25 or none", s)
	}
	return api.Set(int64(cents)), nil
}

// dayOrDuration is a Go duration that may also be a number of days: 90d.
type dayOrDuration time.Duration

// UnmarshalText reads 90d, 12h or 1h30m; it must be more than nothing.
func (d *dayOrDuration) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 || n > 36500 {
			return fmt.Errorf("%q is not 1d to 36500d", s)
		}
		*d = dayOrDuration(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return errors.New("write a time like 90d, 12h or 30m")
	}
	*d = dayOrDuration(v)
	return nil
}
