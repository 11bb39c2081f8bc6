package admin

import (
	"context"
	"net/http"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
)

// importRoutes are the operations that bring keys along from other systems.
func (s *service) importRoutes() {
	add(s, route{
		method: http.MethodPost, path: "/imports", id: "import-api-keys", tag: "api-keys",
		summary:    "Bring keys along that another system made",
		about:      "Their secrets go on working: of each its hash is known, never the secret. A row that was imported before changes nothing, so a call may be repeated. Rows that are refused do not hold up the others.",
		permission: "platform:api-keys:import", body: api.ImportInput{}, timeout: time.Minute,
		samples: importSamples(), returns: "What came of each row.", action: "api_key.import",
	}, s.importKeys)
}

func (s *service) importKeys(ctx context.Context, who authority.Principal, in *object) (*answer[api.ImportReport], error) {
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return nil, err
	}
	results, err := s.authority.ImportKeys(ctx, who, in.Body, s.book(loc))
	if err != nil {
		return nil, err
	}
	report := api.ImportReport{Results: make([]api.ImportResult, len(results))}
	for i, r := range results {
		report.Results[i] = importView(r)
		switch r.Outcome {
		case authority.ImportCreated:
			report.Created++
		case authority.ImportWouldCreate:
			report.WouldCreate++
		case authority.ImportExists:
			report.Exists++
		case authority.ImportRefused:
			report.Refused++
		}
	}
	return &answer[api.ImportReport]{Body: report}, nil
}

// book stores what keys have used elsewhere as entries of the ledger.
func (s *service) book(loc *time.Location) authority.Book {
	return func(ctx context.Context, o authority.Opening, record func(context.Context) error) error {
		e := ledger.Entry{
			OrganizationID: o.OrganizationID, UserID: o.UserID, KeyID: o.KeyID, KeyName: o.KeyName,
			Provider: o.Source, Cost: o.Cost, Usage: llm.Usage{Input: o.Tokens},
		}
		if !o.At.IsZero() {
			e.At = o.At.UnixMilli()
		}
		return s.purse.Carry(ctx, e, loc, record)
	}
}

func importView(r authority.ImportResult) api.ImportResult {
	view := api.ImportResult{
		SourceID: r.SourceID, Outcome: r.Outcome, KeyID: orNull(r.KeyID), UserID: orNull(r.UserID), UserCreated: r.MadeUser,
	}
	if r.Err != nil {
		view.Code, view.Detail = orNull(string(r.Err.Kind)), orNull(r.Err.Public)
		for _, f := range r.Err.Fields {
			view.Errors = append(view.Errors, api.FieldError{Field: f.Name, Message: f.Problem})
		}
	}
	return view
}
