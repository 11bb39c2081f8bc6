package sqlite

import (
	"context"
	"database/sql"

	"tollgate/internal/catalog"
	"tollgate/internal/pricing"
)

// Prices keeps the versions of prices: a pricing.Store. It is safe for concurrent
// use.
type Prices struct{ db *DB }

var _ pricing.Store = Prices{}

// Prices is the database as the keeper of prices sees it.
func (db *DB) Prices() Prices { return Prices{db} }

func versionColumns(v *catalog.Version) []column {
	return []column{
		{"id", &v.ID},
		{"provider", &v.Provider},
		{"model", &v.Model},
		{"valid_from", instant{&v.From}},
		{"prices", &v.Prices},
		{"context_tokens", &v.ContextTokens},
		{"max_output_tokens", &v.MaxOutputTokens},
		{"source", &v.Source},
		{"actor", &v.Actor},
		{"set_at", instant{&v.SetAt}},
	}
}

// PriceVersions implements pricing.Store.
func (p Prices) PriceVersions(ctx context.Context) ([]catalog.Version, error) {
	const doing = "read the prices"
	rows, err := p.db.read.QueryContext(ctx, "SELECT "+names(versionColumns(new(catalog.Version)))+" FROM price_versions ORDER BY seq")
	if err != nil {
		return nil, Classify(err, doing)
	}
	list, err := scanAll(rows, versionColumns)
	return list, Classify(err, doing)
}

// AddPriceVersions implements pricing.Store.
func (p Prices) AddPriceVersions(ctx context.Context, versions []catalog.Version, record func(context.Context) error) error {
	return p.db.update(ctx, "store prices", func(tx *sql.Tx) error {
		for i := range versions {
			columns := versionColumns(&versions[i])
			if _, err := tx.ExecContext(ctx, insertInto("price_versions", columns), pointers(columns)...); err != nil {
				return err
			}
		}
		return recorded(ctx, tx, record)
	})
}
