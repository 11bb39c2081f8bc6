package server

import (
	"slices"
	"strings"
	"testing"

	"tollgate/internal/config"
	"tollgate/internal/money"
)

func TestAuthorityIsToldOfTheConfiguration(t *testing.T) {
	cfg := config.Default()
	cfg.KeyPrefix, cfg.ManagementKeyPrefix, cfg.Timezone = "acme_", "acmem_", "Asia/Tokyo"
	cfg.Providers = map[string]config.Provider{"mine": {BaseURL: "http://h"}}
	o := authorityOptions(cfg, nil)
	if o.KeyPrefix != "acme_" || o.ManagementPrefix != "acmem_" || o.Timezone != "Asia/Tokyo" {
		t.Errorf("%+v", o)
	}
	for _, slug := range []string{"openai", "huggingface", "demo", "mine"} {
		if !slices.Contains(o.Providers, slug) {
			t.Errorf("%s is no provider: %v", slug, o.Providers)
		}
	}
}

func TestCheckLoadsTheCatalogue(t *testing.T) {
	cfg := config.Default()
	if err := Check(cfg); err != nil {
		t.Fatal(err)
	}
	one, err := money.ParsePrice("1")
	if err != nil {
		t.Fatal(err)
	}
	row := config.PriceRow{Provider: "demo", Model: "twice-over", TokenPrices: config.TokenPrices{Input: &one, Output: &one}}
	cfg.Prices = []config.PriceRow{row, row}
	cfg.Listen = "nowhere"
	if err := Check(cfg); err == nil || !strings.Contains(err.Error(), "twice-over") || !strings.Contains(err.Error(), "listen") {
		t.Errorf("a price twice and a wrong address: %v", err)
	}
}
