package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

// Credentials checks a store of credentials. open gives a store over a fresh,
// empty database, and lets values be sealed with a key.
func Credentials(t *testing.T, open func(*testing.T) (store authority.Store, allow func(secret.KeyID))) {
	for name, test := range map[string]func(*testing.T, *sealing){
		"round trip":          credentialRoundTrip,
		"kept apart":          credentialsApart,
		"names are unique":    credentialNames,
		"one default":         credentialDefaults,
		"one default wins":    oneDefaultWins,
		"order and pages":     credentialPages,
		"tombstones":          credentialTombstones,
		"secrets that change": credentialSecrets,
		"validations":         credentialValidations,
		"of a deleted user":   credentialsOfTheDeleted,
	} {
		t.Run(name, func(t *testing.T) {
			store, allow := open(t)
			k, err := secret.NewKeyset()
			must(t, err)
			allow(k.Primary())
			installed(t, store)
			for _, id := range []string{"user_1", "user_2"} {
				must(t, store.Users.CreateUser(t.Context(), newUser("org_a", id), done("org_a")))
			}
			test(t, &sealing{store, k})
		})
	}
}

// sealing is a store and a keyset.
type sealing struct {
	authority.Store
	keys *secret.Keyset
}

func (s *sealing) seal(t *testing.T, row, field, text string) secret.Sealed {
	t.Helper()
	sealed, err := s.keys.Seal(secret.Place{OrganizationID: "org_a", RowID: row, Field: field}, secret.New(text))
	must(t, err)
	return sealed
}

func (s *sealing) credential(t *testing.T, id string) authority.CredentialRow {
	t.Helper()
	return authority.CredentialRow{
		Credential: authority.Credential{
			ID: id, OrganizationID: "org_a", UserID: "user_1", Provider: credential.OpenAI, Name: "name of " + id, SecretID: "sec_" + id,
			Status: authority.StatusActive, CreatedAt: start, UpdatedAt: start, Version: 1,
		},
		Sealed: []secret.Sealed{s.seal(t, id, credential.APIKey, "secret of "+id)},
	}
}

func (s *sealing) create(t *testing.T, row authority.CredentialRow) authority.CredentialRow {
	t.Helper()
	must(t, s.ProviderKeys.CreateCredential(t.Context(), row, done(row.OrganizationID)))
	row.Dethrones = ""
	return row
}

func (s *sealing) read(t *testing.T, id string) authority.CredentialRow {
	t.Helper()
	row, err := s.ProviderKeys.CredentialByID(t.Context(), "org_a", id)
	must(t, err)
	return row
}

func credentialRoundTrip(t *testing.T, s *sealing) {
	row := s.credential(t, "cred_1")
	row.Provider, row.DisplayName, row.Prefix, row.Suffix = credential.Custom, "Ünïcode \"quoted\"", "sk-12345", "wxyz"
	row.Status, row.Default = authority.StatusDisabled, true
	row.Config = credential.Config{
		BaseURL: "https://llm.example.com/v1", APIVersion: "v", Organization: "o", Project: "p", BillTo: "b", Headers: []string{"X-A", "X-B"},
	}
	row.Validation = credential.Validation{
		State: credential.Error, Verdict: credential.Valid, Code: credential.Timeout, CheckedAt: start.Add(time.Minute), ValidatedAt: start,
	}
	row.Limits = fullLimits()
	row.BudgetLimitCents, row.BudgetType, row.BudgetMode = nil, "", ""
	row.Sealed = append(row.Sealed, s.seal(t, "cred_1", credential.Headers+"X-A", "a header"))
	s.create(t, row)
	same(t, s.read(t, "cred_1"), row)
	row.UserID, row.ID, row.Name, row.Sealed = "", "cred_2", "the organisation's", nil
	s.create(t, row)
	same(t, s.read(t, "cred_2"), row)
}

