package authority_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

func TestB3_AKeyStartsFromTheDefaults(t *testing.T) {
	h := newHouse(t)
	k, text := h.key(t, `{"name":"  first  "}`)
	want := authority.Key{
		ID: k.ID, OrganizationID: h.root.OrganizationID(), Kind: authority.KindService, Name: "first",
		Tags: []string{}, Permissions: map[string]bool{}, Prefix: text[:8], Status: authority.StatusActive,
		Secrets: []authority.Secret{{ID: k.Secrets[0].ID, Prefix: text[:8], CreatedAt: noon}},
		Limits: authority.Limits{
			RateLimitPerMinute: new(int64(60)), RateLimitPerHour: new(int64(3600)), RateLimitPerDay: new(int64(86400)),
		},
		CreatedAt: noon, UpdatedAt: noon, Version: 1,
	}
	same(t, k, want)
	if !strings.HasPrefix(k.ID, "key_") || !strings.HasPrefix(text, "tg_") || len(text) != 41 || !k.IsUnlimited() {
		t.Errorf("id %q, secret of %d characters", k.ID, len(text))
	}
	stored, err := h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, stored, want)
}

const everyField = `{
	"name": "full", "description": "line\nline", "tags": ["a", "b", "a"], "kind": "chatbot",
	"expires_at": "2030-01-01T01:00:00.1239+01:00", "auto_delete_on_expiry": false, "is_active": false,
	"permissions": {"read": true, "write": false, "gone": null},
	"scopes": ["chat.completions"], "allowed_models": ["gpt-*"], "allowed_endpoints": ["/v1/*"],
	"allowed_ips": ["10.1.2.3/8", "::ffff:192.0.2.1", "192.0.2.1"], "allowed_chatbots": ["bot_1"],
	"allowed_providers": ["openai"], "allowed_api_formats": ["anthropic"],
	"rate_limit_per_minute": 10000, "rate_limit_per_hour": null, "rate_limit_per_day": 1,
	"tokens_per_minute": 0, "tokens_per_day": 9000000000000000, "tokens_per_month": null,
	"concurrent_limit": 0, "budget_limit_cents": 0, "budget_type": "weekly", "budget_mode": "soft", "is_unlimited": false
}`

func full(k authority.Key, disabledBy string) authority.Key {
	k.Name, k.Description, k.Tags, k.Kind = "full", "line\nline", []string{"a", "b"}, authority.KindChatbot
	k.ExpiresAt = time.Date(2030, 1, 1, 0, 0, 0, 123e6, time.UTC)
	k.AutoDeleteOnExpiry, k.Status, k.DisabledBy = new(false), authority.StatusDisabled, disabledBy
	k.Permissions = map[string]bool{"read": true, "write": false}
	k.Scopes, k.AllowedModels, k.AllowedEndpoints = []string{"chat.completions"}, []string{"gpt-*"}, []string{"/v1/*"}
	k.AllowedIPs, k.AllowedChatbots = []string{"10.0.0.0/8", "192.0.2.1"}, []string{"bot_1"}
	k.AllowedProviders, k.AllowedAPIFormats = []string{"openai"}, []string{"anthropic"}
	k.Limits = authority.Limits{
		RateLimitPerMinute: new(int64(10000)), RateLimitPerDay: new(int64(1)), TokensPerMinute: new(int64(0)),
		TokensPerDay: new(int64(9e15)), ConcurrentLimit: new(int64(0)), BudgetLimitCents: new(int64(0)),
		BudgetType: authority.BudgetWeekly, BudgetMode: authority.BudgetSoft,
	}
	return k
}

func TestB1_EveryFieldIsStored(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, everyField)
	same(t, k, full(k, h.root.ID()))
	stored, err := h.KeyByID(t.Context(), h.root, k.ID)
	must(t, err)
	same(t, stored, k)

	// The same body lays every field over another key, and changes nothing twice.
	other, _ := h.key(t, `{"name":"x","kind":"chatbot","allowed_chatbots":["x"]}`)
	other = h.patch(t, other.ID, everyField)
	same(t, other, full(other, h.root.ID()))
	if again := h.patch(t, other.ID, everyField); again.Version != 2 {
		t.Errorf("a change that changes nothing made version %d", again.Version)
	}
	replaced, err := h.ReplaceKey(t.Context(), h.root, other.ID, []byte(everyField), 0)
	must(t, err)
	same(t, replaced, other)
}

