package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/money"
)

func (h *house) change(t *testing.T, id, kind, amount string) api.Key {
	t.Helper()
	k, err := h.ChangeBalance(t.Context(), id, api.BalanceChange{Type: kind, AmountUSD: amount, Reason: "test"})
	if err != nil {
		t.Fatalf("%s %s: %v", kind, amount, err)
	}
	return k
}

func balanceOf(k api.Key) string {
	if k.Balance == nil {
		return "none"
	}
	b := k.Balance
	return fmt.Sprint(b.GrantedUSD, " ", b.SpentUSD, " ", b.HeldUSD, " ", b.AvailableUSD)
}

func TestE6_BalanceOverTheAPI(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	made := h.createKey(t, api.KeyInput{})
	id := made.APIKey.ID
	if got := balanceOf(made.APIKey); got != "none" {
		t.Errorf("a new key: %s", got)
	}
	_, err := h.ChangeBalance(ctx, id, api.BalanceChange{Type: "grant", AmountUSD: "1"})
	if refused(err) != "unlimited_balance" {
		t.Errorf("a top-up of an unlimited balance: %v", err)
	}
	h.spend(t, made.SecretKey, llm.Usage{Input: 1}, 3*money.Cent) // before there is a balance
	if got := balanceOf(h.change(t, id, "open", "10")); got != "10.00 0.00 0.00 10.00" {
		t.Errorf("opened: %s", got)
	}
	h.change(t, id, "grant", "2.000000001")
	h.change(t, id, "refund", "0.50")
	h.change(t, id, "adjust", "-0.50")
	if got := balanceOf(h.change(t, id, "deduct", "4")); got != "8.000000001 0.00 0.00 8.000000001" {
		t.Errorf("after a deduction: %s", got)
	}
	h.spend(t, made.SecretKey, llm.Usage{Input: 1}, 8*money.USD)
	k, err := h.Key(ctx, id)
	must(t, err)
	if got := balanceOf(k); got != "8.000000001 8.00 0.00 0.000000001" {
		t.Errorf("after use: %s", got)
	}
	list, err := h.Keys(ctx, client.KeyQuery{})
	must(t, err)
	if balanceOf(list.APIKeys[0]) != balanceOf(k) {
		t.Errorf("in a list: %s", balanceOf(list.APIKeys[0]))
	}
	_, err = h.ChangeBalance(ctx, id, api.BalanceChange{Type: "deduct", AmountUSD: "0.000000002"})
	if refused(err) != "insufficient_balance" || !strings.Contains(err.Error(), "$0.000000001 is available") {
		t.Errorf("more than there is: %v", err)
	}
}

func TestE6_EveryWrongChangeIsRefused(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	h.change(t, id, "open", "1")
	seen := map[string]string{}
	for amount, distinct := range map[string]bool{
		`"0"`: true, `"-1"`: true, `"NaN"`: true, `"Infinity"`: true, `"1.0000000001"`: true, `"1e3"`: true, `"1000000000.01"`: true,
		`12.5`: true, `""`: true, `"-inf"`: false, `"0.00"`: false, `"+1"`: false, `"1,5"`: false, `" 1"`: false, `null`: false, `{}`: false,
		`"99999999999999999999"`: false, `"0x10"`: false, `"nan"`: false,
	} {
		_, p := h.problem(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: `{"type":"grant","amount_usd":` + amount + `}`})
		if p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Field != "amount_usd" {
			t.Errorf("%s: %+v", amount, p)
			continue
		}
		if other, ok := seen[p.Errors[0].Message]; ok && distinct {
			t.Errorf("%s and %s are told alike: %s", amount, other, p.Errors[0].Message)
		}
		if distinct {
			seen[p.Errors[0].Message] = amount
		}
	}
	_, p := h.problem(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: `{"type":"steal","amount_usd":1,"reason":7,"note":"x"}`})
	if len(p.Errors) != 4 {
		t.Errorf("four wrong fields: %+v", p.Errors)
	}
	for body, code := range map[string]string{
		`{}`: "validation_failed", `[]`: "validation_failed", `{`: "invalid_json", `{"type":"grant","type":"deduct"}`: "duplicate_field",
		`{"type":"charge","amount_usd":"1"}`: "validation_failed", `{"type":"open","amount_usd":"1"}`: "validation_failed",
		`{"type":"deduct","amount_usd":"2"}`: "insufficient_balance", `{"type":"adjust","amount_usd":"-2"}`: "insufficient_balance",
	} {
		if got := h.code(t, request{method: "POST", path: "/api/v1/api-keys/" + id + "/balance", body: body}); got != code {
			t.Errorf("%s: %s, want %s", body, got, code)
		}
	}
	if _, err := h.ChangeBalance(t.Context(), "key_none", api.BalanceChange{Type: "grant", AmountUSD: "1"}); refused(err) != "not_found" {
		t.Errorf("no such key: %v", err)
	}
	k, err := h.Key(t.Context(), id)
	must(t, err)
	if got := balanceOf(k); got != "1.00 0.00 0.00 1.00" {
		t.Errorf("after nothing but refusals: %s", got)
	}
}

