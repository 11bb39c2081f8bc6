package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
)

func (s *service) keyUsage(ctx context.Context, who authority.Principal, in *ref) (*answer[api.KeyUsage], error) {
	k, err := s.authority.ReadKey(ctx, who, in.ID, "api_key.usage.read")
	if err != nil {
		return nil, err
	}
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return nil, err
	}
	used, err := s.meter.Usage(ctx, k.ID, loc)
	if err != nil {
		return nil, err
	}
	return &answer[api.KeyUsage]{Body: api.KeyUsage{
		KeyID: k.ID, Totals: sumView(used.Total), Today: sumView(used.Today), ThisHour: sumView(used.ThisHour),
		LastUsedAt: instant(used.Total.LastAt),
	}}, nil
}

type usageQuery struct {
	KeyID        string    `query:"key_id" maxLength:"200" doc:"Only this key's; a deleted key's too."`
	UserID       string    `query:"user_id" maxLength:"200" doc:"Only this owner's."`
	ChatbotID    string    `query:"chatbot_id" maxLength:"200" doc:"Only through this chatbot."`
	CredentialID string    `query:"credential_id" maxLength:"200" doc:"Only paid for with this provider credential; a deleted one's too."`
	Provider     string    `query:"provider" maxLength:"100" doc:"Only of this provider, such as openai."`
	Model        string    `query:"model" maxLength:"512" doc:"Only of this model, as it was sent."`
	Outcome      string    `query:"outcome" enum:"settled,estimated,unconfirmed,failed,corrected" doc:"Only entries with this outcome."`
	From         time.Time `query:"from" doc:"Admitted at or after this instant."`
	To           time.Time `query:"to" doc:"Admitted before this instant."`
	GroupBy      []string  `query:"group_by" nullable:"false" enum:"day,key,user,provider,model,chatbot,credential" doc:"Sums instead of entries: one or several of these, parted by commas. Days are those of the organization's time zone; by day alone, days without use are there too."`
	Format       string    `query:"format" enum:"json,csv" doc:"Without it, as the Accept header says."`
	After        string    `query:"after" maxLength:"36" doc:"Request id of the last entry already seen; what follows it is listed. Page then means nothing, and total is all that match, wherever it points. Not together with group_by."`
	Page         int       `query:"page" minimum:"1" maximum:"1000000" doc:"Which page, from 1; 1 without it."`
	Size         int       `query:"size" minimum:"1" maximum:"1000" doc:"The most that a page holds. Without it 100 in JSON, and in CSV all."`

	accept string
}

// Resolve notes which form the caller wants.
func (q *usageQuery) Resolve(hc huma.Context) []error {
	q.accept = hc.Header("Accept")
	return nil
}

func (q *usageQuery) csv() bool {
	return q.Format == "csv" || q.Format == "" && strings.HasPrefix(q.accept, csvMediaType)
}

func (q *usageQuery) filter(who authority.Principal) ledger.Filter {
	outcome, _ := ledger.ParseOutcome(q.Outcome) // an unknown one was refused
	before, _ := ledger.ParseRequestID(q.After)  // likewise
	return ledger.Filter{
		Before:         before,
		OrganizationID: who.OrganizationID(), KeyID: q.KeyID, UserID: q.UserID, ChatbotID: q.ChatbotID, CredentialID: q.CredentialID,
		Provider: q.Provider, Model: q.Model, Outcome: outcome, From: q.From, To: q.To,
	}
}

// usageAnswer is written by hand, because it has two forms.
type usageAnswer struct {
	Body func(huma.Context)
}

const (
	defaultUsage = 100
	exportUsage  = 1000 // rows of an export that are read at once
)

// readUsage is the permission to see what everybody used.
const readUsage = "platform:usage:read"

func (s *service) listUsage(ctx context.Context, who authority.Principal, in *usageQuery) (*usageAnswer, error) {
	if in.UserID == "" && !who.Can(readUsage) {
		in.UserID = who.UserID() // what one's own keys used needs no role
	}
	if !who.May(readUsage, in.UserID) {
		return nil, fault.New(fault.PermissionDenied, "This needs the permission %q. Ask an administrator to grant it.", readUsage)
	}
	if in.UserID == "" || in.UserID != who.UserID() {
		if err := s.authority.Audit(ctx, who, authority.Deed{Action: "usage.read", ResourceType: "usage", ResourceID: in.KeyID}); err != nil {
			return nil, err
		}
	}
	if _, err := ledger.ParseRequestID(in.After); err != nil && in.After != "" {
		return nil, invalid([]fault.Field{{Name: "after", Problem: "must be a request id: req_ and 32 hexadecimal digits"}})
	}
	switch {
	case len(in.GroupBy) > 0 && in.After != "":
		return nil, invalid([]fault.Field{{Name: "after", Problem: "cannot be sent with group_by"}})
	case len(in.GroupBy) > 0:
		return s.usageSeries(ctx, who, in)
	case in.csv():
		return s.exportUsage(ctx, who, in)
	}
	in.Page, in.Size = max(in.Page, 1), orDefault(in.Size, defaultUsage)
	list, err := s.usagePage(ctx, who, in)
	if err != nil {
		return nil, err
	}
	return writeJSON(list), nil
}

