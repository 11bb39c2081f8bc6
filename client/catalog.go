package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/api"
)

// PageQuery is a part of a list. The zero value is its beginning.
type PageQuery struct {
	Page  int    // from 1; 0 = the first
	Size  int    // 1 to 1,000; 0 = the server's default of 100
	After string // id (or name) of the last one already seen; Page then means nothing
}

func (q PageQuery) values() url.Values {
	v := paging(q.Page, q.Size)
	setIf(v, "after", q.After)
	return v
}

// Presets lists what keys can start from.
func (c *Client) Presets(ctx context.Context, q PageQuery) (api.PresetList, error) {
	return call[api.PresetList](ctx, c, http.MethodGet, "/presets"+suffix(q.values()), nil)
}

// Preset is the preset with this name.
func (c *Client) Preset(ctx context.Context, name string) (api.Preset, error) {
	return call[api.Preset](ctx, c, http.MethodGet, "/presets/"+url.PathEscape(name), nil)
}

// ModelQuery narrows the catalogue of models. The zero value is its beginning.
type ModelQuery struct {
	PageQuery
	Provider   string // only of this provider
	Capability string // only models that are for this, such as embeddings
	Search     string // case-insensitive, in id or aliases
	Configured *bool  // only models whose provider has a credential, or has none
	Priced     *bool  // only models with a price for their tokens, or without
}

// Models lists the models of the catalogue.
func (c *Client) Models(ctx context.Context, q ModelQuery) (api.ModelList, error) {
	v := q.values()
	setIf(v, "provider", q.Provider)
	setIf(v, "capability", q.Capability)
	setIf(v, "search", q.Search)
	setBool(v, "is_configured", q.Configured)
	setBool(v, "is_priced", q.Priced)
	return call[api.ModelList](ctx, c, http.MethodGet, "/models"+suffix(v), nil)
}

// Model is the model that a name means, as a caller would send it.
func (c *Client) Model(ctx context.Context, name string) (api.Model, error) {
	return call[api.Model](ctx, c, http.MethodGet, "/models/"+slashed(name), nil)
}

// PriceQuery narrows the prices. The zero value is their beginning.
type PriceQuery struct {
	PageQuery
	Provider string    // only of this provider
	Model    string    // only the row with this name
	Source   string    // builtin, config, default or stored
	At       time.Time // as they are at this instant; zero = now
}

// Prices lists the prices in force.
func (c *Client) Prices(ctx context.Context, q PriceQuery) (api.PriceList, error) {
	v := q.values()
	setIf(v, "provider", q.Provider)
	setIf(v, "model", q.Model)
	setIf(v, "source", q.Source)
	if !q.At.IsZero() {
		v.Set("at", q.At.Format(time.RFC3339Nano))
	}
	return call[api.PriceList](ctx, c, http.MethodGet, "/prices"+suffix(v), nil)
}

// Price is one row of prices, by its id: provider/model.
func (c *Client) Price(ctx context.Context, id string) (api.Price, error) {
	return call[api.Price](ctx, c, http.MethodGet, "/prices/"+slashed(id), nil)
}

// SetPrices sets prices from their instants on, or in a dry run says what would come
// of it.
func (c *Client) SetPrices(ctx context.Context, in api.PricesInput, opts ...CallOption) (api.PricesReport, error) {
	return call[api.PricesReport](ctx, c, http.MethodPost, "/price-versions", in, opts...)
}

// PriceVersions lists the versions of prices, newest set first. Source and At of the
// query mean nothing here.
func (c *Client) PriceVersions(ctx context.Context, q PriceQuery) (api.PriceVersionList, error) {
	v := q.values()
	setIf(v, "provider", q.Provider)
	setIf(v, "model", q.Model)
	return call[api.PriceVersionList](ctx, c, http.MethodGet, "/price-versions"+suffix(v), nil)
}

// Role is what users with this role may do.
func (c *Client) Role(ctx context.Context, name string) (api.Role, error) {
	return call[api.Role](ctx, c, http.MethodGet, "/roles/"+url.PathEscape(name), nil)
}

// slashed is a name in a path, its slashes as they are.
func slashed(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), "%2F", "/")
}

func setBool(v url.Values, name string, value *bool) {
	if value != nil {
		v.Set(name, strconv.FormatBool(*value))
	}
}
