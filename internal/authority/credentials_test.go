package authority_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/authority"
	"tollgate/internal/credential"
	"tollgate/internal/fault"
)

const planted = "sk-proj-PLANTED0123456789abcdefWXYZ"

// credential makes a credential or ends the test.
func (h *house) credential(t testing.TB, p authority.Principal, body string) authority.Credential {
	t.Helper()
	if !strings.Contains(body, `"api_key"`) {
		body = strings.Replace(body, "{", `{"api_key":"`+planted+`",`, 1)
	}
	c, err := h.CreateCredential(t.Context(), p, []byte(body))
	must(t, err)
	return c
}

// reveal opens a secret of a stored credential.
func (h *house) reveal(t testing.TB, id, field string) string {
	t.Helper()
	row, err := h.store.ProviderKeys.CredentialByID(t.Context(), h.root.OrganizationID(), id)
	must(t, err)
	for _, s := range row.Sealed {
		if s.Field == field {
			text, err := h.sealer.Open(s)
			must(t, err)
			return string(text)
		}
	}
	return ""
}

func TestA1_FieldsOfACredential(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	for _, provider := range credential.Providers() {
		body := fmt.Sprintf(`{"provider":%q,"key_name":"mine"}`, provider)
		if len(credential.Settings(provider)) > 0 && credential.Settings(provider)[0].Required {
			body = fmt.Sprintf(`{"provider":%q,"key_name":"mine","custom_config":{"base_url":"https://llm.example.com/v1"}}`, provider)
		}
		c := h.credential(t, h.actingFor(t, ada), body)
		if c.Provider != provider || c.UserID != ada.ID || !c.IsActive() || c.Default || c.Validation.Verdict != "" {
			t.Errorf("%s: %+v", provider, c)
		}
	}
	c := h.credential(t, h.root, `{"provider":"custom","key_name":"`+strings.Repeat("é", 255)+`","provider_display_name":"`+strings.Repeat("n", 100)+`","user_id":null,"custom_config":{"base_url":"https://x.example"}}`)
	if c.UserID != "" || len([]rune(c.Name)) != 255 || len(c.DisplayName) != 100 {
		t.Errorf("%+v", c)
	}
	for body, want := range map[string][]string{
		`{}`: {"api_key", "key_name", "provider"},
		`{"provider":"mistral","key_name":"","api_key":"short"}`:                                                                   {"api_key", "key_name", "provider"},
		`{"provider":"openai","key_name":"` + strings.Repeat("n", 256) + `","api_key":"sk-1234 5678"}`:                             {"api_key", "key_name"},
		`{"provider":"openai","key_name":"n","api_key":"sk-12345678","provider_display_name":"` + strings.Repeat("n", 101) + `"}`:  {"provider_display_name"},
		`{"provider":"azure","key_name":"n","api_key":"sk-12345678"}`:                                                              {"custom_config"},
		`{"provider":"openai","key_name":"n","api_key":"sk-12345678","user_id":"user_of_nobody"}`:                                  {"user_id"},
		`{"provider":"openai","key_name":"n","api_key":null,"is_default":null,"is_active":"yes","surprise":1}`:                     {"api_key", "is_active", "is_default", "surprise"},
		`{"provider":"openai","key_name":"n","api_key":"sk-12345678","daily_limit":-1,"budget_limit_cents":5,"is_unlimited":true}`: {"budget_limit_cents", "daily_limit", "is_unlimited"},
		`{"provider":"openai","key_name":"n","api_key":"sk-12345678","daily_limit":1,"tokens_per_day":2}`:                          {"daily_limit"},
		`{"provider":"openai","key_name":"n","api_key":"sk-12345678","id":"cred_1","key_prefix":"x","validation":{}}`:              {"id", "key_prefix", "validation"},
	} {
		_, err := h.CreateCredential(t.Context(), h.root, []byte(body))
		is(t, err, fault.ValidationFailed)
		same(t, wrong(err), want)
		if strings.Contains(fmt.Sprint(err), "1234 5678") {
			t.Errorf("%v repeats the secret", err)
		}
	}
}

