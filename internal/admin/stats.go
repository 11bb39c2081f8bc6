package admin

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

type statsQuery struct {
	ID    string `path:"id" doc:"Id of the key."`
	Start string `query:"start" maxLength:"40" doc:"An instant (RFC 3339), or a day (2026-11-20), which begins in the organization's time zone. Without it, 30 days up to the end." example:"2026-11-01"`
	End   string `query:"end" maxLength:"40" doc:"Not part of the span. Without it, now." example:"2026-12-01"`
}

// defaultDays is how many days statistics show when nothing is said.
const defaultDays = 30

func (s *service) keyStats(ctx context.Context, who authority.Principal, in *statsQuery) (*answer[api.KeyStats], error) {
	k, err := s.authority.ReadKey(ctx, who, in.ID, "api_key.stats.read")
	if err != nil {
		return nil, err
	}
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return nil, err
	}
	start, end, err := in.span(time.Now(), loc)
	if err != nil {
		return nil, err
	}
	f := ledger.Filter{OrganizationID: who.OrganizationID(), KeyID: k.ID, From: start, To: end}
	days, err := s.meter.Series(ctx, f, []ledger.Dimension{ledger.ByDay}, loc)
	if err != nil {
		return nil, err
	}
	stats := api.KeyStats{KeyID: k.ID, Start: start.UTC(), End: end.UTC(), Timezone: loc.String(), Days: make([]api.DayStats, len(days))}
	var totals ledger.Stats
	for i, d := range days {
		stats.Days[i] = api.DayStats{Date: d.Day, UsageStats: statsView(d.Stats)}
		totals = totals.Add(d.Stats)
	}
	stats.Totals = statsView(totals)
	return &answer[api.KeyStats]{Body: stats}, nil
}

// span is what start and end mean.
func (q *statsQuery) span(now time.Time, loc *time.Location) (start, end time.Time, err error) {
	var wrong []fault.Field
	end = now.UTC().Truncate(time.Millisecond)
	if q.End != "" {
		end, wrong = parseWhen("end", q.End, loc, wrong)
	}
	if q.Start != "" {
		start, wrong = parseWhen("start", q.Start, loc, wrong)
	} else {
		last := end.Add(-time.Millisecond).In(loc)
		noon := time.Date(last.Year(), last.Month(), last.Day()-defaultDays+1, 12, 0, 0, 0, loc)
		start = time.Unix(limit.CalendarAt(noon, loc).Day, 0)
	}
	if err := invalid(wrong); err != nil {
		return start, end, err
	}
	return start, end, checkSpan("start", start, "end", end)
}

// parseWhen reads an instant, or the beginning of a day.
func parseWhen(name, text string, loc *time.Location, wrong []fault.Field) (time.Time, []fault.Field) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000 {
		return t, wrong
	}
	if t, err := time.ParseInLocation("2006-01-02 15", text+" 12", loc); err == nil && t.Year() > 0 {
		return time.Unix(limit.CalendarAt(t, loc).Day, 0), wrong
	}
	return time.Time{}, append(wrong, fault.Field{Name: name, Problem: "must be an instant like 2026-11-20T12:00:00Z, or a day like 2026-11-20"})
}

func statsView(s ledger.Stats) api.UsageStats {
	return api.UsageStats{
		Requests: s.Requests, Failed: s.Failed, Tokens: s.InputTokens + s.OutputTokens,
		InputTokens: s.InputTokens, OutputTokens: s.OutputTokens,
		CostUSD: s.Cost.String(), CostCents: s.Cost.Cents(), AverageResponseMS: s.AverageMS(),
	}
}

// groupView shows of a group what it was grouped by.
func groupView(g ledger.Group, by []ledger.Dimension) api.UsageGroup {
	view := api.UsageGroup{UsageStats: statsView(g.Stats)}
	for _, d := range by {
		switch d {
		case ledger.ByDay:
			view.Date = &g.Day
		case ledger.ByKey:
			view.KeyID, view.KeyName = &g.KeyID, &g.KeyName
		case ledger.ByUser:
			view.UserID = &g.UserID
		case ledger.ByProvider:
			view.Provider = &g.Provider
		case ledger.ByModel:
			view.Model = &g.Model
		case ledger.ByChatbot:
			view.ChatbotID = &g.ChatbotID
		case ledger.ByCredential:
			view.CredentialID = &g.CredentialID
		}
	}
	return view
}
