package vault_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/keyset"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vault"
)

// house is a database and a keyset file, as a data directory has them.
type house struct {
	t    testing.TB
	db   *sqlite.DB
	file keyset.File
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tollgate.db"))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return &house{t, db, keyset.File{Path: filepath.Join(dir, "keyset.json")}}
}

func (h *house) open() *vault.Vault {
	h.t.Helper()
	v, err := vault.Open(h.t.Context(), h.db.Seals(), h.file, vault.Options{})
	must(h.t, err)
	h.t.Cleanup(v.Close)
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestA3_TheKeysetIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	first := h.open().Sealer().Keyset()
	again := h.open().Sealer().Keyset()
	if first.Primary() != again.Primary() {
		t.Errorf("made anew: %s, then %s", first.Primary(), again.Primary())
	}
}

// TestA3_WithoutItsKeysetNothingStarts: a database with sealed values and no
// keyset, or another one, is told from a fresh installation.
func TestA3_WithoutItsKeysetNothingStarts(t *testing.T) {
	ctx := t.Context()
	h := newHouse(t)
	right := h.open().Sealer().Keyset()
	other, err := secret.NewKeyset()
	must(t, err)
	text, err := other.Text()
	must(t, err)

	// As long as nothing is sealed any keyset will do.
	if _, err := vault.Open(ctx, h.db.Seals(), keyset.Given{Text: text, From: "a test"}, vault.Options{}); err != nil {
		t.Errorf("nothing is sealed: %v", err)
	}
	sample, err := right.Seal(secret.Place{OrganizationID: "org_1", RowID: "cred_1", Field: "api_key"}, secret.New("sk-planted"))
	must(t, err)
	seals := holding{h.db.Seals(), vault.SealKey{ID: right.Primary(), Values: 3, Sample: sample}}
	if _, err := vault.Open(ctx, seals, h.file, vault.Options{}); err != nil {
		t.Errorf("the right keyset: %v", err)
	}
	moved := sample
	moved.RowID = "cred_2"
	damaged := holding{h.db.Seals(), vault.SealKey{ID: right.Primary(), Values: 1, Sample: moved}}
	for name, test := range map[string]struct {
		seals   vault.Seals
		keysets vault.Keysets
		want    []string
	}{
		"missing": {seals, keyset.File{Path: filepath.Join(t.TempDir(), "none.json")}, []string{"none.json does not exist", "3 stored secrets"}},
		"another": {seals, keyset.Given{Text: text, From: "a test"}, []string{"a test has no key " + right.Primary().String(), "3 stored secrets"}},
		"damaged": {damaged, h.file, []string{"does not open", "cred_2"}},
		"no JSON": {seals, keyset.Given{Text: secret.New("sk-nonsense"), From: "a test"}, []string{"a test cannot be read"}},
	} {
		_, err := vault.Open(ctx, test.seals, test.keysets, vault.Options{})
		if err == nil {
			t.Errorf("%s: it starts", name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
		if strings.Contains(err.Error(), "sk-") {
			t.Errorf("%s: %q holds a secret", name, err)
		}
	}
	if _, err := (keyset.File{Path: h.file.Path + ".other"}).Load(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a keyset was made in spite of it: %v", err)
	}
}

// holding is seals in which something is sealed.
type holding struct {
	vault.Seals
	key vault.SealKey
}

func (h holding) SealKeys(context.Context) ([]vault.SealKey, error) {
	return []vault.SealKey{h.key}, nil
}