func TestC3_WrongFieldsAreNamedAtOnce(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]string{
		`{}`:          "name",
		`{"name":""}`: "name",
		`{"name":"` + strings.Repeat("é", 100) + `"}`: "",
		`{"name":"` + strings.Repeat("x", 101) + `"}`: "name",
		`{"name":"  "}`:   "name",
		`{"name":null}`:   "name",
		`{"name":7}`:      "name",
		`{"name":"a\nb"}`: "name",
		`{"name":"a","description":"` + strings.Repeat("x", 500) + `"}`:                 "",
		`{"name":"a","description":"` + strings.Repeat("x", 501) + `"}`:                 "description",
		`{"name":"a","description":null}`:                                               "",
		`{"name":"a","tags":["",1]}`:                                                    "tags",
		`{"name":"a","tags":null}`:                                                      "",
		`{"name":"a","kind":"robot"}`:                                                   "kind",
		`{"name":"a","kind":null}`:                                                      "kind",
		`{"name":"a","kind":"user"}`:                                                    "user_id",
		`{"name":"a","user_id":"user_none"}`:                                            "user_id",
		`{"name":"a","user_id":7}`:                                                      "user_id",
		`{"name":"a","user_id":null}`:                                                   "",
		`{"name":"a","is_active":"yes"}`:                                                "is_active",
		`{"name":"a","is_active":null}`:                                                 "is_active",
		`{"name":"a","expires_at":"2026-03-01T12:00:00.001Z"}`:                          "",
		`{"name":"a","expires_at":"2026-03-01T12:00:00Z"}`:                              "expires_at",
		`{"name":"a","expires_at":"2026-03-01T11:59:59Z"}`:                              "expires_at",
		`{"name":"a","expires_at":"tomorrow"}`:                                          "expires_at",
		`{"name":"a","expires_at":1893456000}`:                                          "expires_at",
		`{"name":"a","auto_delete_on_expiry":0}`:                                        "auto_delete_on_expiry",
		`{"name":"a","permissions":["read"]}`:                                           "permissions",
		`{"name":"a","permissions":{"read":1}}`:                                         "permissions",
		`{"name":"a","scopes":["chat.completions","chat"]}`:                             "scopes",
		`{"name":"a","scopes":"chat.completions"}`:                                      "scopes",
		`{"name":"a","scopes":[null]}`:                                                  "scopes",
		`{"name":"a","scopes":[]}`:                                                      "",
		`{"name":"a","allowed_models":["a b"]}`:                                         "allowed_models",
		`{"name":"a","allowed_models":[""]}`:                                            "allowed_models",
		`{"name":"a","allowed_endpoints":["v1/chat"]}`:                                  "allowed_endpoints",
		`{"name":"a","allowed_endpoints":["*/chat","/x"]}`:                              "",
		`{"name":"a","allowed_ips":["10.0.0.0/33"]}`:                                    "allowed_ips",
		`{"name":"a","allowed_ips":["example.com"]}`:                                    "allowed_ips",
		`{"name":"a","allowed_providers":["OpenAI"]}`:                                   "allowed_providers",
		`{"name":"a","allowed_api_formats":["claude"]}`:                                 "allowed_api_formats",
		`{"name":"a","rate_limit_per_minute":0}`:                                        "rate_limit_per_minute",
		`{"name":"a","rate_limit_per_minute":1}`:                                        "",
		`{"name":"a","rate_limit_per_minute":10001}`:                                    "rate_limit_per_minute",
		`{"name":"a","rate_limit_per_hour":100000}`:                                     "",
		`{"name":"a","rate_limit_per_hour":100001}`:                                     "rate_limit_per_hour",
		`{"name":"a","rate_limit_per_day":1000001}`:                                     "rate_limit_per_day",
		`{"name":"a","rate_limit_per_minute":"60"}`:                                     "rate_limit_per_minute",
		`{"name":"a","rate_limit_per_minute":1.5}`:                                      "rate_limit_per_minute",
		`{"name":"a","tokens_per_day":-1}`:                                              "tokens_per_day",
		`{"name":"a","tokens_per_day":9000000000000001}`:                                "tokens_per_day",
		`{"name":"a","tokens_per_day":99999999999999999999}`:                            "tokens_per_day",
		`{"name":"a","concurrent_limit":100001}`:                                        "concurrent_limit",
		`{"name":"a","budget_limit_cents":-1}`:                                          "budget_limit_cents",
		`{"name":"a","budget_limit_cents":900000000001}`:                                "budget_limit_cents",
		`{"name":"a","budget_limit_cents":1,"budget_type":"yearly"}`:                    "budget_type",
		`{"name":"a","budget_limit_cents":1,"budget_type":null}`:                        "",
		`{"name":"a","budget_limit_cents":1,"budget_mode":"firm"}`:                      "budget_mode",
		`{"name":"a","budget_type":"monthly"}`:                                          "budget_type",
		`{"name":"a","budget_mode":"soft"}`:                                             "budget_mode",
		`{"name":"a","is_unlimited":true,"budget_limit_cents":1}`:                       "is_unlimited",
		`{"name":"a","is_unlimited":true,"budget_limit_cents":null}`:                    "",
		`{"name":"a","is_unlimited":false}`:                                             "is_unlimited",
		`{"name":"a","is_unlimited":null}`:                                              "is_unlimited",
		`{"name":"a","is_unlimited":false,"budget_limit_cents":"1"}`:                    "budget_limit_cents",
		`{"name":"a","id":"key_1"}`:                                                     "id",
		`{"name":"a","status":"active"}`:                                                "status",
		`{"name":"a","version":1}`:                                                      "version",
		`{"name":"a","hash":"x"}`:                                                       "hash",
		`{"Name":"a"}`:                                                                  "Name name",
		`{"name":"a","preset":"huge"}`:                                                  "preset",
		`{"name":"","description":7,"scopes":["x"],"rate_limit_per_day":0,"unknown":1}`: "description name rate_limit_per_day scopes unknown",
	} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(body))
		if want == "" {
			if err != nil {
				t.Errorf("%.80s: %v", body, err)
			}
			continue
		}
		if got := strings.Join(wrong(err), " "); fault.Of(err).Kind != fault.ValidationFailed || got != want {
			t.Errorf("%.80s: %v names %q, want %q", body, err, got, want)
		}
	}
}