func TestA1_NamesAreUniqueAmongLiveOnes(t *testing.T) {
	h := newHouse(t)
	first := h.credential(t, h.root, `{"provider":"openai","key_name":"mine"}`)
	_, err := h.CreateCredential(t.Context(), h.root, []byte(`{"provider":"openai","key_name":"mine","api_key":"sk-12345678"}`))
	is(t, err, fault.NameTaken)
	if fault.Of(err).Param != "key_name" {
		t.Error(err)
	}
	h.credential(t, h.root, `{"provider":"cohere","key_name":"mine"}`)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	h.credential(t, h.root, `{"provider":"openai","key_name":"mine","user_id":"`+ada.ID+`"}`)
	other := h.credential(t, h.root, `{"provider":"openai","key_name":"other"}`)
	_, err = h.UpdateCredential(t.Context(), h.root, other.ID, []byte(`{"key_name":"mine"}`), 0)
	is(t, err, fault.NameTaken)
	must(t, h.DeleteCredential(t.Context(), h.root, first.ID, 0))
	_, err = h.UpdateCredential(t.Context(), h.root, other.ID, []byte(`{"key_name":"mine"}`), 0)
	must(t, err)
}

func TestA2_OfASecretLittleIsShown(t *testing.T) {
	h := newHouse(t)
	for secret, want := range map[string][2]string{
		"sk-12345":                      {"", ""},
		"sk-123456789012":               {"", ""}, // 15
		"sk-1234567890123":              {"sk-1", "0123"},
		"sk-12345678901234567890":       {"sk-12", "7890"},
		planted:                         {"sk-proj-", "WXYZ"},
		"sk-" + strings.Repeat("x", 99): {"sk-xxxxx", "xxxx"},
	} {
		c, err := h.CreateCredential(t.Context(), h.root, []byte(fmt.Sprintf(`{"provider":"openai","key_name":"of %d","api_key":%q}`, len(secret), secret)))
		must(t, err)
		if got := [2]string{c.Prefix, c.Suffix}; got != want {
			t.Errorf("%q: %q, want %q", secret, got, want)
		}
		if got := h.reveal(t, c.ID, credential.APIKey); got != secret {
			t.Errorf("stored as %q", got)
		}
		if shown := fmt.Sprintf("%+v", c); strings.Contains(shown, secret) {
			t.Errorf("it is in %s", shown)
		}
	}
}

func TestA4_AtMostOneDefault(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	p := h.actingFor(t, ada)
	one := h.credential(t, p, `{"provider":"openai","key_name":"one","is_default":true}`)
	two := h.credential(t, p, `{"provider":"openai","key_name":"two"}`)
	h.credential(t, p, `{"provider":"google","key_name":"g","is_default":true}`)
	h.credential(t, h.root, `{"provider":"openai","key_name":"shared","is_default":true}`)
	get := func() string {
		c, err := h.DefaultCredential(t.Context(), p, ada.ID, "openai", false)
		must(t, err)
		return c.Name
	}
	if get() != "one" {
		t.Errorf("the default is %s", get())
	}
	two, err := h.SetDefaultCredential(t.Context(), p, two.ID, 0)
	must(t, err)
	if !two.Default || get() != "two" {
		t.Errorf("the default is %s", get())
	}
	before, err := h.CredentialByID(t.Context(), p, one.ID)
	must(t, err)
	if before.Default || before.Version != one.Version+1 {
		t.Errorf("the one before: %+v", before)
	}
	// A default that is out of use is none, and takes no other's place.
	_, err = h.UpdateCredential(t.Context(), p, two.ID, []byte(`{"is_active":false}`), 0)
	must(t, err)
	_, err = h.DefaultCredential(t.Context(), p, ada.ID, "openai", false)
	is(t, err, fault.NotFound)
	if c, err := h.DefaultCredential(t.Context(), p, ada.ID, "openai", true); err != nil || c.Name != "one" {
		t.Errorf("any active one is %q, %v", c.Name, err)
	}

	var wait sync.WaitGroup
	for _, id := range []string{one.ID, two.ID, one.ID, two.ID} {
		wait.Go(func() { _, _ = h.SetDefaultCredential(context.Background(), p, id, 0) })
	}
	wait.Wait()
	list, _, err := h.ListCredentials(t.Context(), p, authority.CredentialFilter{Provider: "openai"})
	must(t, err)
	defaults := 0
	for _, c := range list {
		if c.Default {
			defaults++
		}
	}
	if defaults != 1 {
		t.Errorf("%d defaults after all that", defaults)
	}
}