func (s *service) usagePage(ctx context.Context, who authority.Principal, in *usageQuery) (api.UsageList, error) {
	f := in.filter(who)
	f.Offset, f.Limit = (in.Page-1)*in.Size, in.Size
	if in.After != "" {
		f.Offset, in.Page = 0, 1
	}
	rows, total, err := s.meter.Entries(ctx, f)
	if err == nil && in.After != "" { // then they were not counted
		f.Before, f.Limit = ledger.RequestID{}, 1
		_, total, err = s.meter.Entries(ctx, f)
	}
	if err != nil {
		return api.UsageList{}, err
	}
	list := api.UsageList{Usage: make([]api.UsageRow, len(rows)), Total: total, Page: in.Page, Size: in.Size}
	for i, e := range rows {
		list.Usage[i] = rowView(e)
	}
	return list, nil
}

// exportUsage writes entries as CSV: a page if one is asked for, and else all.
// They are read while they are written, so that no export is too large.
func (s *service) exportUsage(ctx context.Context, who authority.Principal, in *usageQuery) (*usageAnswer, error) {
	f := in.filter(who)
	f.Limit = exportUsage
	if in.Size > 0 {
		f.Offset, f.Limit = (max(in.Page, 1)-1)*in.Size, in.Size
	}
	if in.After != "" {
		f.Offset = 0
	}
	rows, _, err := s.meter.Entries(ctx, f)
	if err != nil {
		return nil, err
	}
	return s.writeCSV("usage", rowColumns(), func(w *csvWriter) error {
		for {
			for _, e := range rows {
				if err := w.write(rowCells(rowView(e))); err != nil {
					return err
				}
			}
			if in.Size > 0 || len(rows) < f.Limit {
				return nil
			}
			f.Before = rows[len(rows)-1].ID
			if rows, _, err = s.meter.Entries(ctx, f); err != nil {
				return err
			}
		}
	}), nil
}

// dimensions are the words of group_by, in the order of the columns.
var dimensions = []struct {
	word string
	by   ledger.Dimension
}{
	{"day", ledger.ByDay},
	{"key", ledger.ByKey},
	{"user", ledger.ByUser},
	{"provider", ledger.ByProvider},
	{"model", ledger.ByModel},
	{"chatbot", ledger.ByChatbot},
	{"credential", ledger.ByCredential},
}

func (s *service) usageSeries(ctx context.Context, who authority.Principal, in *usageQuery) (*usageAnswer, error) {
	var by []ledger.Dimension
	for _, d := range dimensions {
		if slices.Contains(in.GroupBy, d.word) {
			by = append(by, d.by)
		}
	}
	loc, err := s.authority.Location(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := checkSpan("from", in.From, "to", in.To); err != nil {
		return nil, err
	}
	groups, err := s.meter.Series(ctx, in.filter(who), by, loc)
	if err != nil {
		return nil, err
	}
	var totals ledger.Stats
	for _, g := range groups {
		totals = totals.Add(g.Stats)
	}
	shown := statsView(totals)
	list := api.UsageList{Series: []api.UsageGroup{}, Totals: &shown, Total: len(groups), Page: max(in.Page, 1), Size: in.Size}
	if list.Size == 0 && in.csv() {
		list.Size = max(len(groups), 1)
	}
	list.Size = orDefault(list.Size, defaultUsage)
	for _, g := range pageOf(groups, list.Page, list.Size) {
		list.Series = append(list.Series, groupView(g, by))
	}
	if !in.csv() {
		return writeJSON(list), nil
	}
	return s.writeCSV("usage", groupColumns(by), func(w *csvWriter) error {
		for _, g := range list.Series {
			if err := w.write(groupCells(g, by)); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

// pageOf is one page of a list.
func pageOf[T any](list []T, page, size int) []T {
	start := min((page-1)*size, len(list))
	return list[start:min(start+size, len(list))]
}

func orDefault(n, instead int) int {
	if n == 0 {
		return instead
	}
	return n
}

// maxSpan is the longest span whose days are listed: ten years.
const maxSpan = 3660 * 24 * time.Hour

// checkSpan refuses a span that ends before it begins, or that is too long.
func checkSpan(fromName string, from time.Time, toName string, to time.Time) error {
	var wrong []fault.Field
	switch {
	case from.IsZero() || to.IsZero():
	case to.Before(from):
		wrong = append(wrong, fault.Field{Name: toName, Problem: "must not be before " + fromName})
	case to.Sub(from) > maxSpan:
		wrong = append(wrong, fault.Field{Name: fromName, Problem: "must be at most 3660 days before " + toName})
	}
	return invalid(wrong)
}