func TestUnknownFieldsNameTheNearest(t *testing.T) {
	h := newHouse(t)
	for field, nearest := range map[string]string{
		"Name": "name", "rate_limit_per_minutes": "rate_limit_per_minute", "allowed_model": "allowed_models",
		"budgetLimitCents": "budget_limit_cents", "zebra": "",
	} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"name":"a","`+field+`":1}`))
		problem := fault.Of(err).Fields[0].Problem
		if nearest == "" && strings.Contains(problem, "mean") || !strings.Contains(problem, nearest) {
			t.Errorf("%s: %q, want %q to be named", field, problem, nearest)
		}
	}
}

func TestBodiesThatAreNoObject(t *testing.T) {
	h := newHouse(t)
	for body, want := range map[string]fault.Kind{
		``: fault.InvalidJSON, `{`: fault.InvalidJSON, `{"name":}`: fault.InvalidJSON, `{"name":"a"} x`: fault.InvalidJSON,
		`{"name":"a"}{}`: fault.InvalidJSON, "{\"name\":\"\xff\"}": fault.InvalidJSON,
		`[]`: fault.ValidationFailed, `null`: fault.ValidationFailed, `"x"`: fault.ValidationFailed,
		`{"name":"a","name":"b"}`:                   fault.DuplicateField,
		`{"name":"a","permissions":{"a":1,"a":2}}`:  fault.DuplicateField,
		`{"name":"a","n\u0061me":"b"}`:              fault.DuplicateField,
		`{"name":"a"` + strings.Repeat(" ", 1<<16):  fault.InvalidJSON,
		strings.Repeat(`{"a":`, 20_000) + `1` + `}`: fault.InvalidJSON,
	} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(body))
		if fault.Of(err).Kind != want {
			t.Errorf("%.40q: %v, want %v", body, fault.Of(err).Kind, want)
		}
	}
}

func TestB4_ListsAreNeverLiftedByMistake(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct{ field, list string }{
		{"scopes", `["models.list"]`},
		{"allowed_models", `["a"]`},
		{"allowed_endpoints", `["/a"]`},
		{"allowed_ips", `["10.0.0.1"]`},
		{"allowed_chatbots", `["b"]`},
		{"allowed_providers", `["openai"]`},
		{"allowed_api_formats", `["gemini"]`},
	} {
		body := func(value string) string { return `{"name":"a","` + test.field + `":` + value + `}` }
		k, _ := h.key(t, body(test.list))
		for _, update := range []func() error{
			func() error { _, err := h.UpdateKey(t.Context(), h.root, k.ID, []byte(body(`[]`)), 0); return err },
			func() error { _, err := h.ReplaceKey(t.Context(), h.root, k.ID, []byte(body(`[]`)), 0); return err },
		} {
			err := update()
			is(t, err, fault.WouldLift)
			same(t, wrong(err), []string{test.field})
		}
		got, err := h.KeyByID(t.Context(), h.root, k.ID)
		must(t, err)
		same(t, got, k)
		lifted := h.patch(t, k.ID, body(`null`))
		unrestricted, _ := h.key(t, `{"name":"a"}`)
		unrestricted.ID, unrestricted.Prefix, unrestricted.Version = lifted.ID, lifted.Prefix, lifted.Version
		unrestricted.Secrets = lifted.Secrets
		same(t, lifted, unrestricted)
		h.patch(t, k.ID, body(`[]`)) // nothing is lifted: it was open before
	}
	k, _ := h.key(t, `{"name":"a","scopes":["models.list"]}`)
	_, err := h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"scopes":[],"name":""}`), 0)
	is(t, err, fault.ValidationFailed) // what is wrong comes first, but all of it is named
	same(t, wrong(err), []string{"name", "scopes"})
}

