package admin

import (
	"context"
	"net/http"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/secret"
)

// credentialRoutes is providers' credentials that users and the organization bring
// along.
func (s *service) credentialRoutes() {
	changes := []fault.Kind{fault.NameTaken, fault.VersionConflict}
	add(s, route{
		method: http.MethodGet, path: "/credentials", id: "list-credentials", tag: "credentials",
		summary: "List credentials: defaults first, then those that were used last", about: "One's own need no permission, and are what one sees without the permission to read everybody's.",
		returns: "One page of credentials, and how many match in all.",
	}, s.listCredentials)
	add(s, route{
		method: http.MethodPost, path: "/credentials", id: "create-credential", tag: "credentials",
		summary: "Store a provider's credential", about: "The secret is sealed, and in no answer. Requests use it once it is the default of its owner for its provider.",
		status: http.StatusCreated, body: api.CredentialInput{}, samples: createCredentialSamples(), returns: "The credential.",
		codes: changes, bodyBytes: 256 << 10, timeout: checkTime,
	}, s.createCredential)
	add(s, route{
		method: http.MethodGet, path: "/credentials/default", id: "get-default-credential", tag: "credentials", action: "credential.get",
		summary: "Show which credential is the default for a provider", about: "Without user_id, one's own, or else the organization's. A default that is disabled is none.",
		returns: "The credential.", codes: []fault.Kind{fault.NotFound},
	}, s.defaultCredential)
	add(s, route{
		method: http.MethodGet, path: "/credentials/{id}", id: "get-credential", tag: "credentials",
		summary: "Show a credential", about: "With what it was used for, and what its provider says of it.", returns: "The credential.",
	}, s.getCredential)
	add(s, route{
		method: http.MethodPatch, path: "/credentials/{id}", id: "update-credential", tag: "credentials",
		summary: "Change fields of a credential", about: "JSON merge patch (RFC 7396): what is left out stays, null lifts. Read-only fields may be sent back with the value that they have. In force when the answer is sent. With another base_url the secret and the values of headers must be sent again: what is stored is sent to nowhere else. After a change of its secret, or of where that is sent, it is unknown again what its provider says.",
		body: api.CredentialInput{}, samples: updateCredentialSamples(), returns: "The credential as it is now.", codes: changes, bodyBytes: 256 << 10, timeout: checkTime,
	}, s.updateCredential)
	add(s, route{
		method: http.MethodPut, path: "/credentials/{id}", id: "replace-credential", tag: "credentials", action: "credential.update",
		summary: "Set fields of a credential", about: "Merges like PATCH, so that what GET answered can be changed and put back; values of headers stay where they are sent back hidden.",
		body: api.CredentialInput{}, samples: updateCredentialSamples(), returns: "The credential as it is now.", codes: changes, bodyBytes: 256 << 10, timeout: checkTime,
	}, s.updateCredential)
	add(s, route{
		method: http.MethodDelete, path: "/credentials/{id}", id: "delete-credential", tag: "credentials",
		summary: "Delete a credential for good", about: "Its secrets are wiped and its name is free again; usage and audit go on naming it.",
		status: http.StatusNoContent,
	}, s.deleteCredential)
	add(s, route{
		method: http.MethodPost, path: "/credentials/{id}/default", id: "set-default-credential", tag: "credentials", action: "credential.set_default",
		summary: "Make a credential its owner's default for its provider", about: "In the place of the one that is.",
		returns: "The credential as it is now.", codes: []fault.Kind{fault.VersionConflict},
	}, s.setDefaultCredential)
	add(s, route{
		method: http.MethodPost, path: "/credentials/{id}/validate", id: "validate-credential", tag: "credentials",
		summary: "Ask the provider whether it takes the credential", about: "By the cheapest request that needs one. Where nothing is learned, the verdict of before stays.",
		returns: "The credential as it is now.", codes: []fault.Kind{fault.RateLimited}, timeout: checkTime,
	}, s.validateCredential)
}

type credentialAnswer struct {
	ETag string `header:"ETag"`
	Body api.Credential
}