func TestE6_AChangeSentAgainIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	for _, c := range []struct{ kind, amount, key, want string }{
		{"open", "5", "one", "5.00"},
		{"open", "5", "one", "5.00"},
		{"grant", "1", "two", "6.00"},
		{"grant", "1", "two", "6.00"},
		{"grant", "1", "", "7.00"},
		{"grant", "1", "", "8.00"},
		{"deduct", "8", "three", "0.00"},
		{"deduct", "8", "three", "0.00"},
	} {
		k, err := h.ChangeBalance(t.Context(), id, api.BalanceChange{Type: c.kind, AmountUSD: c.amount}, client.Idempotent(c.key))
		must(t, err)
		if k.Balance.AvailableUSD != c.want {
			t.Errorf("%+v: %s", c, balanceOf(k))
		}
	}
	_, err := h.ChangeBalance(t.Context(), id, api.BalanceChange{Type: "grant", AmountUSD: "2"}, client.Idempotent("two"))
	if refused(err) != "idempotency_conflict" {
		t.Errorf("another amount under the same key: %v", err)
	}
}

func TestE6_Statement(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	made := h.createKey(t, api.KeyInput{})
	id := made.APIKey.ID
	if _, err := h.KeyLedger(ctx, id, client.LedgerQuery{}); refused(err) != "unlimited_balance" {
		t.Errorf("without a balance: %v", err)
	}
	h.change(t, id, "open", "10")
	for range 3 {
		h.spend(t, made.SecretKey, llm.Usage{Input: 1}, money.USD)
	}
	_, err := h.ChangeBalance(ctx, id, api.BalanceChange{Type: "deduct", AmountUSD: "2", Reason: "moved"}, client.Idempotent("once"))
	must(t, err)
	st, err := h.KeyLedger(ctx, id, client.LedgerQuery{})
	must(t, err)
	var lines []string
	for _, l := range st.Ledger {
		available, requests := "-", int64(-1)
		if l.AvailableUSD != nil {
			available = *l.AvailableUSD
		}
		if l.Requests != nil {
			requests = *l.Requests
		}
		lines = append(lines, fmt.Sprint(l.Type, " ", l.AmountUSD, " ", l.BalanceUSD, " ", available, " ", requests))
	}
	want := "charge -3.00 5.00 - 3, deduct -2.00 8.00 5.00 -1, grant 10.00 10.00 10.00 -1"
	if got := strings.Join(lines, ", "); got != want || st.OpeningUSD != "0.00" || st.ClosingUSD != "5.00" || st.Total != 3 {
		t.Errorf("%s from %s to %s\nwant %s", got, st.OpeningUSD, st.ClosingUSD, want)
	}
	if l := st.Ledger[1]; *l.IdempotencyKey != "once" || l.Reason != "moved" || l.Actor == nil || !strings.HasPrefix(l.ID, "bal_") || time.Since(l.At) > time.Minute {
		t.Errorf("%+v", l)
	}
	page, err := h.KeyLedger(ctx, id, client.LedgerQuery{PageQuery: client.PageQuery{Page: 2, Size: 2}})
	must(t, err)
	if len(page.Ledger) != 1 || page.Ledger[0].Type != "grant" || page.Total != 3 {
		t.Errorf("page 2: %+v", page)
	}
	later, err := h.KeyLedger(ctx, id, client.LedgerQuery{From: time.Now().Add(time.Hour)})
	must(t, err)
	if len(later.Ledger) != 0 || later.OpeningUSD != "5.00" || later.ClosingUSD != "5.00" {
		t.Errorf("nothing happened later: %+v", later)
	}
}