func TestE5_PatchChangesOnlyWhatItNames(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, everyField)
	h.pass(time.Second)
	got := h.patch(t, k.ID, `{"name":"renamed","permissions":{"write":null,"new":true},"tokens_per_day":null}`)
	k.Name, k.Permissions, k.TokensPerDay = "renamed", map[string]bool{"read": true, "new": true}, nil
	k.Version, k.UpdatedAt = 2, noon.Add(time.Second)
	same(t, got, k)
	if got := h.patch(t, k.ID, `{"permissions":null}`); len(got.Permissions) != 0 {
		t.Errorf("null leaves the permissions %v", got.Permissions)
	}
}

// What a replacement leaves out stays: a program that does not know a field must
// not lift it by saving the key.
func TestPutLiftsNothingByOmission(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, everyField)
	got, err := h.ReplaceKey(t.Context(), h.root, k.ID, []byte(`{"name":"b"}`), 0)
	must(t, err)
	k.Name, k.Version = "b", 2
	same(t, got, k)
	got, err = h.ReplaceKey(t.Context(), h.root, k.ID, []byte(`{}`), 2)
	must(t, err)
	same(t, got, k)
	got, err = h.ReplaceKey(t.Context(), h.root, k.ID, []byte(`{"allowed_models":null}`), 0)
	must(t, err)
	if got.AllowedModels != nil || got.AllowedIPs == nil {
		t.Errorf("after null: models %v, addresses %v", got.AllowedModels, got.AllowedIPs)
	}
}

