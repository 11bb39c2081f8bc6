package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tollgate/api"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

const rotateVault = "platform:vault:rotate"

// vaultRoutes is the keyset that everything stored is sealed with.
func (s *service) vaultRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/vault/rotation", id: "get-vault-rotation", tag: "vault", action: "vault.get",
		summary: "Show how far sealing everything anew is", about: "The one under way, or the latest since the start of the server.",
		permission: rotateVault, returns: "How far it is.",
	}, s.getRotation)
	add(s, route{
		method: http.MethodPost, path: "/vault/rotation", id: "rotate-vault", tag: "vault", action: "vault.rotate",
		summary: "Seal everything that is stored with a fresh key", about: "It goes on by itself, while requests are served; every secret can be opened all the while. One that was broken off goes on where it was. The old key is dropped when nothing is sealed with it any more.",
		permission: rotateVault, status: http.StatusAccepted, returns: "How far it is.", codes: []fault.Kind{fault.VersionConflict},
	}, s.rotateVault)
}

func (s *service) getRotation(context.Context, authority.Principal, *struct{}) (*answer[api.VaultRotation], error) {
	return &answer[api.VaultRotation]{Body: s.rotation()}, nil
}

func (s *service) rotateVault(ctx context.Context, who authority.Principal, _ *struct{}) (*answer[api.VaultRotation], error) {
	err := errors.New("there is no vault")
	if s.vault != nil {
		err = s.vault.Rotate()
	}
	deed := authority.Deed{Action: "vault.rotate", ResourceType: "vault", Err: err}
	if err := s.authority.Audit(ctx, who, deed); err != nil {
		return nil, err
	}
	return &answer[api.VaultRotation]{Body: s.rotation()}, nil
}

func (s *service) rotation() api.VaultRotation {
	var r vault.Rotation
	if s.vault != nil {
		r = s.vault.Rotation()
	}
	view := api.VaultRotation{
		State: "none", KeyID: keyWord(r.Key), Done: r.Done, Total: r.Total, DroppedKeyIDs: keyWords(r.Dropped), UnneededKeyIDs: keyWords(r.Unneeded),
		StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt),
	}
	switch {
	case r.Running():
		view.State = "running"
	case r.Err != nil:
		view.State, view.Problem = "failed", orNull(r.Err.Error())
	case !r.StartedAt.IsZero():
		view.State = "done"
	}
	return view
}

func keyWord(id secret.KeyID) *string {
	if id == 0 {
		return nil
	}
	return orNull(id.String())
}

func keyWords(ids []secret.KeyID) []string {
	words := []string{}
	for _, id := range ids {
		words = append(words, id.String())
	}
	return words
}

// checkTime is how long an answer may wait for a provider.
const checkTime = 30 * time.Second

// validateCredential asks the provider now.
func (s *service) validateCredential(ctx context.Context, who authority.Principal, in *version) (*credentialAnswer, error) {
	payer, err := ifMatching(in.IfMatch, func(version int64) (*authority.Payer, error) {
		return s.authority.CheckCredential(ctx, who, in.ID, version)
	})
	if err != nil {
		return nil, err
	}
	if s.vault != nil {
		if err := s.vault.AllowCheck(actorOf(who)); err != nil {
			return nil, err
		}
	}
	c, err := s.check(ctx, who, payer)
	return s.answerCredential(ctx, c, err)
}

func actorOf(who authority.Principal) string {
	if who.UserID() != "" {
		return who.UserID()
	}
	return who.ID()
}

// check asks a credential's provider and keeps what it says.
func (s *service) check(ctx context.Context, who authority.Principal, payer *authority.Payer) (authority.Credential, error) {
	if s.vault == nil {
		return s.authority.CredentialByID(ctx, who, payer.ID)
	}
	verdict, ok := s.vault.Check(ctx, payer.Provider, payer.Config, payer.Sealed)
	if !ok {
		return s.authority.CredentialByID(ctx, who, payer.ID)
	}
	return s.authority.Judged(ctx, who, payer, verdict)
}

// checked is a credential whose secret has just come, once its provider was asked.
// Whatever comes of that, the credential is stored.
func (s *service) checked(ctx context.Context, who authority.Principal, c authority.Credential, err error) (authority.Credential, error) {
	if err != nil || !s.checkNew || s.vault == nil || c.Validation.State != "" || s.vault.AllowCheck(actorOf(who)) != nil {
		return c, err
	}
	payer, err := s.authority.CheckCredential(ctx, who, c.ID, 0)
	if err != nil {
		return c, nil // it may be made and not be changed
	}
	after, err := s.check(ctx, who, payer)
	if err != nil {
		s.log.WarnContext(ctx, "a new credential could not be checked", "credential_id", c.ID, "error", err)
		return c, nil
	}
	return after, nil
}