func TestE11_BalanceExhausted(t *testing.T) {
	h := newHouse(t)
	made := h.createKey(t, api.KeyInput{})
	h.spend(t, made.SecretKey, llm.Usage{Input: 1}, money.USD)
	h.change(t, made.APIKey.ID, "open", "1")
	reserve := func() error {
		grant, err := h.authority.Authenticate(t.Context(), made.SecretKey)
		must(t, err)
		_, err = h.ledger.Reserve(t.Context(), &ledger.Request{Chain: grant.Chain(), InputCost: money.USD + 1, Entry: ledger.Entry{KeyID: grant.KeyID()}})
		return err
	}
	if err := reserve(); fault.Of(err).Kind != fault.BalanceExhausted || api.Status("balance_exhausted") != http.StatusPaymentRequired {
		t.Errorf("%v", err)
	}
	got, err := h.Explain(t.Context(), api.ExplainRequest{KeyID: made.APIKey.ID, Model: "gpt-4o-mini"})
	must(t, err)
	var said bool
	for _, step := range got.Steps {
		if step.Rule == "balance" && *step.Limit.Max.USD == "1.00" && *step.Limit.Used.USD == "0.00" {
			said = true
		}
	}
	if !said {
		t.Errorf("explain says nothing of the balance: %+v", got.Steps)
	}
	h.change(t, made.APIKey.ID, "grant", "0.000000001")
	must(t, reserve())
}

// as is a client that acts for a user, with a management key that would allow
// everything.
func (h *house) as(t *testing.T, user api.User) *client.Client {
	t.Helper()
	root, err := h.authority.AuthenticateManagement(t.Context(), rootKey)
	must(t, err)
	_, token, err := h.authority.CreateManagementKey(t.Context(), root, []byte(`{"name":"test","permissions":["*"],"user_id":"`+user.ID+`"}`))
	must(t, err)
	return client.New(h.url, token.Reveal())
}