func TestOwnersAreForLife(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com"}`)
	owned, _ := h.key(t, `{"name":"a","user_id":"`+u.ID+`"}`)
	if owned.Kind != authority.KindUser {
		t.Errorf("a key with an owner has kind %q", owned.Kind)
	}
	h.patch(t, owned.ID, `{"user_id":"`+u.ID+`","kind":"user"}`) // the same again is no change
	for _, body := range []string{`{"user_id":null}`, `{"kind":"chatbot"}`} {
		_, err := h.UpdateKey(t.Context(), h.root, owned.ID, []byte(body), 0)
		is(t, err, fault.ValidationFailed)
	}
	for _, kind := range []string{"service", "standalone"} {
		_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"name":"a","user_id":"`+u.ID+`","kind":"`+kind+`"}`))
		same(t, wrong(err), []string{"kind"})
		k, _ := h.key(t, `{"name":"a","kind":"`+kind+`"}`)
		same(t, k.Kind, authority.Kind(kind))
	}
}

func TestB5_Budgets(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a","budget_limit_cents":500}`)
	if k.BudgetType != authority.BudgetTotal || k.BudgetMode != authority.BudgetHard || k.IsUnlimited() {
		t.Errorf("a budget is %q, %q", k.BudgetType, k.BudgetMode)
	}
	k = h.patch(t, k.ID, `{"budget_type":"monthly","is_unlimited":false}`)
	if k.BudgetType != authority.BudgetMonthly || *k.BudgetLimitCents != 500 {
		t.Errorf("the budget is %+v", k.Limits)
	}
	k = h.patch(t, k.ID, `{"is_unlimited":true}`)
	if !k.IsUnlimited() || k.BudgetType != "" || k.BudgetMode != "" {
		t.Errorf("lifted, the budget is %+v", k.Limits)
	}
	_, err := h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"is_unlimited":false}`), 0)
	same(t, wrong(err), []string{"is_unlimited"})
	k = h.patch(t, k.ID, `{"budget_limit_cents":0,"budget_mode":"soft"}`)
	if k.IsUnlimited() || k.BudgetType != authority.BudgetTotal || k.BudgetMode != authority.BudgetSoft {
		t.Errorf("a budget of nothing is %+v", k.Limits)
	}
	k = h.patch(t, k.ID, `{"budget_limit_cents":null}`)
	if !k.IsUnlimited() || k.BudgetType != "" {
		t.Errorf("lifted by null, the budget is %+v", k.Limits)
	}
}

func TestB7_ExpiryIsAnInstant(t *testing.T) {
	h := newHouse(t)
	const at = `"2026-03-01T13:00:00Z"`
	k, _ := h.key(t, `{"name":"a","expires_at":`+at+`}`)
	for after, want := range map[time.Duration]authority.Status{
		-1: authority.StatusActive, 0: authority.StatusExpired, 1: authority.StatusExpired,
	} {
		same(t, k.StatusAt(k.ExpiresAt.Add(after)), want)
	}
	h.pass(2 * time.Hour)
	h.patch(t, k.ID, `{"name":"b","expires_at":`+at+`}`) // as it is stored
	_, err := h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"expires_at":"2026-03-01T13:30:00Z"}`), 0)
	same(t, wrong(err), []string{"expires_at"})
	k = h.patch(t, k.ID, `{"expires_at":null}`)
	same(t, k.StatusAt(noon.Add(time.Hour*1e4)), authority.StatusActive)
	k.Status = authority.StatusDisabled
	k.ExpiresAt = noon
	same(t, k.StatusAt(noon), authority.StatusDisabled)
}

func TestC9_VersionsStopLostUpdates(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a"}`)
	body := []byte(`{"name":"b"}`)
	for _, expect := range []int64{2, -1} {
		_, err := h.UpdateKey(t.Context(), h.root, k.ID, body, expect)
		is(t, err, fault.PreconditionFailed)
		_, err = h.ReplaceKey(t.Context(), h.root, k.ID, body, expect)
		is(t, err, fault.PreconditionFailed)
		is(t, h.DeleteKey(t.Context(), h.root, k.ID, expect), fault.PreconditionFailed)
	}
	k, err := h.UpdateKey(t.Context(), h.root, k.ID, body, 1)
	must(t, err)
	if k.Version != 2 {
		t.Errorf("version is %d, want 2", k.Version)
	}
	_, err = h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"name":"c"}`), 1)
	is(t, err, fault.PreconditionFailed)
	must(t, h.DeleteKey(t.Context(), h.root, k.ID, 2))
}

func TestB8_RevokedIsForGood(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a"}`)
	k, err := h.DeactivateKey(t.Context(), h.root, k.ID, 0)
	must(t, err)
	same(t, k.Status, authority.StatusDisabled)
	k, err = h.ActivateKey(t.Context(), h.root, k.ID, 0)
	must(t, err)
	same(t, k.Status, authority.StatusActive)
	k, err = h.RevokeKey(t.Context(), h.root, k.ID, nil, 0)
	must(t, err)
	same(t, k.Status, authority.StatusRevoked)
	_, err = h.ActivateKey(t.Context(), h.root, k.ID, 0)
	is(t, err, fault.ValidationFailed)
	k, err = h.DeactivateKey(t.Context(), h.root, k.ID, 0)
	must(t, err)
	same(t, k.Status, authority.StatusRevoked)
	replaced, err := h.ReplaceKey(t.Context(), h.root, k.ID, []byte(`{"name":"b"}`), 0)
	must(t, err)
	same(t, replaced.Status, authority.StatusRevoked)
}

