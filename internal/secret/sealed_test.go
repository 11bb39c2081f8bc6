package secret_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/secret"
)

func fresh(t testing.TB) *secret.Keyset {
	t.Helper()
	k, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var place = secret.Place{OrganizationID: "org_1", RowID: "cred_1", Field: "api_key"}

func sealed(t testing.TB, k *secret.Keyset, text string) secret.Sealed {
	t.Helper()
	s, err := k.Seal(place, secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestA3_ASealedSecretNamesItsKeyAndOpensOnlyInItsPlace(t *testing.T) {
	k := fresh(t)
	for _, text := range []string{"", "x", strings.Repeat("sk-proj-", 512)} {
		s := sealed(t, k, text)
		if s.KeyID() != k.Primary() || s.KeyID() == 0 {
			t.Errorf("sealed with %s, names %s", k.Primary(), s.KeyID())
		}
		if len(text) > 8 && strings.Contains(string(s.Ciphertext), text) { // a letter may be in there by chance
			t.Error("the ciphertext holds the text")
		}
		if got, err := k.Open(s); err != nil || string(got) != text {
			t.Errorf("opened: %q, %v", got, err)
		}
	}
	s := sealed(t, k, "sk-secret-of-somebody")
	for name, wrong := range map[string]secret.Sealed{
		"another organisation": {Place: secret.Place{OrganizationID: "org_2", RowID: "cred_1", Field: "api_key"}, Ciphertext: s.Ciphertext},
		"another row":          {Place: secret.Place{OrganizationID: "org_1", RowID: "cred_2", Field: "api_key"}, Ciphertext: s.Ciphertext},
		"another field":        {Place: secret.Place{OrganizationID: "org_1", RowID: "cred_1", Field: "headers"}, Ciphertext: s.Ciphertext},
		"a shifted border":     {Place: secret.Place{OrganizationID: "org_1c", RowID: "red_1", Field: "api_key"}, Ciphertext: s.Ciphertext},
		"a changed byte":       {Place: place, Ciphertext: changed(s.Ciphertext, len(s.Ciphertext)-1)},
		"a shorter one":        {Place: place, Ciphertext: s.Ciphertext[:len(s.Ciphertext)-1]},
	} {
		if got, err := k.Open(wrong); !errors.Is(err, secret.ErrNotOpened) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, wrong := range map[string]secret.Sealed{
		"another key's": sealed(t, fresh(t), "x"), "nothing": {Place: place}, "no ciphertext": {Place: place, Ciphertext: []byte("sk-12345678")},
	} {
		if _, err := k.Open(wrong); !errors.Is(err, secret.ErrUnknownKey) || strings.Contains(err.Error(), "sk-") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func changed(b []byte, at int) []byte {
	c := append([]byte(nil), b...)
	c[at] ^= 1
	return c
}

func TestA3_AKeysetGrowsAndShrinksAndOpensAllTheWhile(t *testing.T) {
	old := fresh(t)
	first := sealed(t, old, "one")
	both, err := old.Grown()
	if err != nil || both.Primary() == old.Primary() || len(both.IDs()) != 2 || !both.Has(old.Primary()) {
		t.Fatalf("grown: %v, %v", both.IDs(), err)
	}
	if got, err := both.Open(first); err != nil || string(got) != "one" {
		t.Errorf("the old one, with both: %q, %v", got, err)
	}
	second, err := both.Reseal(first)
	if err != nil || second.KeyID() != both.Primary() || second.Place != first.Place {
		t.Errorf("resealed: %+v, %v", second, err)
	}
	if _, err := old.Reseal(second); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("the new one, with the old keyset: %v", err)
	}
	last, err := both.Without(old.Primary())
	if err != nil || len(last.IDs()) != 1 || last.Has(old.Primary()) {
		t.Fatalf("shrunk: %v, %v", last.IDs(), err)
	}
	if got, err := last.Open(second); err != nil || string(got) != "one" {
		t.Errorf("the new one, with the last keyset: %q, %v", got, err)
	}
	if _, err := last.Open(first); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("the old one, with the last keyset: %v", err)
	}
	if _, err := last.Without(last.Primary()); err == nil {
		t.Error("the primary key went")
	}
	if _, err := both.Without(old.Primary(), 12345); err == nil {
		t.Error("a key went that was not there")
	}
}

func TestAKeysetIsWrittenAndRead(t *testing.T) {
	k := fresh(t)
	s := sealed(t, k, "one")
	text, err := k.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := secret.ParseKeyset(text)
	if err != nil || again.Primary() != k.Primary() {
		t.Fatal(err)
	}
	if got, err := again.Open(s); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	whole := text.Reveal()
	for name, wrong := range map[string]string{
		"nothing": "", "no JSON": "keys!", "no keyset": `{"key":[]}`, "cut": whole[:len(whole)/2],
		"a key without prefix": strings.ReplaceAll(whole, "TINK", "RAW"),
		"a disabled primary":   strings.ReplaceAll(whole, "ENABLED", "DISABLED"),
		"another type of key":  strings.ReplaceAll(whole, "AesGcmKey", "HmacKey"),
	} {
		k, err := secret.ParseKeyset(secret.New(wrong))
		if err == nil {
			t.Errorf("%s: %v", name, k.IDs())
			continue
		}
		for _, part := range strings.Split(wrong, `"`) {
			if len(part) > 20 && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error repeats the keyset: %v", name, err)
			}
		}
	}
}

func TestAKeysetDoesNotPrint(t *testing.T) {
	k := fresh(t)
	s := sealed(t, k, "one")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, k); got != secret.Redacted {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got := s.LogValue().String(); got != "api_key of cred_1, sealed with key "+k.Primary().String() {
		t.Error(got)
	}
}

func TestASealerUsesTheKeysetOfTheMoment(t *testing.T) {
	old := fresh(t)
	s := secret.NewSealer(old)
	one, err := s.Seal(place, secret.New("one"))
	if err != nil {
		t.Fatal(err)
	}
	both, err := old.Grown()
	if err != nil {
		t.Fatal(err)
	}
	s.Use(both)
	two, err := s.Seal(place, secret.New("two"))
	if err != nil || two.KeyID() != both.Primary() {
		t.Errorf("%s, %v", two.KeyID(), err)
	}
	for _, each := range []secret.Sealed{one, two} {
		if _, err := s.Open(each); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	k := fresh(b)
	for b.Loop() {
		sealed(b, k, "sk-proj-0123456789012345678901234567890123456789")
	}
}

func BenchmarkOpen(b *testing.B) {
	k := fresh(b)
	s := sealed(b, k, "sk-proj-0123456789012345678901234567890123456789")
	for b.Loop() {
		if _, err := k.Open(s); err != nil {
			b.Fatal(err)
		}
	}
}