func credentialsApart(t *testing.T, s *sealing) {
	row := s.create(t, s.credential(t, "cred_1"))
	_, err := s.ProviderKeys.CredentialByID(t.Context(), "org_b", "cred_1")
	is(t, err, fault.NotFound)
	row.OrganizationID, row.Version = "org_b", 2
	is(t, s.ProviderKeys.UpdateCredential(t.Context(), row, done("org_b")), fault.NotFound)
	list, total, err := s.ProviderKeys.ListCredentials(t.Context(), "org_b", authority.CredentialFilter{Page: 1, Size: 10})
	must(t, err)
	if len(list) != 0 || total != 0 {
		t.Errorf("org_b sees %v", list)
	}
	for owner, want := range map[string]int{"user_1": 1, "user_2": 0, "": 0} {
		rows, err := s.ProviderKeys.CredentialsOf(t.Context(), "org_a", owner)
		must(t, err)
		if len(rows) != want {
			t.Errorf("%q has %d", owner, len(rows))
		}
	}
	foreign := s.credential(t, "cred_2")
	foreign.UserID = "user_of_nobody"
	is(t, s.ProviderKeys.CreateCredential(t.Context(), foreign, done("org_a")), fault.NotFound)
}

func credentialNames(t *testing.T, s *sealing) {
	s.create(t, s.credential(t, "cred_1"))
	twin := s.credential(t, "cred_2")
	twin.Name = "name of cred_1"
	is(t, s.ProviderKeys.CreateCredential(t.Context(), twin, done("org_a")), fault.NameTaken)
	for i, change := range []func(*authority.CredentialRow){
		func(r *authority.CredentialRow) { r.UserID = "user_2" },
		func(r *authority.CredentialRow) { r.UserID = "" },
		func(r *authority.CredentialRow) { r.Provider = credential.Cohere },
		func(r *authority.CredentialRow) { r.Name = "Name of cred_1" },
	} {
		other := s.credential(t, fmt.Sprintf("cred_1%d", i))
		other.Name = "name of cred_1"
		change(&other)
		s.create(t, other)
	}
	shared := s.credential(t, "cred_3")
	shared.UserID, shared.Name = "", "name of cred_1"
	is(t, s.ProviderKeys.CreateCredential(t.Context(), shared, done("org_a")), fault.NameTaken)
}

func credentialDefaults(t *testing.T, s *sealing) {
	first := s.credential(t, "cred_1")
	first.Default = true
	first = s.create(t, first)
	second := s.credential(t, "cred_2")
	second.Default = true
	is(t, s.ProviderKeys.CreateCredential(t.Context(), second, done("org_a")), fault.VersionConflict)
	second.Dethrones = "cred_of_somebody"
	is(t, s.ProviderKeys.CreateCredential(t.Context(), second, done("org_a")), fault.VersionConflict)
	second.Dethrones, second.UpdatedAt = "cred_1", start.Add(time.Minute)
	s.create(t, second)
	first.Default, first.Version, first.UpdatedAt = false, 2, start.Add(time.Minute)
	same(t, s.read(t, "cred_1"), first)

	// Others are not touched: another provider's, another owner's.
	for i, change := range []func(*authority.CredentialRow){
		func(r *authority.CredentialRow) { r.UserID = "user_2" },
		func(r *authority.CredentialRow) { r.UserID = "" },
		func(r *authority.CredentialRow) { r.Provider = credential.Azure },
	} {
		other := s.credential(t, fmt.Sprintf("cred_1%d", i))
		other.Default = true
		change(&other)
		s.create(t, other)
	}
	first.Default, first.Version, first.Dethrones = true, 3, "cred_2"
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), first, done("org_a")))
	defaults := 0
	list, _, err := s.ProviderKeys.ListCredentials(t.Context(), "org_a", authority.CredentialFilter{Page: 1, Size: 10})
	must(t, err)
	for _, c := range list {
		if c.Default {
			defaults++
		}
	}
	if defaults != 4 || s.read(t, "cred_2").Default {
		t.Errorf("%d defaults, and cred_2 is %v", defaults, s.read(t, "cred_2").Default)
	}
}

