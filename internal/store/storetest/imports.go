package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// importedKey is a key that comes from elsewhere.
func importedKey(organizationID, id string, scheme authority.Scheme, lookup, proof []byte) authority.KeyRow {
	row := newKey(organizationID, id)
	row.Import = &authority.Import{
		Imported: authority.Imported{Source: "test", SourceID: "row of " + id, KeyID: id, Fingerprint: [32]byte{1, 2}, At: start},
		Secret: authority.ForeignSecret{
			OrganizationID: organizationID, KeyID: id, KeyName: row.Name, SecretID: row.Secrets[0].ID,
			Scheme: scheme, Lookup: lookup, Proof: proof,
		},
	}
	return row
}

// lookups are the known beginnings, counted.
func lookups(t *testing.T, s authority.Store) map[string]int {
	t.Helper()
	got := map[string]int{}
	must(t, s.Imports.ForeignLookups(t.Context(), func(scheme authority.Scheme, b []byte) {
		got[string(scheme)+" "+string(b[:min(len(b), 8)])]++
	}))
	return got
}

// imports: a key is stored with where it came from, or not at all; a row and a
// secret come once.
func imports(t *testing.T, s authority.Store) {
	installed(t, s)
	same(t, lookups(t, s), map[string]int{})
	digest := []byte("a digest of sixty-four bytes, or rather a text as long as one ..")
	rows := []authority.KeyRow{
		importedKey("org_a", "key_1", authority.SchemeSHA256, []byte("12345678"), nil),
		importedKey("org_a", "key_2", authority.SchemeKnox, digest, nil),
		importedKey("org_a", "key_3", authority.SchemeBcrypt, []byte("en_abcde"), []byte("$2b$04$one")),
		importedKey("org_a", "key_4", authority.SchemeBcrypt, []byte("en_abcde"), []byte("$2b$04$two")),
		importedKey("org_b", "key_5", authority.SchemeBcrypt, []byte("en_abcde"), []byte("$2b$04$three")),
		importedKey("org_b", "key_6", authority.SchemeSHA256, []byte("12345678"), nil),
	}
	for _, row := range rows {
		must(t, s.Keys.CreateKey(t.Context(), row, nil, done(row.OrganizationID)))
		got, err := s.Imports.ImportedKey(t.Context(), row.OrganizationID, "test", row.Import.SourceID)
		must(t, err)
		same(t, got, row.Import.Imported)
	}
	same(t, lookups(t, s), map[string]int{"sha256 12345678": 2, "knox a digest": 1, "bcrypt en_abcde": 3})
	_, err := s.Imports.ImportedKey(t.Context(), "org_b", "test", "row of key_1")
	is(t, err, fault.NotFound)

	list, err := s.Imports.ForeignSecrets(t.Context(), authority.SchemeBcrypt, []byte("en_abcde"))
	must(t, err)
	same(t, list, []authority.ForeignSecret{rows[2].Import.Secret, rows[3].Import.Secret, rows[4].Import.Secret})
	list, err = s.Imports.ForeignSecrets(t.Context(), authority.SchemeKnox, digest)
	must(t, err)
	same(t, list, []authority.ForeignSecret{rows[1].Import.Secret})
	list, err = s.Imports.ForeignSecrets(t.Context(), authority.SchemeKnox, digest[:8])
	must(t, err)
	same(t, list, nil)

	for name, row := range map[string]authority.KeyRow{
		"the row":    withSourceID(importedKey("org_a", "key_7", authority.SchemeSHA256, []byte("abcdefgh"), nil), "row of key_1"),
		"the digest": importedKey("org_a", "key_7", authority.SchemeKnox, digest, nil),
		"the proof":  importedKey("org_b", "key_7", authority.SchemeBcrypt, []byte("another!"), []byte("$2b$04$one")),
	} {
		if err := s.Keys.CreateKey(t.Context(), row, nil, done(row.OrganizationID)); err == nil {
			t.Errorf("%s was taken twice", name)
		} else {
			is(t, err, fault.NameTaken)
		}
		_, err := s.Keys.KeyByID(t.Context(), row.OrganizationID, "key_7")
		is(t, err, fault.NotFound)
	}

	// The key goes with its secret; that it was there stays.
	dead := rows[2]
	dead.Import, dead.Version, dead.DeletedAt = nil, 2, start.Add(time.Hour)
	must(t, s.Keys.UpdateKey(t.Context(), dead, done("org_a")))
	must(t, s.KeyCare.PurgeKey(t.Context(), "org_a", "key_4", done("org_a")))
	list, err = s.Imports.ForeignSecrets(t.Context(), authority.SchemeBcrypt, []byte("en_abcde"))
	must(t, err)
	same(t, list, []authority.ForeignSecret{rows[4].Import.Secret})
	for _, id := range []string{"key_3", "key_4"} {
		_, err = s.Imports.ImportedKey(t.Context(), "org_a", "test", "row of "+id)
		must(t, err)
	}
}