func TestA8_SettingsDependOnTheProvider(t *testing.T) {
	h := newHouse(t)
	bodies := map[string]string{ // what is taken
		"openai":      `{"organization":"org-1","project":"proj_1"}`,
		"google":      `{"project":"p-1"}`,
		"huggingface": `{"bill_to":"team"}`,
		"azure":       `{"base_url":"https://r.openai.azure.com/","api_version":"2024-10-21","headers":{"ocp-apim-subscription-key":"0123456789abcdef"}}`,
		"custom":      `{"base_url":"https://llm.example.com/v1","headers":{"X-One":"value-one","X-Two":"value-two"}}`,
	}
	for provider, config := range bodies {
		h.credential(t, h.root, fmt.Sprintf(`{"provider":%q,"key_name":"n","custom_config":%s}`, provider, config))
	}
	for _, test := range []struct{ provider, config, want string }{
		{"openai", `{"base_url":"https://x.example"}`, "base_url is not known: openai has organization, project"},
		{"anthropic", `{"project":"p"}`, "anthropic has no settings"},
		{"azure", `{"base_url":"https://10.0.0.1"}`, "may not be reached"},
		{"azure", `{"base_url":"https://x.example","api_version":"1&x=y"}`, "api_version must be a version"},
		{"custom", `{"base_url":"http://x.example"}`, "https://"},
		{"custom", `{"base_url":"https://localhost/v1"}`, "this machine"},
		{"custom", `{"base_url":7}`, "base_url must be text"},
		{"custom", `{"base_url":"https://x.example","headers":{"Host":"12345678"}}`, "may not be set"},
		{"custom", `{"base_url":"https://x.example","headers":{"Authorization":"12345678"}}`, "may not be set"},
		{"custom", `{"base_url":"https://x.example","headers":{"idempotency-KEY":"12345678"}}`, "may not be set"},
		{"azure", `{"base_url":"https://x.example","headers":{"X-Idempotency-Key":"12345678"}}`, "may not be set"},
		{"custom", `{"base_url":"https://x.example","headers":{"X A":"12345678"}}`, "must be named"},
		{"custom", `{"base_url":"https://x.example","headers":{"X-A":"planted\r\nX-B: 1"}}`, "visible ASCII"},
		{"custom", `{"base_url":"https://x.example","headers":{"X-A":"[redacted]"}}`, ""},
		{"custom", `{"base_url":"https://x.example","headers":["X-A"]}`, "must be an object"},
		{"openai", `{"organization":"org 1"}`, "organization must be at most 200 visible"},
		{"openai", `[]`, "must be an object"},
	} {
		_, err := h.CreateCredential(t.Context(), h.root, []byte(fmt.Sprintf(`{"provider":%q,"key_name":"x","api_key":"12345678","custom_config":%s}`, test.provider, test.config)))
		if test.want == "" {
			must(t, err)
			continue
		}
		is(t, err, fault.ValidationFailed)
		if !strings.Contains(fault.Of(err).Public, test.want) || strings.Contains(fault.Of(err).Public, "planted") {
			t.Errorf("%s %s: %v", test.provider, test.config, err)
		}
	}
}

func TestA8_SettingsAreMergedAndTheirSecretsSealed(t *testing.T) {
	h := newHouse(t)
	c := h.credential(t, h.root, `{"provider":"custom","key_name":"n","custom_config":{"base_url":"https://x.example/v1","headers":{"x-one":"PLANTED-one","X-Two":"PLANTED-two"}}}`)
	same(t, c.Config.Headers, []string{"X-One", "X-Two"})
	if h.reveal(t, c.ID, "custom_config.headers.X-One") != "PLANTED-one" {
		t.Error("the header is not sealed as it was sent")
	}
	update := func(body string) authority.Credential {
		t.Helper()
		c, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(body), 0)
		must(t, err)
		return c
	}
	first := c.SecretID
	// What was shown may be sent back: nothing changes.
	shown := update(`{"custom_config":{"base_url":"https://x.example/v1","headers":{"X-One":"[redacted]","X-Two":"[redacted]"}}}`)
	if shown.Version != c.Version || shown.SecretID != first {
		t.Errorf("it changed: %+v", shown)
	}
	shown = update(`{"custom_config":{"headers":{"X-Two":null,"X-Three":"PLANTED-three"}}}`)
	same(t, shown.Config.Headers, []string{"X-One", "X-Three"})
	if shown.SecretID == first || h.reveal(t, c.ID, "custom_config.headers.X-Two") != "" || h.reveal(t, c.ID, "custom_config.headers.X-Three") != "PLANTED-three" {
		t.Errorf("%+v", shown)
	}
	if h.reveal(t, c.ID, credential.APIKey) != planted {
		t.Error("the secret itself is gone")
	}
	shown = update(`{"custom_config":{"headers":null}}`)
	if shown.Config.Headers != nil || h.reveal(t, c.ID, "custom_config.headers.X-One") != "" {
		t.Errorf("%+v", shown)
	}
	_, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(`{"custom_config":null}`), 0)
	is(t, err, fault.ValidationFailed) // it cannot be without a base_url

	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{})
	must(t, err)
	if text := fmt.Sprintf("%+v", events); strings.Contains(text, "PLANTED") || !strings.Contains(text, "X-Three") {
		t.Errorf("the audit: %s", text)
	}
}