func oneDefaultWins(t *testing.T, s *sealing) {
	var wait sync.WaitGroup
	won := make(chan string, 8)
	for i := range cap(won) {
		row := s.credential(t, fmt.Sprintf("cred_%d", i))
		row.Default = true
		wait.Go(func() {
			if s.ProviderKeys.CreateCredential(context.Background(), row, done("org_a")) == nil {
				won <- row.ID
			}
		})
	}
	wait.Wait()
	if len(won) != 1 {
		t.Errorf("%d became the default", len(won))
	}
}

func credentialPages(t *testing.T, s *sealing) {
	for i := range 5 {
		row := s.credential(t, fmt.Sprintf("cred_%d", i))
		row.Default = i == 3
		if i == 4 {
			row.Status, row.Provider, row.UserID = authority.StatusDisabled, credential.Google, ""
		}
		s.create(t, row)
	}
	active, inactive := true, false
	for _, test := range []struct {
		f     authority.CredentialFilter
		want  []string
		total int
	}{
		{authority.CredentialFilter{Page: 1, Size: 10}, []string{"cred_3", "cred_0", "cred_1", "cred_2", "cred_4"}, 5},
		{authority.CredentialFilter{Page: 2, Size: 2}, []string{"cred_1", "cred_2"}, 5},
		{authority.CredentialFilter{After: "cred_3", Size: 2}, []string{"cred_0", "cred_1"}, 4},
		{authority.CredentialFilter{After: "cred_4", Size: 2}, []string{}, 0},
		{authority.CredentialFilter{Page: 9, Size: 2}, []string{}, 5},
		{authority.CredentialFilter{Provider: credential.Google, Page: 1, Size: 10}, []string{"cred_4"}, 1},
		{authority.CredentialFilter{Ownerless: true, Page: 1, Size: 10}, []string{"cred_4"}, 1},
		{authority.CredentialFilter{UserID: "user_1", Page: 1, Size: 10}, []string{"cred_3", "cred_0", "cred_1", "cred_2"}, 4},
		{authority.CredentialFilter{IsActive: &inactive, Page: 1, Size: 10}, []string{"cred_4"}, 1},
		{authority.CredentialFilter{IsActive: &active, Page: 1, Size: 1}, []string{"cred_3"}, 4},
	} {
		list, total, err := s.ProviderKeys.ListCredentials(t.Context(), "org_a", test.f)
		must(t, err)
		ids := []string{}
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		if !slices.Equal(ids, test.want) || total != test.total {
			t.Errorf("%+v: %v of %d, want %v of %d", test.f, ids, total, test.want, test.total)
		}
	}
	rows, err := s.ProviderKeys.CredentialsOf(t.Context(), "org_a", "user_1")
	must(t, err)
	if len(rows) != 4 || rows[0].ID != "cred_3" || len(rows[0].Sealed) != 1 {
		t.Errorf("the user's: %+v", rows)
	}
}

func credentialTombstones(t *testing.T, s *sealing) {
	row := s.credential(t, "cred_1")
	row.Default = true
	row = s.create(t, row)
	row.DeletedAt, row.Default, row.Version = start.Add(time.Hour), false, 2
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), row, done("org_a")))
	_, err := s.ProviderKeys.CredentialByID(t.Context(), "org_a", "cred_1")
	is(t, err, fault.NotFound)
	row.Version = 3
	is(t, s.ProviderKeys.UpdateCredential(t.Context(), row, done("org_a")), fault.NotFound)
	again := s.credential(t, "cred_2") // its name and its place are free
	again.Name, again.Default = "name of cred_1", true
	s.create(t, again)
	kept, err := s.Verdicts.SetValidation(t.Context(), row, nil)
	if kept || err != nil {
		t.Errorf("a deleted one was validated: %v, %v", kept, err)
	}
}

