package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/pricing"
)

// updatePrices is the permission to change what models cost.
const updatePrices = "platform:prices:update"

// maxPrices is how many rows one call takes.
const maxPrices = 200

// priceRoutes is the versions of prices.
func (s *service) priceRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/price-versions", id: "list-price-versions", tag: "prices",
		summary: "List the versions of prices, newest set first", about: "Prices that were set or imported. They lie over the configuration's, and those over the program's own; each holds from its instant on, until the next one of the same model. None is ever changed or taken away.",
		returns: "One page of versions.", permission: readCatalog, action: "price.list",
	}, s.listVersions)
	add(s, route{
		method: http.MethodPost, path: "/price-versions", id: "set-prices", tag: "prices",
		summary: "Set prices from an instant on", about: "For the whole installation. A request costs what held when it was admitted. Rows that change nothing are not stored, and a row that is refused does not hold up the others; so a call may be repeated.",
		permission: updatePrices, body: api.PricesInput{}, samples: priceSamples(), returns: "What came of each row.",
		action: "price.set", timeout: time.Minute, codes: []fault.Kind{fault.PermissionDenied},
	}, s.setPrices)
}

type versionQuery struct {
	Paging
	Provider string `query:"provider" maxLength:"100" doc:"Only of this provider, such as openai."`
	Model    string `query:"model" maxLength:"512" doc:"Only of this model, by its name in the row."`
}

func (s *service) listVersions(ctx context.Context, who authority.Principal, in *versionQuery) (*answer[api.PriceVersionList], error) {
	all, err := s.prices.Versions(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(v catalog.Version) bool {
		return in.Provider != "" && in.Provider != v.Provider || in.Model != "" && in.Model != v.Model
	})
	slices.Reverse(all)
	shown, total, err := part(all, in.Paging, func(v catalog.Version) string { return v.ID })
	if err != nil {
		return nil, err
	}
	list := api.PriceVersionList{PriceVersions: []api.PriceVersion{}, Total: total, Page: in.Page, Size: in.Size}
	known, now := s.prices.Catalog(), time.Now()
	for _, v := range shown {
		if !s.authority.Runs(who) {
			v.Actor = "" // another organization's
		}
		m := known.Row(v.Provider, v.Model, now)
		list.PriceVersions = append(list.PriceVersions, api.PriceVersion{
			ID: v.ID, Provider: v.Provider, Model: v.Model, From: inUTC(v.From), IsInForce: m != nil && m.VersionID == v.ID,
			Prices: pricesOf(v.Prices), ContextTokens: positive(v.ContextTokens), MaxOutputTokens: positive(v.MaxOutputTokens),
			Source: v.Source, Actor: v.Actor, SetAt: inUTC(v.SetAt),
		})
	}
	return &answer[api.PriceVersionList]{Body: list}, nil
}

// pricesOf is the prices of a version; nil = none of its own.
func pricesOf(text string) *api.ModelPricing {
	t, err := catalog.ParsePrices(text)
	if err != nil || text == "" { // it was read when it was loaded
		return nil
	}
	view := tariffView(t)
	return &view
}