func TestA5_AChangedSecretIsUnknown(t *testing.T) {
	h := newHouse(t)
	c := h.credential(t, h.root, `{"provider":"azure","key_name":"n","custom_config":{"base_url":"https://x.example"}}`)
	judge := func(v credential.Verdict) authority.Credential {
		t.Helper()
		payer, err := h.CheckCredential(t.Context(), h.root, c.ID, 0)
		must(t, err)
		c, err := h.Judged(t.Context(), h.root, payer, v)
		must(t, err)
		return c
	}
	stale, err := h.CheckCredential(t.Context(), h.root, c.ID, 0)
	must(t, err)
	for _, body := range []string{`{"api_key":"another-secret"}`, `{"api_key":"another-secret","custom_config":{"base_url":"https://y.example"}}`, `{"custom_config":{"headers":{"X-A":"12345678"}}}`} {
		if v := judge(credential.Verdict{State: credential.Valid}).Validation; v.Verdict != credential.Valid || v.CheckedAt != noon || v.ValidatedAt != noon {
			t.Fatalf("judged: %+v", v)
		}
		changed, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(body), 0)
		must(t, err)
		same(t, changed.Validation, credential.Validation{})
		// A verdict on what was there before comes too late.
		late, err := h.Judged(t.Context(), h.root, stale, credential.Verdict{State: credential.Invalid, Code: credential.Rejected})
		must(t, err)
		same(t, late.Validation, credential.Validation{})
	}
	judge(credential.Verdict{State: credential.Valid})
	for _, body := range []string{`{"key_name":"m"}`, `{"daily_limit":5}`, `{"is_active":false}`} {
		changed, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(body), 0)
		must(t, err)
		if changed.Validation.Verdict != credential.Valid {
			t.Errorf("%s: %+v", body, changed.Validation)
		}
	}
	h.pass(time.Hour)
	v := judge(credential.Failure(credential.Timeout)).Validation
	want := credential.Validation{State: credential.Error, Verdict: credential.Valid, Code: credential.Timeout, CheckedAt: noon.Add(time.Hour), ValidatedAt: noon}
	same(t, v, want)
}

func TestCredentialsOfOthersAreNotThere(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.user(t, `{"email":"ada@example.com"}`), h.user(t, `{"email":"bob@example.com","role":"developer"}`)
	adas := h.credential(t, h.actingFor(t, ada), `{"provider":"openai","key_name":"hers"}`)
	shared := h.credential(t, h.root, `{"provider":"openai","key_name":"shared"}`)
	other := h.as(t, "org_other", "*")
	calls := map[string]func(authority.Principal, string) error{
		"get": func(p authority.Principal, id string) error {
			_, err := h.CredentialByID(t.Context(), p, id)
			return err
		},
		"update": func(p authority.Principal, id string) error {
			_, err := h.UpdateCredential(t.Context(), p, id, []byte(`{"key_name":"x"}`), 0)
			return err
		},
		"default": func(p authority.Principal, id string) error {
			_, err := h.SetDefaultCredential(t.Context(), p, id, 0)
			return err
		},
		"check": func(p authority.Principal, id string) error {
			_, err := h.CheckCredential(t.Context(), p, id, 0)
			return err
		},
		"delete": func(p authority.Principal, id string) error { return h.DeleteCredential(t.Context(), p, id, 0) },
	}
	for name, call := range calls {
		for who, p := range map[string]authority.Principal{"bob": h.actingFor(t, bob), "another organisation": other, "nobody": h.as(t, h.root.OrganizationID())} {
			for _, id := range []string{adas.ID, shared.ID} {
				if err := call(p, id); fault.Of(err).Kind != fault.NotFound {
					t.Errorf("%s of %s by %s: %v", name, id, who, err)
				}
			}
		}
	}
	auditor := h.as(t, h.root.OrganizationID(), "platform:*:read")
	for name, call := range calls {
		want := fault.PermissionDenied
		if name == "get" {
			want = ""
		}
		if err := call(auditor, adas.ID); err == nil && want != "" || err != nil && fault.Of(err).Kind != want {
			t.Errorf("%s by an auditor: %v", name, err)
		}
	}
	p := h.actingFor(t, bob)
	for _, owner := range []string{ada.ID, ""} {
		_, err := h.CreateCredential(t.Context(), p, []byte(fmt.Sprintf(`{"provider":"openai","key_name":"x","api_key":"12345678","user_id":%q}`, owner)))
		is(t, err, fault.PermissionDenied)
		_, err = h.DefaultCredential(t.Context(), p, owner, "openai", true)
		is(t, err, fault.PermissionDenied)
	}
	list, total, err := h.ListCredentials(t.Context(), p, authority.CredentialFilter{})
	must(t, err)
	if len(list) != 0 || total != 0 {
		t.Errorf("bob sees %+v", list)
	}
	for _, f := range []authority.CredentialFilter{{UserID: ada.ID}, {Ownerless: true}} {
		_, _, err := h.ListCredentials(t.Context(), p, f)
		is(t, err, fault.PermissionDenied)
	}
}

