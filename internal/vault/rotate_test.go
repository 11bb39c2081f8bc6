package vault_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/keyset"
	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

// fill stores n credentials of one organisation.
func (h *house) fill(v *vault.Vault, n int) *authority.Authority {
	h.t.Helper()
	a := authority.New(h.db.Authority(), authority.Options{Sealer: v.Sealer()})
	if _, err := a.EnsureRoot(h.t.Context(), secret.New("tgm_root_key_of_the_test_01")); err != nil {
		h.t.Fatal(err)
	}
	for i := range n {
		h.bring(a, i)
	}
	return a
}

func (h *house) bring(a *authority.Authority, i int) {
	h.t.Helper()
	p, err := a.AuthenticateManagement(h.t.Context(), "tgm_root_key_of_the_test_01")
	must(h.t, err)
	_, err = a.CreateCredential(h.t.Context(), p, []byte(fmt.Sprintf(`{"provider":"openai","key_name":"n%d","api_key":"sk-PLANTED-%08d"}`, i, i)))
	must(h.t, err)
}

// opened opens everything with the vault's keyset of the moment; what it finds is
// by name.
func (h *house) opened(v *vault.Vault) map[string]string {
	h.t.Helper()
	used, err := h.db.Seals().SealKeys(h.t.Context())
	must(h.t, err)
	out := map[string]string{}
	for _, k := range used {
		values, err := h.db.Seals().SealedWith(h.t.Context(), k.ID, 1<<20)
		must(h.t, err)
		for _, s := range values {
			text, err := v.Sealer().Open(s)
			if errors.Is(err, secret.ErrUnknownKey) {
				continue // read just before it was sealed anew: it is found under its new key
			}
			must(h.t, err)
			out[s.RowID] = string(text)
		}
	}
	return out
}

func (h *house) rotated(v *vault.Vault) vault.Rotation {
	h.t.Helper()
	must(h.t, v.Rotate())
	return h.ended(v)
}

func (h *house) ended(v *vault.Vault) vault.Rotation {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for v.Rotation().Running() {
		select {
		case <-ctx.Done():
			h.t.Fatal("it does not end")
		case <-time.After(time.Millisecond):
		}
	}
	return v.Rotation()
}

func TestA3_EverythingIsSealedAnew(t *testing.T) {
	h := newHouse(t)
	v := h.open()
	h.fill(v, 700) // more than two pages
	old := v.Sealer().Keyset().Primary()
	before := h.opened(v)
	r := h.rotated(v)
	if r.Err != nil || r.Done != 700 || r.Total != 700 || len(r.Dropped) != 1 || r.Dropped[0] != old {
		t.Fatalf("%+v", r)
	}
	if after := h.opened(v); len(after) != 700 || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%d values of %d", len(after), len(before))
	}
	again := h.open() // from the file
	if k := again.Sealer().Keyset(); k.Has(old) || k.Primary() != r.Key || len(h.opened(again)) != 700 {
		t.Errorf("the file has %v", k.IDs())
	}
	if r := h.rotated(v); r.Err != nil || r.Done != 700 {
		t.Errorf("a second time: %+v", r)
	}
}

// TestA3_RotationUnderLoad: while credentials are made, every value opens at each
// moment, and none is left behind.
func TestA3_RotationUnderLoad(t *testing.T) {
	h := newHouse(t)
	v := h.open()
	a := h.fill(v, 600)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := 600; ; i++ {
			select {
			case <-stop:
				return
			default:
				h.bring(a, i)
			}
		}
	})
	for range 3 {
		must(t, v.Rotate())
		for v.Rotation().Running() {
			if n := len(h.opened(v)); n < 300 {
				t.Errorf("only %d values open", n)
			}
		}
		if r := v.Rotation(); r.Err != nil {
			t.Errorf("%+v", r)
		}
	}
	close(stop)
	wait.Wait()
	used, err := h.db.Seals().SealKeys(t.Context())
	must(t, err)
	if len(used) != 1 || used[0].ID != v.Sealer().Keyset().Primary() {
		t.Errorf("keys in use: %+v", used)
	}
	p, err := a.AuthenticateManagement(t.Context(), "tgm_root_key_of_the_test_01")
	must(t, err)
	_, total, err := a.ListCredentials(t.Context(), p, authority.CredentialFilter{})
	must(t, err)
	if got := h.opened(v); len(got) != total {
		t.Errorf("%d of %d values open", len(got), total)
	}
}

// failing seals anew until it has done so n times.
type failing struct {
	vault.Seals
	left int
}

func (f *failing) Reseal(ctx context.Context, old, fresh []secret.Sealed) error {
	if f.left--; f.left < 0 {
		return errors.New("the database is away")
	}
	return f.Seals.Reseal(ctx, old, fresh)
}

func TestA3_ABrokenRotationIsTakenUp(t *testing.T) {
	h := newHouse(t)
	first := h.open()
	h.fill(first, 700)
	old := first.Sealer().Keyset().Primary()
	v, err := vault.Open(t.Context(), &failing{h.db.Seals(), 1}, h.file, vault.Options{})
	must(t, err)
	r := h.rotated(v)
	if r.Err == nil || r.Done == 0 || r.Done >= 700 || len(h.opened(v)) != 700 {
		t.Fatalf("%+v", r)
	}
	half := r.Key
	again := h.open() // another process
	if k := again.Sealer().Keyset(); k.Primary() != half || !k.Has(old) || len(h.opened(again)) != 700 {
		t.Fatalf("%v", k.IDs())
	}
	r = h.rotated(again)
	if r.Err != nil || r.Key != half || len(r.Dropped) != 1 || r.Dropped[0] != old || len(h.opened(again)) != 700 {
		t.Errorf("%+v", r)
	}
}

func TestARotationOfAGivenKeyset(t *testing.T) {
	h := newHouse(t)
	h.fill(h.open(), 3)
	k, err := h.file.Load(t.Context())
	must(t, err)
	given := func(k *secret.Keyset) *vault.Vault {
		text, err := k.Text()
		must(t, err)
		v, err := vault.Open(t.Context(), h.db.Seals(), keyset.Given{Text: text, From: "a test"}, vault.Options{})
		must(t, err)
		t.Cleanup(v.Close)
		return v
	}
	if r := h.rotated(given(k)); !errors.Is(r.Err, vault.ErrReadOnly) {
		t.Errorf("without a fresh key: %+v", r)
	}
	both, err := k.Grown()
	must(t, err)
	v := given(both)
	if r := h.rotated(v); r.Err != nil || r.Done != 3 || len(r.Unneeded) != 1 || r.Unneeded[0] != k.Primary() || len(h.opened(v)) != 3 {
		t.Errorf("with one: %+v", r)
	}
}
