package vault_test

import (
	"flag"
	"path/filepath"
	"testing"

	"tollgate/internal/credential"
	"tollgate/internal/keyset"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vault"
)

var credentials = flag.Int("credentials", 2_000, "how many credentials BenchmarkRotation seals anew")

// BenchmarkRotation seals a store full of credentials anew while others are made.
// For the size that is promised (it takes minutes to fill):
//
//	go test ./internal/vault -run - -bench Rotation -benchtime 1x -cpu 1 -credentials 100000
func BenchmarkRotation(b *testing.B) {
	h := newHouse(b)
	v := h.open()
	a := h.fill(v, *credentials)
	made := 0
	for b.Loop() {
		must(b, v.Rotate())
		for v.Rotation().Running() {
			h.bring(a, *credentials+made)
			made++
		}
		if r := v.Rotation(); r.Err != nil || len(r.Dropped) != 1 {
			b.Fatalf("%+v", r)
		}
	}
	b.ReportMetric(float64(made)/float64(b.N), "made-meanwhile/op")
	if got := len(h.opened(v)); got != *credentials+made {
		b.Fatalf("%d values open, of %d", got, *credentials+made)
	}
}

// BenchmarkAccount is what opening a credential adds to a request.
func BenchmarkAccount(b *testing.B) {
	dir := b.TempDir()
	db, err := sqlite.Open(b.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	v, err := vault.Open(b.Context(), db.Seals(), keyset.File{Path: filepath.Join(dir, "keyset.json")}, vault.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	seal := func(field, text string) secret.Sealed {
		s, err := v.Sealer().Seal(secret.Place{OrganizationID: "org_01920f5e", RowID: "cred_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c05", Field: field}, secret.New(text))
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	for name, test := range map[string]struct {
		provider string
		config   credential.Config
		sealed   []secret.Sealed
	}{
		"openai": {credential.OpenAI, credential.Config{}, []secret.Sealed{seal(credential.APIKey, "sk-proj-0123456789012345678901234567890123456789012345678901234567890123456789")}},
		"custom with a header": {
			credential.Custom,
			credential.Config{BaseURL: "https://llm.example.com/v1", Headers: []string{"X-Team"}},
			[]secret.Sealed{seal(credential.APIKey, "0123456789abcdef0123456789abcdef"), seal(credential.Headers+"X-Team", "0123456789abcdef")},
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Account(test.provider, test.config, test.sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