func credentialSecrets(t *testing.T, s *sealing) {
	row := s.credential(t, "cred_1")
	row.Sealed = append(row.Sealed, s.seal(t, "cred_1", credential.Headers+"X-A", "a header"))
	row = s.create(t, row)
	other := s.create(t, s.credential(t, "cred_2"))

	next := row
	next.Version, next.Sealed = 2, nil // nothing is said of secrets: they stay
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), next, done("org_a")))
	same(t, s.read(t, "cred_1").Sealed, row.Sealed)

	fresh := s.seal(t, "cred_1", credential.APIKey, "another secret")
	next.Version, next.Sealed = 3, []secret.Sealed{fresh, {Place: row.Sealed[1].Place}}
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), next, done("org_a")))
	same(t, s.read(t, "cred_1").Sealed, []secret.Sealed{fresh})
	same(t, s.read(t, "cred_2").Sealed, other.Sealed)

	unknown, err := secret.NewKeyset()
	must(t, err)
	stray := (&sealing{s.Store, unknown}).seal(t, "cred_1", credential.APIKey, "x")
	next.Version, next.Sealed = 4, []secret.Sealed{stray}
	is(t, s.ProviderKeys.UpdateCredential(t.Context(), next, done("org_a")), fault.VersionConflict)
	same(t, s.read(t, "cred_1").Version, int64(3))
}

func credentialValidations(t *testing.T, s *sealing) {
	row := s.create(t, s.credential(t, "cred_1"))
	row.Validation = credential.Validation{}.After(credential.Verdict{State: credential.Valid}, start.Add(time.Minute))
	event := done("org_a").Event
	kept, err := s.Verdicts.SetValidation(t.Context(), row, &event)
	if !kept || err != nil {
		t.Fatalf("%v, %v", kept, err)
	}
	same(t, s.read(t, "cred_1"), row) // its version is the same
	head, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)

	stale := row
	stale.SecretID = "sec_before"
	stale.Validation = credential.Validation{State: credential.Invalid, Verdict: credential.Invalid, CheckedAt: start.Add(time.Hour)}
	kept, err = s.Verdicts.SetValidation(t.Context(), stale, &event)
	if kept || err != nil {
		t.Errorf("a verdict on another secret was kept: %v, %v", kept, err)
	}
	after, err := s.Audit.AuditHead(t.Context(), "org_a")
	must(t, err)
	same(t, after, head)

	renamed := row
	renamed.Name, renamed.Version, renamed.Validation, renamed.Sealed = "renamed", 2, credential.Validation{}, nil
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), renamed, done("org_a")))
	same(t, s.read(t, "cred_1").Validation, row.Validation) // a change of the name does not touch it
	renamed.Unvalidated, renamed.Version = true, 3
	must(t, s.ProviderKeys.UpdateCredential(t.Context(), renamed, done("org_a")))
	same(t, s.read(t, "cred_1").Validation, credential.Validation{})

	for i := range 3 {
		due := s.credential(t, fmt.Sprintf("cred_1%d", i))
		due.Validation.CheckedAt = start.Add(time.Duration(3-i) * time.Hour)
		due.Status = []authority.Status{authority.StatusActive, authority.StatusActive, authority.StatusDisabled}[i]
		s.create(t, due)
	}
	rows, err := s.Verdicts.DueCredentials(t.Context(), start.Add(3*time.Hour), 10)
	must(t, err)
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	same(t, ids, []string{"cred_1", "cred_11"})
	if len(rows[0].Sealed) != 1 {
		t.Error("its secret is missing")
	}
	rows, err = s.Verdicts.DueCredentials(t.Context(), start.Add(24*time.Hour), 2)
	must(t, err)
	if len(rows) != 2 {
		t.Errorf("%d are due", len(rows))
	}
}

func credentialsOfTheDeleted(t *testing.T, s *sealing) {
	s.create(t, s.credential(t, "cred_1"))
	u := newUser("org_a", "user_1")
	u.DeletedAt, u.Version = start.Add(time.Hour), 2
	ended := 0
	must(t, s.Users.DeleteUser(t.Context(), u, "", done("org_a"), authority.Estate{
		Credential: func(row authority.CredentialRow) (authority.CredentialRow, authority.Act) {
			ended++
			row.DeletedAt, row.Version = start.Add(time.Hour), row.Version+1
			return row, done("org_a")
		},
	}))
	_, err := s.ProviderKeys.CredentialByID(t.Context(), "org_a", "cred_1")
	is(t, err, fault.NotFound)
	if ended != 1 {
		t.Errorf("%d ended", ended)
	}
}
