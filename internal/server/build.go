package server

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"

	"tollgate/internal/admin"
	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/dialect"
	"tollgate/internal/keyset"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/pricing"
	"tollgate/internal/proxy"
	"tollgate/internal/reach"
	"tollgate/internal/secret"
	"tollgate/internal/tokens"
	"tollgate/internal/upstream"
	"tollgate/internal/vault"
)

// catalogOptions lays the configured prices and aliases over the built-in ones.
func catalogOptions(cfg *config.Config) catalog.Options {
	opts := catalog.Options{Aliases: cfg.Aliases}
	for _, e := range cfg.Configured() {
		opts.Providers = append(opts.Providers, catalog.Provider{Slug: e.Slug, Kind: e.Kind})
	}
	for _, row := range cfg.Prices {
		opts.Rows = append(opts.Rows, row.Text())
	}
	if d := cfg.DefaultPrice; d.Input != nil && d.Output != nil {
		rates := catalog.Flat(*d.Input, *d.Output)
		opts.Default = &rates
	}
	return opts
}

// OpenAPI is the document of the management API of this program.
func OpenAPI(version string) ([]byte, error) { return admin.Document(version) }

// Check is everything that can be said to be wrong with cfg before something is
// opened: its values, each and all, and the catalogue that they make, unless what
// it is made of is wrong already.
func Check(cfg *config.Config) error {
	err := cfg.Validate()
	problems, _ := errors.AsType[config.Problems](err)
	for _, p := range problems {
		switch part, _, _ := strings.Cut(strings.ReplaceAll(p.Field, "[", "."), "."); part {
		case "providers", "prices", "aliases", "default_price":
			return err
		}
	}
	_, wrong := catalog.Load(catalogOptions(cfg))
	return errors.Join(err, wrong)
}

// keysets is where the vault's keyset lies.
func keysets(cfg *config.Config) vault.Keysets {
	if !cfg.Vault.Keyset.IsZero() {
		return keyset.Given{Text: cfg.Vault.Keyset, From: "vault.keyset (TOLLGATE_VAULT_KEYSET)"}
	}
	file := keyset.File{Path: cfg.Vault.KeysetFile}
	if file.Path == "" {
		file.Path = filepath.Join(cfg.Data, "keyset.json")
	}
	if t := cfg.Vault.Transit; t.Address != "" {
		file.Wrapper = keyset.Transit{
			Address: t.Address, Mount: t.Mount, Key: t.Key, Token: t.Token, Namespace: t.Namespace, Timeout: t.Timeout,
		}
	}
	return file
}

// authorityOptions is what the authority takes from the configuration.
func authorityOptions(cfg *config.Config, sealer *secret.Sealer) authority.Options {
	return authority.Options{
		Sealer: sealer, Reach: reach.New(cfg.Credentials.AllowedNetworks),
		KeyPrefix: cfg.KeyPrefix, ManagementPrefix: cfg.ManagementKeyPrefix,
		Providers: cfg.Slugs(), Timezone: cfg.Timezone,
	}
}

func endpoints(cfg *config.Config) []upstream.Provider {
	var out []upstream.Provider
	for _, e := range cfg.Configured() {
		out = append(out, upstream.Provider{Slug: e.Slug, Kind: e.Kind, BaseURL: e.BaseURL, Credential: e.APIKey})
	}
	return out
}

// usual is where providers are that nobody has configured.
func usual(cfg *config.Config) []upstream.Usual {
	var out []upstream.Usual
	for _, e := range cfg.Usual() {
		out = append(out, upstream.Usual{Kind: e.Kind, BaseURL: e.BaseURL})
	}
	return out
}

// passages is how what passes through to providers is metered.
func passages(cfg *config.Config) map[string][]proxy.Passage {
	all := map[string][]proxy.Passage{}
	for slug, p := range cfg.Providers {
		for _, r := range p.Passthrough {
			rule := proxy.Passage{
				Method: r.Method, Path: r.Path, Free: r.Free, Format: llm.Format(r.Usage), Input: r.InputTokens, Output: r.OutputTokens,
				Model: r.Model, MaxInput: r.MaxInputTokens, MaxOutput: r.MaxOutputTokens,
			}
			if r.Request != nil {
				rule.Request = *r.Request
			}
			all[slug] = append(all[slug], rule)
		}
	}
	return all
}

func newProxy(cfg *config.Config, log *slog.Logger, auth *authority.Authority, safe *vault.Vault, book *ledger.Ledger, prices *pricing.Book, p providers) *proxy.Proxy {
	return proxy.New(proxy.Options{
		Authority: auth, Ledger: book, Prices: prices, Tokens: tokens.New(tokens.Options{}), Vault: safe, Providers: p, Sockets: p, Log: log,
		Addresses: proxy.NewAddresses(cfg.TrustedProxies),
		Figures: dialect.Figures{
			Image: cfg.Bounds.ImageTokens, RemoteImage: cfg.Bounds.RemoteImageTokens,
			Audio: cfg.Bounds.AudioTokens, AudioBytesPerSecond: cfg.Bounds.AudioBytesPerSecond, File: cfg.Bounds.FileTokens,
		},
		Passages:     passages(cfg),
		MaxBodyBytes: int64(cfg.Limits.MaxBodyBytes), MaxBuffered: int64(cfg.Limits.MaxBufferedBytes), BodyIdleTimeout: cfg.Limits.BodyIdleTimeout,
		WriteTimeout: cfg.Limits.WriteIdleTimeout, MaxDuration: cfg.Limits.MaxRequestDuration, SocketIdle: cfg.Limits.SocketIdleTimeout,
		AutoService: autoServices(cfg), FeePercent: cfg.Credentials.FeePercent, LeastOutput: cfg.Limits.MinOutputTokens, OnDisconnect: disconnects[cfg.OnDisconnect],
		DrainTimeout: cfg.DrainTimeout, LogRequests: cfg.Log.Requests,
	})
}

// autoServices is what providers give who leaves the service to them.
func autoServices(cfg *config.Config) map[string]catalog.Service {
	services := map[string]catalog.Service{}
	for slug, p := range cfg.Providers {
		if p.AutoService != "" && p.AutoService != "default" {
			services[slug] = catalog.Service(p.AutoService)
		}
	}
	return services
}

var disconnects = map[string]proxy.OnDisconnect{"auto": proxy.Auto, "drain": proxy.Drain, "cancel": proxy.Cancel}