func TestC7_OwnersTakeMoneyOutAndNeverPutItIn(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("ada@example.com")})
	must(t, err)
	eve, err := h.CreateUser(ctx, api.UserInput{Email: api.Set("eve@example.com")})
	must(t, err)
	made := h.createKey(t, api.KeyInput{UserID: api.Set(ada.ID)})
	id := made.APIKey.ID
	owner, stranger := h.as(t, ada), h.as(t, eve)
	if _, err := owner.ChangeBalance(ctx, id, api.BalanceChange{Type: "open", AmountUSD: "1000"}); refused(err) != "escalation_denied" {
		t.Errorf("open: %v", err)
	}
	h.change(t, id, "open", "5")
	for _, c := range []api.BalanceChange{{Type: "grant", AmountUSD: "1"}, {Type: "refund", AmountUSD: "1"}, {Type: "adjust", AmountUSD: "1"}} {
		if _, err := owner.ChangeBalance(ctx, id, c); refused(err) != "escalation_denied" {
			t.Errorf("%s: %v", c.Type, err)
		}
	}
	k, err := owner.ChangeBalance(ctx, id, api.BalanceChange{Type: "deduct", AmountUSD: "2"})
	must(t, err)
	if got := balanceOf(k); got != "3.00 0.00 0.00 3.00" {
		t.Errorf("%s", got)
	}
	h.spend(t, made.SecretKey, llm.Usage{Input: 7}, money.Cent)
	if st, err := owner.KeyLedger(ctx, id, client.LedgerQuery{}); err != nil || st.ClosingUSD != "2.99" {
		t.Errorf("the owner's statement: %+v, %v", st, err)
	}
	if list, err := owner.Usage(ctx, client.UsageQuery{GroupBy: []string{"model"}}); err != nil || list.Totals.Tokens != 7 {
		t.Errorf("the owner's usage: %+v, %v", list, err)
	}
	if list, err := stranger.Usage(ctx, client.UsageQuery{KeyID: id}); err != nil || list.Total != 0 {
		t.Errorf("a stranger sees %+v, %v", list, err)
	}
	if _, err := stranger.Usage(ctx, client.UsageQuery{UserID: ada.ID}); refused(err) != "permission_denied" {
		t.Errorf("a stranger asks for another's usage: %v", err)
	}
	for name, err := range map[string]error{
		"balance": second(stranger.ChangeBalance(ctx, id, api.BalanceChange{Type: "deduct", AmountUSD: "1"})),
		"ledger":  second(stranger.KeyLedger(ctx, id, client.LedgerQuery{})),
		"stats":   second(stranger.KeyStats(ctx, id, time.Time{}, time.Time{})),
	} {
		if refused(err) != "not_found" {
			t.Errorf("a stranger's %s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestC8_ChangesOfABalanceAreAudited(t *testing.T) {
	h := newHouse(t)
	id := h.createKey(t, api.KeyInput{}).APIKey.ID
	h.change(t, id, "open", "5")
	h.change(t, id, "deduct", "2")
	if _, err := h.ChangeBalance(t.Context(), id, api.BalanceChange{Type: "deduct", AmountUSD: "4"}); err == nil {
		t.Error("more than there was")
	}
	root, err := h.authority.AuthenticateManagement(t.Context(), rootKey)
	must(t, err)
	events, err := h.authority.ListEvents(t.Context(), root, authority.EventFilter{ResourceID: id, Size: 100})
	must(t, err)
	var got []string
	for _, e := range events {
		if e.Action == "api_key.balance.deduct" && e.Code == "" && !strings.Contains(e.Changes, `"2.00"`) {
			t.Errorf("the amount is not told: %+v", e)
		}
		if strings.HasPrefix(e.Action, "api_key.balance.") {
			got = append(got, e.Action[len("api_key.balance."):]+" "+e.Outcome+" "+e.Code)
		}
	}
	if want := "deduct refused insufficient_balance, deduct done , open done "; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", strings.Join(got, ", "), want)
	}
}

func TestE6_AKeyIsMadeWithItsBalance(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	made := h.createKey(t, api.KeyInput{Preset: api.Set("standalone"), InitialBalanceUSD: api.Set("0.000000010")})
	if got := balanceOf(made.APIKey); got != "0.00000001 0.00 0.00 0.00000001" {
		t.Errorf("in the answer: %s", got)
	}
	grant, err := h.authority.Authenticate(ctx, made.SecretKey)
	must(t, err)
	ask := func(cost money.NanoUSD) error {
		_, err := h.ledger.Reserve(ctx, &ledger.Request{Chain: grant.Chain(), InputCost: cost, Entry: ledger.Entry{KeyID: grant.KeyID()}})
		return err
	}
	if err := ask(11); fault.Of(err).Kind != fault.BalanceExhausted {
		t.Errorf("more than there is: %v", err)
	}
	must(t, ask(10))
	st, err := h.KeyLedger(ctx, made.APIKey.ID, client.LedgerQuery{})
	must(t, err)
	if len(st.Ledger) != 1 || st.Ledger[0].Type != "grant" || st.Ledger[0].AmountUSD != "0.00000001" || st.Ledger[0].Reason != "initial balance" {
		t.Errorf("%+v", st)
	}
	if k := h.createKey(t, api.KeyInput{InitialBalanceUSD: api.Null[string]()}); k.APIKey.Balance != nil {
		t.Errorf("null: %+v", k.APIKey.Balance)
	}
	if k := h.createKey(t, api.KeyInput{InitialBalanceUSD: api.Set("0")}); balanceOf(k.APIKey) != "0.00 0.00 0.00 0.00" {
		t.Errorf("nothing at all: %s", balanceOf(k.APIKey))
	}
	for _, wrong := range []string{`"-1"`, `"NaN"`, `1`, `""`, `"1.0000000001"`, `"1000000000.01"`, `{}`} {
		_, p := h.problem(t, request{method: "POST", path: "/api/v1/api-keys", body: `{"name":"x","initial_balance_usd":` + wrong + `}`})
		if p.Code != "validation_failed" || len(p.Errors) != 1 || p.Errors[0].Field != "initial_balance_usd" {
			t.Errorf("%s: %+v", wrong, p)
		}
	}
	_, err = h.UpdateKey(ctx, made.APIKey.ID, api.KeyInput{InitialBalanceUSD: api.Set("5")})
	if refused(err) != "validation_failed" {
		t.Errorf("later: %v", err)
	}
	// What a patch of the key writes leaves the balance alone.
	h.change(t, made.APIKey.ID, "grant", "1")
	k, err := h.UpdateKey(ctx, made.APIKey.ID, api.KeyInput{Name: api.Set("new")})
	must(t, err)
	if got := balanceOf(k); got != "1.00000001 0.00 0.00000001 1.00" {
		t.Errorf("after a patch: %s", got)
	}
}
