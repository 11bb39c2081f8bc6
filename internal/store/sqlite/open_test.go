package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/secret"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/store/storetest"
)

func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestAuthority(t *testing.T) {
	storetest.Authority(t, func(t *testing.T) authority.Store {
		return open(t, filepath.Join(t.TempDir(), "tollgate.db")).Authority()
	})
}

func TestCredentials(t *testing.T) {
	storetest.Credentials(t, func(t *testing.T) (authority.Store, func(secret.KeyID)) {
		db := open(t, filepath.Join(t.TempDir(), "tollgate.db"))
		return db.Authority(), func(id secret.KeyID) { must(t, db.Seals().AllowSealKey(t.Context(), id)) }
	})
}

func TestOnlyTheOwnerCanReadTheFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	path := filepath.Join(dir, "tollgate.db")
	a := authority.New(open(t, path).Authority(), authority.Options{})
	if _, err := a.EnsureRoot(t.Context(), key.New(key.ManagementPrefix)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		dir: fs.ModeDir | 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestAFileThatOthersCouldReadIsClosedToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", info.Mode(), err)
	}
}

func TestPathsThatLookLikeURIs(t *testing.T) {
	for _, name := range []string{"a b.db", "100%.db", "why?.db", "x#1.db", "q?mode=memory&x=%20.db"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			a := authority.New(open(t, path).Authority(), authority.Options{})
			if _, err := a.EnsureRoot(t.Context(), key.New(key.ManagementPrefix)); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				t.Errorf("the database is not in %q (%v)", path, err)
			}
		})
	}
}

func TestRowsSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tollgate.db")
	root := key.New(key.ManagementPrefix)
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authority.New(db.Authority(), authority.Options{}).EnsureRoot(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a := authority.New(open(t, path).Authority(), authority.Options{})
	if _, err := a.AuthenticateManagement(t.Context(), root.Reveal()); err != nil {
		t.Error(err)
	}
}

func TestTroubleIsStoreUnavailable(t *testing.T) {
	dir := t.TempDir()
	_, err := sqlite.Open(t.Context(), dir)
	if !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("opening a directory is %v, want store_unavailable", err)
	}
	broken := filepath.Join(dir, "broken.db")
	if err := os.WriteFile(broken, []byte("this is no database, but it is long enough to be looked at as if it were one, sadly"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), broken); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("opening a file of another kind is %v, want store_unavailable", err)
	}

	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = db.KeyByHash(t.Context(), key.HashOf("x"))
	if !errors.Is(err, fault.StoreUnavailable) || errors.Is(err, fault.NotFound) {
		t.Errorf("reading from a closed database is %v, want store_unavailable", err)
	}
	if err := db.CreateUser(t.Context(), authority.User{}, authority.Act{}); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("writing to a closed database is %v, want store_unavailable", err)
	}
}

func TestClassify(t *testing.T) {
	deadline, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, test := range []struct {
		err  error
		want error
	}{
		{fault.NotFound, fault.NotFound},
		{fault.New(fault.KeyInvalid, "x"), fault.KeyInvalid},
		{context.Canceled, context.Canceled},
		{deadline.Err(), fault.StoreUnavailable},
		{errors.New("disk I/O error"), fault.StoreUnavailable},
	} {
		got := sqlite.Classify(test.err, "test")
		if !errors.Is(got, test.want) {
			t.Errorf("Classify(%v) = %v, want %v", test.err, got, test.want)
		}
		if test.want != fault.StoreUnavailable && errors.Is(got, fault.StoreUnavailable) {
			t.Errorf("Classify(%v) = %v, must not be store_unavailable", test.err, got)
		}
	}
	if err := sqlite.Classify(nil, "test"); err != nil {
		t.Errorf("Classify(nil) = %v", err)
	}
}
