package admin

import (
	"context"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

type keyAnswer struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.Key
}

type keyQuery struct {
	Page     int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size     int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"The most that a page holds."`
	UserID   string `query:"user_id" maxLength:"200" doc:"Only keys of this owner."`
	IsActive string `query:"is_active" enum:"true,false" doc:"Only active or only inactive keys."`
	Kind     string `query:"kind" enum:"user,standalone,chatbot,service" doc:"Only keys of this kind."`
	Status   string `query:"status" enum:"active,disabled,revoked,expired" doc:"Only keys with this status now."`
	Tag      string `query:"tag" maxLength:"50" doc:"Only keys with this tag."`
	After    string `query:"after" maxLength:"200" doc:"Id of the last key already seen; what follows it is listed, and total is what is left. Page then means nothing."`
	Search   string `query:"search" maxLength:"200" doc:"In name or description, whatever the case."`
}

func (q keyQuery) filter() authority.KeyFilter {
	f := authority.KeyFilter{
		UserID: q.UserID, Kind: authority.Kind(q.Kind), Status: authority.Status(q.Status),
		Tag: q.Tag, Search: q.Search, After: q.After, Page: q.Page, Size: q.Size,
	}
	if q.IsActive != "" {
		active := q.IsActive == "true"
		f.IsActive = &active
	}
	return f
}

func (s *service) listKeys(ctx context.Context, who authority.Principal, in *keyQuery) (*answer[api.KeyList], error) {
	keys, total, err := s.authority.ListKeys(ctx, who, in.filter())
	if err != nil {
		return nil, err
	}
	shown, err := s.showKeys(ctx, keys)
	if err != nil {
		return nil, err
	}
	return &answer[api.KeyList]{Body: api.KeyList{APIKeys: shown, Total: total, Page: in.Page, Size: in.Size}}, nil
}

type keyCreated struct {
	ETag     string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Location string `header:"Location" doc:"Path of what was made."`
	Body     api.KeyCreated
}

func (s *service) createKey(ctx context.Context, who authority.Principal, in *object) (*keyCreated, error) {
	k, text, err := s.authority.CreateKey(ctx, who, in.Body)
	if err != nil {
		return nil, err
	}
	shown, err := s.showKeys(ctx, []authority.Key{k})
	if err != nil {
		return nil, err
	}
	return &keyCreated{
		ETag: etag(k.Version), Location: prefix + "/api-keys/" + k.ID,
		Body: api.KeyCreated{APIKey: shown[0], SecretKey: text.Reveal()},
	}, nil
}

func (s *service) getKey(ctx context.Context, who authority.Principal, in *ref) (*keyAnswer, error) {
	k, err := s.authority.KeyByID(ctx, who, in.ID)
	return s.answerKey(ctx, k, err)
}

func (s *service) updateKey(ctx context.Context, who authority.Principal, in *change) (*keyAnswer, error) {
	return s.changeKey(ctx, who, in, s.authority.UpdateKey)
}

func (s *service) replaceKey(ctx context.Context, who authority.Principal, in *change) (*keyAnswer, error) {
	return s.changeKey(ctx, who, in, s.authority.ReplaceKey)
}

type keyChange func(ctx context.Context, who authority.Principal, id string, body []byte, expect int64) (authority.Key, error)

// changeKey lays a body over a key. What answers show and bodies may not carry may
// be sent back as it was shown.
func (s *service) changeKey(ctx context.Context, who authority.Principal, in *change, apply keyChange) (*keyAnswer, error) {
	body, err := withoutShown[api.KeyInput](in.Body, func() (api.Key, error) { return s.shownKey(ctx, who, in.ID) })
	if err != nil {
		return nil, err
	}
	k, err := ifMatching(in.IfMatch, func(version int64) (authority.Key, error) { return apply(ctx, who, in.ID, body, version) })
	return s.answerKey(ctx, k, err)
}

func (s *service) shownKey(ctx context.Context, who authority.Principal, id string) (api.Key, error) {
	k, err := s.authority.KeyByID(ctx, who, id)
	answer, err := s.answerKey(ctx, k, err)
	if err != nil {
		return api.Key{}, err
	}
	return answer.Body, nil
}

type keyRemoval struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
	Purge   bool   `query:"purge" doc:"Leave no trace in the list of keys; not together with If-Match."`
}

func (s *service) deleteKey(ctx context.Context, who authority.Principal, in *keyRemoval) (*struct{}, error) {
	if in.Purge {
		if in.IfMatch != "" {
			return nil, invalid([]fault.Field{{Name: "If-Match", Problem: "cannot be sent with purge=true"}})
		}
		return nil, s.authority.PurgeKey(ctx, who, in.ID)
	}
	_, err := ifMatching(in.IfMatch, func(version int64) (struct{}, error) {
		return struct{}{}, s.authority.DeleteKey(ctx, who, in.ID, version)
	})
	return nil, err
}

func (s *service) activateKey(ctx context.Context, who authority.Principal, in *version) (*keyAnswer, error) {
	k, err := ifMatching(in.IfMatch, func(version int64) (authority.Key, error) { return s.authority.ActivateKey(ctx, who, in.ID, version) })
	return s.answerKey(ctx, k, err)
}

func (s *service) deactivateKey(ctx context.Context, who authority.Principal, in *version) (*keyAnswer, error) {
	k, err := ifMatching(in.IfMatch, func(version int64) (authority.Key, error) { return s.authority.DeactivateKey(ctx, who, in.ID, version) })
	return s.answerKey(ctx, k, err)
}

func (s *service) revokeKey(ctx context.Context, who authority.Principal, in *change) (*keyAnswer, error) {
	return s.actOnKey(ctx, who, in, s.authority.RevokeKey)
}

func (s *service) extendKey(ctx context.Context, who authority.Principal, in *change) (*keyAnswer, error) {
	return s.actOnKey(ctx, who, in, s.authority.ExtendKey)
}

func (s *service) actOnKey(ctx context.Context, who authority.Principal, in *change, act keyChange) (*keyAnswer, error) {
	k, err := ifMatching(in.IfMatch, func(version int64) (authority.Key, error) { return act(ctx, who, in.ID, in.Body, version) })
	return s.answerKey(ctx, k, err)
}

type keyRegenerated struct {
	ETag string `header:"ETag" doc:"The version, to be sent back as If-Match."`
	Body api.KeyCreated
}

func (s *service) regenerateKey(ctx context.Context, who authority.Principal, in *change) (*keyRegenerated, error) {
	var text secret.Text
	k, err := ifMatching(in.IfMatch, func(version int64) (k authority.Key, err error) {
		k, text, err = s.authority.RegenerateKey(ctx, who, in.ID, in.Body, version)
		return k, err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showKeys(ctx, []authority.Key{k})
	if err != nil {
		return nil, err
	}
	return &keyRegenerated{ETag: etag(k.Version), Body: api.KeyCreated{APIKey: shown[0], SecretKey: text.Reveal()}}, nil
}

// revealKey shows a secret again.
func (s *service) revealKey(ctx context.Context, who authority.Principal, in *order) (*keyRegenerated, error) {
	k, text, err := s.authority.RevealKey(ctx, who, in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	shown, err := s.showKeys(ctx, []authority.Key{k})
	if err != nil {
		return nil, err
	}
	return &keyRegenerated{ETag: etag(k.Version), Body: api.KeyCreated{APIKey: shown[0], SecretKey: text.Reveal()}}, nil
}

// answerKey is the answer of every operation on one key.
func (s *service) answerKey(ctx context.Context, k authority.Key, err error) (*keyAnswer, error) {
	if err != nil {
		return nil, err
	}
	shown, err := s.showKeys(ctx, []authority.Key{k})
	if err != nil {
		return nil, err
	}
	return &keyAnswer{ETag: etag(k.Version), Body: shown[0]}, nil
}
