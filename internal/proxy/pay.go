package proxy

import (
	"context"
	"errors"
	"slices"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// payment is who pays the provider for a request, and what is sent for that.
type payment struct {
	payers  []*authority.Payer  // who may, in order; nil among them is the platform itself
	room    [3]*authority.Payer // for payers
	payer   *authority.Payer    // who does; nil = the platform
	account *credential.Account // opened; nil = the platform's own
	clean   secret.Cleaner      // of what is sent
	costs   bool                // the request costs something here
}

// payers finds who may pay for requests to a provider, and chooses the first.
func (p *Proxy) payers(x *exchange, wallet authority.Wallet) error {
	provider := x.target.Provider
	x.pay.payers = wallet.AppendPayers(x.pay.room[:0], provider, p.opts.Providers.Configured(provider))
	if len(x.pay.payers) == 0 && x.call.Model == "" {
		return fault.New(fault.ProviderUnconfigured, "No credential for the provider %s is configured here.", provider)
	}
	if len(x.pay.payers) == 0 {
		return fault.New(fault.ProviderUnconfigured, "The model %q is %s's, and no credential for that provider is configured here.", x.call.Model, provider)
	}
	return p.open(x)
}

// open opens what the first of those who may pay pays with. What memory knows of a
// credential may be sealed with a key that has left the keyset just now; then it is
// read again.
func (p *Proxy) open(x *exchange) error {
	x.pay.payer, x.pay.account = x.pay.payers[0], nil
	if x.pay.payer != nil {
		account, err := p.account(x.pay.payer)
		if errors.Is(err, secret.ErrUnknownKey) {
			if x.pay.payer, err = p.reread(x); err == nil {
				account, err = p.account(x.pay.payer)
			}
		}
		if err != nil {
			return fault.Wrap(fault.StoreUnavailable, err, "The credential that pays for this request cannot be opened at the moment.")
		}
		x.pay.account = account
	}
	x.pay.clean = p.opts.Providers.Cleaner(x.target.Provider, x.pay.account)
	x.pay.costs = x.pay.payer == nil || p.opts.FeePercent > 0
	return nil
}

func (p *Proxy) account(payer *authority.Payer) (*credential.Account, error) {
	if p.opts.Vault == nil {
		return nil, errors.New("there is no vault")
	}
	return p.opts.Vault.Account(payer.Provider, payer.Config, payer.Sealed)
}

// reread is the payer as it is stored now.
func (p *Proxy) reread(x *exchange) (*authority.Payer, error) {
	wallet, err := p.opts.Authority.Wallet(x.r.Context(), x.grant)
	if err != nil {
		return nil, err
	}
	for _, now := range wallet.AppendPayers(nil, x.target.Provider, false) {
		if now != nil && now.ID == x.pay.payer.ID {
			return now, nil
		}
	}
	return nil, errors.New("the credential is not there any more")
}

// judgeTime is how long keeping what a provider said of a credential may take.
const judgeTime = 2 * time.Second

// judged keeps what the provider has just said of the credential that pays, if that
// is news. It is known before the caller has its answer. Where there is no route
// here nothing is kept: such a path may want a credential of another kind, or none.
func (p *Proxy) judged(x *exchange, v credential.Verdict) {
	payer := x.pay.payer
	if payer == nil || payer.Verdict == v.State || x.via.plain {
		return
	}
	if _, busy := p.judging.LoadOrStore(payer.ID, true); busy {
		return // another request keeps it already
	}
	defer p.judging.Delete(payer.ID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), judgeTime)
	defer cancel()
	if _, err := p.opts.Authority.Judged(ctx, authority.Principal{}, payer, v); err != nil && !errors.Is(err, fault.NotFound) {
		p.opts.Log.WarnContext(ctx, "what a provider said of a credential could not be kept", "credential_id", payer.ID, "verdict", string(v.State), "error", err)
	}
}

// another lets the next of those who may pay take the place of the one that the
// provider has refused, and takes the hold for it. It is false when there is none,
// or when its limits do not allow it: then the refusal stands.
func (p *Proxy) another(x *exchange) bool {
	if x.pay.payer == nil || len(x.pay.payers) < 2 || x.left.gone.Load() {
		return false
	}
	before := x.aimed
	if err := p.nextPayer(x); err != nil {
		x.aimed = before
		p.opts.Log.InfoContext(x.r.Context(), "no other credential takes the place of one that is refused",
			"request_id", x.hold.ID().String(), "credential_id", before.pay.payer.ID, "cause", err)
		return false
	}
	x.left.drain.Store(p.drains(x))
	return true
}

// nextPayer chooses who pays after the one that was refused, as things are by now: a
// credential may be gone.
func (p *Proxy) nextPayer(x *exchange) error {
	wallet, err := p.again(x)
	if err != nil {
		return err
	}
	if f := x.grant.Rules().AdmitModel(&x.ask); f != nil {
		return f
	}
	left := x.pay.payers[1:]
	provider := x.target.Provider
	x.pay.payers = slices.DeleteFunc(wallet.AppendPayers(nil, provider, p.opts.Providers.Configured(provider)), func(now *authority.Payer) bool {
		return !slices.ContainsFunc(left, func(then *authority.Payer) bool {
			return now == then || now != nil && then != nil && now.ID == then.ID
		})
	})
	if len(x.pay.payers) == 0 {
		return errors.New("there is none any more")
	}
	if err := p.open(x); err != nil {
		return err
	}
	return p.reserve(x, x.exchangeHold)
}