func (s *service) setPrices(ctx context.Context, who authority.Principal, in *object) (*answer[api.PricesReport], error) {
	if !s.authority.Runs(who) {
		return nil, fault.New(fault.PermissionDenied, "Prices are the whole installation's: only the organization that runs it may change them.")
	}
	body, err := s.readPrices(in.Body)
	if err != nil {
		return nil, err
	}
	var rows []catalog.Version // those that can be read
	report := api.PricesReport{Results: make([]api.PriceResult, len(body.rows))}
	var at []int
	for i, raw := range body.rows {
		v, wrong := s.readPrice(raw, body.keepRest)
		report.Results[i] = api.PriceResult{Provider: v.Provider, Model: v.Model, Outcome: string(pricing.Refused), Errors: wrong}
		if wrong == nil {
			v.Source, v.Actor = body.source, who.ID()
			rows, at = append(rows, v), append(at, i)
		}
	}
	results, err := s.prices.Set(ctx, rows, body.dryRun, func(ctx context.Context, stored []pricing.Result) error {
		for _, r := range stored {
			if err := s.authority.Audit(ctx, who, priceDeed(r)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		report.Results[at[i]] = resultView(r, body.dryRun)
	}
	for _, r := range report.Results {
		switch pricing.Outcome(r.Outcome) {
		case pricing.New:
			report.New++
		case pricing.Changed:
			report.Changed++
		case pricing.Unchanged:
			report.Unchanged++
		case pricing.Refused:
			report.Refused++
		}
	}
	return &answer[api.PricesReport]{Body: report}, nil
}

// priceDeed is what the audit keeps of prices that were set.
func priceDeed(r pricing.Result) authority.Deed {
	before, _ := json.Marshal(r.Before.String()) // text always can be
	after, _ := json.Marshal(r.After.String())
	return authority.Deed{
		Action: "price.set", ResourceType: "price", ResourceID: r.ID, ResourceName: r.Row(),
		Changes: []authority.Change{
			{Field: "prices", From: before, To: after}, changed("valid_from", r.From.Format(time.RFC3339Nano)), changed("source", r.Source),
		},
	}
}

func resultView(r pricing.Result, dry bool) api.PriceResult {
	view := api.PriceResult{Provider: r.Provider, Model: r.Model, Outcome: string(r.Outcome), BeforeSource: orNull(string(r.BeforeFrom))}
	if r.Err != nil {
		for line := range strings.SplitSeq(r.Err.Error(), "\n") {
			field, problem, ok := strings.Cut(line, ": ")
			if !ok || strings.Contains(field, " ") {
				field, problem = "prices", line
			}
			view.Errors = append(view.Errors, api.FieldError{Field: field, Message: problem})
		}
		return view
	}
	view.From, view.Before, view.After = instant(r.From), pricesOf(r.Before.String()), pricesOf(r.After.String())
	if !dry && r.Outcome != pricing.Unchanged {
		view.ID = &r.ID
	}
	return view
}

// pricesBody is the body of setPrices, the rows as they were sent.
type pricesBody struct {
	source   string
	dryRun   bool
	keepRest bool
	rows     []jsontext.Value
}

func (s *service) readPrices(raw []byte) (body pricesBody, err error) {
	members, err := strictObject(raw)
	if err != nil {
		return body, err
	}
	var wrong []fault.Field
	fail := func(name, problem string) { wrong = append(wrong, fault.Field{Name: name, Problem: problem}) }
	for name, v := range members {
		switch name {
		case "source":
			if v.Kind() == 'n' || json.Unmarshal(v, &body.source) != nil || len(body.source) > 100 || strings.ContainsFunc(body.source, func(r rune) bool { return r < ' ' }) {
				fail(name, "must be text of 100 bytes at most, without control characters")
			}
		case "dry_run":
			if v.Kind() == 'n' || json.Unmarshal(v, &body.dryRun) != nil {
				fail(name, "must be true or false")
			}
		case "keep_rest":
			if v.Kind() == 'n' || json.Unmarshal(v, &body.keepRest) != nil {
				fail(name, "must be true or false")
			}
		case "prices":
			if v.Kind() != '[' || json.Unmarshal(v, &body.rows) != nil || len(body.rows) < 1 || len(body.rows) > maxPrices ||
				!each(body.rows, looksLikePrice) {
				fail(name, "must be a list of 1 to 200 rows with provider and model")
			}
		default:
			fail(name, "is not a known field")
		}
	}
	if _, there := members["prices"]; !there {
		fail("prices", "is required")
	}
	if body.source = s.authority.Veil(body.source); body.source == "" {
		body.source = "set"
	}
	slices.SortFunc(wrong, func(a, b fault.Field) int { return strings.Compare(a.Name, b.Name) })
	return body, invalid(wrong)
}

// looksLikePrice reports whether raw is a row at all. What is wrong in it is said of
// the row alone; what is none is a mistake in the call.
func looksLikePrice(raw jsontext.Value) bool {
	var r struct {
		Provider *string `json:"provider"`
		Model    *string `json:"model"`
	}
	return raw.Kind() == '{' && json.Unmarshal(raw, &r) == nil && r.Provider != nil && r.Model != nil
}

func each[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}

// readPrice reads one row, or says what is wrong with it. With keep, what the row
// does not say is as it is now.
func (s *service) readPrice(raw jsontext.Value, keep bool) (v catalog.Version, wrong []api.FieldError) {
	var in api.PriceInput
	fail := func(field, problem string) { wrong = append(wrong, api.FieldError{Field: field, Message: problem}) }
	if err := json.Unmarshal(raw, &in, json.RejectUnknownMembers(true)); err != nil {
		at := ""
		if e, ok := errors.AsType[*json.SemanticError](err); ok {
			at = strings.ReplaceAll(strings.TrimPrefix(string(e.JSONPointer), "/"), "/", ".")
		}
		fail(at, "is not a known field, or not of the right type")
		return v, wrong
	}
	v = catalog.Version{Provider: in.Provider, Model: in.Model, ContextTokens: in.ContextTokens, MaxOutputTokens: in.MaxOutputTokens}
	if in.From != nil {
		v.From = *in.From
		if v.From.Year() < 2000 || v.From.Year() > 9998 {
			fail("from", "must be an instant of the years 2000 to 9998")
		}
	}
	for name, n := range map[string]int64{"context_tokens": in.ContextTokens, "max_output_tokens": in.MaxOutputTokens} {
		if n < 0 || n > 1_000_000_000 {
			fail(name, "must be a whole number from 0 to 1000000000")
		}
	}
	if keep && !in.Reset {
		if m := s.prices.Catalog().Priced(in.Provider, in.Model, atOrNow(v.From)); m != nil {
			in = withRest(in, tariffView(m.Tariff()))
		}
	}
	t, problems := tariffOf(in)
	wrong = append(wrong, problems...)
	switch priced := len(t.Tiers) > 0 || t.Units != (catalog.Units{}); {
	case wrong != nil:
	case in.Reset && priced:
		fail("reset", "cannot stand beside prices")
	case !in.Reset && !priced:
		fail("tiers", "are required, or a price for an image, a second, characters or a search; or reset")
	}
	v.Prices = t.String()
	return v, wrong
}

func priceSamples() []sample {
	from := sampleAt()
	return []sample{
		{"set", "Prices from now on", api.PricesInput{Prices: []api.PriceInput{{
			Provider: "openai", Model: "gpt-4o-mini", Tiers: []api.PriceTierInput{{InputUSDPerMillion: "0.15", OutputUSDPerMillion: "0.60"}},
		}}}},
		{"announced", "What a provider has announced, by the size of the input", api.PricesInput{DryRun: true, Prices: []api.PriceInput{{
			Provider: "google", Model: "gemini-2.5-pro", From: &from, Tiers: []api.PriceTierInput{
				{InputUSDPerMillion: "1.25", OutputUSDPerMillion: "10"},
				{AboveInputTokens: 200_000, InputUSDPerMillion: "2.50", OutputUSDPerMillion: "15"},
			},
		}}}},
		{"reset", "Back to the configuration's prices", api.PricesInput{Prices: []api.PriceInput{{Provider: "openai", Model: "gpt-4o-mini", Reset: true}}}},
	}
}
