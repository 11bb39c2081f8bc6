package admin

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/ledger"
)

func (s *service) keyUsage(ctx context.Context, who authority.Principal, in *ref) (*answer[api.KeyUsage], error) {
	k, err := s.authority.KeyByID(ctx, who, in.ID)
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
	KeyID  string    `query:"key_id" doc:"Only this key's; a deleted key's too."`
	UserID string    `query:"user_id" doc:"Only this owner's."`
	From   time.Time `query:"from" doc:"Admitted at or after this instant."`
	To     time.Time `query:"to" doc:"Admitted before this instant."`
	Page   int       `query:"page" minimum:"1" maximum:"1000000" default:"1"`
	Size   int       `query:"size" minimum:"1" maximum:"1000" default:"100"`
}

func (s *service) listUsage(ctx context.Context, who authority.Principal, in *usageQuery) (*answer[api.UsageList], error) {
	rows, total, err := s.meter.Entries(ctx, ledger.Filter{
		OrganizationID: who.OrganizationID(), KeyID: in.KeyID, UserID: in.UserID, From: in.From, To: in.To,
		Offset: (in.Page - 1) * in.Size, Limit: in.Size,
	})
	if err != nil {
		return nil, err
	}
	list := api.UsageList{Usage: make([]api.UsageRow, len(rows)), Total: total, Page: in.Page, Size: in.Size}
	for i, e := range rows {
		list.Usage[i] = rowView(e)
	}
	return &answer[api.UsageList]{Body: list}, nil
}
