package authority

import (
	"context"
	"slices"

	"tollgate/internal/credential"
	"tollgate/internal/limit"
	"tollgate/internal/secret"
)

// Payer is a credential as the data plane uses it. It is immutable.
type Payer struct {
	ID             string // "cred_…"
	OrganizationID string
	UserID         string // whose it is; "" = the organisation's
	Provider       string
	Name           string
	SecretID       string
	Default        bool
	Verdict        credential.State // what its provider last said of it; "" = unknown
	Config         credential.Config
	Sealed         []secret.Sealed // its secrets
	Subject        limit.Subject
}

// wallet is an owner's active credentials, in the order of a list.
type wallet struct{ payers []*Payer }

// retire does nothing: no one keeps a wallet, except Wallets, which show the
// moment at which they were given.
func (*wallet) retire() {}

// loadWallet reads an owner's credentials; ref.id "" is the organisation.
func (a *Authority) loadWallet(ctx context.Context, ref userRef) (*wallet, error) {
	rows, err := a.store.ProviderKeys.CredentialsOf(ctx, ref.organizationID, ref.id)
	if err != nil {
		return nil, err
	}
	w := &wallet{payers: make([]*Payer, len(rows))}
	for i := range rows {
		w.payers[i] = rows[i].payer()
	}
	return w, nil
}

func (row *CredentialRow) payer() *Payer {
	return &Payer{
		ID: row.ID, OrganizationID: row.OrganizationID, UserID: row.UserID, Provider: row.Provider, Name: row.Name, SecretID: row.SecretID,
		Default: row.Default, Verdict: row.Validation.Verdict, Config: row.Config, Sealed: row.Sealed,
		Subject: limit.Subject{ID: limit.ID{Kind: limit.Credential, ID: row.ID}, Limits: row.Limits.compile()},
	}
}

// refreshWallet makes memory forget what it knows of an owner's credentials.
func (a *Authority) refreshWallet(ctx context.Context, organizationID, userID string) {
	a.wallets.refresh(ctx, userRef{organizationID, userID})
}

// ForgetCredentials makes memory forget all credentials: each is read again when
// it is next needed, and what is being read just now is read again.
func (a *Authority) ForgetCredentials() {
	a.wallets.forgetThose(func(*wallet) bool { return true })
}

// Wallet is the credentials that may pay for a request of a key: its owner's and
// its organisation's. The zero value holds none. It shows the state of the moment
// at which it was given.
type Wallet struct {
	own, shared *wallet // nil = none
	fallback    bool
}

// Wallet gives the credentials that may pay for g's requests. Kinds:
// store_unavailable.
func (a *Authority) Wallet(ctx context.Context, g Grant) (Wallet, error) {
	if g.rec == nil {
		return Wallet{}, nil
	}
	organization := g.rec.parties[organizationParty]
	w := Wallet{fallback: organization.fallback}
	var err error
	if w.shared, err = a.wallets.get(ctx, userRef{organization.subject.ID.ID, ""}); err != nil {
		return Wallet{}, err
	}
	if id := g.UserID(); id != "" {
		w.own, err = a.wallets.get(ctx, userRef{organization.subject.ID.ID, id})
	}
	return w, err
}

// Has reports whether one of the credentials pays for requests to a provider.
func (w Wallet) Has(provider string) bool {
	return w.own.first(provider) != nil || w.shared.first(provider) != nil
}

// first is the default for a provider, nil for none.
func (w *wallet) first(provider string) *Payer {
	if w == nil {
		return nil
	}
	for _, p := range w.payers { // defaults come first
		if !p.Default {
			return nil
		}
		if p.Provider == provider {
			return p
		}
	}
	return nil
}

// AppendPayers appends to dst those who pay for requests to a provider, in the
// order in which they are asked: the owner's default, the organisation's, and the
// platform's own, which is nil, if there is one. Only the first is asked, unless
// the organisation lets another take its place when the provider refuses it; then
// those come last of which it is known already.
func (w Wallet) AppendPayers(dst []*Payer, provider string, platform bool) []*Payer {
	from := len(dst)
	for _, of := range [...]*wallet{w.own, w.shared} {
		if p := of.first(provider); p != nil {
			dst = append(dst, p)
		}
	}
	if platform {
		dst = append(dst, nil)
	}
	if !w.fallback {
		return dst[:min(len(dst), from+1)]
	}
	slices.SortStableFunc(dst[from:], func(a, b *Payer) int { return a.rank() - b.rank() })
	return dst
}

func (p *Payer) rank() int {
	if p != nil && p.Verdict == credential.Invalid {
		return 1
	}
	return 0
}