func TestChangesOfCredentialsAreInTheAudit(t *testing.T) {
	h := newHouse(t)
	c := h.credential(t, h.root, `{"provider":"openai","key_name":"one","is_default":true}`)
	two := h.credential(t, h.root, `{"provider":"openai","key_name":"two","is_default":true}`)
	_, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(`{"api_key":"`+planted+`2","daily_limit":7}`), 0)
	must(t, err)
	payer, err := h.CheckCredential(t.Context(), h.root, c.ID, 0)
	must(t, err)
	_, err = h.Judged(t.Context(), authority.Principal{}, payer, credential.Verdict{State: credential.Invalid, Code: credential.Rejected})
	must(t, err)
	_, err = h.Judged(t.Context(), authority.Principal{}, payer, credential.Failure(credential.Timeout)) // nothing changed
	must(t, err)
	must(t, h.DeleteCredential(t.Context(), h.root, c.ID, 0))
	must(t, h.DeleteCredential(t.Context(), h.root, two.ID, 0))
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Action: "credential.*"})
	must(t, err)
	var got []string
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		got = append(got, e.Action+" "+e.ResourceName+" "+e.ActorID)
		if strings.Contains(e.Changes, "PLANTED") {
			t.Errorf("the secret is in %+v", e)
		}
	}
	root := h.root.ID()
	if diff := cmp.Diff([]string{
		"credential.create one " + root, "credential.create two " + root, "credential.update one " + root,
		"credential.validate one system", "credential.delete one " + root, "credential.delete two " + root,
	}, got); diff != "" {
		t.Error(diff)
	}
	for i, want := range map[int][]string{4: {"default_before", c.ID, two.ID}, 3: {"secret_id", "tokens_per_day"}, 2: {"validation", "unknown", "invalid"}} {
		for _, word := range want {
			if !strings.Contains(events[i].Changes, word) {
				t.Errorf("%s does not say %s: %s", events[i].Action, word, events[i].Changes)
			}
		}
	}
	verdict, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
	must(t, err)
	if len(verdict.Broken) > 0 {
		t.Errorf("%+v", verdict)
	}
}

func TestADeletedUsersCredentialsEndWithThem(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	c := h.credential(t, h.actingFor(t, ada), `{"provider":"openai","key_name":"hers","is_default":true}`)
	must(t, h.DeleteUser(t.Context(), h.root, ada.ID, 0))
	_, err := h.CredentialByID(t.Context(), h.root, c.ID)
	is(t, err, fault.NotFound)
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Action: "credential.delete"})
	must(t, err)
	if len(events) != 1 || events[0].ResourceID != c.ID {
		t.Errorf("%+v", events)
	}
}

func TestADailyLimitHasTwoNames(t *testing.T) {
	h := newHouse(t)
	c := h.credential(t, h.root, `{"provider":"openai","key_name":"n","daily_limit":10,"tokens_per_month":20}`)
	for _, test := range []struct {
		body string
		want int64
	}{
		{`{"daily_limit":10,"tokens_per_day":10}`, 10}, // as it was read
		{`{"daily_limit":30,"tokens_per_day":10}`, 30}, // one of them changed
		{`{"tokens_per_day":40,"daily_limit":30}`, 40},
		{`{"tokens_per_day":50}`, 50},
		{`{"daily_limit":0}`, 0},
	} {
		got, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(test.body), 0)
		must(t, err)
		if got.TokensPerDay == nil || *got.TokensPerDay != test.want || *got.TokensPerMonth != 20 {
			t.Errorf("%s: %v", test.body, got.TokensPerDay)
		}
	}
	_, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(`{"tokens_per_day":1,"daily_limit":2}`), 0)
	is(t, err, fault.ValidationFailed)
	got, err := h.UpdateCredential(t.Context(), h.root, c.ID, []byte(`{"monthly_limit":null}`), 0)
	must(t, err)
	if got.TokensPerMonth != nil {
		t.Error("null does not lift it")
	}
}