func withSourceID(row authority.KeyRow, id string) authority.KeyRow {
	row.Import.SourceID = id
	return row
}

// adoption: a foreign secret becomes one that is found by its hash, once.
func adoption(t *testing.T, s authority.Store) {
	installed(t, s)
	row := importedKey("org_a", "key_1", authority.SchemeBcrypt, []byte("en_abcde"), []byte("$2b$04$one"))
	must(t, s.Keys.CreateKey(t.Context(), row, nil, done("org_a")))
	knox := importedKey("org_a", "key_2", authority.SchemeKnox, []byte("a digest"), nil)
	must(t, s.Keys.CreateKey(t.Context(), knox, nil, done("org_a")))
	hash, now := key.HashOf("the key"), start.Add(time.Hour)

	changed := row.Import.Secret
	changed.Proof = []byte("$2b$04$two")
	is(t, s.Imports.AdoptSecret(t.Context(), changed, hash, now, done("org_a")), fault.NotFound)
	is(t, s.Imports.AdoptSecret(t.Context(), row.Import.Secret, knox.Hashes[0], now, done("org_a")), fault.NameTaken)
	same(t, lookups(t, s), map[string]int{"bcrypt en_abcde": 1, "knox a digest": 1})

	var adopted atomic.Int64
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := s.Imports.AdoptSecret(t.Context(), row.Import.Secret, hash, now, done("org_a")); err == nil {
				adopted.Add(1)
			} else {
				is(t, err, fault.NotFound)
			}
		})
	}
	wg.Wait()
	same(t, adopted.Load(), 1)
	got, err := s.Keys.KeyByHash(t.Context(), hash)
	must(t, err)
	want := row
	want.Import, want.Hashes, want.Version, want.UpdatedAt = nil, []key.Hash{hash}, 2, now
	same(t, got, want)
	_, err = s.Keys.KeyByHash(t.Context(), row.Hashes[0])
	is(t, err, fault.NotFound)
	list, err := s.Imports.ForeignSecrets(t.Context(), authority.SchemeBcrypt, []byte("en_abcde"))
	must(t, err)
	same(t, list, nil)

	knoxHash := key.HashOf("the token")
	must(t, s.Imports.AdoptSecret(t.Context(), knox.Import.Secret, knoxHash, now, done("org_a")))
	same(t, lookups(t, s), map[string]int{"sha256 " + string(hash[:8]): 1, "sha256 " + string(knoxHash[:8]): 1})

	// Whoever read the key before writes nothing on the strength of it.
	stale := row
	stale.Import, stale.Version, stale.Status = nil, 2, authority.StatusRevoked
	is(t, s.Keys.UpdateKey(t.Context(), stale, done("org_a")), fault.VersionConflict)
}

// importedAtOnce: however often a row comes at the same time, it is one key.
func importedAtOnce(t *testing.T, s authority.Store) {
	installed(t, s)
	var made atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			row := importedKey("org_a", fmt.Sprintf("key_%d", i), authority.SchemeSHA256, []byte("12345678"), nil)
			if err := s.Keys.CreateKey(t.Context(), withSourceID(row, "one"), nil, done("org_a")); err == nil {
				made.Add(1)
			} else {
				is(t, err, fault.NameTaken)
			}
		})
	}
	wg.Wait()
	same(t, made.Load(), 1)
	_, total, err := s.Keys.ListKeys(t.Context(), "org_a", authority.KeyFilter{Page: 1, Size: 10}, start)
	must(t, err)
	same(t, total, 1)
}

// userByEmail: people are found by their address, in their own organisation.
func userByEmail(t *testing.T, s authority.Store) {
	installed(t, s)
	u := newUser("org_a", "user_1")
	must(t, s.Users.CreateUser(t.Context(), u, done("org_a")))
	got, err := s.Imports.UserByEmail(t.Context(), "org_a", u.Email)
	must(t, err)
	same(t, got, u)
	_, err = s.Imports.UserByEmail(t.Context(), "org_b", u.Email)
	is(t, err, fault.NotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Imports.UserByEmail(ctx, "org_a", u.Email); err == nil {
		t.Error("a caller who left gets an answer")
	}
}