type credentialQuery struct {
	Page     int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size     int    `query:"size" minimum:"1" maximum:"100" default:"10" doc:"Credentials on a page."`
	UserID   string `query:"user_id" maxLength:"200" doc:"Only those of this user."`
	Owner    string `query:"owner" enum:"organization" doc:"Only the organization's."`
	Provider string `query:"provider" enum:"openai,anthropic,google,cohere,huggingface,azure,custom" doc:"Only those for this provider."`
	IsActive string `query:"is_active" enum:"true,false" doc:"Only active or only disabled ones."`
	After    string `query:"after" maxLength:"200" doc:"Id of the last credential already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

func (s *service) listCredentials(ctx context.Context, who authority.Principal, in *credentialQuery) (*answer[api.CredentialList], error) {
	f := authority.CredentialFilter{
		UserID: in.UserID, Ownerless: in.Owner != "", Provider: in.Provider, After: in.After, Page: in.Page, Size: in.Size,
	}
	if f.Ownerless && f.UserID != "" {
		return nil, invalid([]fault.Field{{Name: "owner", Problem: "cannot be sent together with user_id"}})
	}
	if in.IsActive != "" {
		active := in.IsActive == "true"
		f.IsActive = &active
	}
	if err := s.booker.Flush(ctx); err != nil { // the order depends on what was used last
		return nil, err
	}
	rows, total, err := s.authority.ListCredentials(ctx, who, f)
	if err != nil {
		return nil, err
	}
	shown, err := s.showCredentials(ctx, rows)
	if err != nil {
		return nil, err
	}
	return &answer[api.CredentialList]{Body: api.CredentialList{Credentials: shown, Total: total, Page: in.Page, Size: in.Size}}, nil
}

type credentialCreated struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     api.Credential
}

func (s *service) createCredential(ctx context.Context, who authority.Principal, in *object) (*credentialCreated, error) {
	c, err := s.authority.CreateCredential(ctx, who, in.Body)
	c, err = s.checked(ctx, who, c, err)
	made, err := s.answerCredential(ctx, c, err)
	if err != nil {
		return nil, err
	}
	return &credentialCreated{ETag: made.ETag, Location: prefix + "/credentials/" + c.ID, Body: made.Body}, nil
}

func (s *service) getCredential(ctx context.Context, who authority.Principal, in *ref) (*credentialAnswer, error) {
	c, err := s.authority.CredentialByID(ctx, who, in.ID)
	return s.answerCredential(ctx, c, err)
}

type defaultQuery struct {
	Provider string `query:"provider" required:"true" enum:"openai,anthropic,google,cohere,huggingface,azure,custom" doc:"For which provider."`
	UserID   string `query:"user_id" maxLength:"200" doc:"Whose. Without it, one's own."`
	Owner    string `query:"owner" enum:"organization" doc:"The organization's."`
	Fallback string `query:"fallback" enum:"any_active" doc:"Where there is no active default, any active one: the one that was used last."`
}

func (s *service) defaultCredential(ctx context.Context, who authority.Principal, in *defaultQuery) (*credentialAnswer, error) {
	if in.Owner != "" && in.UserID != "" {
		return nil, invalid([]fault.Field{{Name: "owner", Problem: "cannot be sent together with user_id"}})
	}
	owner := in.UserID
	if owner == "" && in.Owner == "" {
		owner = who.UserID()
	}
	if err := s.booker.Flush(ctx); err != nil {
		return nil, err
	}
	c, err := s.authority.DefaultCredential(ctx, who, owner, in.Provider, in.Fallback != "")
	return s.answerCredential(ctx, c, err)
}

func (s *service) updateCredential(ctx context.Context, who authority.Principal, in *change) (*credentialAnswer, error) {
	body, err := withoutShown[api.CredentialInput](in.Body, func() (api.Credential, error) {
		c, err := s.authority.CredentialByID(ctx, who, in.ID)
		shown, err := s.answerCredential(ctx, c, err)
		if err != nil {
			return api.Credential{}, err
		}
		return shown.Body, nil
	})
	if err != nil {
		return nil, err
	}
	c, err := ifMatching(in.IfMatch, func(version int64) (authority.Credential, error) {
		return s.authority.UpdateCredential(ctx, who, in.ID, body, version)
	})
	c, err = s.checked(ctx, who, c, err)
	return s.answerCredential(ctx, c, err)
}

func (s *service) deleteCredential(ctx context.Context, who authority.Principal, in *version) (*struct{}, error) {
	_, err := ifMatching(in.IfMatch, func(version int64) (struct{}, error) {
		return struct{}{}, s.authority.DeleteCredential(ctx, who, in.ID, version)
	})
	return nil, err
}

func (s *service) setDefaultCredential(ctx context.Context, who authority.Principal, in *version) (*credentialAnswer, error) {
	c, err := ifMatching(in.IfMatch, func(version int64) (authority.Credential, error) {
		return s.authority.SetDefaultCredential(ctx, who, in.ID, version)
	})
	return s.answerCredential(ctx, c, err)
}

func (s *service) answerCredential(ctx context.Context, c authority.Credential, err error) (*credentialAnswer, error) {
	if err != nil {
		return nil, err
	}
	shown, err := s.showCredentials(ctx, []authority.Credential{c})
	if err != nil {
		return nil, err
	}
	return &credentialAnswer{ETag: etag(c.Version), Body: shown[0]}, nil
}

// showCredentials adds to credentials what the ledger knows of them.
func (s *service) showCredentials(ctx context.Context, list []authority.Credential) ([]api.Credential, error) {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	totals, err := s.meter.Totals(ctx, ids)
	if err != nil {
		return nil, err
	}
	views := make([]api.Credential, len(list))
	for i, c := range list {
		views[i] = credentialView(c, totals[c.ID])
	}
	return views, nil
}

func credentialView(c authority.Credential, used ledger.Sum) api.Credential {
	l := c.Limits
	view := api.Credential{
		ID: c.ID, UserID: orNull(c.UserID), Provider: c.Provider, ProviderDisplayName: c.DisplayName, KeyName: c.Name,
		KeyPrefix: c.Prefix, KeySuffix: c.Suffix, SecretID: c.SecretID,
		Status: string(c.Status), IsActive: c.IsActive(), IsDefault: c.Default,
		Validation: validationView(c.Validation),
		CustomConfig: api.CustomConfig{
			BaseURL: c.Config.BaseURL, APIVersion: c.Config.APIVersion, Organization: c.Config.Organization,
			Project: c.Config.Project, BillTo: c.Config.BillTo,
		},
		CountedLimits: api.CountedLimits{
			RateLimitPerMinute: l.RateLimitPerMinute, RateLimitPerHour: l.RateLimitPerHour, RateLimitPerDay: l.RateLimitPerDay,
			TokensPerMinute: l.TokensPerMinute, TokensPerDay: l.TokensPerDay, TokensPerMonth: l.TokensPerMonth, ConcurrentLimit: l.ConcurrentLimit,
		},
		DailyLimit: l.TokensPerDay, MonthlyLimit: l.TokensPerMonth,
		UsageCount: used.Requests, TotalTokensUsed: used.Tokens, LastUsedAt: instant(used.LastAt),
		CreatedAt: inUTC(c.CreatedAt), UpdatedAt: inUTC(c.UpdatedAt), Version: c.Version,
	}
	if len(c.Config.Headers) > 0 {
		view.CustomConfig.Headers = map[string]string{}
		for _, name := range c.Config.Headers {
			view.CustomConfig.Headers[name] = secret.Redacted
		}
	}
	return view
}

func validationView(v credential.Validation) api.Validation {
	known := func(s credential.State) string {
		if s == "" {
			s = credential.Unknown
		}
		return string(s)
	}
	return api.Validation{
		State: known(v.State), Verdict: known(v.Verdict), IsValidated: v.Verdict == credential.Valid,
		Code: orNull(string(v.Code)), Message: orNull(v.Code.Message()), CheckedAt: instant(v.CheckedAt), LastValidatedAt: instant(v.ValidatedAt),
	}
}