func TestC10_DeletedKeysAreGone(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"name":"a"}`)
	must(t, h.DeleteKey(t.Context(), h.root, k.ID, 0))
	_, err := h.KeyByID(t.Context(), h.root, k.ID)
	is(t, err, fault.NotFound)
	_, err = h.UpdateKey(t.Context(), h.root, k.ID, []byte(`{"name":"b"}`), 0)
	is(t, err, fault.NotFound)
	is(t, h.DeleteKey(t.Context(), h.root, k.ID, 0), fault.NotFound)
	_, total, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{})
	must(t, err)
	if total != 0 {
		t.Errorf("%d keys are listed", total)
	}
}

func TestPages(t *testing.T) {
	h := newHouse(t)
	for range 11 {
		h.key(t, `{"name":"a"}`)
	}
	for _, test := range []struct {
		page, size, want int
	}{{0, 0, 10}, {2, 0, 1}, {1, 100, 11}, {12, 1, 0}} {
		list, total, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{Page: test.page, Size: test.size})
		must(t, err)
		if len(list) != test.want || total != 11 {
			t.Errorf("page %d of %d has %d of %d", test.page, test.size, len(list), total)
		}
	}
	_, _, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{Page: -1, Size: 101})
	same(t, wrong(err), []string{"page", "size"})
}

func TestB9_Presets(t *testing.T) {
	h := newHouse(t)
	k, _ := h.key(t, `{"preset":"default","name":"a"}`)
	same(t, k.Permissions, map[string]bool{"read": true, "write": true, "chat": true, "embeddings": true})
	same(t, k.Scopes, []string{"chat.completions", "embeddings.create", "models.list"})
	same(t, k.Tags, []string{"default"})
	same(t, k.Description, "Default API key with standard permissions")

	_, _, err := h.CreateKey(t.Context(), h.root, []byte(`{"preset":"restricted","name":"a","allowed_models":[]}`))
	same(t, wrong(err), []string{"allowed_endpoints", "allowed_models"})
	k, _ = h.key(t, `{"preset":"restricted","name":"a","allowed_models":["m"],"allowed_endpoints":["/v1/*"],"rate_limit_per_hour":9}`)
	same(t, k.Permissions, map[string]bool{"read": true, "chat": true})
	if *k.RateLimitPerMinute != 30 || *k.RateLimitPerHour != 9 || *k.RateLimitPerDay != 43200 {
		t.Errorf("restricted has the limits %+v", k.Limits)
	}

	_, _, err = h.CreateKey(t.Context(), h.root, []byte(`{"preset":"chatbot","name":"a"}`))
	same(t, wrong(err), []string{"allowed_chatbots"})
	k, _ = h.key(t, `{"name":"a","allowed_chatbots":["bot_1"],"preset":"chatbot"}`)
	same(t, k.Tags, []string{"chatbot", "chatbot-bot_1"})
	same(t, k.AllowedEndpoints, []string{"/api/v1/chatbot/external/bot_1/chat", "/chatbots/bot_1/v1/chat/completions"})
	same(t, k.Scopes, []string{"chatbot.chat"})
	same(t, k.Kind, authority.KindChatbot)

	k, _ = h.key(t, `{"preset":"standalone"}`)
	same(t, k.Name, "API Key 20260301120000")
	same(t, k.Limits, authority.Limits{RateLimitPerMinute: new(int64(100)), ConcurrentLimit: new(int64(5))})
	k, _ = h.key(t, `{"preset":"standalone","rate_limit_per_minute":null,"concurrent_limit":null}`)
	same(t, k.Limits, authority.Limits{})
}

// Whatever a body says, it is refused with a reason or stored as it is answered.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(everyField))
	f.Add([]byte(`{"preset":"restricted","name":"a","allowed_models":["m"],"allowed_endpoints":["/v1/*"]}`))
	f.Add([]byte(`{"name":"a","tags":["\u00e9"],"allowed_ips":["::ffff:10.0.0.0/104"],"is_unlimited":true}`))
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		k, _, err := h.CreateKey(t.Context(), h.root, body)
		if err != nil {
			switch e := fault.Of(err); {
			case e.Kind == fault.ValidationFailed, e.Kind == fault.InvalidJSON, e.Kind == fault.DuplicateField:
			default:
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		stored, err := h.KeyByID(t.Context(), h.root, k.ID)
		must(t, err)
		same(t, stored, k)
	})
}
