package keyset_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/keyset"
	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fresh(t *testing.T) *secret.Keyset {
	t.Helper()
	k, err := secret.NewKeyset()
	must(t, err)
	return k
}

func TestA3_TheKeysetIsInAFileForItsOwnersEyes(t *testing.T) {
	ctx := t.Context()
	f := keyset.File{Path: filepath.Join(t.TempDir(), "keyset.json")}
	if _, err := f.Load(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nothing is there: %v", err)
	}
	k := fresh(t)
	must(t, f.Create(ctx, k))
	if err := f.Create(ctx, fresh(t)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made a second time: %v", err)
	}
	isPrivate(t, f.Path)
	got, err := f.Load(ctx)
	must(t, err)
	if got.Primary() != k.Primary() {
		t.Errorf("wrote %s, read %s", k.Primary(), got.Primary())
	}
	grown, err := k.Grown()
	must(t, err)
	must(t, os.Chmod(f.Path, 0o644))
	if _, err := f.Load(ctx); err != nil {
		t.Error(err)
	}
	isPrivate(t, f.Path)
	must(t, f.Save(ctx, grown))
	isPrivate(t, f.Path)
	got, err = f.Load(ctx)
	must(t, err)
	if got.Primary() != grown.Primary() || !got.Has(k.Primary()) {
		t.Errorf("saved %v, read %v", grown.IDs(), got.IDs())
	}
	files, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil || len(files) != 1 {
		t.Errorf("something was left behind: %v, %v", files, err)
	}
}

func isPrivate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode().Perm())
	}
}

func TestAGivenKeysetIsReadAndNeverWritten(t *testing.T) {
	ctx := t.Context()
	k := fresh(t)
	text, err := k.Text()
	must(t, err)
	for name, form := range map[string]string{
		"JSON": text.Reveal(), "base64": base64.StdEncoding.EncodeToString([]byte(text.Reveal())), "with blanks": "\n " + text.Reveal() + "\n",
	} {
		g := keyset.Given{Text: secret.New(form), From: "a test"}
		if got, err := g.Load(ctx); err != nil || got.Primary() != k.Primary() {
			t.Errorf("%s: %v", name, err)
		}
		if err := g.Save(ctx, k); !errors.Is(err, vault.ErrReadOnly) {
			t.Errorf("%s: saved: %v", name, err)
		}
	}
}

// transit is a key service that keeps what it is asked to encrypt, and answers
// with a name for it.
type transit struct {
	kept  map[string]string
	fails int // the status of every answer; 0 = none fails
}

func (s *transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Plaintext, Ciphertext string }
	switch {
	case s.fails != 0:
		http.Error(w, `{"errors":["`+r.Header.Get("X-Vault-Token")+`"]}`, s.fails)
		return
	case r.Header.Get("X-Vault-Token") != "hvs.planted-token" || r.Header.Get("X-Vault-Namespace") != "team":
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		return
	case r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&body) != nil:
		http.Error(w, "?", http.StatusBadRequest)
		return
	}
	answer := map[string]string{}
	switch r.URL.Path {
	case "/v1/eu/transit/encrypt/tollgate":
		name := "vault:v1:" + base64.StdEncoding.EncodeToString([]byte(r.RemoteAddr))
		s.kept[name] = body.Plaintext
		answer["ciphertext"] = name
	case "/v1/eu/transit/decrypt/tollgate":
		answer["plaintext"] = s.kept[body.Ciphertext]
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": answer})
}

func TestA3_TheKeysetMayBeWrappedByAKeyService(t *testing.T) {
	ctx := t.Context()
	service := &transit{kept: map[string]string{}}
	server := httptest.NewServer(service)
	defer server.Close()
	at := keyset.Transit{
		Address: server.URL + "/", Mount: "eu/transit", Key: "tollgate", Token: secret.New("hvs.planted-token"), Namespace: "team",
	}
	f := keyset.File{Path: filepath.Join(t.TempDir(), "keyset.json"), Wrapper: at}
	k := fresh(t)
	must(t, f.Create(ctx, k))
	onDisk := func() string {
		text, err := os.ReadFile(f.Path)
		must(t, err)
		return string(text)
	}
	if text := onDisk(); strings.Contains(text, "AesGcmKey") || !strings.Contains(text, "vault:v1:") {
		t.Errorf("it is not wrapped: %s", text)
	}
	got, err := f.Load(ctx)
	must(t, err)
	if got.Primary() != k.Primary() {
		t.Errorf("wrapped %s, unwrapped %s", k.Primary(), got.Primary())
	}
	if _, err := (keyset.File{Path: f.Path}).Load(ctx); err == nil || !strings.Contains(err.Error(), "eu/transit/keys/tollgate") {
		t.Errorf("without the key service: %v", err)
	}

	// What lies in the clear is wrapped once there is a key service.
	plain := keyset.File{Path: filepath.Join(t.TempDir(), "keyset.json")}
	must(t, plain.Create(ctx, k))
	f.Path = plain.Path
	_, err = f.Load(ctx)
	must(t, err)
	if text := onDisk(); strings.Contains(text, "AesGcmKey") {
		t.Errorf("it stayed in the clear: %s", text)
	}

	for _, status := range []int{403, 404, 400, 503, 307, 500} {
		service.fails = status
		for name, try := range map[string]func() error{
			"unwrap": func() error { _, err := f.Load(ctx); return err },
			"wrap":   func() error { return f.Save(ctx, k) },
		} {
			if err := try(); err == nil || strings.Contains(err.Error(), "hvs.") || !strings.Contains(err.Error(), server.URL) {
				t.Errorf("%d, %s: %v", status, name, err)
			}
		}
	}
	before := onDisk()
	server.Close()
	if err := f.Save(ctx, k); err == nil || strings.Contains(err.Error(), "hvs.") {
		t.Errorf("the service is away: %v", err)
	}
	if onDisk() != before {
		t.Error("a keyset that could not be wrapped took the place of the one there was")
	}
}

func TestAKeyServiceThatAnswersNonsense(t *testing.T) {
	for _, answer := range []string{"", "{}", `{"data":{}}`, `{"data":{"plaintext":"?"}}`, "<html>"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		at := keyset.Transit{Address: server.URL, Key: "k", Token: secret.New("t")}
		if got, err := at.Wrap(context.Background(), secret.New("x")); err == nil {
			t.Errorf("%s: wrapped as %q", answer, got)
		}
		if _, err := at.Unwrap(context.Background(), "x"); err == nil {
			t.Errorf("%s: unwrapped", answer)
		}
		server.Close()
	}
}
